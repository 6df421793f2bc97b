"""The store: opens units of work on one database, SQLite or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from mdm_bridge.ports.clock import Clock, SystemClock
from mdm_bridge.storage.engine import WRITE, open_engine
from mdm_bridge.storage.errors import storage_errors
from mdm_bridge.storage.network_share import refuse_network_share
from mdm_bridge.storage.schema import HEAD, current_revision, database_file
from mdm_bridge.storage.unit import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from mdm_bridge.ports.database import BackupMade, DatabaseExam, Restored, SchemaState
    from mdm_bridge.storage.intake import StagingArea

__all__ = ["Store"]


class Store:
    """A database, opened.

    Args:
        url: SQLAlchemy URL, ``sqlite:///…`` or ``postgresql+psycopg://…``.
        clock: Where the time comes from.
    """

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        self.engine: Engine = open_engine(url)
        self.clock = clock or SystemClock()
        self._ready = False

    def __repr__(self) -> str:
        return f"Store({self.engine.url.render_as_string(hide_password=True)!r})"

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Open a writing unit: committed at the end of the block, rolled back by any exception.

        Raises:
            StorageError: The database is locked, full, damaged or away.
        """
        self.ensure_ready()
        with (
            storage_errors(),
            self.engine.connect().execution_options(**{WRITE: True}) as connection,
            connection.begin(),
        ):
            yield Unit(connection, self.clock)

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        """Open a reading unit: one consistent picture; nothing can be written.

        Raises:
            StorageError: The database is locked, damaged or away.
        """
        self.ensure_ready()
        with storage_errors(), self.engine.connect() as plain:
            if plain.dialect.name == "postgresql":
                connection = plain.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            else:
                connection = plain
            with connection.begin():
                yield Unit(connection, self.clock)

    @contextmanager
    def intake(self) -> Iterator[StagingArea]:
        """Open a staging place on a connection of its own; what it holds is dropped at the end."""
        from mdm_bridge.storage.intake import StagingArea

        self.ensure_ready()
        with storage_errors(), self.engine.connect() as connection:
            try:
                yield StagingArea(connection, lambda staged: Unit(connection, self.clock, staged))
            finally:
                # A pooled connection keeps its TEMP tables: throw it away.
                connection.invalidate()

    def schema_state(self) -> SchemaState:
        """Compare the schema of the database with the program's (see ``ports.database``)."""
        from mdm_bridge.storage.upgrade import schema_state

        return schema_state(self.engine)

    def upgrade(self) -> SchemaState:
        """Bring the database to the present schema (see ``ports.database``)."""
        from mdm_bridge.storage.upgrade import upgrade

        self._refuse_network_share()
        before = upgrade(self.engine)
        self._ready = True
        return before

    def ensure_ready(self) -> None:
        """Make sure the database has the present schema; every unit asks for it, once a process.

        A SQLite file is made, or upgraded when nothing stored would be lost.

        Raises:
            StorageError: A person has to decide; the hint says how.
        """
        if self._ready:
            return
        self._refuse_network_share()
        if not self._is_current():
            from mdm_bridge.storage.upgrade import make_ready

            make_ready(self.engine)
        self._ready = True

    def _is_current(self) -> bool:
        """Ask the one cheap question that most starts need."""
        file = database_file(self.engine)
        if file is not None and not os.path.exists(file):
            return False
        with storage_errors(), self.engine.connect() as connection:
            return current_revision(connection) == HEAD

    def _refuse_network_share(self) -> None:
        file = database_file(self.engine)
        if file is not None:
            refuse_network_share(file)

    def examine(self) -> DatabaseExam:
        """Look at the database thoroughly (see ``ports.database``)."""
        from mdm_bridge.storage.exam import examine

        return examine(self)

    def backup(self, path: Path) -> BackupMade:
        """Write a portable copy (see ``ports.database``)."""
        from mdm_bridge.storage.backup import backup

        return backup(self, path)

    def restore(self, path: Path, actor: str) -> Restored:
        """Fill this empty database from a copy (see ``ports.database``)."""
        from mdm_bridge.storage.restore import restore

        self._refuse_network_share()
        return restore(self, path, actor)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
