"""Engines: one way to open SQLite and PostgreSQL, and one meaning of a transaction on both.

SQLite: write-ahead log, foreign keys on, deleted content overwritten, and every writing unit
begins with ``BEGIN IMMEDIATE`` so that what it reads stays true until it commits. PostgreSQL:
``READ COMMITTED`` for writers, who lock the rows they decide on; ``REPEATABLE READ`` for readers.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from mdm_bridge.storage.schema import VERSION_TABLE

__all__ = ["BUSY_TIMEOUT_S", "WRITE", "is_sqlite", "lock_inventory", "open_engine"]

#: Execution option of a connection whose transactions write.
WRITE = "mdm_write"

#: How long a SQLite writer waits for another one.
BUSY_TIMEOUT_S = 30

#: How long a PostgreSQL session waits for a lock: nobody for ever, yet longer than any merge lasts.
_LOCK_TIMEOUT_S = 120

#: Any number; the same for everyone who decides on the inventory on PostgreSQL.
_INVENTORY_LOCK = 7_305_003

_PRAGMAS = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=FILE",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}",
)


def is_sqlite(url: str) -> bool:
    """Tell whether this database URL is a SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def lock_inventory(connection: Connection) -> None:
    """Wait until nobody else merges or decides on devices; held until this transaction ends.

    Two servers may list one device, and which of them speaks for it is decided from what is
    committed; a person may put a device in the adapted pool while a merge writes what that forbids.
    On SQLite a writing unit is alone already. To be called before any row is locked.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_INVENTORY_LOCK})")


def open_engine(url: str | URL) -> Engine:
    """Open an engine; nothing is connected yet."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(address)
    arguments: dict[str, Any] = {"connect_timeout": 10}
    if "options" not in address.query:
        arguments["options"] = f"-c lock_timeout={_LOCK_TIMEOUT_S}s"
    return create_engine(address, pool_pre_ping=True, pool_size=4, connect_args=arguments)


def _sqlite_engine(address: URL) -> Engine:
    # isolation_level None: the driver must not open transactions of its own; we say BEGIN.
    engine = create_engine(
        address,
        poolclass=NullPool,
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(raw: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        _turn_wal_on(raw)
        for pragma in _PRAGMAS:
            raw.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes: Any = connection.get_execution_options().get(WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _turn_wal_on(raw: sqlite3.Connection) -> None:
    """Turn the write-ahead log on, for good; but not in a file that holds another program's tables."""
    if raw.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    tables = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables or VERSION_TABLE in tables:
        raw.execute("PRAGMA journal_mode=WAL")
