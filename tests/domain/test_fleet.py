"""Questions asked of the fleet."""

from __future__ import annotations

from typing import Any

import pytest

from mdm_bridge.domain.fleet import pool_rules_for


def device(pool: str | None, tag: str | None, server: str | None = "school") -> dict[str, Any]:
    return {"pool": pool, "asset_tag": tag, "server": server}


@pytest.mark.parametrize(
    ("fleet", "rules"),
    [
        ([device(None, "PN-024"), device("ash", "PN-001")], []),
        ([device(None, "CI-024"), device("ash", "PN-001")], [("school", "CI-")]),
        ([device(None, "PN-024"), device("ash", "PN-001", "other")], [("school", "PN-")]),
        ([device(None, None), device(None, "ABC"), device(None, "42")], []),
        (
            [device(None, "CI-1"), device(None, "CI-2"), device(None, "CI-3", "other")],
            [("other", "CI-"), ("school", "CI-")],
        ),
    ],
)
def test_a_rule_is_proposed_only_if_it_moves_nobody(
    fleet: list[dict[str, Any]], rules: list[tuple[str, str]]
) -> None:
    assert pool_rules_for(fleet) == rules
