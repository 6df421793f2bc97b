"""Which state leads where, and why a reason is needed."""

from __future__ import annotations

import pytest

from mdm_bridge.domain.lifecycle import REASON_MAX, STATES, TRANSITIONS, check_transition
from mdm_bridge.errors import InputError, TransitionRefused


@pytest.mark.parametrize("old", STATES)
@pytest.mark.parametrize("new", STATES)
def test_the_table_is_what_is_allowed(old: str, new: str) -> None:
    if new == old:
        assert check_transition("S1", old, new, "") is False
    elif new in TRANSITIONS[old]:
        assert check_transition("S1", old, new, "found again") is True
    else:
        with pytest.raises(TransitionRefused) as error:
            check_transition("S1", old, new, "found again")
        for possible in TRANSITIONS[old]:
            assert possible in str(error.value.hint)


def test_a_written_off_device_comes_back_only_into_service() -> None:
    assert TRANSITIONS["retired"] == ("in_service",)


def test_what_is_lost_can_be_found() -> None:
    assert "in_service" in TRANSITIONS["lost"]
    assert "in_service" in TRANSITIONS["stolen"]


@pytest.mark.parametrize("reason", ["", "  ", "x" * (REASON_MAX + 1), "two\nlines"])
def test_a_reason_is_one_line(reason: str) -> None:
    with pytest.raises(InputError):
        check_transition("S1", "in_service", "lost", reason)


def test_an_unknown_state_names_the_nearest() -> None:
    with pytest.raises(InputError) as error:
        check_transition("S1", "in_service", "repare", "broken")
    assert "repair" in str(error.value.hint)
