"""How the database is: asked by ``doctor``, never on the way of the data."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Connection

from mdm_bridge.errors import StorageError
from mdm_bridge.messages import Message
from mdm_bridge.ports.health import DatabaseHealth
from mdm_bridge.storage.store import Store

__all__ = ["look_at"]


def look_at(store: Store) -> DatabaseHealth:
    """Ask a database how it is.

    Raises:
        StorageError: It does not answer, or has no tables.
    """
    file = store.engine.url.database if store.engine.dialect.name == "sqlite" else None
    if file is not None and not Path(file).exists():  # asking would create it
        raise StorageError(
            Message("database_missing", "There is no database at {file}.", file=file),
            hint=Message("run_db_upgrade", "Run: mdm-bridge db upgrade"),
        )
    with store.reading() as unit:
        unit.queries.freshness()  # tables that are missing are told by the error this raises
        return _of(unit.connection)


def _of(connection: Connection) -> DatabaseHealth:
    if connection.dialect.name == "postgresql":
        version = connection.exec_driver_sql("SHOW server_version").scalar_one()
        return DatabaseHealth(f"PostgreSQL {version}", None, None)
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    return DatabaseHealth(f"SQLite {version}", journal == "wal", _free_bytes(connection.engine.url.database))


def _free_bytes(file: str | None) -> int | None:
    try:
        return shutil.disk_usage(Path(file or "").parent).free
    except OSError:
        return None
