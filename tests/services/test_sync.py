"""A synchronisation: all or nothing, compared once, and nothing written when nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.inventory import Covers, ServerApp, ServerFacts
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.errors import ServerUnreachable
from mdm_bridge.messages import Message
from mdm_bridge.ports.inventory import Capabilities
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.listing import CONTACT, FakeSource, device
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(
    zone=PARIS,
    rules=(
        PoolRule("training", Criteria(groups=("Formation",))),
        PoolRule("ash", Criteria(groups=("ASH",))),
    ),
)

Sync = Callable[..., RunReport]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([device(number) for number in range(1, 13)])


@pytest.fixture
def sync(store: Store, clock: FakeClock, source: FakeSource) -> Sync:
    def run(given: FakeSource | None = None, policy: ServerPolicy = POLICY, **options: Any) -> RunReport:
        return synchronise(store, given or source, policy, clock, SyncOptions(actor="ctdn", **options))

    return run


def codes(report: RunReport) -> list[tuple[str | None, str]]:
    return [(warning.serial, warning.message.code) for warning in report.warnings]


def test_first_sight_makes_no_history_and_no_events(sync: Sync, store: Store) -> None:
    report = sync()
    assert (report.status, report.devices.seen, report.devices.new) == ("complete", 12, 12)
    assert report.apps.installed == report.apps.removed == report.apps.updated == 0
    assert len(rows_of(store, "device_now")) == 12
    assert rows_of(store, "field_change") == rows_of(store, "app_event") == []


def test_unchanged_writes_to_no_table_but_run_and_lease(sync: Sync, store: Store, clock: FakeClock) -> None:
    sync()
    before = contents(store)
    clock.advance(days=2)
    report = sync()
    assert (report.devices.seen, report.devices.unchanged, report.devices.changed) == (12, 12, 0)
    assert contents(store) == before
    assert [run["status"] for run in rows_of(store, "run")] == ["complete", "complete"]


def test_a_dry_run_shows_the_differences_and_writes_nowhere(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    sync()
    source.devices[0]["os_version"] = "18.6"
    source.devices[0]["apps"] = {"com.example.reader": "1.1"}
    source.devices.append(device(40))
    before = contents(store, without=frozenset())
    report = sync(dry_run=True)
    assert contents(store, without=frozenset()) == before
    assert [(c.serial, c.field, c.old, c.new) for c in report.changes] == [
        ("SERIAL0001", "app:com.example.notes", "2.0", None),
        ("SERIAL0001", "app:com.example.reader", "1.0", "1.1"),
        ("SERIAL0001", "os_version", "18.5", "18.6"),
        ("SERIAL0040", "device", None, "new"),
    ]
    done = sync()
    assert (done.devices, done.apps) == (report.devices, report.apps)


def test_history_holds_stable_fields_with_run_and_time(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    sync()
    clock.advance(days=1)
    source.devices[0].update(
        os_version="18.6", battery_percent=12, available_gb=1.0, contact_at=clock.now() - timedelta(hours=1)
    )
    sync()
    (change,) = rows_of(store, "field_change")
    assert (change["field"], change["old"], change["new"]) == ("os_version", "18.5", "18.6")
    assert change["at"] == clock.now()
    assert change["run_id"] == rows_of(store, "run")[-1]["id"]


def test_volatile_fields_make_an_activity_row_only(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    sync()
    clock.advance(days=1)
    source.devices[0].update(battery_percent=12, available_gb=1.25, contact_at=clock.now())
    report = sync()
    assert report.devices.changed == 1
    assert rows_of(store, "field_change") == []
    days = [
        row for row in rows_of(store, "device_day") if row["device_id"] == 1 or row["battery_percent"] == 12
    ]
    latest = max(days, key=lambda row: row["day"])
    assert (latest["day"], latest["battery_percent"], latest["available_mb"]) == (
        date(2026, 11, 25),
        12,
        1250,
    )


def test_the_activity_day_is_the_local_day_of_the_contact(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(1, contact_at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))]
    sync()
    assert [row["day"] for row in rows_of(store, "device_day")] == [date(2026, 11, 23)]


def test_app_events_installed_removed_updated(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    source.devices[0]["apps"] = {"com.example.reader": "1.1", "com.example.draw": "3"}
    report = sync()
    assert (report.apps.installed, report.apps.removed, report.apps.updated) == (1, 1, 1)
    assert sorted(event["kind"] for event in rows_of(store, "app_event")) == [
        "installed",
        "removed",
        "updated",
    ]
    assert sync().devices.changed == 0


def test_in_the_ash_pool_apps_that_are_not_ours_are_counted_not_named(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(2, apps={"com.example.reader": "1", "com.private.diary": "1"})]
    sync()
    assert [app["bundle_id"] for app in rows_of(store, "app")] == ["com.example.reader"]
    assert [row["apps_total"] for row in rows_of(store, "device_now")] == [2]
    source.devices = [
        device(2, apps={"com.example.reader": "1", "com.private.game": "1", "com.private.x": "2"})
    ]
    report = sync()
    assert report.apps.installed == report.apps.removed == 0
    assert [row["apps_total"] for row in rows_of(store, "device_now")] == [3]


def test_an_app_that_becomes_ours_is_named_without_an_event(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(2)]
    sync()
    source.facts_told = ServerFacts(
        apps=(*source.facts_told.apps, ServerApp("2", "com.example.notes", "notes"))  # type: ignore[misc]
    )
    sync()
    assert rows_of(store, "app_event") == []
    assert len(rows_of(store, "installed")) == 2


def test_the_ash_pool_keeps_the_day_of_a_contact_and_one_row_a_week(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    source.devices = [device(2)]
    for hours in (0, 5, 24, 30):
        source.devices[0]["contact_at"] = CONTACT - timedelta(hours=hours)
        source.devices[0]["battery_percent"] = 50 + hours
        sync()
    (day,) = [row for row in rows_of(store, "device_day") if row["day"] == date(2026, 11, 23)]
    assert (day["battery_percent"], day["available_mb"], day["os_version"]) == (None, None, None)
    assert all(row["day"].weekday() == 0 for row in rows_of(store, "device_day"))
    seen = rows_of(store, "device_now")[0]["last_seen_at"]
    assert (seen.hour, seen.minute) == (0, 0)
    assert rows_of(store, "record")[0]["last_contact_at"] == seen


def test_free_text_that_may_name_a_person_is_not_kept(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1, name="iPad de Léa", asset_tag="Léa")]
    report = sync()
    assert codes(report) == [("SERIAL0001", "name_may_identify"), ("SERIAL0001", "tag_may_identify")]
    (row,) = rows_of(store, "device_now")
    assert (row["name"], row["name_masked"], row["asset_tag"], row["groups"]) == (
        None,
        True,
        None,
        '["Formation"]',
    )
    assert "Léa" not in repr(contents(store, without=frozenset()))


def test_groups_nobody_mentions_are_not_kept(sync: Sync, store: Store) -> None:
    sync()
    assert "Malentendants" not in repr(contents(store, without=frozenset()))


def test_a_vanished_device_is_dated_and_comes_back(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    sync()
    first = clock.now()
    clock.advance(days=1)
    lost = source.devices.pop()
    assert sync().devices.gone == 1
    (gone,) = [row for row in rows_of(store, "record") if row["gone_at"] is not None]
    assert (gone["gone_at"], gone["observed_at"]) == (clock.now(), first)
    clock.advance(days=1)
    source.devices.append(lost)
    report = sync()
    assert (report.devices.returned, report.devices.new, report.devices.gone) == (1, 0, 0)
    assert [(row["field"], row["new"] is None) for row in rows_of(store, "field_change")] == [
        ("gone_at", False),
        ("gone_at", True),
    ]
    assert len(rows_of(store, "device")) == 12


def test_a_wiped_device_is_recognised_by_its_serial(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    source.devices[0]["remote_id"] = "UDID-NEW"
    report = sync()
    assert (report.devices.new, report.devices.gone, report.devices.returned) == (0, 0, 0)
    assert len(rows_of(store, "device")) == 12
    (change,) = rows_of(store, "field_change")
    assert (change["field"], change["old"], change["new"]) == ("udid", "UDID-0001", "UDID-NEW")
    assert sync().devices.unchanged == 12


def test_many_re_enrolments_are_not_a_shrunken_list(sync: Sync, source: FakeSource) -> None:
    sync()
    for number, one in enumerate(source.devices):
        one["remote_id"] = f"NEW-{number}"
    assert sync().status == "complete"


def test_two_records_of_one_serial_the_latest_contact_wins(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    sync()
    twin = device(1, remote_id="TWIN", os_version="26.1", contact_at=CONTACT + timedelta(hours=3))
    source.devices.append(twin)
    report = sync()
    assert ("SERIAL0001", "duplicate_serial") in codes(report)
    assert report.devices.seen == 12
    now = {row["os_version"] for row in rows_of(store, "device_now")}
    assert now == {"18.5", "26.1"}
    before = contents(store)
    assert ("SERIAL0001", "duplicate_serial") in codes(sync())
    assert contents(store) == before
    source.devices.remove(twin)
    assert sync().devices.gone == 0
    assert {row["os_version"] for row in rows_of(store, "device_now")} == {"18.5"}


def test_the_older_twin_changes_nothing(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    source.devices.append(
        device(1, remote_id="TWIN", os_version="9.3", contact_at=CONTACT - timedelta(days=9))
    )
    report = sync()
    assert (report.devices.seen, report.devices.changed) == (12, 0)
    assert {row["os_version"] for row in rows_of(store, "device_now")} == {"18.5"}


def test_a_row_listed_twice_counts_once(sync: Sync, source: FakeSource) -> None:
    source.devices.append(dict(source.devices[0]))
    report = sync()
    assert report.status == "complete"
    assert (report.devices.seen, codes(report)) == (12, [("SERIAL0001", "duplicate_row")])


def test_bad_rows_are_rejected_one_by_one(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    source.devices[0]["bad"] = True
    source.devices[1]["os_version"] = "18.6"
    source.devices.append(device(50, serial=""))
    report = sync()
    assert (report.status, report.devices.rejected, report.devices.gone) == ("complete", 2, 0)
    assert [code for _, code in codes(report)] == ["bad_row", "no_serial"]
    assert [change["field"] for change in rows_of(store, "field_change")] == ["os_version"]


def test_a_malformed_row_of_another_service_is_not_recorded(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    policy = ServerPolicy(zone=PARIS, scope=Criteria(groups=("Formation",)), rules=POLICY.rules)
    source.devices = [
        device(1, bad=Covers.MODEL),
        device(2, bad=Covers.MODEL),
        device(3, bad=Covers.MODEL, device_class="mac"),
        device(4, bad=Covers.GROUPS, groups=None),
        device(5, bad=True),
        device(7),
    ]
    report = sync(policy=policy)
    assert (report.devices.rejected, report.devices.out_of_scope, report.devices.ignored) == (3, 1, 1)
    assert codes(report) == [("SERIAL0001", "bad_row"), (None, "bad_row"), (None, "bad_row")]
    stored = str(rows_of(store, "run")[0]["warnings"])
    assert "SERIAL0001" in stored
    assert not any(f"SERIAL000{n}" in stored for n in (2, 3, 4, 5))


def test_a_malformed_row_of_a_known_device_is_named(sync: Sync, source: FakeSource) -> None:
    sync()
    source.devices[0].update(bad=True, device_class="mac")
    assert codes(sync()) == [("SERIAL0001", "bad_row")]


def test_rows_without_any_id_suspend_the_judgement_of_absence(sync: Sync, source: FakeSource) -> None:
    sync()
    source.devices[0] = {"bad": True}
    report = sync()
    assert (report.devices.gone, report.devices.rejected) == (0, 1)
    assert (None, "absence_not_judged") in codes(report)


@pytest.mark.parametrize(
    ("keep", "code"), [(0, "empty_listing"), (8, "shrunken_listing")], ids=["empty", "shrunken"]
)
def test_a_shrunken_listing_is_refused(
    sync: Sync, store: Store, source: FakeSource, keep: int, code: str
) -> None:
    sync()
    before = contents(store)
    source.devices = source.devices[:keep]
    report = sync()
    assert report.status == "refused"
    assert report.error is not None
    assert (report.error.code, report.error.exit_code) == (code, 5)
    assert contents(store) == before
    assert rows_of(store, "run")[-1]["status"] == "refused"
    assert sync(force=True).devices.gone == 12 - keep


def test_a_loss_of_thirty_percent_is_still_believed(sync: Sync, source: FakeSource) -> None:
    source.devices = [device(number) for number in range(10)]
    sync()
    source.devices = source.devices[:7]
    assert sync().devices.gone == 3


def test_app_lists_suddenly_empty_are_refused_and_never_read_as_removals(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    sync()
    before = contents(store)
    for one in source.devices[:5]:
        one["apps"] = {}
    report = sync()
    assert report.error is not None
    assert report.error.code == "shrunken_app_lists"
    assert contents(store) == before
    forced = sync(force=True)
    assert (forced.status, forced.apps.removed) == ("complete", 0)
    assert [row["apps_total"] for row in rows_of(store, "device_now")].count(None) == 5
    for one in source.devices[:5]:
        one["apps"] = {"com.example.reader": "1.0"}
    again = sync()
    assert (again.status, again.apps.installed) == ("complete", 0)
    assert again.apps.removed == 3  # the training devices among the five; ash apps not ours have no event


def test_an_absent_app_list_is_not_an_empty_one(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    for one in source.devices:
        del one["apps"]
    report = sync()
    assert (report.status, report.apps.removed) == ("complete", 0)
    assert [row["apps_total"] for row in rows_of(store, "device_now")] == [2] * 12
    assert (None, "app_lists_missing") in codes(report)


@pytest.mark.parametrize("announced", [11, 13])
def test_a_listing_counts_only_when_its_own_count_agrees(
    sync: Sync, store: Store, source: FakeSource, announced: int
) -> None:
    before = contents(store)
    source.total = announced
    report = sync()
    assert (report.status, report.error and report.error.code) == ("failed", "count_mismatch")
    assert contents(store)["device"] == before["device"] == []


def test_a_page_that_fails_changes_nothing_and_the_next_run_repairs(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.fail = ServerUnreachable(
        Message("server_unreachable", "The server does not answer."), hint=Message("wait", "Wait.")
    )
    report = sync()
    assert (report.status, report.error and report.error.code) == ("failed", "server_unreachable")
    assert rows_of(store, "device") == []
    assert rows_of(store, "run")[-1]["error"]["code"] == "server_unreachable"
    source.fail = None
    assert sync().devices.new == 12


def test_ctrl_c_closes_the_run_and_frees_the_lease(sync: Sync, store: Store, source: FakeSource) -> None:
    source.fail = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        sync()
    assert rows_of(store, "run")[-1]["status"] == "failed"
    source.fail = None
    assert sync().status == "complete"


def test_scope_limits_what_is_kept(sync: Sync, store: Store, source: FakeSource) -> None:
    policy = ServerPolicy(zone=PARIS, scope=Criteria(groups=("formation",)), rules=POLICY.rules)
    report = sync(policy=policy)
    assert (report.devices.seen, report.devices.out_of_scope) == (6, 6)
    assert len(rows_of(store, "device")) == 6
    assert "SERIAL0002" not in repr(contents(store, without=frozenset()))


def test_devices_of_another_class_are_ignored(sync: Sync, source: FakeSource) -> None:
    source.devices += [device(30, device_class="mac", serial=""), device(31, device_class="iphone")]
    report = sync()
    assert (report.devices.seen, report.devices.ignored, report.devices.rejected) == (12, 2, 0)


def test_changed_rules_judge_every_row_again(sync: Sync, store: Store) -> None:
    sync()
    report = sync(
        policy=ServerPolicy(zone=PARIS, rules=(PoolRule("training", Criteria(tag_prefix="FORM-")),))
    )
    assert report.devices.changed == 12
    fields = sorted({change["field"] for change in rows_of(store, "field_change")})
    assert fields == ["pool"]  # a group that no rule names any more is forgotten, not told


def test_a_device_that_enters_the_ash_pool_forgets_what_may_not_be_kept(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    source.devices = [device(1, apps={"com.example.reader": "1", "com.private.diary": "1"})]
    sync()
    source.devices[0]["apps"] = {"com.example.reader": "1", "com.private.diary": "2"}
    sync()
    assert len(rows_of(store, "app_event")) == 1
    source.devices[0]["groups"] = ("ASH",)
    sync()
    assert rows_of(store, "app_event") == []
    assert [row["app_id"] for row in rows_of(store, "installed")] == [
        app["id"] for app in rows_of(store, "app") if app["bundle_id"] == "com.example.reader"
    ]
    assert [row["day"].weekday() for row in rows_of(store, "device_day")] == [0]


def test_a_contact_in_the_future_is_unknown(sync: Sync, store: Store, source: FakeSource) -> None:
    source.devices = [device(1, contact_at=datetime(2027, 1, 1, tzinfo=UTC))]
    assert codes(sync()) == [("SERIAL0001", "contact_in_future")]
    assert rows_of(store, "device_now")[0]["last_seen_at"] is None
    before = contents(store)
    sync()
    assert contents(store) == before


@pytest.mark.parametrize(("earlier", "kept"), [(timedelta(minutes=90), True), (timedelta(hours=3), False)])
def test_a_contact_does_not_move_backwards_by_the_doubled_hour(
    sync: Sync, store: Store, source: FakeSource, earlier: timedelta, kept: bool
) -> None:
    source.devices = [device(1)]
    sync()
    source.devices[0]["contact_at"] = CONTACT - earlier
    sync()
    assert (rows_of(store, "device_now")[0]["last_seen_at"] == CONTACT) is kept


def test_what_a_listing_does_not_cover_is_left_as_it_was(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    sync()
    thin = FakeSource([device(n, battery_percent=None, name=None, os_version="26.0") for n in range(1, 13)])
    for one in thin.devices:
        del one["apps"]
    thin.capabilities = Capabilities(Covers.OS | Covers.MODEL)
    sync(thin)
    row = rows_of(store, "device_now")[0]
    assert (row["os_version"], row["battery_percent"], row["apps_total"]) == ("26.0", 80, 2)
    assert row["name"] is not None
    before = contents(store)
    sync(thin)
    assert contents(store) == before


def test_a_listing_without_groups_leaves_the_pools_as_the_rules_last_said(sync: Sync, store: Store) -> None:
    sync()
    thin = FakeSource([device(n, groups=None, contact_at=CONTACT + timedelta(hours=3)) for n in range(1, 14)])
    for one in thin.devices:
        del one["apps"]
    thin.capabilities = Capabilities(Covers.OS | Covers.CONTACT)
    policy = ServerPolicy(zone=PARIS, scope=Criteria(groups=("Formation", "ASH")), rules=POLICY.rules)
    report = sync(thin, policy=policy)
    assert (report.devices.seen, report.devices.new, report.devices.out_of_scope) == (13, 1, 0)
    pools = [
        row["pool_by_rule"] for row in sorted(rows_of(store, "device_now"), key=lambda r: r["record_id"])
    ]
    assert (pools.count("training"), pools.count("ash"), pools.count(None)) == (6, 6, 1)
    assert rows_of(store, "field_change") == []
    ash = [row for row in rows_of(store, "device_now") if row["pool_by_rule"] == "ash"]
    assert {row["last_seen_at"].hour for row in ash} == {0}


def test_a_list_of_serials_alone_is_a_listing(sync: Sync, store: Store) -> None:
    sync()
    before = contents(store)
    thin = FakeSource([{"serial": f"SERIAL{n:04}", "remote_id": f"UDID-{n:04}"} for n in range(1, 13)])
    thin.capabilities = Capabilities(Covers(0))
    report = sync(thin)
    assert (report.status, report.devices.seen, report.devices.changed) == ("complete", 12, 0)
    assert contents(store)["device_now"] == before["device_now"]


def test_a_device_on_two_servers_the_latest_contact_speaks(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    sync()
    other = FakeSource(
        [device(1, remote_id="X", os_version="26.1", contact_at=CONTACT + timedelta(hours=1))], "other"
    )
    assert sync(other).devices.changed == 1
    assert sync().devices.changed == 0
    assert {row["os_version"] for row in rows_of(store, "device_now")} == {"18.5", "26.1"}
    source.devices[0]["contact_at"] = CONTACT + timedelta(hours=2)
    sync()
    assert {row["os_version"] for row in rows_of(store, "device_now")} == {"18.5"}
    assert len(rows_of(store, "device")) == 12


def test_a_device_gone_from_one_server_is_not_gone(sync: Sync, store: Store) -> None:
    sync()
    other = FakeSource([device(1, remote_id="X")], "other")
    sync(other)
    other.devices = []
    report = sync(other, force=True)
    assert (report.status, report.devices.gone) == ("complete", 0)


def test_the_audit_trail_knows_runs_that_changed_something(
    sync: Sync, store: Store, source: FakeSource
) -> None:
    sync()
    assert [(row["verb"], row["actor"]) for row in rows_of(store, "audit")] == [("sync", "ctdn")]
    source.devices[0]["battery_percent"] = 3
    sync()
    assert len(rows_of(store, "audit")) == 1


def test_what_people_own_is_never_touched(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    before = rows_of(store, "device")
    for one in source.devices:
        one.update(os_version="26.2", name="IPAD-9", groups=("ASH",), contact_at=CONTACT + timedelta(hours=1))
    source.devices.append(device(60))
    sync()
    assert rows_of(store, "device")[:12] == before


def test_the_last_run_left_open_by_a_crash_is_closed(sync: Sync, store: Store) -> None:
    with store.unit() as unit:
        server = unit.runs.server_id("school", "fake")
        unit.runs.open(server, mode="listing", actor="x", forced=False)
    sync()
    first, second = rows_of(store, "run")
    assert (first["status"], first["error"]["code"], second["status"]) == (
        "failed",
        "interrupted",
        "complete",
    )
