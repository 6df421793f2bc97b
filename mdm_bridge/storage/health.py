"""How the database is: asked by ``doctor``. Nothing is created, upgraded or written."""

from __future__ import annotations

import os
import shutil
import sqlite3

from mdm_bridge.errors import StorageError
from mdm_bridge.messages import Message
from mdm_bridge.ports.health import DatabaseHealth
from mdm_bridge.storage.errors import storage_errors
from mdm_bridge.storage.network_share import refuse_network_share
from mdm_bridge.storage.schema import database_file
from mdm_bridge.storage.store import Store
from mdm_bridge.storage.upgrade import too_new

__all__ = ["look_at"]


def look_at(store: Store) -> DatabaseHealth:
    """Ask a database how it is.

    Raises:
        StorageError: It does not answer, is on a network share, or is newer than the program.
    """
    file = database_file(store.engine)
    if file is not None:
        _refuse_missing_folder(file)
        refuse_network_share(file)
    state = store.schema_state()
    if state.status == "newer":
        raise too_new(state)
    by_itself = file is not None and not state.loses_data
    if file is None:
        with storage_errors(), store.engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
        return DatabaseHealth(f"PostgreSQL {version}", state.status, by_itself)
    journal = None
    if os.path.exists(file):
        with storage_errors(), store.engine.connect() as connection:
            journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    free = shutil.disk_usage(os.path.dirname(file) or ".").free
    return DatabaseHealth(f"SQLite {sqlite3.sqlite_version}", state.status, by_itself, journal, free)


def _refuse_missing_folder(file: str) -> None:
    folder = os.path.dirname(file) or "."
    if not os.path.isdir(folder):
        raise StorageError(
            Message(
                "database_folder_missing",
                "The folder of the database does not exist: {folder}",
                folder=folder,
            ),
            hint=Message("make_database_folder", "Create it, or correct [database] url."),
        )
