"""Lists, one device, history, reports, today: the shapes other programs rely on, on both databases."""

from __future__ import annotations

import contextvars
import json
import re
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mdm_bridge.delivery.cli import cli
from mdm_bridge.delivery.cli.fleet_notes import note_to_sort
from mdm_bridge.delivery.i18n import set_language
from mdm_bridge.simulator import Simulator, start_simulator

DEVICE_KEYS = {
    "serial", "udid", "name", "asset_tag", "inventory_no", "pool", "state", "model", "model_identifier",
    "os_version", "supervised", "managed", "battery_percent", "capacity_gb", "available_gb", "last_seen_at",
    "observed_at", "gone_at", "server", "apps", "assignment",
}  # fmt: skip
RUN_KEYS = {
    "server", "status", "dry_run", "started_at", "finished_at", "requests", "devices", "apps", "warnings", "error",
}  # fmt: skip

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simulator() -> Any:
    with start_simulator("jamf-school", devices=24, start=datetime.now(UTC) - timedelta(days=3)) as started:
        yield started


@pytest.fixture
def run(
    tmp_path: Path, database_url: str, simulator: Simulator, capfdbinary: pytest.CaptureFixture[bytes]
) -> Run:
    settings = {key: json.dumps(value) for key, value in simulator.settings.items() if key != "pools"}
    lines = [f"{key} = {value}" for key, value in settings.items()]
    (tmp_path / "mdm-bridge.toml").write_text(
        f"[database]\nurl = {json.dumps(database_url)}\n[servers.departement]\n"
        + "\n".join(lines)
        + '\n[servers.departement.pools]\ntraining = { groups = ["Formation"] }\nash = { groups = ["ASH"] }\n'
    )

    def call(*words: str, lang: str = "en") -> tuple[int, str, str]:
        given = ["--config", str(tmp_path / "mdm-bridge.toml"), "--lang", lang, *words]
        code = cli.main(given, standalone_mode=False)
        said = capfdbinary.readouterr()
        return code, said.out.decode(), said.err.decode()

    return call


def parsed(run: Run, *words: str) -> Any:
    code, out, _ = run(*words, "--format", "json")
    assert code == 0
    return json.loads(out)


def test_sync_prints_the_contract(run: Run) -> None:
    (report,) = parsed(run, "sync")["runs"]
    assert set(report) == RUN_KEYS
    assert (report["server"], report["status"], report["dry_run"], report["error"]) == (
        "departement", "complete", False, None,
    )  # fmt: skip
    assert report["requests"] == 4
    assert {"seen", "new", "changed", "unchanged", "gone", "returned", "rejected", "out_of_scope"} <= set(
        report["devices"]
    )
    assert (report["devices"]["seen"], report["devices"]["new"]) == (24, 24)
    assert set(report["apps"]) == {"installed", "removed", "updated"}
    assert all(set(warning) == {"code", "serial", "message"} for warning in report["warnings"])
    assert report["started_at"].endswith("Z")


def test_device_list_prints_the_contract(run: Run, simulator: Simulator) -> None:
    run("sync")
    devices = parsed(run, "device", "list")
    assert len(devices) == 24
    assert all(set(device) >= DEVICE_KEYS for device in devices)
    truth = {device["serial"]: device for device in simulator.world.state()["devices"]}
    for device in devices:
        known = truth[device["serial"]]
        assert device["os_version"] == known["os_version"]
        assert device["apps"] == len(known["apps"])
        assert device["assignment"] is None
        percent = device["battery_percent"]
        assert percent is None or (isinstance(percent, int) and 0 <= percent <= 100)
        if device["pool"] == "ash":
            assert device["last_seen_at"].endswith("T00:00:00Z")
    first = devices[0]
    assert first["pool"] is None  # to be sorted comes first


def test_filters(run: Run) -> None:
    run("sync")
    assert {d["pool"] for d in parsed(run, "device", "list", "--pool", "ash")} == {"ash"}
    assert len(parsed(run, "device", "list", "--pool", "training")) == 10
    assert {d["pool"] for d in parsed(run, "device", "list", "--pool", "none")} == {None}
    old = parsed(run, "device", "list", "--os-below", "26")
    assert old
    assert all(int(d["os_version"].split(".")[0]) < 26 for d in old)
    late = parsed(run, "device", "list", "--not-seen", "14")
    assert 0 < len(late) < 24
    have = parsed(run, "device", "list", "--with-app", "com.apple.Keynote")
    lack = parsed(run, "device", "list", "--without-app", "com.apple.Keynote")
    assert len(have) + len(lack) == 24
    assert have
    assert lack
    assert parsed(run, "device", "list", "--gone") == []
    assert len(parsed(run, "device", "list", "--present")) == 24
    assert parsed(run, "device", "list", "--state", "lost") == []


def test_device_show_prints_the_contract(run: Run) -> None:
    run("sync")
    serial = parsed(run, "device", "list", "--pool", "training")[0]["serial"]
    device = parsed(run, "device", "show", serial[-4:])
    assert set(device) >= DEVICE_KEYS | {"installed_apps", "groups", "profiles", "aliases"}
    assert device["profiles"] is None
    assert device["groups"] == ["Formation"]
    assert all(set(app) == {"bundle_id", "name", "version", "managed"} for app in device["installed_apps"])
    assert len(device["installed_apps"]) == device["apps"]
    assert {alias["kind"] for alias in device["aliases"]} == {"udid", "remote_id"}
    assert all(set(alias) == {"server", "kind", "value", "from", "to"} for alias in device["aliases"])


def test_history_tells_of_servers_and_people(run: Run, simulator: Simulator) -> None:
    run("sync")
    simulator.world.advance(timedelta(days=2))
    run("sync")
    serial = parsed(run, "device", "list", "--pool", "training")[0]["serial"]
    code, out, _ = run(
        "--as", "ctdn", "device", "state", serial, "repair", "--reason", "Écran", "--format", "json"
    )
    assert (code, json.loads(out)) == (
        0, [{"serial": serial, "field": "state", "old": "in_service", "new": "repair"}],
    )  # fmt: skip
    rows = parsed(run, "device", "history", serial)
    assert {"at", "field", "old", "new", "run", "actor"} <= set(rows[0])
    assert (rows[0]["field"], rows[0]["actor"], rows[0]["run"]) == ("state", "ctdn", None)
    assert all(row["run"] is not None for row in rows[1:])


@pytest.mark.parametrize(
    "words",
    [
        ["device", "show", "ZZZZZZZZ"],
        ["device", "history", "ZZZZ"],
        ["device", "state", "ZZZZ", "lost", "--reason", "x"],
    ],
)
def test_an_unknown_serial_is_told_with_a_hint(run: Run, words: list[str]) -> None:
    run("sync")
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert err.startswith("Error: No device has the serial number ZZZZ")
    assert "\nHint: " in err
    code, _, err = run(*words, lang="fr")
    assert "\nÀ faire" in err


@pytest.mark.parametrize("fmt", ["table", "list", "json", "csv", "csv-fr", "ods", "xlsx"])
@pytest.mark.parametrize(
    "words", [["device", "list"], ["report", "inventory"], ["report", "apps"], ["today"]]
)
def test_every_report_in_every_format(
    run: Run, tmp_path: Path, words: list[str], fmt: str, database_kind: str
) -> None:
    if database_kind == "postgresql":
        pytest.skip("formats do not depend on the database")
    run("sync")
    target = tmp_path / f"out.{fmt}"
    code, out, _ = run(*words, "--format", fmt, "--output", str(target))
    assert (code, out) == (0, "")
    assert target.stat().st_size > 50


def test_masked_names_are_said_to_be_so(run: Run) -> None:
    run("sync")
    masked = [device for device in parsed(run, "device", "list") if device["name_masked"]]
    assert masked
    assert all(device["name"] is None for device in masked)
    assert "name not kept" in run("device", "list")[1]


def test_devices_to_be_sorted_come_with_the_rule_that_would_take_them(run: Run) -> None:
    run("sync")
    _, _, err = run("device", "list")
    assert "To be sorted: 1" in err
    # Every tag of the simulated fleet begins alike: a rule would take tablets of the other pool as well.
    assert "mdm-bridge device pool" in err
    assert "tag_prefix" not in err


def test_apps_and_licences(run: Run) -> None:
    run("sync")
    apps = parsed(run, "report", "apps", "--all")
    keynote = next(app for app in apps if app["bundle_id"] == "com.apple.Keynote")
    assert keynote["licences_total"] == keynote["licences_used"] + keynote["licences_free"]
    assert keynote["devices"] >= keynote["training"] + keynote["ash"] > 0
    installed = parsed(run, "report", "apps")
    assert all(app["devices"] for app in installed)
    assert len(installed) < len(apps)


def test_today_names_what_needs_somebody(run: Run, simulator: Simulator) -> None:
    before = parsed(run, "today")
    assert [(row["section"], row["code"]) for row in before] == [("late", "never_synchronised")]
    run("sync")
    sections = {row["section"] for row in parsed(run, "today")}
    assert sections <= {"not_ready", "to_sort"}
    assert "to_sort" in sections
    request = urllib.request.Request(
        f"{simulator.control}/faults", json.dumps({"fault": "unauthorized"}).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=5):
        pass
    assert run("sync")[0] == 1
    rows = parsed(run, "today")
    assert ("failing", "sync_failed") in [(row["section"], row["code"]) for row in rows]


def test_an_empty_inventory_says_what_to_do(run: Run) -> None:
    code, out, err = run("device", "list")
    assert (code, out) == (0, "")
    assert "mdm-bridge sync" in err


def test_freshness_is_shown(run: Run) -> None:
    run("sync")
    assert "departement: data of " in run("device", "list")[2]
    assert "données d" in run("device", "list", lang="fr")[2]


class Notes:
    """Stands for the run where only its remarks matter."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_one_prefix_on_two_servers_is_two_rules() -> None:
    rows = [
        {
            "pool": None,
            "gone_at": None,
            "state": "in_service",
            "server": server,
            "asset_tag": tag,
            "serial": "S",
        }
        for server, tag in (("north", "AB-01"), ("south", "AB-02"), ("south", "AB-03"), ("south", None))
    ]
    cli = Notes()

    def told() -> None:
        set_language("en")
        note_to_sort(cli, rows, whole=True)  # type: ignore[arg-type]

    contextvars.copy_context().run(told)
    rules = [note for note in cli.notes if "tag_prefix" in note]
    assert [("north" in note, "south" in note) for note in rules] == [(True, False), (False, True)]
    assert all('tag_prefix = "AB-"' in note and "training or ash" in note for note in rules)


@pytest.mark.parametrize("words", [("today",), ("device", "history", "{serial}")])
def test_the_age_of_the_data_is_told_with_it(run: Run, words: tuple[str, ...]) -> None:
    run("sync")
    serial = parsed(run, "device", "list")[0]["serial"]
    _, out, err = run(*(word.format(serial=serial) for word in words), "--format", "json")
    assert "departement: data of " in err
    assert "data of" not in out


def test_what_is_not_named_is_not_said_to_be_absent(run: Run, simulator: Simulator) -> None:
    run("sync")
    app = "com.microsoft.officelens"  # on tablets of both pools, distributed by no server
    truth = [d for d in simulator.world.state()["devices"] if app in d["apps"]]
    row = next(row for row in parsed(run, "report", "apps") if row["bundle_id"] == app)
    assert row["ash"] is None
    assert 0 < row["training"] < len(truth)
    lacking = parsed(run, "device", "list", "--without-app", app)
    assert {d["serial"] for d in lacking}.isdisjoint(d["serial"] for d in truth)
    assert all(d["pool"] != "ash" or d["apps"] is not None for d in lacking)
    assert "it cannot be said" in run("device", "list", "--without-app", app)[2]
    assert "it cannot be said" not in run("device", "list", "--without-app", "com.apple.Keynote")[2]


@pytest.mark.parametrize("words", [["--server", "zzz"], ["--kit", "Valise 9"]])
def test_a_filter_by_something_unknown_is_an_error(run: Run, words: list[str]) -> None:
    run("sync")
    code, out, err = run("device", "list", *words)
    assert (code, out) == (1, "")
    assert "\nHint: " in err


def test_today_is_one_screen(run: Run, simulator: Simulator) -> None:
    for device in list(simulator.world.current.devices.values()):
        if device.battery is not None:
            simulator.world.put([replace(device, battery=0.05)])
    run("sync")
    code, out, _ = run("today", "--format", "list")
    assert code == 0
    assert out.count("Battery low: ") == 1
    assert len(out.splitlines()) < 40
    assert len(parsed(run, "today")) > 15
    assert run("today", "--all", "--format", "list")[1].count("Battery at 5") > 10


def test_devices_added_by_hand_are_to_be_sorted_too(run: Run) -> None:
    run("device", "add", "PC000001", "--model", "Laptop")
    assert "To be sorted: 1" in run("device", "list")[2]
    assert [row["code"] for row in parsed(run, "today") if row["section"] == "to_sort"] == ["no_pool"]


def test_history_within_one_second_is_in_order(run: Run) -> None:
    run("device", "add", "PC000001", "--pool", "training")
    for state in ("repair", "retired", "in_service"):
        assert run("device", "state", "PC000001", state, "--reason", "Contrôle")[0] == 0
    states = [row["new"] for row in parsed(run, "device", "history", "PC000001") if row["field"] == "state"]
    assert states == ["in_service", "retired", "repair"]


def test_dates_and_fields_are_written_for_people_and_kept_for_programs(run: Run) -> None:
    run("sync")
    serial = parsed(run, "device", "list")[0]["serial"]
    code, out, err = run("device", "set", serial, "--purchased-on", "15/09/2025", lang="fr")
    assert (code, "15 septembre 2025" in out, "2025-09-15" in out) == (0, True, False), out + err
    code, out, _ = run("device", "history", serial, lang="fr")
    assert "15 septembre 2025" in out
    code, out, _ = run("device", "history", serial, "--format", "csv")
    assert "purchased_on,,2025-09-15" in out
    code, out, err = run("device", "set", serial, "--purchased-on", "2025-9-40", lang="fr")
    assert code == 2
    assert "15/09/2026" in err
    assert "formats" not in err
    code, out, _ = run("device", "set", serial, "--purchased-on", "")
    assert (code, parsed(run, "device", "show", serial)["purchased_on"]) == (0, None)
    assert not re.search(r"(Purchased on|Warranty until):.*unknown", run("device", "show", serial)[1])
    code, out, _ = run("device", "show", serial, lang="fr")
    assert "remote_id" not in out
    assert "Identifiant sur le serveur" in out


def test_a_name_that_was_not_kept_is_no_name_for_programs(run: Run, simulator: Simulator) -> None:
    run("sync")
    masked = [row["serial"] for row in parsed(run, "device", "list") if row["name_masked"]]
    assert masked
    assert "name not kept" in run("device", "list")[1]
    out = run("device", "list", "--format", "csv")[1]
    assert "name not kept" not in out
    assert all(f"{serial},,," in out for serial in masked)


def test_a_refused_line_of_an_import_shows_its_serial_number(run: Run, tmp_path: Path) -> None:
    run("sync")
    serial = parsed(run, "device", "list")[0]["serial"]
    file = tmp_path / "list.csv"
    file.write_text(f"serial;purchased_on\n{serial};yesterday\n", encoding="utf-8")
    code, out, err = run("device", "import", str(file), "--dry-run", "--format", "csv")
    assert code == 1
    assert f"2,refused,{serial}," in out, out + err
