"""A console's export through a whole synchronisation: what it does not say stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.files.mapped import read_mapped
from mdm_bridge.providers.file import CsvSource
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.jamf_export import SECRETS, export_row, write_export
from tests.support.listing import FakeSource, device
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(zone=PARIS, rules=(PoolRule("training", Criteria(groups=("Formation",))),))


def run(store: Store, clock: FakeClock, source: CsvSource | FakeSource, **options: bool) -> RunReport:
    return synchronise(store, source, POLICY, clock, SyncOptions(actor="ctdn", **options))


def export(folder: Path, *rows: Mapping[str, str]) -> CsvSource:
    table = read_mapped(write_export(folder / "export.csv", rows))
    return CsvSource("school", table, zone=PARIS, kind="jamf-school")


def test_an_export_after_an_answer_leaves_apps_and_battery_alone(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    udids = [export_row(number)["DeviceUDID"] for number in (1, 2, 3)]
    listed = [
        device(n, remote_id=udid, udid=udid, groups=("Formation",), os_version="26.4.0", battery_percent=80)
        for n, udid in enumerate(udids, 1)
    ]
    run(store, clock, FakeSource(listed))
    apps = rows_of(store, "installed")
    clock.advance(days=1)
    report = run(
        store, clock, export(tmp_path, export_row(1, OsVersion="iOS 27.0"), export_row(2), export_row(3))
    )
    assert (report.status, report.devices.seen, report.devices.new, report.devices.gone) == (
        "complete",
        3,
        0,
        0,
    )
    now = rows_of(store, "device_now")
    assert [row["os_version"] for row in now] == ["27.0", "26.4.0", "26.4.0"]
    assert [(row["battery_percent"], row["capacity_mb"], row["apps_total"]) for row in now] == [
        (80, 64000, 2)
    ] * 3
    assert rows_of(store, "installed") == apps
    assert [
        (row["field"], row["new"]) for row in rows_of(store, "field_change") if row["field"] != "enrolled_at"
    ] == [("os_version", "27.0")]
    assert rows_of(store, "app_event") == []
    # And back: the server's own answer is read whole again.
    clock.advance(days=1)
    back = run(store, clock, FakeSource(listed))
    assert (back.devices.seen, back.devices.new, back.devices.gone) == (3, 0, 0)
    assert [row["os_version"] for row in rows_of(store, "device_now")] == ["26.4.0"] * 3


def test_the_same_export_again_writes_nothing(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    rows = [export_row(number) for number in range(1, 13)]
    assert run(store, clock, export(tmp_path, *rows)).devices.new == 12
    before = contents(store)
    clock.advance(days=1)
    report = run(store, clock, export(tmp_path, *rows))
    assert (report.devices.unchanged, report.requests) == (12, 0)
    assert contents(store) == before


def test_a_preview_is_what_then_happens(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    run(store, clock, export(tmp_path, export_row(1), export_row(2)))
    clock.advance(days=1)
    source = export(tmp_path, export_row(1, OsVersion="iOS 27.0"), export_row(2), export_row(3))
    before = contents(store, without=frozenset())
    preview = run(store, clock, source, dry_run=True)
    assert contents(store, without=frozenset()) == before
    done = run(store, clock, source)
    assert preview.devices == done.devices
    assert ("SERIAL0001", "os_version", "26.4.0", "27.0") in [
        (c.serial, c.field, c.old, c.new) for c in preview.changes
    ]


def test_bad_lines_cost_no_other_and_nobody_is_gone_for_them(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    run(store, clock, export(tmp_path, export_row(1), export_row(2), export_row(3)))
    clock.advance(days=1)
    source = export(tmp_path, export_row(1, IsManaged="Zélie"), export_row(2, SerialNumber=""), export_row(3))
    report = run(store, clock, source)
    assert (report.status, report.devices.seen, report.devices.rejected, report.devices.gone) == (
        "complete",
        1,
        2,
        0,
    )
    assert [(w.serial, w.message.code) for w in report.warnings] == [
        ("SERIAL0001", "line_wrong"),
        (None, "no_serial"),
    ]


def test_an_export_cut_short_is_refused(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    rows = [export_row(number) for number in range(1, 13)]
    run(store, clock, export(tmp_path, *rows))
    before = contents(store)
    report = run(store, clock, export(tmp_path, *rows[:6]))
    assert report.status == "refused"
    assert contents(store) == before


def test_the_database_holds_nothing_of_a_person(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    report = run(store, clock, export(tmp_path, export_row(1), export_row(2, Name="iPad de Zélie")))
    everything = repr(contents(store, without=frozenset())) + repr(report)
    assert [secret for secret in (*SECRETS, "Zélie") if secret in everything] == []


def test_a_list_kept_by_hand(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    file = tmp_path / "liste.csv"
    file.write_text("N° de série;Modèle;N° d'inventaire\nabc123;Chromebook;12-0042\n", encoding="cp1252")
    report = run(store, clock, CsvSource("parc", read_mapped(file), zone=PARIS))
    assert (report.status, report.devices.new) == ("complete", 1)
    (now,) = rows_of(store, "device_now")
    assert (now["model"], now["os_version"], now["apps_total"]) == ("Chromebook", None, None)
    (owned,) = rows_of(store, "device")
    assert (owned["serial"], owned["inventory_no"]) == ("ABC123", None)
    assert "columns_of_ours" in [warning.message.code for warning in report.warnings]


@pytest.mark.parametrize("moment", ["2026-11-23T10:00:00Z", "2026-11-22T09:00:00Z"])
def test_the_last_contact_comes_from_the_file(
    store: Store, clock: FakeClock, tmp_path: Path, moment: str
) -> None:
    run(store, clock, export(tmp_path, export_row(1, LastConnected=moment)))
    (now,) = rows_of(store, "device_now")
    assert f"{now['last_seen_at']:%Y-%m-%dT%H:%M:%SZ}" == moment
