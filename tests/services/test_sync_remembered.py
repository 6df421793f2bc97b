"""What tighter rules forbid is forgotten everywhere; what a listing could not show keeps its date."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mdm_bridge.domain.fleet import DeviceFilter
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.listing import FakeSource, device
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
OPEN = ServerPolicy(
    zone=PARIS,
    rules=(PoolRule("training", Criteria(groups=("Formation",))),),
    name_pattern=".*",
    mentioned_groups=("Malentendants",),
)
TIGHT = replace(OPEN, name_pattern=r"FORM-\d+", mentioned_groups=())

Sync = Callable[..., RunReport]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([device(1), device(2), device(3)])


@pytest.fixture
def sync(store: Store, clock: FakeClock, source: FakeSource) -> Sync:
    def run(policy: ServerPolicy = OPEN, given: FakeSource | None = None, **options: Any) -> RunReport:
        return synchronise(store, given or source, policy, clock, SyncOptions(actor="ctdn", **options))

    return run


def everything(store: Store) -> str:
    return repr(contents(store, without=frozenset()))


def changes(store: Store) -> list[tuple[str, str | None, str | None]]:
    return [(row["field"], row["old"], row["new"]) for row in rows_of(store, "field_change")]


def test_tighter_rules_reach_the_history(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices[0]["name"] = "iPad de Zoé"
    sync()
    source.devices[0]["name"] = "iPad de Zébulon"
    source.devices[0]["asset_tag"] = "Zoé Tag"
    source.devices[1]["groups"] = ("Malentendants", "Formation")
    sync()
    source.devices[0]["name"] = "FORM-77"
    source.devices[2]["os_version"] = "18.6"
    sync()
    assert "Zébulon" in everything(store)
    sync(TIGHT)
    kept = everything(store)
    assert [word for word in ("Zoé", "Zébulon", "Malentendants") if word in kept] == []
    assert ("name", None, "FORM-77") in changes(store)
    assert ("groups", "[]", '["Formation"]') in changes(store)
    assert ("os_version", "18.5", "18.6") in changes(store)
    assert all(old != new for _, old, new in changes(store))


def test_a_name_that_is_forbidden_now_is_not_written_as_the_old_one(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices[0]["name"] = "iPad de Zoé"
    sync()
    assert sync(TIGHT, dry_run=True).changes == ()
    sync(TIGHT)
    assert "Zoé" not in everything(store)
    assert changes(store) == []


@pytest.mark.parametrize("how", ["gone", "unread"])
def test_of_devices_that_are_not_read_any_more_as_well(
    sync: Sync, store: Store, source: FakeSource, how: str
) -> None:
    source.devices[0]["name"] = "iPad de Zoé"
    sync()
    if how == "gone":
        del source.devices[0]
    else:
        source.devices[0]["bad"] = True
    sync()
    sync(TIGHT)
    assert "Zoé" not in everything(store)


def test_what_another_server_may_keep_stays(sync: Sync, store: Store, source: FakeSource) -> None:
    other = FakeSource([device(9)], name="other")
    sync(given=other)
    other.devices[0]["groups"] = ("Malentendants",)
    sync(given=other)
    sync()
    sync(TIGHT)
    assert ("groups", '["Formation"]', '["Malentendants"]') in changes(store)
    assert '["Malentendants"]' in [row["groups"] for row in rows_of(store, "device_now")]


def observed(store: Store) -> dict[str, datetime]:
    with store.reading() as unit:
        return {row["serial"]: row["observed_at"] for row in unit.queries.devices(DeviceFilter())}


def test_a_row_that_could_not_be_read_keeps_its_date(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    sync()
    first = clock.now()
    for _ in range(2):
        clock.advance(days=1)
        source.devices[0]["bad"] = True
        sync()
        assert observed(store) == {"SERIAL0001": first, "SERIAL0002": clock.now(), "SERIAL0003": clock.now()}
    before = contents(store)
    clock.advance(days=1)
    sync()
    assert contents(store) == before
    del source.devices[0]["bad"]
    clock.advance(days=1)
    sync()
    assert set(observed(store).values()) == {clock.now()}


def test_a_device_read_no_more_and_then_gone_keeps_its_date(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    sync()
    first = clock.now()
    clock.advance(days=1)
    source.devices[0]["bad"] = True
    sync()
    clock.advance(days=1)
    del source.devices[0]
    sync()
    assert observed(store)["SERIAL0001"] == first


def test_absent_ones_that_are_not_declared_gone_keep_their_date(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    sync()
    first = clock.now()
    clock.advance(days=1)
    source.devices[0] = device(1, remote_id="")
    sync()
    assert observed(store)["SERIAL0001"] == first


def test_a_device_added_by_hand_meanwhile_is_not_inserted_twice(
    sync: Sync, store: Store, database_kind: str
) -> None:
    if database_kind != "postgresql":
        pytest.skip("two writers at once exist on PostgreSQL alone")
    reports: list[RunReport] = []
    with store.unit() as unit:
        # As an older program does it, without waiting for a merge.
        unit.connection.execute(
            text(
                "INSERT INTO device (serial, state_since, first_seen_at) VALUES ('SERIAL0001', now(), now())"
            )
        )
        merging = threading.Thread(target=lambda: reports.append(sync()))
        merging.start()
        merging.join(1.5)
    merging.join(20)
    assert [report.status for report in reports] == ["complete"]
    assert len(rows_of(store, "device")) == 3
