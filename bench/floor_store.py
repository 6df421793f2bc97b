"""The bare writers of the floor: ``sqlite3`` executemany, psycopg COPY."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["FloorStore", "open_floor"]

_NOW = "2026-11-25T08:00:00Z"
_STABLE = (
    "name", "asset_tag", "model", "model_identifier", "os_version", "supervised", "managed", "capacity_mb",
    '"groups"',
)  # fmt: skip
_MOVING = ("battery_percent", "available_mb", "last_seen_at")
_DEVICE = ("id", "serial", "state_since", "first_seen_at")
_RECORD = (
    "id", "device_id", "remote_id", "udid", "enrolled_at", "last_contact_at", "whole_hash", "apps_hash",
    "server_id", "first_seen_at",
)  # fmt: skip
_STATE = ("device_id", "record_id", *_STABLE, *_MOVING, "apps_total", "run_id")
_INSTALLED = ("device_id", "app_id", "version_id", "flags")
_KNOWN = "SELECT remote_id, id, device_id, apps_hash, whole_hash FROM record WHERE gone_at IS NULL"

Rows = Sequence[tuple[Any, ...]]


class FloorStore(Protocol):
    """What the floor asks of a database; everything is one transaction until ``finish``."""

    def known(self) -> dict[bytes, tuple[Any, ...]]:
        """Return (remote id, record, device, hash of its apps) by the hash of the row."""
        ...

    def texts(self, table: str, column: str) -> dict[str, int]:
        """Return the interned texts of a table."""
        ...

    def intern(self, table: str, column: str, texts: Mapping[str, int]) -> None:
        """Insert the texts that are new since the last call."""
        ...

    def insert(self, devices: Rows, records: Rows, states: Rows, installed: Rows) -> None:
        """Insert devices never seen."""
        ...

    def move(self, rows: Rows) -> None:
        """Write (hash, hash of apps, contact, record, battery, available, contact, device)."""
        ...

    def change(self, rows: Rows, installed: Rows) -> None:
        """Write (stable fields, count of apps, device), and replace the apps of these devices."""
        ...

    def finish(self) -> None:
        """Commit and close."""
        ...


def open_floor(url: str) -> FloorStore:
    """Open a database whose tables exist."""
    return _Sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else _Postgresql(url)


class _Interned:
    """Numbers given so far, by table: what lies beyond is new."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}

    def done(self, table: str, count: int) -> None:
        self._done[table] = count

    def new(self, table: str, texts: Mapping[str, int]) -> list[tuple[int, str]]:
        done = self._done.get(table, 0)
        if len(texts) == done:
            return []
        self._done[table] = len(texts)
        return [(number, text) for text, number in texts.items() if number > done]


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)
        # The same meaning of « written » as ours, or the comparison would be of disks.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON",
                       "cache_size=-65536", "temp_store=FILE"):  # fmt: skip
            self._raw.execute(f"PRAGMA {pragma}")
        self._interned = _Interned()
        self._raw.execute("BEGIN IMMEDIATE")

    def known(self) -> dict[bytes, tuple[Any, ...]]:
        return {row[4]: row[:4] for row in self._raw.execute(_KNOWN)}

    def texts(self, table: str, column: str) -> dict[str, int]:
        found = dict(self._raw.execute(f"SELECT {column}, id FROM {table} ORDER BY id").fetchall())
        self._interned.done(table, len(found))
        return found

    def intern(self, table: str, column: str, texts: Mapping[str, int]) -> None:
        self._insert(table, ("id", column), self._interned.new(table, texts))

    def insert(self, devices: Rows, records: Rows, states: Rows, installed: Rows) -> None:
        self._insert("device", _DEVICE, devices, f"'{_NOW}', '{_NOW}'")
        self._insert("record", _RECORD, records, f"1, '{_NOW}'")
        self._insert("device_now", _STATE, states, "1")
        self._insert("installed", _INSTALLED, installed)

    def _insert(self, table: str, columns: Sequence[str], rows: Rows, constants: str = "") -> None:
        if not rows:
            return
        values = ", ".join(["?"] * len(rows[0]) + ([constants] if constants else []))
        self._raw.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})", rows)

    def move(self, rows: Rows) -> None:
        self._raw.executemany(
            "UPDATE record SET whole_hash = ?, apps_hash = ?, last_contact_at = ? WHERE id = ?",
            [row[:4] for row in rows],
        )
        self._raw.executemany(
            "UPDATE device_now SET battery_percent = ?, available_mb = ?, last_seen_at = ?, run_id = 1 "
            "WHERE device_id = ?",
            [row[4:] for row in rows],
        )

    def change(self, rows: Rows, installed: Rows) -> None:
        stable = ", ".join(f"{column} = ?" for column in _STABLE)
        self._raw.executemany(f"UPDATE device_now SET {stable}, apps_total = ? WHERE device_id = ?", rows)
        self._raw.executemany("DELETE FROM installed WHERE device_id = ?", [(row[-1],) for row in rows])
        self._insert("installed", _INSTALLED, installed)

    def finish(self) -> None:
        self._raw.execute("COMMIT")
        self._raw.close()


class _Postgresql:
    def __init__(self, url: str) -> None:
        import psycopg

        self._raw = psycopg.connect(url.replace("+psycopg", ""))
        self._interned = _Interned()
        self._staged = False

    def known(self) -> dict[bytes, tuple[Any, ...]]:
        with self._raw.cursor(binary=True) as cursor:
            return {row[4]: row[:4] for row in cursor.execute(_KNOWN).fetchall()}

    def texts(self, table: str, column: str) -> dict[str, int]:
        rows = self._raw.execute(f"SELECT {column}, id FROM {table} ORDER BY id").fetchall()
        self._interned.done(table, len(rows))
        return dict(rows)

    def intern(self, table: str, column: str, texts: Mapping[str, int]) -> None:
        self._copy(table, ("id", column), self._interned.new(table, texts))

    def insert(self, devices: Rows, records: Rows, states: Rows, installed: Rows) -> None:
        self._copy("device", _DEVICE, devices, (_NOW, _NOW))
        self._copy("record", _RECORD, records, (1, _NOW))
        self._copy("device_now", _STATE, states, (1,))
        self._copy("installed", _INSTALLED, installed)

    def _copy(self, table: str, columns: Sequence[str], rows: Rows, constants: tuple[Any, ...] = ()) -> None:
        if not rows:
            return
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._raw.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row + constants if constants else row)

    def move(self, rows: Rows) -> None:
        if not self._staged:
            self._staged = True
            self._raw.execute(
                "CREATE TEMP TABLE moved (w BYTEA, a BYTEA, c TIMESTAMPTZ, r INTEGER, b INTEGER, f INTEGER, "
                "s TIMESTAMPTZ, d INTEGER)"
            )
        self._copy("moved", ("w", "a", "c", "r", "b", "f", "s", "d"), rows)

    def change(self, rows: Rows, installed: Rows) -> None:
        stable = ", ".join(f"{column} = %s" for column in _STABLE)
        with self._raw.cursor() as cursor:
            cursor.executemany(f"UPDATE device_now SET {stable}, apps_total = %s WHERE device_id = %s", rows)
            cursor.execute("DELETE FROM installed WHERE device_id = ANY(%s)", ([row[-1] for row in rows],))
        self._copy("installed", _INSTALLED, installed)

    def finish(self) -> None:
        if self._staged:
            self._raw.execute("ANALYZE moved")
            self._raw.execute(
                "UPDATE record SET whole_hash = w, apps_hash = a, last_contact_at = c FROM moved WHERE id = r"
            )
            self._raw.execute(
                "UPDATE device_now SET battery_percent = b, available_mb = f, last_seen_at = s, run_id = 1 "
                "FROM moved WHERE device_id = d"
            )
        self._raw.commit()
        self._raw.close()
