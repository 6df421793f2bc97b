"""Lists and reports: what is counted, what is under way, what is compared to the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mdm_bridge.domain.fleet import DeviceFilter, os_below
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.errors import InputError
from mdm_bridge.services.devices import set_facts, set_state
from mdm_bridge.services.sync import SyncOptions, synchronise
from mdm_bridge.services.today import today
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.listing import FakeSource, device

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(
    zone=PARIS,
    rules=(
        PoolRule("training", Criteria(groups=("Formation",))),
        PoolRule("ash", Criteria(groups=("ASH",))),
    ),
)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([device(1), device(2), device(3)])


@pytest.fixture
def sync(store: Store, clock: FakeClock, source: FakeSource):
    return lambda **options: synchronise(store, source, POLICY, clock, SyncOptions("ctdn", **options))


def serials(store: Store, **wanted: Any) -> list[str]:
    with store.reading() as unit:
        return sorted(row["serial"][-1] for row in unit.queries.devices(DeviceFilter(**wanted)))


def report(store: Store) -> dict[str, tuple[int, list[str]]]:
    with store.reading() as unit:
        return {row["bundle_id"]: (row["devices"], row["versions"]) for row in unit.queries.app_report()}


@pytest.mark.parametrize("how", ["gone", "retired", "unknown"])
def test_apps_are_counted_where_they_are(sync, store: Store, source: FakeSource, how: str) -> None:
    source.devices[2]["apps"] = {"com.example.notes": "9.9"}
    sync()
    assert report(store)["com.example.notes"] == (2, ["9.9", "2.0"])
    if how == "gone":
        del source.devices[2]
        sync()
    elif how == "retired":
        set_state(store, "ctdn", "SERIAL0003", "retired", "broken")
    else:
        for one in source.devices:
            one["apps"] = {}
        sync(force=True)
        assert report(store)["com.example.reader"] == (0, [])
        return
    assert report(store)["com.example.notes"] == (1, ["2.0"])


def freshness(store: Store) -> Any:
    with store.reading() as unit:
        (found,) = unit.queries.freshness()
    return found


def test_a_run_is_under_way_while_a_living_process_holds_its_lease(
    sync, store: Store, clock: FakeClock
) -> None:
    sync()
    clock.advance(minutes=5)
    with store.unit() as unit:
        lease = unit.leases.acquire("sync:school", 900)
        unit.runs.open(1, mode="listing", actor="ctdn", forced=False)
    assert (freshness(store).running_since, freshness(store).last_status) == (clock.now(), "complete")
    clock.advance(seconds=901)
    assert freshness(store).running_since is None
    with store.unit() as unit:
        unit.leases.renew(lease)
    assert freshness(store).running_since is not None
    with store.unit() as unit:  # killed: its process is not there any more
        unit.connection.execute(text("UPDATE lease SET process_started = 1"))
    found = freshness(store)
    assert (found.running_since, found.last_status, found.last_code) == (None, "failed", "interrupted")


def test_cases_are_found_whatever_the_capitals(sync, store: Store) -> None:
    sync()
    set_facts(store, "ctdn", "SERIAL0001", {"kit": "École 1"})
    assert serials(store, kit="ÉCOLE 1") == ["1"]
    assert serials(store, kit="École 2") == []


def test_contacts_kept_to_the_day_are_compared_by_the_day(
    sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    for one in source.devices:
        one["contact_at"] = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    sync()
    noon = datetime(2026, 11, 23, 12, 30, tzinfo=PARIS)
    assert serials(store, not_seen_since=noon) == []
    assert serials(store, not_seen_since=noon + timedelta(hours=1)) == ["1", "3"]
    assert serials(store, not_seen_since=datetime(2026, 11, 24, 0, 10, tzinfo=PARIS)) == ["1", "2", "3"]


def test_today_says_the_local_day_of_a_contact(
    sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    for one in source.devices:
        one["contact_at"] = datetime(2026, 10, 1, 22, 30, tzinfo=UTC)  # the 2nd in Paris
    sync()
    said = {
        matter.serial: str(matter.message.params["at"])
        for matter in today(store, clock, PARIS, [], {})
        if matter.message.code == "not_seen"
    }
    assert said == {f"SERIAL000{n}": "2026-10-02" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    ("version", "limit", "below"),
    [
        ("9.3", "16", True),
        ("18.1", "18.10", True),
        ("18.0", "18", False),
        ("18", "18.0.1", True),
        ("18.1 (22B83)", "18.1", False),
        ("18.1b3", "18.1.1", True),
        ("beta", "18", False),
        (None, "18", False),
    ],
)
def test_versions_are_their_leading_numbers(version: str | None, limit: str, below: bool) -> None:
    assert os_below(version, limit) is below


@pytest.mark.parametrize("limit", ["abc", "", "v18"])
def test_a_limit_that_is_no_version_is_refused(limit: str) -> None:
    with pytest.raises(InputError) as refused:
        DeviceFilter(os_below=limit)
    assert refused.value.code == "not_a_version"
