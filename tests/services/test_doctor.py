"""What doctor concludes from what it sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mdm_bridge.delivery.i18n import translate, using_language
from mdm_bridge.errors import ServerUnreachable, SettingProblem, SettingsError, StorageError
from mdm_bridge.messages import Message
from mdm_bridge.ports.health import DatabaseHealth
from mdm_bridge.ports.inventory import Probe
from mdm_bridge.services.doctor import examine
from mdm_bridge.services.patient import Finding, Installation, Patient, ServerSeen
from tests.support.clock import NOW, FakeClock

HINT = Message("do_this", "Do this.")
HEALTHY = Installation(languages={"en": True, "fr": True})
ANSWERS = Probe(
    ok=True,
    message=Message("server_answers", "It answers."),
    details=(Message("groups", "Groups: 5."),),
    proxy="http://proxy:3128",
)


def patient(**changes: Any) -> Patient:
    """Return an installation in which all is well, but for ``changes``."""
    well = Patient(
        settings_file="/srv/mdm-bridge.toml",
        secrets=[("servers.north.api_key", None)],
        folders=[("paths.profiles", "/srv/profiles", True)],
        organisation=dict.fromkeys(
            ["name", "service", "address", "phone", "email", "signatory_title", "dpd_contact"], "x"
        ),
        retention={"history": "3y"},
        pools={"north": ["training", "ash"]},
        servers={"north": "jamf-school"},
        database_at="/srv/mdm-bridge.db",
        database=lambda: DatabaseHealth("SQLite 3.45", "current", True, True, 10**10),
        last_complete=lambda: {"north": NOW - timedelta(hours=1)},
        ask=lambda name: ServerSeen(ANSWERS, 0.25, NOW + timedelta(seconds=4)),
    )
    return replace(well, **changes)


def findings(who: Any, installation: Installation = HEALTHY) -> list[Finding]:
    return list(examine(who, installation, FakeClock()))


def not_ok(who: Any, installation: Installation = HEALTHY) -> dict[str, str]:
    found = [finding for finding in findings(who, installation) if finding.severity != "ok"]
    assert all(finding.hint is not None for finding in found)
    return {finding.code: finding.severity for finding in found}


def test_all_well_is_all_ok() -> None:
    assert not_ok(patient()) == {}


def test_broken_settings_are_findings_and_the_rest_is_still_checked() -> None:
    problems = [
        SettingProblem("/srv/x.toml", "output.format", Message("bad", "Bad."), HINT),
        SettingProblem(None, "MDM_BRIDGE_X", Message("unknown_setting", "Unknown."), HINT),
    ]
    found = findings(problems)
    assert [finding.code for finding in found] == [
        "bad",
        "unknown_setting",
        "zones_readable",
        "languages_there",
    ]
    assert str(found[0].detail) == "/srv/x.toml · output.format: Bad."
    assert found[0].hint is HINT


def _raise(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"settings_file": None}, {"no_settings_file": "warning"}),
        ({"password_in_file": True}, {"password_in_settings": "warning"}),
        (
            {"secrets": [("k", SettingProblem("f", "k", Message("key_file_open", "Open."), HINT))]},
            {"key_file_open": "error"},
        ),
        ({"folders": [("paths.profiles", "/x", False)]}, {"path_missing": "warning"}),
        ({"folders": [("network.ca_bundle", "/x", False)]}, {"path_missing": "error"}),
        ({"organisation": {"name": "x"}}, {"organisation_incomplete": "warning"}),
        ({"retention": {"audit": None}}, {}),
        ({"servers": {}}, {"no_server": "warning"}),
        ({"pools": {"north": ["ash"]}}, {"pool_without_rule": "warning"}),
        ({"last_complete": dict}, {"never_synchronised": "warning"}),
        ({"last_complete": lambda: {"north": NOW - timedelta(days=8)}}, {"data_stale": "warning"}),
        (
            {"database": lambda: _raise(StorageError(Message("database_locked", "Busy."), hint=HINT))},
            {"database_locked": "error"},
        ),
        (
            {"database": lambda: DatabaseHealth("SQLite 3", "empty", True)},
            {"database_empty": "warning"},
        ),
        (
            {"database": lambda: DatabaseHealth("PostgreSQL 17", "behind", False)},
            {"database_old": "error"},
        ),
        (
            {"database": lambda: DatabaseHealth("SQLite 3", "current", True, False, 10**8)},
            {"no_write_ahead_log": "warning", "disk_low": "warning"},
        ),
        (
            {"database": lambda: DatabaseHealth("SQLite 3", "current", True, True, 10**6)},
            {"disk_low": "error"},
        ),
        (
            {"ask": lambda name: ServerSeen(replace(ANSWERS, ok=False, hint=HINT), 2)},
            {"server_answers": "error"},
        ),
        (
            {"ask": lambda name: ServerSeen(ANSWERS, 0.1, NOW - timedelta(minutes=6))},
            {"clock_differs": "warning"},
        ),
        (
            {"ask": lambda name: _raise(SettingsError(Message("no_secret", "No key."), hint=HINT))},
            {"server_not_asked": "error"},
        ),
    ],
)
def test_each_trouble_alone(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert not_ok(patient(**changes)) == expected


def test_a_period_that_was_set_is_told_not_to_be_applied() -> None:
    told = {finding.code: finding.detail for finding in findings(patient(retention={"audit": "12m"}))}
    with using_language("en"):
        assert translate(told["retention_not_applied"]).startswith("Noted, and not applied yet: audit")
    assert "retention_not_applied" not in {f.code for f in findings(patient(retention={"audit": None}))}


def test_what_documents_lack_is_named_by_its_label() -> None:
    found = {f.code: f.detail for f in findings(patient(organisation={"name": "x"}))}
    assert "dpd_contact" not in translate(found["organisation_incomplete"])
    with using_language("en"):
        assert "Postal address" in translate(found["organisation_incomplete"])


@pytest.mark.parametrize(
    ("kind", "end"), [("file", "sync north --from-file EXPORT.csv"), ("x", "sync north")]
)
def test_data_read_from_files_is_renewed_from_a_file(kind: str, end: str) -> None:
    found = {f.code: f.hint for f in findings(patient(servers={"north": kind}, last_complete=dict))}
    assert str(found["never_synchronised"]).endswith(end)


def test_the_answer_says_how_long_and_which_way() -> None:
    found = {finding.code: str(finding.detail) for finding in findings(patient())}
    assert found["server_answers"] == "It answers. Groups: 5. 0.25 s, through http://proxy:3128."
    direct = patient(ask=lambda name: ServerSeen(replace(ANSWERS, proxy=None), 0.25))
    assert "without a proxy" in str({f.code: f.detail for f in findings(direct)}["server_answers"])


def test_a_server_read_from_files_is_not_asked() -> None:
    who = patient(servers={"north": "file"}, ask=lambda name: _raise(AssertionError(name)))
    assert not_ok(who) == {}


def test_an_unusable_database_is_not_asked_for_the_age_of_its_data() -> None:
    who = patient(
        database=lambda: DatabaseHealth("SQLite 3", "empty", True),
        last_complete=lambda: _raise(AssertionError("asked")),
    )
    assert "database_empty" in not_ok(who)


def test_what_needs_no_settings() -> None:
    broken = Installation(languages={"en": True, "fr": False}, zone_error="no data")
    assert not_ok(patient(), broken) == {"zones_missing": "error", "language_missing": "warning"}
    assert "no data" not in " ".join(str(finding.detail) for finding in findings(patient(), broken))


def test_a_server_that_is_down_hides_nothing_else() -> None:
    down = ServerUnreachable(Message("server_unreachable", "Down."), hint=HINT)
    probe = Probe(ok=False, message=down.message, hint=down.hint)
    found = findings(
        patient(
            ask=lambda name: ServerSeen(probe, 1.0),
            last_complete=lambda: {"north": datetime(2026, 11, 24, tzinfo=UTC)},
        )
    )
    assert [f.severity for f in found if f.code == "server_unreachable"] == ["error"]
    assert found[-1].code == "data_fresh"
