"""A synchronisation that is killed, interrupted, stopped or doubled: as before, or as after, never between."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.pool import Pool

from mdm_bridge.simulator import Simulator, start_simulator
from mdm_bridge.storage.store import Store
from tests.conftest import DEEP
from tests.simulator.client import Client
from tests.support.databases import PgServer
from tests.support.installation import Installation, finish
from tests.support.tables import contents, rows_of
from tests.support.truth import recorded, truth

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

DEVICES = 400
POINTS = 200 if DEEP else 10
#: Columns that say when something was written and by which run; and numbers that rows get, which
#: a rolled back transaction uses up on PostgreSQL.
PASSING = {
    "at", "run_id", "day", "body", "prev", "hash", "detail_digest", "first_seen_at", "gone_at", "observed_at",
    "id", "record_id", "version_id", "old_version_id", "new_version_id",
}  # fmt: skip


def picture(store: Store) -> dict[str, list[str]]:
    """Return what is stored, but for when it was written and how rows are numbered."""
    found = {
        table: sorted(
            repr({key: value for key, value in row.items() if key not in PASSING})
            for row in rows_of(store, table)
        )
        for table in contents(store)
    }
    return {**found, "devices": [json.dumps(recorded(store), sort_keys=True, default=str)]}


@dataclass
class Scene:
    """A database before a synchronisation, how it looks after it, and how long one takes.

    ``fresh`` returns the URL of another copy of the database as it was before.
    """

    server: Simulator
    fresh: Callable[[], str]
    before: dict[str, list[tuple[Any, ...]]]
    after: dict[str, list[str]]
    whole_s: float
    merge_s: float


@contextmanager
def opened(installation: Installation) -> Iterator[Store]:
    with installation.store() as store:
        deadline = time.monotonic() + 10
        # A killed client's PostgreSQL session ends by itself, a moment later.
        while store.engine.dialect.name == "postgresql" and _others(store):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield store


def _others(store: Store) -> int:
    with store.reading() as unit:
        found = unit.connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        return int(found.scalar_one())


@pytest.fixture
def copies(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path
) -> Callable[[str], Callable[[], str]]:
    """Makes a maker of copies of the database at a URL."""

    def sqlite(url: str) -> Callable[[], str]:
        kept = Path(url.removeprefix("sqlite:///"))

        def copy() -> str:
            path = tmp_path / f"{uuid.uuid4().hex}.db"
            shutil.copyfile(kept, path)
            return f"sqlite:///{path}"

        return copy

    def postgresql(url: str) -> Callable[[], str]:
        server: PgServer = request.getfixturevalue("pg_server")
        kept = url.partition("@/")[2].partition("?")[0]

        def copy() -> str:
            name = f"t_{uuid.uuid4().hex[:16]}"
            server.execute(f"CREATE DATABASE {name} TEMPLATE {kept}")
            request.addfinalizer(lambda: server.drop(name))
            return server.url(name)

        return copy

    return sqlite if database_kind == "sqlite" else postgresql


@pytest.fixture
def scene(tmp_path: Path, database_url: str, copies: Callable[[str], Callable[[], str]]) -> Iterator[Scene]:
    with start_simulator(
        "jamf-school", devices=DEVICES, start=datetime.now(UTC) - timedelta(days=30)
    ) as server:
        first = Installation(tmp_path, database_url, {"school": server})
        assert first.sync().code == 0
        with first.store() as store:
            before = contents(store)
        server.world.advance(timedelta(days=7))
        server.world.re_enrol([device.serial for device in server.world.current.listed[:20]])
        server.world.wipe([device.serial for device in server.world.current.listed[20:40]])
        fresh = copies(database_url)
        undisturbed = Installation(tmp_path, fresh(), {"school": server})
        begun = time.monotonic()
        process = undisturbed.start("sync", "--format", "json")
        _until(lambda: _asked(server))
        listed = time.monotonic()
        assert finish(process).code == 0
        ended = time.monotonic()
        with undisturbed.store() as store:
            after = picture(store)
            assert recorded(store) == truth(server)
            assert contents(store).keys() == before.keys()
        yield Scene(server, fresh, before, after, ended - begun, ended - listed)


def _until(condition: Callable[[], Any], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)


def _asked(server: Simulator, path: str = "/devices") -> bool:
    """Tell whether the server was asked for this since its log was cleared."""
    return any(one["path"] == path for one in server._server.log.entries())


class Killer:
    """Kills one process at one seeded moment.

    A third anywhere; a third while the answer is read and merged; a third in the middle of writing: as
    soon as the journal has grown by so much (SQLite), or as a table is written (PostgreSQL).
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._dice = random.Random(seed)
        self._way = seed % 3

    def wait(self, process: subprocess.Popen[str], installation: Installation) -> None:
        if self._way == 0:
            self._sleep(process, self._dice.uniform(0.0, 1.1) * self._scene.whole_s)
            return
        while process.poll() is None and not _asked(self._scene.server):
            time.sleep(0.001)
        if self._way == 1:
            self._sleep(process, self._dice.uniform(0.0, 1.1) * self._scene.merge_s)
        elif installation.database_url.startswith("sqlite"):
            self._growing(process, Path(installation.database_url.removeprefix("sqlite:///") + "-wal"))
        else:
            self._writing(process, installation)

    def _growing(self, process: subprocess.Popen[str], journal: Path) -> None:
        enough = self._size(journal) + self._dice.randrange(1, 400_000)
        while process.poll() is None and self._size(journal) < enough:
            time.sleep(0)

    def _writing(self, process: subprocess.Popen[str], installation: Installation) -> None:
        table = self._dice.choice(
            ("installed", "record", "field_change", "device_now", "device_day", "audit")
        )
        with installation.store() as store, store.engine.connect() as looking:
            looking.execution_options(isolation_level="AUTOCOMMIT")
            while process.poll() is None:
                query = text(
                    "SELECT 1 FROM pg_stat_activity WHERE query LIKE :form AND datname = current_database()"
                )
                if looking.execute(query, {"form": f"%INTO {table}%"}).first():
                    return

    def _sleep(self, process: subprocess.Popen[str], seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)

    def _size(self, path: Path) -> int:
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0


def kill_once(scene: Scene, folder: Path, seed: int, how: signal.Signals = signal.SIGKILL) -> str:
    """Kill one run, check what is left, run again; return how it was found: before, or after."""
    installation = Installation(folder, scene.fresh(), {"school": scene.server})
    Client(scene.server).control("DELETE", "/requests")
    process = installation.start("sync")
    Killer(scene, seed).wait(process, installation)
    process.send_signal(how)
    ended = finish(process)
    if how is signal.SIGINT:
        # It may come too late: after the last word, while the interpreter ends.
        told, over = ended.err.endswith("\nInterrupted.\n"), "left out: 2." in ended.err
        assert (ended.code, told, over) in {(130, True, False), (0, False, True), (-2, False, True)}, ended
        check_run_closed(installation)
    with opened(installation) as store:
        whole = contents(store)
        found = "before" if whole == scene.before else "after"
        if found == "after":
            assert picture(store) == scene.after, "neither as before nor as after"
        sound(store)
    again = installation.sync()
    assert (again.code, again.run["status"]) == (0, "complete"), again.err
    with opened(installation) as store:
        assert picture(store) == scene.after
        assert {row["status"] for row in rows_of(store, "run")} <= {"complete", "failed"}
        assert rows_of(store, "lease")[0]["holder"] is None
        sound(store)
    return found


def sound(store: Store) -> None:
    """Check the database itself and its audit trail."""
    with store.reading() as unit:
        assert unit.audit.verify().ok
        if store.engine.dialect.name == "sqlite":
            assert unit.connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert unit.connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_killed_at_any_moment(scene: Scene, tmp_path: Path) -> None:
    found = {seed: kill_once(scene, tmp_path, seed) for seed in range(POINTS)}
    assert "before" in found.values(), "no kill came early enough to interrupt anything"


def test_interrupted_while_it_reads_and_merges(scene: Scene, tmp_path: Path) -> None:
    for seed in range(max(3, POINTS // 4)):
        kill_once(scene, tmp_path, 3 * seed + 1 + seed % 2, signal.SIGINT)


def check_run_closed(installation: Installation) -> None:
    """Check that a run that was told to stop has said how it ended, and gave its lease back."""
    with installation.store() as store:
        run = rows_of(store, "run")[-1]
        changed = rows_of(store, "device_now") and max(row["run_id"] for row in rows_of(store, "device_now"))
        assert run["status"] == ("complete" if changed == run["id"] else "failed")
        assert run["finished_at"] is not None
        assert rows_of(store, "lease")[0]["holder"] is None


@pytest.fixture
def server() -> Iterator[Simulator]:
    with start_simulator("jamf-school", start=datetime.now(UTC) - timedelta(days=30)) as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, database_url: str, server: Simulator) -> Installation:
    """An installation that has read the server once; since then a day has passed there."""
    made = Installation(tmp_path, database_url, {"school": server})
    assert made.sync().code == 0
    server.world.advance(timedelta(days=1))
    Client(server).control("DELETE", "/requests")
    return made


@contextmanager
def slow(installation: Installation, server: Simulator, **fault: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a synchronisation and hand it over while it waits for the device listing."""
    Client(server).control("POST", "/faults", [{"path": "/devices", "exact": True, "times": 1, **fault}])
    process = installation.start("sync", "--format", "json")
    try:
        _until(lambda: _asked(server))
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def everything(installation: Installation) -> dict[str, list[tuple[Any, ...]]]:
    with installation.store() as store:
        return contents(store)


def lease(installation: Installation) -> dict[str, Any]:
    with installation.store() as store:
        (row,) = rows_of(store, "lease")
        return row


def last_run(installation: Installation) -> dict[str, Any]:
    with installation.store() as store:
        return rows_of(store, "run")[-1]


def check_truth(installation: Installation, server: Simulator) -> None:
    with opened(installation) as store:
        assert recorded(store) == truth(server)
        sound(store)


def test_ctrl_c_while_the_answer_trickles(installation: Installation, server: Simulator) -> None:
    before = everything(installation)
    with slow(installation, server, fault="trickle", bytes_per_s=2000) as process:
        process.send_signal(signal.SIGINT)
        ended = finish(process, 10)
    assert (ended.code, ended.out, ended.err) == (130, "", "\nInterrupted.\n")
    run = last_run(installation)
    assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
    assert run["finished_at"] is not None
    assert lease(installation)["holder"] is None
    assert everything(installation) == before
    assert installation.sync().code == 0
    check_truth(installation, server)


def test_ctrl_c_just_after_the_merge(
    installation: Installation, server: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has been committed is not called failed."""

    def interrupt(*_: Any) -> None:
        event.remove(Pool, "invalidate", interrupt)
        raise KeyboardInterrupt

    event.listen(Pool, "invalidate", interrupt)  # the staging place is thrown away after the commit
    assert installation.sync().code == 130
    check_truth(installation, server)
    assert (last_run(installation)["status"], last_run(installation)["error"]) == ("complete", None)
    assert lease(installation)["holder"] is None


def test_ctrl_c_while_two_servers_are_read(tmp_path: Path, database_url: str, server: Simulator) -> None:
    with start_simulator("jamf-school", seed=2, start=datetime.now(UTC) - timedelta(days=30)) as other:
        installation = Installation(tmp_path, database_url, {"school": server, "other": other})
        assert installation.sync().code == 0
        before = everything(installation)
        for one in (server, other):
            one.world.advance(timedelta(days=1))
            Client(one).control(
                "POST", "/faults", {"fault": "trickle", "path": "/devices", "exact": True, "times": 1}
            )
            Client(one).control("DELETE", "/requests")
        process = installation.start("sync")
        _until(lambda: _asked(server) and _asked(other))
        process.send_signal(signal.SIGINT)
        ended = finish(process, 10)
        assert (ended.code, ended.out, ended.err) == (130, "", "\nInterrupted.\n")
        assert everything(installation) == before
        assert installation.sync().code == 0
        check_runs_closed(installation)


def check_runs_closed(installation: Installation) -> None:
    with installation.store() as store:
        assert {row["status"] for row in rows_of(store, "run")} == {"complete", "failed"}
        assert {row["holder"] for row in rows_of(store, "lease")} == {None}


def test_a_killed_holder_is_replaced_at_once(installation: Installation, server: Simulator) -> None:
    with slow(installation, server, fault="hang", seconds=30) as process:
        held = lease(installation)
        assert held["pid"] == process.pid
        process.kill()
        process.wait()
        assert lease(installation)["holder"] == held["holder"], "nobody gave it back"
        assert installation.sync().code == 0
    assert lease(installation)["token"] == held["token"] + 1
    with installation.store() as store:
        dead, alive = rows_of(store, "run")[-2:]
    assert (dead["status"], dead["error"]["code"], alive["status"]) == ("failed", "interrupted", "complete")
    check_truth(installation, server)


def test_a_second_run_is_refused_while_the_first_lives(installation: Installation, server: Simulator) -> None:
    with slow(installation, server, fault="hang", seconds=1.5) as process:
        before = everything(installation)
        second = installation.sync()
        assert (second.code, second.run["status"], second.run["requests"]) == (1, "failed", 0)
        assert second.run["error"]["code"] == "already_running"
        assert f"(process {process.pid})" in second.run["error"]["message"]
        assert "\nHint: Wait until it ends" in second.err
        assert everything(installation) == before
        rehearsal = installation.sync("--dry-run")
        assert (rehearsal.code, rehearsal.run["status"]) == (0, "complete"), "looking is always allowed"
        first = finish(process)
    assert (first.code, first.run["status"]) == (0, "complete")
    check_truth(installation, server)


def test_of_two_started_at_once_exactly_one_runs(installation: Installation, server: Simulator) -> None:
    Client(server).control(
        "POST", "/faults", [{"fault": "hang", "seconds": 2.5, "path": "/devices", "exact": True}]
    )
    started = [installation.start("sync", "--format", "json") for _ in range(2)]
    ended = sorted((finish(process) for process in started), key=lambda ran: ran.code)
    assert [ran.code for ran in ended] == [0, 1], ended
    assert ended[0].run["status"] == "complete"
    assert ended[1].run["error"]["code"] == "already_running"
    check_truth(installation, server)


@pytest.mark.parametrize("meanwhile", ["another run", "nobody"])
def test_a_stopped_holder_whose_lease_has_expired_cannot_commit(
    installation: Installation, server: Simulator, meanwhile: str
) -> None:
    with slow(installation, server, fault="hang", seconds=0.5) as process:
        process.send_signal(signal.SIGSTOP)
        assert installation.sync().run["error"]["code"] == "already_running", "stopped is not dead"
        _expire(installation)
        if meanwhile == "another run":
            server.world.advance(timedelta(days=1))
            assert installation.sync().code == 0
        now = everything(installation)
        process.send_signal(signal.SIGCONT)
        late = finish(process)
    if meanwhile == "nobody":
        assert late.code == 0, "nobody took it over: the work is not lost"
        check_truth(installation, server)
        return
    assert (late.code, late.run["error"]["code"]) == (1, "lease_lost")
    assert "\nHint: Let the other one finish" in late.err
    assert everything(installation) == now
    assert lease(installation)["holder"] is None
    assert last_run(installation)["status"] == "complete"
    check_truth(installation, server)


def _expire(installation: Installation) -> None:
    with installation.store() as store, store.unit() as unit:
        unit.connection.execute(
            text("UPDATE lease SET expires_at = :then"),
            {"then": _instant(store, datetime.now(UTC) - timedelta(hours=1))},
        )


def _instant(store: Store, at: datetime) -> Any:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if store.engine.dialect.name == "sqlite" else at
