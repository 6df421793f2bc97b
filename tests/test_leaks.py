"""The simulated server carries invented names in every free text: none of them is found outside it."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mdm_bridge.delivery import i18n
from mdm_bridge.simulator import Simulator, start_simulator
from mdm_bridge.simulator.catalogue import TELLING_APPS, UNMANAGED_APPS
from mdm_bridge.simulator.fault_effects import EVENTS
from mdm_bridge.simulator.faults import FAULTS
from mdm_bridge.simulator.fleet import INVENTED_NAMES
from tests.simulator.client import Client
from tests.support.installation import Installation
from tests.support.leaks import Searcher
from tests.support.tables import contents, rows_of
from tests.support.truth import recorded, truth
from tools.messages import compile_catalogs

LOOKING = [
    ("sync", "--dry-run"),
    ("sync",),
    ("device", "list"),
    ("device", "list", "--pool", "ash"),
    ("device", "show", "{ash}"),
    ("device", "show", "{masked}"),
    ("device", "history", "{ash}"),
    ("device", "history", "{masked}"),
    ("report", "inventory"),
    ("report", "apps"),
    ("report", "apps", "--all"),
]
FORMATS = ["table", "list", "json", "csv", "csv-fr", "ods", "xlsx"]
PLAIN = [("today",), ("doctor",), ("db", "check"), ("privacy", "audit", "verify")]

#: Faults whose values hold a name, as an angry server might; each list is met at once.
NAMING: list[list[dict[str, Any]]] = [
    [{"fault": "failure_200", "message": "Élève Zzyzxova introuvable"}],
    [{"fault": "redirect_other_host", "location": "http://zzyzxova.invalid/Brizoukhan"}],
]
FIELDS = (
    "serialNumber",
    "name",
    "assetTag",
    "class",
    "os",
    "model",
    "groups",
    "lastCheckin",
    "apps",
    "batteryLevel",
)
VALUES = ("Zzyzxova Léa", {"Zzyzxova": "Léa"}, ["Zzyzxova"])
SLOW: dict[str, dict[str, Any]] = {
    "trickle": {"bytes_per_s": 50, "path": "/devices", "exact": True},
    "hang": {"seconds": 0.5},
    "gzip_bomb": {"size_mb": 3},
    "rate_limited": {"retry_after": 3600},
}
QUICKLY = {"MDM_BRIDGE_SERVERS__SCHOOL__TIMEOUT_S": "0.15", "MDM_BRIDGE_SERVERS__SCHOOL__MAX_BODY_MB": "2"}
JSON_LOG = {"MDM_BRIDGE_LOGGING__FORMAT": "json"}


@pytest.fixture(scope="module", autouse=True)
def compiled_catalogs() -> None:
    compile_catalogs()
    i18n._catalog.cache_clear()


class Story:
    """Runs commands, and keeps everything they say."""

    def __init__(self, installation: Installation, server: Simulator) -> None:
        self.installation = installation
        self.server = server
        self.client = Client(server)
        self.said: dict[str, str] = {}
        self._number = 0

    def __call__(self, *words: str, **options: Any) -> str:
        self._number += 1
        ran = self.installation("-vv", *words, **options)
        self.said[f"{self._number} {' '.join(words)}"] = ran.out + ran.err
        return ran.out

    def searcher(self) -> Searcher:
        """Return one that looks for everything the server holds, or ever held."""
        key = f"{self.server.network_id}:{self.server.api_key}"
        telling = {text for app in TELLING_APPS for text in app[:2]}
        return Searcher({*self.server.world.secrets_and_names(), *INVENTED_NAMES, *telling, key})

    def serials(self, group: str) -> list[str]:
        devices = self.server.world.state()["devices"]
        return [one["serial"] for one in devices if group in one["groups"] and one["class"] == "ipad"]


@pytest.fixture
def story(tmp_path: Path, database_url: str) -> Iterator[Story]:
    with start_simulator("jamf-school", devices=40, start=datetime.now(UTC) - timedelta(days=60)) as server:
        yield Story(Installation(tmp_path, database_url, {"school": server}), server)


def pass_time(story: Story, **span: float) -> None:
    story.server.world.advance(timedelta(**span))


def look(story: Story, *, formats: list[str]) -> None:
    """Run every command that shows something, in these formats."""
    names = {"ash": story.serials("ASH")[3], "masked": story.server.world.current.listed[3].serial}
    for words in LOOKING:
        told = [word.format_map(names) for word in words]
        for form in formats:
            to_file = ("--output", str(story.installation.folder / f"{len(story.said)}.{form}"))
            story(*told, "--format", form, *(to_file if form in ("ods", "xlsx") else ()), lang="fr")
        story(*told, lang="en")
    for words in PLAIN:
        story(*words, lang="fr", env=JSON_LOG)


def trouble(story: Story) -> None:
    """Meet every fault, and some that name somebody."""
    faults: list[list[dict[str, Any]]] = [
        [{"fault": name, **SLOW.get(name, {})}] for name in FAULTS if name not in EVENTS
    ]
    serials = [device.serial for device in story.server.world.current.listed]
    bad = [
        [
            {"fault": "bad_row", "field": field, "value": value, "serials": [serial]}
            for field, serial in zip(FIELDS, serials, strict=False)
        ]
        for value in VALUES
    ]
    for together in (*faults, *NAMING, *bad):
        story.client.control("POST", "/faults", together)
        hurry = QUICKLY if FAULTS[together[0]["fault"]].stage in ("instead", "body") else {}
        story("sync", "--format", "json", env={**JSON_LOG, **hurry})
    story.client.control("POST", "/faults", [])
    story("sync", "--force")


def live(story: Story) -> None:
    """Let a fleet live: time passes, devices are renamed, wiped, enrolled again, lost and found."""
    story("sync")
    pass_time(story, days=3)
    for event in ({"fault": "renamed", "n": 2}, {"fault": "wiped", "n": 2}, {"fault": "re_enrolled", "n": 2}):
        story.client.control("POST", "/faults", event)
    story.client.fault("vanished", serials=story.serials("ASH")[:2])
    story("sync")
    story.client.fault("returned")
    pass_time(story, days=2)


def leaks(story: Story) -> dict[str, set[str]]:
    """Search everything that was written or said; the key's own file lies with the simulator."""
    searcher = story.searcher()
    found = searcher.in_folder(story.installation.folder)
    with story.installation.store() as store:
        stored = repr(contents(store, without=frozenset())).encode()
    found["database"] = searcher.in_bytes(stored)
    for words, text in story.said.items():
        found[words] = searcher.in_text(text)
    return {place: hits for place, hits in found.items() if hits}


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_no_invented_name_is_found_anywhere(story: Story) -> None:
    database = Path(story.installation.database_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("SELECT count(*) FROM device").fetchone()  # keeps the journal: it is searched as well
        live(story)
        look(story, formats=FORMATS)
        trouble(story)
        look(story, formats=["table", "json"])
        story("db", "backup", str(story.installation.folder / "copy.zip"))
        assert Path(f"{database}-wal").stat().st_size > 0
        assert leaks(story) == {}
    assert leaks(story) == {}
    check_search_could_find(story)


def check_search_could_find(story: Story) -> None:
    """Make sure that there was something to search, and that masks are shown in the place of names."""
    everything = "".join(story.said.values())
    masked = story.server.world.current.listed[3].serial
    assert everything.count(masked) > 20
    assert "nom masqué" in everything
    assert "name_may_identify" in everything
    assert (
        len(list(story.installation.folder.glob("*.xlsx")))
        == len(list(story.installation.folder.glob("*.ods")))
        > 9
    )
    assert (story.installation.folder / "copy.zip").stat().st_size > 1000
    with story.installation.store() as store:
        assert recorded(store) == truth(story.server)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_no_invented_name_is_found_in_postgresql(story: Story) -> None:
    live(story)
    story("sync")
    story("db", "backup", str(story.installation.folder / "copy.zip"))
    assert leaks(story) == {}


def test_demo_tells_its_story_without_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from click.testing import CliRunner

    from mdm_bridge.delivery.cli import cli

    done = CliRunner().invoke(cli, ["-vv", "demo", "--keep", "kept"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    searcher = Searcher(INVENTED_NAMES)
    assert searcher.in_text(done.stdout + done.stderr) == set()
    assert searcher.in_folder(tmp_path) == {}
    assert (tmp_path / "kept" / "mdm-bridge.db").exists() or list(tmp_path.rglob("*.db"))


def test_of_the_adapted_pool_only_what_may_be_kept_is_kept(story: Story) -> None:
    for _ in range(9):
        pass_time(story, hours=60)
        story("sync")
    adapted = set(story.serials("ASH"))
    distributed = {app["bundle_id"] for app in story.server.world.state()["apps"] if not app["deleted"]}
    with story.installation.store() as store:
        ids = {row["id"]: row["serial"] for row in rows_of(store, "device") if row["serial"] in adapted}
        bundles = {row["id"]: row["bundle_id"] for row in rows_of(store, "app")}
        days = [row for row in rows_of(store, "device_day") if row["device_id"] in ids]
        assert {row["day"].weekday() for row in days} == {0}, "one row a week, on its Monday"
        assert {(row["battery_percent"], row["available_mb"], row["os_version"]) for row in days} == {
            (None, None, None)
        }
        assert 3 <= max(sum(row["device_id"] == one for row in days) for one in ids) <= 5
        for table, column in (("device_now", "last_seen_at"), ("record", "last_contact_at")):
            kept = [row[column] for row in rows_of(store, table) if row["device_id"] in ids]
            assert {(at.hour, at.minute, at.second) for at in kept if at is not None} == {(0, 0, 0)}
        named = {bundles[row["app_id"]] for row in rows_of(store, "installed") if row["device_id"] in ids}
        named |= {bundles[row["app_id"]] for row in rows_of(store, "app_event") if row["device_id"] in ids}
        assert named
        assert named <= distributed
        assert not {bundle for bundle, *_ in TELLING_APPS} & set(bundles.values())
    shown = json.loads(story("report", "apps", "--format", "json"))
    unmanaged = [row for row in shown if row["bundle_id"] in {bundle for bundle, *_ in UNMANAGED_APPS}]
    assert unmanaged, "named where they are on training devices"
    assert all(not row["ash"] for row in unmanaged)
    listed = json.loads(story("device", "list", "--pool", "ash", "--format", "json"))
    assert all(row["last_seen_at"].endswith("T00:00:00Z") for row in listed if row["last_seen_at"])


@pytest.mark.parametrize("by", ["the server", "hand"])
def test_what_was_named_is_forgotten_when_a_device_enters_the_adapted_pool(story: Story, by: str) -> None:
    telling = {bundle for bundle, *_ in TELLING_APPS}
    state = story.server.world.state()
    serial = next(one["serial"] for one in state["devices"] if telling & set(one["apps"]))
    others = [
        one["serial"] for one in state["devices"] if telling & set(one["apps"]) and one["serial"] != serial
    ]
    for other in others:
        story.client.control("POST", "/device", {"serial": other, "remove": sorted(telling)})

    def move(join: str, leave: str, pool: str) -> None:
        if by == "hand":
            story("device", "pool", serial, pool)
        else:
            story.client.control("POST", "/device", {"serial": serial, "join": join, "leave": leave})
        story("sync")

    story("sync")
    move("Formation", "ASH", "training")
    pass_time(story, days=20)
    story("sync")
    searcher = Searcher(telling | {app[1] for app in TELLING_APPS})
    before = len(story.said)
    assert searcher.in_text(story("device", "show", serial)), "there it may be named"
    with story.installation.store() as store:
        assert searcher.in_text(repr(contents(store)))
    move("ASH", "Formation", "auto")
    story("device", "show", serial)
    story("report", "apps", "--all")
    story("db", "backup", str(story.installation.folder / "copy.zip"))
    with story.installation.store() as store:
        assert searcher.in_text(repr(contents(store, without=frozenset()))) == set()
    assert searcher.in_folder(story.installation.folder) == {}
    assert searcher.in_text("".join(list(story.said.values())[before + 1 :])) == set()


@pytest.mark.parametrize(
    "hide",
    [
        lambda text: text.encode(),
        lambda text: text.upper().encode(),
        lambda text: json.dumps({"x": text}).encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("cp1252"),
        lambda text: gzip.compress(b"..." + text.encode()),
        lambda text: _zipped(_zipped(text.encode())),
        lambda text: b"\xff\x00\xfe" + text.encode() + b"\xff",
    ],
    ids=["utf-8", "capitals", "json", "utf-16", "cp1252", "gzip", "zip", "binary"],
)
def test_a_planted_name_is_found(tmp_path: Path, hide: Any) -> None:
    searcher = Searcher({"Plouvéjik", "a6:5e:0d:00:00:01"})
    assert searcher.in_bytes(b"..." + hide("iPad de Plouv\u00e9jik")[:0]) == set()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(hide("iPad de Plouv\u00e9jik."))
    (tmp_path / "clean").write_bytes(hide("iPad de Pl0uvejik."))
    assert searcher.in_folder(tmp_path) == {"deep/file": {"Plouvéjik"}}


def _zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", data)
    return packed.getvalue()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_name_planted_in_the_database_is_found(story: Story) -> None:
    story("sync")
    assert leaks(story) == {}
    with story.installation.store() as store, store.unit() as unit:
        unit.connection.exec_driver_sql("UPDATE device_now SET name = 'iPad de Zzyzxova' WHERE device_id = 5")
    assert {"database", Path(story.installation.database_url).name} <= leaks(story).keys()
