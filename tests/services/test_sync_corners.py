"""Corners of a synchronisation that a model found, or was asked to look at, each on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.inventory import Covers, InstalledApp, ServerApp, ServerFacts
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.ports.inventory import Capabilities, Page
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.listing import CONTACT, FakeSource, device
from tests.support.tables import WORK_TABLES, contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(
    zone=PARIS,
    rules=(
        PoolRule("training", Criteria(groups=("Formation",))),
        PoolRule("ash", Criteria(groups=("ASH",))),
    ),
)
READER, NOTES, DIARY = "com.example.reader", "com.example.notes", "com.private.diary"

Sync = Callable[..., RunReport]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([])


@pytest.fixture
def sync(store: Store, clock: FakeClock, source: FakeSource) -> Sync:
    def run(given: FakeSource | None = None, policy: ServerPolicy = POLICY, **options: Any) -> RunReport:
        return synchronise(store, given or source, policy, clock, SyncOptions(actor="ctdn", **options))

    return run


def codes(report: RunReport) -> list[tuple[str | None, str]]:
    return [(warning.serial, warning.message.code) for warning in report.warnings]


def installed(store: Store, serial: str) -> dict[str, str]:
    """Return the named apps of a device: versions by bundle id."""
    device_ids = {row["serial"]: row["id"] for row in rows_of(store, "device")}
    apps = {row["id"]: row["bundle_id"] for row in rows_of(store, "app")}
    versions = {row["id"]: row["text"] for row in rows_of(store, "app_version")}
    return {
        apps[row["app_id"]]: versions[row["version_id"]]
        for row in rows_of(store, "installed")
        if row["device_id"] == device_ids[serial]
    }


def state(store: Store, serial: str) -> dict[str, Any]:
    """Return the current state of a device."""
    device_ids = {row["serial"]: row["id"] for row in rows_of(store, "device")}
    (row,) = [row for row in rows_of(store, "device_now") if row["device_id"] == device_ids[serial]]
    return row


def fields(store: Store) -> list[tuple[str, str | None, str | None]]:
    return [(row["field"], row["old"], row["new"]) for row in rows_of(store, "field_change")]


def assert_settled(sync: Sync, store: Store, *sources: FakeSource) -> None:
    """The same listings again write nothing."""
    before = contents(store)
    for source in sources or (None,):
        assert sync(source).status == "complete"
        assert contents(store) == before


# --- sizes


def test_no_device_at_the_first_run(sync: Sync, store: Store) -> None:
    report = sync()
    assert (report.status, report.devices.seen) == ("complete", 0)
    assert rows_of(store, "device") == []
    assert_settled(sync, store)


def test_one_of_three_devices_vanishes(sync: Sync, source: FakeSource) -> None:
    source.devices = [device(1), device(2), device(3)]
    sync()
    source.devices.pop()
    report = sync()
    assert (report.status, report.devices.gone, report.devices.seen) == ("complete", 1, 2)


def test_the_only_device_cannot_be_read(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1)]
    sync()
    before = contents(store)
    source.devices[0]["bad"] = True
    report = sync()
    assert (report.status, report.devices.rejected, report.devices.gone) == ("complete", 1, 0)
    # Nothing but the date of its last reading.
    assert contents(store, without=WORK_TABLES | {"record"}) == {
        name: rows for name, rows in before.items() if name != "record"
    }
    assert rows_of(store, "record")[0]["observed_at"] is not None


def test_twins_that_leave_are_not_devices_that_vanish(sync: Sync, source: FakeSource) -> None:
    source.devices = [device(number) for number in range(1, 13)]
    twins = [device(n, remote_id=f"TWIN-{n}", contact_at=CONTACT - timedelta(days=9)) for n in range(1, 13)]
    sync(FakeSource([*source.devices, *twins]))
    report = sync()
    assert (report.status, report.devices.gone, report.devices.seen) == ("complete", 0, 12)


def test_other_serials_under_the_same_ids_are_devices_that_vanish(sync: Sync, source: FakeSource) -> None:
    source.devices = [device(number) for number in range(1, 13)]
    sync()
    for one in source.devices:
        one["serial"] = one["serial"].replace("SERIAL", "OTHER")
    report = sync()
    assert (report.status, report.error and report.error.code) == ("refused", "shrunken_listing")


# --- who a device is


def test_a_record_whose_serial_changed_is_another_device(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    source.devices = [device(1), device(3)]
    sync()
    clock.advance(hours=1)
    source.devices[0]["serial"] = "SERIAL0099"
    report = sync()
    assert (report.devices.new, report.devices.gone, report.devices.seen) == (1, 1, 2)
    assert fields(store) == [("gone_at", None, "2026-11-24T09:00:00Z")]
    assert installed(store, "SERIAL0099") == {READER: "1.0", NOTES: "2.0"}
    assert state(store, "SERIAL0099")["apps_total"] == 2
    assert_settled(sync, store)


def test_a_device_can_come_back_under_the_id_of_another(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1), device(3)]
    sync()
    lost = source.devices.pop()
    sync()
    source.devices[0] = {**lost, "remote_id": source.devices[0]["remote_id"]}
    report = sync()
    assert (report.devices.returned, report.devices.gone, report.devices.new) == (1, 1, 0)
    assert [(old is None, new is None) for _, old, new in fields(store)].count((False, True)) == 1
    assert_settled(sync, store)


def test_two_serials_under_one_id_cost_no_other_row(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1), device(3)]
    sync()
    source.devices.append(device(5, remote_id="UDID-0001", contact_at=CONTACT + timedelta(days=1)))
    source.devices[1]["os_version"] = "26.1"
    report = sync()
    assert report.status == "complete"
    assert state(store, "SERIAL0003")["os_version"] == "26.1"
    assert_settled(sync, store)


def test_rows_without_any_id_are_rejected(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1), device(3, remote_id=""), device(5, remote_id="")]
    report = sync()
    assert (report.status, report.devices.seen, report.devices.rejected) == ("complete", 1, 2)


def test_a_device_moves_from_one_server_to_another(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1), device(3)]
    sync()
    other = FakeSource([device(5, remote_id="O5"), device(1, remote_id="O1", os_version="26.0")], "other")
    other.devices[1]["contact_at"] = CONTACT + timedelta(hours=1)
    sync(other)
    del source.devices[0]
    report = sync()
    assert (report.status, report.devices.gone) == ("complete", 0)
    assert not [row for row in fields(store) if row[0] == "gone_at"]
    assert state(store, "SERIAL0001")["os_version"] == "26.0"
    assert_settled(sync, store, source, other)


def test_the_other_server_takes_the_voice_when_the_first_forgets(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(1), device(3)]
    other = FakeSource(
        [device(1, remote_id="O1", os_version="17.0", contact_at=CONTACT - timedelta(5))], "other"
    )
    sync()
    sync(other)
    assert state(store, "SERIAL0001")["os_version"] == "18.5"
    del source.devices[0]
    sync()
    sync(other)
    assert state(store, "SERIAL0001")["os_version"] == "17.0"
    assert_settled(sync, store, source, other)


# --- which row counts


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("later", [-1, 1])
def test_of_two_rows_of_one_id_the_later_contact_counts(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock, reverse: bool, later: int
) -> None:
    source.devices = [device(1), device(3)]
    sync()
    source.devices.append(device(1, os_version="26.1", contact_at=CONTACT + timedelta(days=later)))
    if reverse:
        source.devices.reverse()
    clock.advance(days=3)
    report = sync()
    assert state(store, "SERIAL0001")["os_version"] == ("26.1" if later > 0 else "18.5")
    assert (report.devices.seen, report.devices.changed) == (2, int(later > 0))
    assert_settled(sync, store)
    source.devices.reverse()
    assert_settled(sync, store)


@pytest.mark.parametrize("contact", [CONTACT, None])
def test_at_equal_contacts_the_record_that_speaks_keeps_its_voice(
    sync: Sync, store: Store, source: FakeSource, contact: datetime | None
) -> None:
    source.devices = [device(1, contact_at=contact)]
    sync()
    source.devices.append(device(1, remote_id="TWIN", os_version="9.3", contact_at=contact))
    sync()
    source.devices[0]["battery_percent"] = 7
    sync()
    assert (state(store, "SERIAL0001")["os_version"], state(store, "SERIAL0001")["battery_percent"]) == (
        "18.5",
        7,
    )
    source.devices.reverse()
    assert_settled(sync, store)


def test_the_doubled_hour_does_not_cost_a_record_its_voice(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(1), device(1, remote_id="TWIN", os_version="9.3")]
    source.devices[1]["contact_at"] = CONTACT - timedelta(minutes=30)
    sync()
    source.devices[0]["contact_at"] = CONTACT - timedelta(hours=1)
    sync()
    assert state(store, "SERIAL0001")["os_version"] == "18.5"
    assert_settled(sync, store)


def test_the_record_that_takes_the_voice_brings_its_apps(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    clock.advance(days=3)
    source.devices = [device(1)]
    twin = device(1, remote_id="TWIN", apps={NOTES: "3.0"}, contact_at=CONTACT - timedelta(days=1))
    source.devices.append(twin)
    sync()
    assert installed(store, "SERIAL0001") == {READER: "1.0", NOTES: "2.0"}
    twin["contact_at"] = CONTACT + timedelta(days=1)
    sync()
    assert installed(store, "SERIAL0001") == {NOTES: "3.0"}
    assert state(store, "SERIAL0001")["apps_total"] == 1
    source.devices[0]["contact_at"] = CONTACT + timedelta(days=1, hours=3)
    sync()
    assert installed(store, "SERIAL0001") == {READER: "1.0", NOTES: "2.0"}
    assert_settled(sync, store)


def test_the_other_servers_record_brings_its_apps(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1)]
    other = FakeSource(
        [device(1, remote_id="X", apps={NOTES: "3.0"}, contact_at=CONTACT - timedelta(3))], "other"
    )
    sync()
    sync(other)
    other.devices[0]["contact_at"] = CONTACT + timedelta(hours=5)
    sync(other)
    assert installed(store, "SERIAL0001") == {NOTES: "3.0"}
    assert_settled(sync, store, source, other)


# --- apps


def test_an_app_listed_twice_is_one_app(sync: Sync, store: Store, source: FakeSource) -> None:
    twice = [(READER, "1.0", None), (NOTES, "2.0", None), (READER, "1.1", None)]
    source.devices = [device(1, apps=twice), device(2, apps=[*twice, (DIARY, "1", None), (DIARY, "2", None)])]
    sync()
    assert installed(store, "SERIAL0001")[READER] in ("1.0", "1.1")
    assert [state(store, f"SERIAL000{n}")["apps_total"] for n in (1, 2)] == [2, 3]
    for one in source.devices:
        one["apps"] = list(reversed(one["apps"]))
    before = contents(store, without=frozenset({"run", "lease", "record"}))
    sync()
    assert contents(store, without=frozenset({"run", "lease", "record"})) == before
    assert_settled(sync, store)


def test_bundle_ids_that_differ_by_case_are_two_apps(sync: Sync, store: Store, source: FakeSource) -> None:
    apps = {"com.example.Reader": "1", "com.example.reader": "2"}
    source.devices = [device(1, apps=apps), device(2, apps=apps)]
    sync()
    assert installed(store, "SERIAL0001") == apps
    assert installed(store, "SERIAL0002") == {"com.example.reader": "2"}


def test_forced_empty_lists_stay_unknown_until_a_list_comes(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(number, groups=("Formation",)) for number in range(1, 13)]
    sync()
    for one in source.devices[:5]:
        one["apps"] = {}
    sync(force=True)
    assert_settled(sync, store)
    source.devices[0]["battery_percent"] = 3
    report = sync()
    assert (report.status, report.apps.removed) == ("complete", 0)
    assert len(rows_of(store, "installed")) == 24


def test_leaving_the_ash_pool_names_the_apps_without_events(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(2, apps={READER: "1", DIARY: "1"})]
    sync()
    source.devices[0]["groups"] = ("Formation",)
    report = sync()
    assert installed(store, "SERIAL0002") == {READER: "1", DIARY: "1"}
    assert report.apps.installed == 0
    assert rows_of(store, "app_event") == []
    source.devices[0]["apps"] = {READER: "2", DIARY: "2", NOTES: "1"}
    assert sync().apps.updated == 2
    assert_settled(sync, store)


def test_leaving_the_ash_pool_with_a_changed_list_tells_only_what_is_sure(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(2, apps={READER: "1", DIARY: "1"})]
    sync()
    source.devices[0].update(groups=("Formation",), apps={READER: "2", DIARY: "2", NOTES: "1"})
    report = sync()
    assert (report.apps.installed, report.apps.updated) == (0, 1)
    assert installed(store, "SERIAL0002") == {READER: "2", DIARY: "2", NOTES: "1"}


def test_leaving_the_ash_pool_by_hand_names_the_apps_without_events(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(2, apps={READER: "1", DIARY: "1"})]
    sync()
    set_pool(store, "SERIAL0002", "training")
    report = sync()
    assert installed(store, "SERIAL0002") == {READER: "1", DIARY: "1"}
    assert report.apps.installed == 0
    set_pool(store, "SERIAL0002", None)
    assert installed(store, "SERIAL0002") == {READER: "1"}
    report = sync()
    assert (installed(store, "SERIAL0002"), report.apps.removed) == ({READER: "1"}, 0)
    assert_settled(sync, store)


# --- rules that move while a row cannot be read, or while we read


def test_a_row_unreadable_while_the_rules_moved_is_judged_when_it_is_back(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(1), device(3)]
    sync()
    ash = ServerPolicy(zone=PARIS, rules=(PoolRule("ash", Criteria(groups=("Formation",))),))
    source.devices[0]["bad"] = True
    sync(policy=ash)
    del source.devices[0]["bad"]
    sync(policy=ash)
    assert state(store, "SERIAL0001")["pool_by_rule"] == "ash"
    assert installed(store, "SERIAL0001") == {READER: "1.0"}


class _Interrupting(FakeSource):
    """A server that lets somebody work at the end of its listing."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def pages(self) -> Iterator[Page]:
        yield from super().pages()
        self.meanwhile()


@pytest.mark.parametrize(("before", "after"), [(None, "ash"), ("ash", None), ("ash", "none"), ("none", None)])
def test_a_pool_chosen_while_we_read_counts_at_the_next_run(
    sync: Sync, store: Store, before: str | None, after: str | None
) -> None:
    source = _Interrupting([device(1, apps={READER: "1", DIARY: "1"})])
    sync(source)
    if before is not None:
        set_pool(store, "SERIAL0001", before)
    source.devices[0]["apps"] = {READER: "2", DIARY: "2"}
    source.meanwhile = lambda: set_pool(store, "SERIAL0001", after)
    sync(source)
    if after == "ash":
        assert DIARY not in installed(store, "SERIAL0001")
    source.meanwhile = lambda: None
    sync(source)
    named = {READER: "2"} if after == "ash" else {READER: "2", DIARY: "2"}
    assert installed(store, "SERIAL0001") == named
    assert_settled(sync, store, source)


def set_pool(store: Store, serial: str, override: str | None) -> None:
    """Choose a pool by hand."""
    with store.unit() as unit:
        owned = unit.devices.owned([serial], lock=True)[serial]
        unit.devices.set_pools([(owned, override)], actor="ctdn", reason=None, zone=PARIS)


# --- text


LONG = "".join(chr(0x1F300 + n * 7 % 700) for n in range(255))
TEXTS = [
    LONG,
    "x" * 5000,
    "é" * 4000,
    "👩‍🏫🏳️‍🌈",
    "e\u0301\u0323",
    "\u202e\u200b",
    "'; DROP TABLE device; --",
    "%s %(x)s :name",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_text_is_kept_as_it_is_or_rejected_alone(
    sync: Sync, store: Store, source: FakeSource, text: str
) -> None:
    odd = device(1, model=text, os_version=text, apps={f"com.example.{text}": text, READER: text})
    source.devices = [odd, device(3)]
    report = sync()
    assert report.status == "complete"
    assert report.devices.seen + report.devices.rejected == 2
    assert state(store, "SERIAL0003")["apps_total"] == 2
    if not report.devices.rejected:
        assert state(store, "SERIAL0001")["model"] == text
        assert installed(store, "SERIAL0001") == {f"com.example.{text}": text, READER: text}
    assert_settled(sync, store)


# --- time


def test_the_doubled_hour_of_october(sync: Sync, store: Store, source: FakeSource, clock: FakeClock) -> None:
    """02:45 summer time, then 02:10 winter time written without offset and read as summer time."""
    clock.set(datetime(2026, 10, 25, 12, 0, tzinfo=UTC))
    source.devices = [device(1, contact_at=datetime(2026, 10, 25, 0, 45, tzinfo=UTC))]
    sync()
    source.devices[0].update(contact_at=datetime(2026, 10, 25, 0, 10, tzinfo=UTC), battery_percent=11)
    sync()
    now = state(store, "SERIAL0001")
    assert (now["last_seen_at"], now["battery_percent"]) == (datetime(2026, 10, 25, 0, 45, tzinfo=UTC), 11)
    assert [(row["day"], row["battery_percent"]) for row in rows_of(store, "device_day")] == [
        (date(2026, 10, 25), 11)
    ]
    assert_settled(sync, store)


def test_the_day_of_a_contact_is_local_when_a_device_enters_the_ash_pool(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(1, contact_at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))]
    sync()
    source.devices[0].update(groups=("ASH",), contact_at=None)
    sync()
    assert state(store, "SERIAL0001")["last_seen_at"] == datetime(2026, 11, 23, tzinfo=UTC)


# --- what is covered


def test_a_listing_without_groups_moves_nobody_out_of_the_ash_pool(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(2)]
    sync()
    thin = FakeSource([device(2, groups=None, os_version="26.0", apps={READER: "1.0", DIARY: "1"})])
    thin.capabilities = Capabilities(Covers.OS | Covers.APPS)
    sync(thin)
    assert state(store, "SERIAL0002")["pool_by_rule"] == "ash"
    assert DIARY not in installed(store, "SERIAL0002")
    assert_settled(sync, store, thin)


# --- the order of a listing


def test_the_order_of_a_listing_is_irrelevant(sync: Sync, store: Store, source: FakeSource) -> None:
    twin = device(1, remote_id="TWIN", os_version="9.3")
    source.devices = [twin, device(1), device(3), device(1, os_version="18.6")]
    sync()
    first = state(store, "SERIAL0001")["os_version"]
    for _ in range(4):
        source.devices = [*source.devices[1:], source.devices[0]]
        assert_settled(sync, store)
    assert state(store, "SERIAL0001")["os_version"] == first


def test_what_the_ash_pool_may_name_is_what_any_server_distributes(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    clock.advance(days=3)
    source.devices = [device(2)]
    other = FakeSource([device(2, remote_id="O2", contact_at=CONTACT + timedelta(days=1))], "other")
    other.facts_told = ServerFacts(apps=(ServerApp("9", NOTES, "notes"),))
    sync()
    sync(other)
    assert installed(store, "SERIAL0002") == {READER: "1.0", NOTES: "2.0"}
    assert rows_of(store, "app_event") == []


def test_a_managed_app_may_be_named_in_the_ash_pool(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(2, apps=[(NOTES, "1", True), (DIARY, "1", False)])]
    sync()
    assert installed(store, "SERIAL0002") == {NOTES: "1"}
    source.devices[0]["apps"] = [(NOTES, "1", False), (DIARY, "1", False)]
    sync()
    assert installed(store, "SERIAL0002") == {}
    assert rows_of(store, "app_event") == []
    assert isinstance(InstalledApp(NOTES, None, "1", True), tuple)


def test_a_pool_chosen_by_hand_does_not_make_a_doubted_list_believed(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(number, groups=("Formation",)) for number in range(1, 13)]
    sync()
    for one in source.devices[:5]:
        one["apps"] = {}
    sync(force=True)
    set_pool(store, "SERIAL0001", "training")
    assert sync().apps.removed == 0
    assert installed(store, "SERIAL0001") == {READER: "1.0", NOTES: "2.0"}
    assert_settled(sync, store)


def test_no_record_of_a_device_of_the_ash_pool_keeps_the_hour(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    """The record that speaks puts it there; another one, by its own groups, would not."""
    source.devices = [device(1)]
    sync()
    clock.advance(days=3)
    source.devices.append(
        device(1, remote_id="TWIN", groups=("ASH",), contact_at=CONTACT + timedelta(days=2, hours=1))
    )
    sync()
    assert state(store, "SERIAL0001")["pool_by_rule"] == "ash"
    assert {row["last_contact_at"].hour for row in rows_of(store, "record")} == {0}
    assert_settled(sync, store)
    source.devices[0]["contact_at"] = CONTACT + timedelta(days=1)
    sync()
    assert {row["last_contact_at"].hour for row in rows_of(store, "record")} == {0}
    assert_settled(sync, store)


def test_the_apps_of_a_row_that_says_nothing_are_named_nowhere(
    sync: Sync, store: Store, clock: FakeClock
) -> None:
    source = _Interrupting([device(1, apps={READER: "1"}), device(2), device(4, apps={READER: "1"})])
    sync(source)
    clock.advance(days=3)
    other = device(1, remote_id="TWIN", apps={"com.private.twin": "7.7"}, contact_at=CONTACT - timedelta(9))
    again = device(
        3, remote_id="UDID-0002", apps={"com.private.again": "1"}, contact_at=CONTACT - timedelta(9)
    )
    source.devices += [other, again]
    source.devices[2].update(groups=("Formation",), apps={"com.private.late": "1"})
    source.meanwhile = lambda: set_pool(store, "SERIAL0004", "ash")
    assert sync(source).status == "complete"
    kept = repr(contents(store, without=frozenset()))
    assert "com.private" not in kept
    assert "7.7" not in kept
    source.meanwhile = lambda: None
    sync(source)
    assert_settled(sync, store, source)
