"""A full disk, a locked or damaged database: a clear error with a hint, and nothing changed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import Pool

from mdm_bridge.errors import StorageError
from mdm_bridge.simulator import Simulator, start_simulator
from mdm_bridge.storage import open_store
from mdm_bridge.storage.errors import storage_errors
from tests.support.installation import ROOT, Installation, Ran
from tests.support.tables import contents
from tests.support.truth import recorded, truth

DEVICES = 200


@pytest.fixture
def server() -> Iterator[Simulator]:
    start = datetime.now(UTC) - timedelta(days=60)
    with start_simulator("jamf-school", devices=DEVICES, start=start) as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, database_url: str, server: Simulator) -> Installation:
    """An installation that has read the server once; since then a month has passed there."""
    made = Installation(tmp_path, database_url, {"school": server})
    assert made.sync().code == 0
    server.world.advance(timedelta(days=30))
    return made


on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"])
on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"])


def file_of(installation: Installation) -> Path:
    return Path(installation.database_url.removeprefix("sqlite:///"))


def everything(installation: Installation) -> dict[str, list[tuple[Any, ...]]]:
    with installation.store() as store:
        return contents(store)


@contextmanager
def pragma(*statements: str) -> Iterator[None]:
    """Have every connection of the program begin with these."""

    def set_them(connection: Any, *_: Any) -> None:
        for statement in statements:
            connection.execute(f"PRAGMA {statement}")

    event.listen(Pool, "checkout", set_them)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", set_them)


def check_told(ran: Ran, code: str) -> None:
    """Check that an error is told with a hint, and no traceback."""
    assert ran.code == 1
    assert ran.run["status"] == "failed"
    assert ran.run["error"]["code"] == code
    assert f"Error: {ran.run['error']['message']}\nHint: {ran.run['error']['hint']}\n" in ran.err
    assert "Traceback" not in ran.err


def check_repaired(installation: Installation, server: Simulator) -> None:
    assert installation.sync().code == 0
    with installation.store() as store:
        assert recorded(store) == truth(server)
        if store.engine.dialect.name == "sqlite":
            with store.reading() as unit:
                assert unit.connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]


@on_sqlite
@pytest.mark.parametrize("more", [0, 1, 3, 8])
def test_a_full_disk(installation: Installation, server: Simulator, more: int) -> None:
    before = everything(installation)
    with closing(sqlite3.connect(file_of(installation))) as looking:
        pages = looking.execute("PRAGMA page_count").fetchone()[0]
    with pragma(f"max_page_count = {pages + more}"):
        ran = installation.sync()
    check_told(ran, "disk_full")
    assert everything(installation) == before
    check_repaired(installation, server)


@on_sqlite
def test_a_full_disk_for_what_is_staged(installation: Installation, server: Simulator) -> None:
    before = everything(installation)
    with pragma("temp.max_page_count = 6"):
        ran = installation.sync()
    check_told(ran, "disk_full")
    assert everything(installation) == before
    check_repaired(installation, server)


@on_sqlite
@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_disk_that_refuses_to_write(installation: Installation, server: Simulator, share: float) -> None:
    """A real process whose files may not grow: the system refuses, not SQLite."""
    before = everything(installation)
    limit = int(file_of(installation).stat().st_size * share)
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(limit), *installation.arguments("sync", "--format", "json")],
        cwd=installation.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    check_told(Ran(done.returncode, done.stdout, done.stderr), "disk_failed")
    assert everything(installation) == before
    check_repaired(installation, server)


_LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from mdm_bridge.delivery.cli import cli
cli.main(sys.argv[1:])
"""


@on_sqlite
def test_a_locked_database(installation: Installation, server: Simulator) -> None:
    before = everything(installation)
    with closing(sqlite3.connect(file_of(installation))) as other, pragma("busy_timeout = 50"):
        other.execute("BEGIN IMMEDIATE")
        ran = installation.sync()
        looking = installation("device", "list", "--format", "json")
    check_told(ran, "database_locked")
    assert looking.code == 0, "reading does not wait for a writer"
    assert everything(installation) == before
    check_repaired(installation, server)


@on_sqlite
def test_a_database_that_is_locked_while_a_run_reads(installation: Installation, server: Simulator) -> None:
    before = everything(installation)
    with closing(sqlite3.connect(file_of(installation), check_same_thread=False)) as other:
        answered = server._server.answered

        def lock_and_answer(asked: Any) -> Any:
            if asked.path == "/devices":
                other.execute("BEGIN IMMEDIATE")
            return answered(asked)

        with pytest.MonkeyPatch.context() as patch, pragma("busy_timeout = 50"):
            patch.setattr(server._server, "answered", lock_and_answer)
            ran = installation.sync()
        other.rollback()
    check_told(ran, "database_locked")
    assert everything(installation) == before
    with installation.store() as store, store.unit() as unit:
        # Not even the lease could be given back; but that process would have ended by now.
        ended = text("UPDATE lease SET process_started = 1 WHERE holder IS NOT NULL")
        assert unit.connection.execute(ended).rowcount == 1
    check_repaired(installation, server)


@on_postgresql
def test_a_locked_row_in_postgresql(installation: Installation, server: Simulator, tmp_path: Path) -> None:
    before = everything(installation)
    (tmp_path / "hasty").mkdir()
    url = installation.database_url + "&options=-c%20lock_timeout%3D100ms"
    hasty = Installation(tmp_path / "hasty", url, {"school": server})
    with installation.store() as store, store.unit() as unit:
        unit.connection.execute(text("SELECT 1 FROM lease FOR UPDATE"))
        ran = hasty.sync()
    check_told(ran, "database_locked")
    assert everything(installation) == before
    check_repaired(installation, server)


@on_postgresql
def test_nobody_waits_for_ever_in_postgresql(installation: Installation) -> None:
    with installation.store() as store, store.reading() as unit:
        waits = unit.connection.execute(text("SHOW lock_timeout")).scalar_one()
    assert waits != "0"


@on_sqlite
def test_a_database_that_may_not_be_written(installation: Installation, server: Simulator) -> None:
    before = everything(installation)
    with pragma("query_only = ON"):
        check_told(installation.sync(), "database_read_only")
        assert installation("device", "list", "--format", "json").code == 0, "looking is possible"
    guest = open_store(f"sqlite:///file:{file_of(installation)}?mode=ro&uri=true")
    with pytest.raises(StorageError) as caught, guest.unit() as unit:
        unit.connection.execute(text("DELETE FROM device"))
    assert caught.value.code == "database_read_only"
    assert contents(guest) == before
    guest.close()
    check_repaired(installation, server)


def _text(path: Path) -> None:
    path.write_text("Ceci n'est pas une base de données.\n" * 200, encoding="utf-8")


def _half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xa5" * (len(whole) - 100))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _another(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipe (name TEXT)")


@on_sqlite
@pytest.mark.parametrize(
    ("spoil", "code", "hint"),
    [
        (_text, "database_damaged", "db restore"),
        (_half, "database_damaged", "db restore"),
        (_folder, "database_cannot_open", "[database] url"),
        (_another, "database_not_ours", "[database] url"),
    ],
)
@pytest.mark.parametrize(
    "words", [("sync",), ("device", "list"), ("today",), ("db", "upgrade")], ids=" ".join
)
def test_a_database_that_is_none(
    installation: Installation, spoil: Callable[[Path], None], code: str, hint: str, words: tuple[str, ...]
) -> None:
    path = file_of(installation)
    for journal in (f"{path}-wal", f"{path}-shm"):
        Path(journal).unlink(missing_ok=True)
    spoil(path)
    before = None if path.is_dir() else path.read_bytes()
    ran = installation(*words)
    assert ran.code == 1
    message, advice = ran.err.splitlines()[-2:]
    assert message.startswith("Error: ")
    assert advice.startswith("Hint: ")
    assert hint in advice
    with pytest.raises(StorageError) as caught:
        open_store(installation.database_url).upgrade()
    assert caught.value.code == code
    assert path.is_dir() if before is None else path.read_bytes() == before


def test_ctrl_c_is_not_hidden_by_an_undoing_that_fails() -> None:
    def undo() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise OperationalError(
                "ROLLBACK", None, sqlite3.OperationalError("another command is in progress")
            )

    with pytest.raises(KeyboardInterrupt), storage_errors():
        undo()
