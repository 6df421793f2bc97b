"""Two servers that list the same devices are merged at the same moment."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from mdm_bridge.services.devices import set_pool
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.services.sync_all import side_by_side
from mdm_bridge.storage.store import Store
from tests.services.test_sync import POLICY
from tests.support.clock import FakeClock
from tests.support.listing import CONTACT, FakeSource, device
from tests.support.tables import contents, rows_of


class Meeting:
    """Holds whoever has merged first, just before its commit, until the other one is as far or waits."""

    def __init__(self, store: Store) -> None:
        self._merged = threading.Event()
        self._first: int | None = None
        self._lock = threading.Lock()
        event.listen(store.engine, "before_cursor_execute", self._watch)

    @property
    def took_place(self) -> bool:
        """Whether a merge has been held."""
        return self._first is not None

    def _watch(self, connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        """The rules are remembered as the last step of every merge."""
        if not statement.lstrip().startswith("UPDATE server SET rules_digest"):
            return
        with self._lock:
            first = self._first is None
            self._first = self._first or threading.get_ident()
        if first:
            self._merged.wait(1.0)
        else:
            self._merged.set()


@pytest.fixture
def meeting(store: Store) -> Meeting:
    return Meeting(store)


def together(store: Store, clock: FakeClock, *sources: FakeSource) -> list[RunReport]:
    def job(source: FakeSource) -> Any:
        return lambda stopping: synchronise(
            store, source, POLICY, clock, SyncOptions(actor="ctdn", stopping=stopping)
        )

    return side_by_side([job(source) for source in sources])


def fleet(prefix: str, hours: int, order: int, **fields: Any) -> list[dict[str, Any]]:
    contact = CONTACT + timedelta(hours=hours)
    return [
        device(number, remote_id=f"{prefix}-{number}", contact_at=contact, **fields)
        for number in range(1, 40)[::order]
    ]


def test_devices_seen_for_the_first_time_by_both(store: Store, clock: FakeClock, meeting: Meeting) -> None:
    east = FakeSource(fleet("E", -48, 1, os_version="18.5"), "east")
    west = FakeSource(fleet("W", 0, -1, os_version="18.6"), "west")
    reports = together(store, clock, east, west)
    assert meeting.took_place
    assert [report.status for report in reports] == ["complete", "complete"]
    assert sorted(report.devices.new for report in reports) == [0, 39]
    assert len(rows_of(store, "device")) == 39
    assert {row["os_version"] for row in rows_of(store, "device_now")} == {"18.6"}, (
        "the latest contact speaks"
    )


def test_devices_that_change_on_both(store: Store, clock: FakeClock) -> None:
    east = FakeSource(fleet("E", 0, 1), "east")
    west = FakeSource(fleet("W", -30, -1), "west")
    assert [report.status for report in together(store, clock, east, west)] == ["complete", "complete"]
    clock.advance(days=2)
    meeting = Meeting(store)
    east.devices = fleet("E", 20, 1, os_version="18.7.1", apps={"com.example.reader": "3"})
    west.devices = fleet("W", 45, -1, os_version="26.1", apps={"com.example.reader": "4"})
    assert [report.status for report in together(store, clock, east, west)] == ["complete", "complete"]
    assert {row["os_version"] for row in rows_of(store, "device_now")} == {"26.1"}
    assert meeting.took_place
    before = contents(store)
    together(store, clock, east, west)
    assert contents(store)["device_now"] == before["device_now"]


def test_a_pool_chosen_by_hand_while_a_merge_writes(store: Store, clock: FakeClock) -> None:
    """What the adapted pool forbids is not kept, whoever commits first."""
    source = FakeSource([device(1, apps={"com.example.reader": "1.0"})])
    assert [report.status for report in together(store, clock, source)] == ["complete"]
    clock.advance(days=1)
    contact = CONTACT + timedelta(hours=20)
    source.devices = [
        device(1, contact_at=contact, apps={"com.example.reader": "1.1", "com.private.diary": "1"})
    ]
    meeting = Meeting(store)

    def choose(stopping: object) -> Any:
        while not meeting.took_place:
            time.sleep(0.01)
        set_pool(store, "ctdn", "SERIAL0001", "ash", zone=POLICY.zone)
        return synchronise(store, FakeSource([], "none"), POLICY, clock, SyncOptions(actor="ctdn"))

    def merge(stopping: object) -> RunReport:
        return synchronise(store, source, POLICY, clock, SyncOptions(actor="ctdn"))

    assert [report.status for report in side_by_side([merge, choose])] == ["complete", "complete"]
    assert "diary" not in repr(contents(store))
    (now,) = rows_of(store, "device_now")
    assert (now["last_seen_at"].hour, now["apps_total"]) == (0, 2)
    assert [row["battery_percent"] for row in rows_of(store, "device_day")] == [None]
