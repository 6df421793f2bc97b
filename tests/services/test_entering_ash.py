"""A device that enters the adapted pool by hand: what was stored of it is reduced at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.services.devices import set_pool
from mdm_bridge.services.sync import SyncOptions, synchronise
from mdm_bridge.storage.minimise import minimise_devices
from tests.support.listing import CONTACT, FakeSource, device
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(zone=PARIS, rules=(PoolRule("training", Criteria(groups=("Formation",))),))


@pytest.fixture
def source() -> FakeSource:
    # Only com.example.reader is distributed by the server.
    return FakeSource([device(1), device(3)])


@pytest.fixture
def sync(store, clock, source):
    def run():
        return synchronise(store, source, POLICY, clock, SyncOptions(actor="ctdn"))

    return run


@pytest.fixture
def busy(store, clock, source, sync):
    """Two weeks of use, app events included."""
    sync()
    for number in range(10):
        clock.advance(days=1)
        for listed in source.devices:
            listed["contact_at"] = CONTACT + timedelta(days=number + 1, hours=13, minutes=30)
            listed["battery_percent"] = 50 + number
            listed["apps"] = {"com.example.reader": f"1.{number}", "com.example.notes": f"2.{number}"}
        sync()
    return store


def named(store, serial: str) -> list[str]:
    with store.reading() as unit:
        rows = unit.connection.execute(
            text(
                "SELECT a.bundle_id FROM installed i JOIN app a ON a.id = i.app_id "
                "JOIN device d ON d.id = i.device_id WHERE d.serial = :s ORDER BY 1"
            ),
            {"s": serial},
        )
        return list(rows.scalars())


def test_what_goes_and_what_stays(busy) -> None:
    set_pool(busy, "ctdn", "SERIAL0001", "ash", zone=PARIS)
    assert named(busy, "SERIAL0001") == ["com.example.reader"]
    assert named(busy, "SERIAL0003") == ["com.example.notes", "com.example.reader"]

    ids = {row["serial"]: row["id"] for row in rows_of(busy, "device")}
    apps = {row["id"]: row["bundle_id"] for row in rows_of(busy, "app")}
    events = {
        apps[row["app_id"]] for row in rows_of(busy, "app_event") if row["device_id"] == ids["SERIAL0001"]
    }
    assert events == {"com.example.reader"}

    days = [row for row in rows_of(busy, "device_day") if row["device_id"] == ids["SERIAL0001"]]
    assert [str(row["day"]) for row in days] == ["2026-11-23", "2026-11-30"]
    assert {row["battery_percent"] for row in days} == {None}
    other = [row for row in rows_of(busy, "device_day") if row["device_id"] == ids["SERIAL0003"]]
    assert len(other) > 8
    assert None not in {row["battery_percent"] for row in other}

    # 23:30 UTC is the next day in Paris.
    state = {row["device_id"]: row for row in rows_of(busy, "device_now")}
    assert instant(state[ids["SERIAL0001"]]["last_seen_at"]) == datetime(2026, 12, 4, tzinfo=UTC)
    assert instant(state[ids["SERIAL0003"]]["last_seen_at"]) == datetime(2026, 12, 3, 23, 30, tzinfo=UTC)
    records = {row["device_id"]: row for row in rows_of(busy, "record")}
    assert instant(records[ids["SERIAL0001"]]["last_contact_at"]) == datetime(2026, 12, 4, tzinfo=UTC)
    assert state[ids["SERIAL0001"]]["apps_total"] == 2  # counted, not named


def instant(value):
    return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


def test_the_next_synchronisation_reads_it_anew(busy, sync) -> None:
    set_pool(busy, "ctdn", "SERIAL0001", "ash", zone=PARIS)
    hashes = {row["device_id"]: row["whole_hash"] for row in rows_of(busy, "record")}
    assert sorted(value is None for value in hashes.values()) == [False, True]
    sync()
    assert named(busy, "SERIAL0001") == ["com.example.reader"]
    assert None not in {row["whole_hash"] for row in rows_of(busy, "record")}
    set_pool(busy, "ctdn", "SERIAL0001", "auto", zone=PARIS)
    sync()
    assert named(busy, "SERIAL0001") == ["com.example.notes", "com.example.reader"]


def test_doing_it_twice_changes_nothing(busy) -> None:
    set_pool(busy, "ctdn", "SERIAL0001", "ash", zone=PARIS)
    before = contents(busy, without=frozenset())
    for zone in (PARIS, ZoneInfo("America/Martinique"), None):
        with busy.unit() as unit:
            minimise_devices(unit.connection, [row["id"] for row in rows_of(busy, "device")][:1], zone)
    assert contents(busy, without=frozenset()) == before


def test_leaving_all_pools_reduces_nothing(busy) -> None:
    before = contents(busy)
    set_pool(busy, "ctdn", "SERIAL0001", "none", zone=PARIS)
    after = contents(busy)
    for table in ("installed", "app_event", "device_day", "device_now"):
        assert after[table] == before[table]


def test_thousands_of_devices(store, now) -> None:
    count = 2500
    with store.unit() as unit:
        at = now.isoformat()
        unit.connection.execute(
            text("INSERT INTO device (serial, state_since, first_seen_at) VALUES (:s, :n, :n)"),
            [{"s": f"S{number}", "n": at} for number in range(count)],
        )
        unit.connection.execute(text("INSERT INTO app (bundle_id) VALUES ('a'), ('b')"))
        unit.connection.execute(text("INSERT INTO app_version (text) VALUES ('1')"))
        unit.connection.execute(
            text(
                "INSERT INTO installed SELECT d.id, a.id, 1, CASE a.bundle_id WHEN 'a' THEN 2 ELSE 1 END "
                "FROM device d CROSS JOIN app a"
            )
        )
        unit.connection.execute(
            text(
                "INSERT INTO device_day (device_id, day, battery_percent) SELECT id, '2026-11-24', 5 FROM device"
            )
        )
        minimise_devices(unit.connection, range(1, count + 1), PARIS)
    assert len(rows_of(store, "installed")) == count
    assert {str(row["day"]) for row in rows_of(store, "device_day")} == {"2026-11-23"}
