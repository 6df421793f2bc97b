"""What people own of devices: written with its history and one audit entry, or not at all."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.equipment import DeviceFacts, FactsLine
from mdm_bridge.domain.ownership import FieldSet
from mdm_bridge.errors import InputError, TransitionRefused, UnknownObject
from mdm_bridge.services.device_import import import_facts
from mdm_bridge.services.devices import add_device, set_facts, set_pool, set_state
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")


def add(store, serial: str, **facts: Any):
    return add_device(store, "ctdn", DeviceFacts(serial, **facts), zone=PARIS)


def facts_of(store, serial: str) -> dict[str, Any]:
    return next(row for row in rows_of(store, "device") if row["serial"] == serial)


def audit_of(store) -> list[tuple[str, str | None, dict[str, Any]]]:
    with store.reading() as unit:
        return [(e.verb, e.object_id, json.loads(e.body or "{}")["detail"]) for e in unit.audit.entries()]


@pytest.fixture
def two(store):
    """Two devices, and only them in every table."""
    add(store, "ABCD1111")
    add(store, "ABCD2222")
    return store


class TestState:
    def test_written_with_its_history_and_author(self, two, clock) -> None:
        clock.advance(days=1)
        change = set_state(two, "ctdn", "1111", "repair", " screen broken ")
        assert (change.serial, change.changes) == (
            "ABCD1111",
            (FieldSet("state", "in_service", "repair"),),
        )
        row = facts_of(two, "ABCD1111")
        assert row["state"] == "repair"
        history = rows_of(two, "state_change")[-1]
        assert (history["field"], history["old"], history["new"]) == ("state", "in_service", "repair")
        assert (history["reason"], history["actor"]) == ("screen broken", "ctdn")
        verb, serial, detail = audit_of(two)[-1]
        assert (verb, serial, detail["reason"]) == ("set_state", "ABCD1111", "screen broken")

    def test_the_same_state_writes_nothing(self, two) -> None:
        before = contents(two, without=frozenset())
        assert set_state(two, "ctdn", "1111", "in_service", "again").changes == ()
        assert contents(two, without=frozenset()) == before

    def test_a_refused_change_writes_nothing(self, two) -> None:
        set_state(two, "ctdn", "1111", "retired", "too old")
        before = contents(two, without=frozenset())
        with pytest.raises(TransitionRefused):
            set_state(two, "ctdn", "1111", "repair", "broken")
        with pytest.raises(InputError):
            set_state(two, "ctdn", "1111", "in_service", " ")
        assert contents(two, without=frozenset()) == before

    def test_a_short_serial_must_be_unique(self, two) -> None:
        add(two, "EFGH1111")
        with pytest.raises(InputError) as error:
            set_state(two, "ctdn", "1111", "lost", "not found")
        assert "ABCD1111" in str(error.value)
        assert "EFGH1111" in str(error.value)
        for unknown in ("9999", "111", "", "ZZZZ9999"):
            with pytest.raises(UnknownObject):
                set_state(two, "ctdn", unknown, "lost", "not found")


class TestFacts:
    def test_set_erase_and_leave(self, two, now) -> None:
        facts = {
            "inventory_no": " 07-0042 ",
            "purchased_on": date(2026, 9, 1),
            "kit": "Case 1",
            "place": "Store",
        }
        assert len(set_facts(two, "ctdn", "1111", facts).changes) == 4
        row = facts_of(two, "ABCD1111")
        assert (row["inventory_no"], row["place"]) == ("07-0042", "Store")
        assert row["place_since"] is not None
        set_facts(two, "ctdn", "1111", {"place": None, "kit": None})
        row = facts_of(two, "ABCD1111")
        assert (row["place"], row["place_since"], row["kit_id"]) == (None, None, None)
        assert row["inventory_no"] == "07-0042"

    def test_what_is_so_already_is_not_written(self, two, clock) -> None:
        facts = {"place": "Store", "kit": "Case 1"}
        set_facts(two, "ctdn", "1111", facts)
        before = contents(two, without=frozenset())
        clock.advance(days=3)
        assert set_facts(two, "ctdn", "1111", facts).changes == ()
        assert contents(two, without=frozenset()) == before

    def test_a_case_is_made_once(self, two) -> None:
        set_facts(two, "ctdn", "1111", {"kit": "Case 1"})
        set_facts(two, "ctdn", "2222", {"kit": "CASE 1"})
        assert [row["name"] for row in rows_of(two, "kit")] == ["Case 1"]

    def test_one_number_one_device(self, two) -> None:
        set_facts(two, "ctdn", "1111", {"inventory_no": "1"})
        before = contents(two, without=frozenset())
        with pytest.raises(InputError) as error:
            set_facts(two, "ctdn", "2222", {"inventory_no": "1", "place": "Store"})
        assert error.value.code == "inventory_no_taken"
        assert contents(two, without=frozenset()) == before

    @pytest.mark.parametrize(
        "facts",
        [
            {"place": "x" * 121},
            {"place": "a\x1b[2J"},
            {"purchased_on": date(1915, 1, 1)},
            {"purchased_on": date(2026, 9, 1), "warranty_until": date(2026, 8, 31)},
        ],
    )
    def test_what_makes_no_sense_is_refused(self, two, facts) -> None:
        before = contents(two, without=frozenset())
        with pytest.raises(InputError):
            set_facts(two, "ctdn", "1111", facts)
        assert contents(two, without=frozenset()) == before


class TestAdd:
    def test_with_all_its_facts(self, store) -> None:
        facts = {"model": "Scanner", "kit": "Case 1", "pool": "training", "warranty_until": date(2028, 1, 1)}
        change = add(store, "Scan-01", **facts)
        assert change.serial == "SCAN-01"
        row = facts_of(store, "SCAN-01")
        assert (row["own_model"], row["pool_override"], bool(row["added_by_hand"])) == (
            "Scanner",
            "training",
            True,
        )
        assert [verb for verb, _, _ in audit_of(store)] == ["add_device"]

    def test_twice_is_refused(self, two) -> None:
        before = contents(two, without=frozenset())
        with pytest.raises(InputError) as error:
            add(two, "abcd1111")
        assert error.value.code == "device_exists"
        with pytest.raises(InputError):
            add(two, "not a serial")
        assert contents(two, without=frozenset()) == before


def lines(*facts: DeviceFacts) -> list[FactsLine]:
    return [FactsLine(number, fact) for number, fact in enumerate(facts, start=2)]


class TestImport:
    def run(self, store, given, **options):
        """Look, apply, and make sure that the one said what the other did."""
        before = contents(store, without=frozenset())
        preview = import_facts(store, "ctdn", given, zone=PARIS, dry_run=True, **options)
        assert contents(store, without=frozenset()) == before
        report = import_facts(store, "ctdn", given, zone=PARIS, **options)
        assert report == preview
        return report

    def test_good_lines_are_applied_bad_ones_told(self, two) -> None:
        report = self.run(
            two,
            lines(
                DeviceFacts("ABCD1111", inventory_no="1", kit="Case 1", pool="training"),
                DeviceFacts("ZZZZ9999", inventory_no="2"),
                DeviceFacts("ABCD2222", place="x" * 200),
                DeviceFacts("ABCD1111", place="Store"),
                DeviceFacts("ABCD2222", pool="nonsense"),
            ),
        )
        assert [(line.line, line.outcome) for line in report.lines] == [
            (2, "changed"), (3, "refused"), (4, "refused"), (5, "refused"), (6, "refused"),
        ]  # fmt: skip
        codes = [line.problem.code for line in report.lines if line.problem]
        assert codes == ["unknown_serial", "fact_too_long", "serial_repeated", "serial_repeated"]
        assert facts_of(two, "ABCD1111")["pool_override"] == "training"
        assert len(audit_of(two)) == 3  # two devices added, one import
        assert audit_of(two)[-1][2]["changed"] == 1

    def test_a_second_time_writes_nothing(self, two) -> None:
        given = lines(DeviceFacts("ABCD1111", inventory_no="1", kit="Case 1", place="Store", pool="none"))
        self.run(two, given)
        before = contents(two, without=frozenset())
        assert self.run(two, given).lines[0].outcome == "unchanged"
        assert contents(two, without=frozenset()) == before

    def test_missing_devices_are_added_when_asked(self, two) -> None:
        report = self.run(
            two, lines(DeviceFacts("NEW-1", model="Laptop", inventory_no="7")), add_missing=True
        )
        assert report.lines[0].outcome == "new"
        assert facts_of(two, "NEW-1")["own_model"] == "Laptop"

    def test_two_devices_exchange_their_numbers(self, two) -> None:
        self.run(
            two, lines(DeviceFacts("ABCD1111", inventory_no="1"), DeviceFacts("ABCD2222", inventory_no="2"))
        )
        self.run(
            two, lines(DeviceFacts("ABCD1111", inventory_no="2"), DeviceFacts("ABCD2222", inventory_no="1"))
        )
        assert facts_of(two, "ABCD1111")["inventory_no"] == "2"

    def test_a_number_claimed_twice_goes_to_the_first(self, two) -> None:
        add(two, "ABCD3333", inventory_no="9")
        report = self.run(
            two,
            lines(
                DeviceFacts("ABCD1111", inventory_no="5"),
                DeviceFacts("ABCD2222", inventory_no="5"),
                DeviceFacts("ABCD3333", inventory_no="5"),
            ),
        )
        assert [line.outcome for line in report.lines] == ["changed", "refused", "refused"]
        assert facts_of(two, "ABCD3333")["inventory_no"] == "9"

    def test_a_refused_line_keeps_its_number_in_use(self, two) -> None:
        self.run(
            two, lines(DeviceFacts("ABCD1111", inventory_no="1"), DeviceFacts("ABCD2222", inventory_no="2"))
        )
        add(two, "ABCD3333", inventory_no="3")
        # 2 would be free if ABCD2222 took 3, which is not free.
        report = self.run(
            two, lines(DeviceFacts("ABCD1111", inventory_no="2"), DeviceFacts("ABCD2222", inventory_no="3"))
        )
        assert [line.outcome for line in report.lines] == ["refused", "refused"]


class TestPool:
    def test_override_and_back(self, two) -> None:
        assert set_pool(two, "ctdn", "1111", "training", zone=PARIS).changes == (
            FieldSet("pool_override", None, "training"),
        )
        assert set_pool(two, "ctdn", "1111", "training", zone=PARIS).changes == ()
        set_pool(two, "ctdn", "1111", "auto", zone=PARIS)
        assert facts_of(two, "ABCD1111")["pool_override"] is None
        assert [verb for verb, _, _ in audit_of(two)][2:] == ["set_pool", "set_pool"]

    def test_an_unknown_pool_names_the_nearest(self, two) -> None:
        with pytest.raises(InputError) as error:
            set_pool(two, "ctdn", "1111", "trainings", zone=PARIS)
        assert "training" in str(error.value.hint)


class TestCases:
    def test_capitals_with_accents_do_not_make_another_case(self, two) -> None:
        set_facts(two, "ctdn", "1111", {"kit": "École 1"})
        set_facts(two, "ctdn", "2222", {"kit": "école 1"})
        assert [row["name"] for row in rows_of(two, "kit")] == ["École 1"]
        assert {facts_of(two, serial)["kit_id"] for serial in ("ABCD1111", "ABCD2222")} == {1}

    def test_the_same_case_again_changes_nothing(self, two) -> None:
        set_facts(two, "ctdn", "1111", {"kit": "École 1"})
        assert set_facts(two, "ctdn", "1111", {"kit": "ÉCOLE 1"}).changes == ()


def test_a_new_device_of_a_list_whose_warranty_ends_before_the_purchase(store) -> None:
    line = FactsLine(
        2, DeviceFacts("ABCD1111", purchased_on=date(2026, 1, 2), warranty_until=date(2026, 1, 1))
    )
    report = import_facts(store, "ctdn", [line], zone=PARIS, add_missing=True)
    (refused,) = report.lines
    assert (refused.outcome, refused.problem.code) == ("refused", "warranty_before_purchase")
    assert rows_of(store, "device") == []


@pytest.mark.parametrize("reason", ["x" * 201, "two\nlines", "bell\x07"])
def test_a_reason_for_a_pool_is_one_line(two, reason: str) -> None:
    before = contents(two, without=frozenset())
    with pytest.raises(InputError) as refused:
        set_pool(two, "ctdn", "1111", "ash", zone=PARIS, reason=reason)
    assert refused.value.code == "reason_too_long"
    assert contents(two, without=frozenset()) == before


def test_a_blank_reason_for_a_pool_is_none(two) -> None:
    set_pool(two, "ctdn", "1111", "ash", zone=PARIS, reason="  ")
    assert rows_of(two, "state_change")[-1]["reason"] is None
