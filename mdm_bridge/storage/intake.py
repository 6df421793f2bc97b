"""The staging place of a synchronisation.

Rows arrive page by page into a TEMP table of this connection: nobody else sees or waits for them,
memory stays flat, and the one short merge at the end reads them from there. A device is one row;
its app list is packed into a blob of one 32-bit number an app: bundle id, name, version and flag
together are interned for the length of the run. 60 apps are 240 bytes.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from mdm_bridge.domain.inventory import InstalledApp, Observation
from mdm_bridge.ports.sync import DOUBTED, SyncUnit
from mdm_bridge.storage.bulk import insert_rows
from mdm_bridge.storage.engine import WRITE, lock_inventory
from mdm_bridge.storage.errors import storage_errors
from mdm_bridge.storage.types import instant_text

__all__ = ["APPS_UNKNOWN", "Interner", "StagingArea"]

#: ``apps_total`` of a row whose app list is not believed.
APPS_UNKNOWN = -1

_BATCH = 500

# A device listed again under another id, or still under its other one, does not vanish.
_VANISHING = """
SELECT (SELECT count(DISTINCT r.device_id) FROM leaving l JOIN record r ON r.id = l.record_id
        JOIN device d ON d.id = r.device_id
        WHERE d.serial NOT IN (SELECT s.serial FROM staged s)
        AND NOT EXISTS (SELECT 1 FROM record o WHERE o.device_id = r.device_id
                        AND o.server_id = r.server_id AND o.gone_at IS NULL
                        AND o.id NOT IN (SELECT record_id FROM leaving))),
       (SELECT count(DISTINCT device_id) FROM record WHERE gone_at IS NULL AND server_id =
        (SELECT r.server_id FROM record r WHERE r.id = (SELECT max(record_id) FROM leaving)))
"""


@lru_cache(maxsize=1024)
def _as_json(groups: tuple[str, ...]) -> str:
    """Return the groups of a device as they are stored; few sets of groups come again and again."""
    return json.dumps(groups, ensure_ascii=False)


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("ord", "INTEGER PRIMARY KEY"),
    ("remote_id", "TEXT NOT NULL"),
    ("serial", "TEXT NOT NULL"),
    ("record_id", "INTEGER"),
    ("device_id", "INTEGER"),
    ("udid", "TEXT"),
    ("name", "TEXT"),
    ("name_masked", "BOOLEAN NOT NULL"),
    ("asset_tag", "TEXT"),
    ("model", "TEXT"),
    ("model_identifier", "TEXT"),
    ("os_version", "TEXT"),
    ("supervised", "BOOLEAN"),
    ("managed", "BOOLEAN"),
    ("battery_percent", "INTEGER"),
    ("capacity_mb", "INTEGER"),
    ("available_mb", "INTEGER"),
    ("contact_at", "{instant}"),
    ("last_seen_at", "{instant}"),
    ("enrolled_at", "{instant}"),
    ("groups", "TEXT"),
    ("pool", "TEXT"),
    ("pool_by_rule", "TEXT"),
    ("day", "DATE"),
    ("whole_hash", "{bytes}"),
    ("apps_hash", "{bytes}"),
    ("apps", "{bytes}"),
    ("apps_total", "INTEGER"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)

# Filled in by the merge.
_DERIVED = (
    ("speaks", "INTEGER NOT NULL DEFAULT 1"),
    ("fresh", "INTEGER NOT NULL DEFAULT 0"),
    ("moved", "INTEGER NOT NULL DEFAULT 0"),
    ("touched", "INTEGER NOT NULL DEFAULT 0"),
    ("returned", "INTEGER NOT NULL DEFAULT 0"),
)

# Of this connection, which is thrown away afterwards: by default neither the staged rows nor the
# tables they are joined with fit in memory.
_SETTINGS = ("SET temp_buffers = '128MB'", "SET work_mem = '32MB'")

_TYPES = {
    "sqlite": {"instant": "TEXT", "bytes": "BLOB"},
    "postgresql": {"instant": "TIMESTAMPTZ", "bytes": "BYTEA"},
}


class Interner(dict[InstalledApp, int]):
    """Numbers for apps that come again and again: ``interner[app]`` is its place in the order of keys."""

    def __missing__(self, app: InstalledApp) -> int:
        number = self[app] = len(self)
        return number


class StagingArea:
    """Implements ``ports.sync.Intake`` on one connection.

    Args:
        connection: Of its own, outside any transaction.
        make_unit: How the unit that merges is made, once its transaction has begun.
    """

    def __init__(self, connection: Connection, make_unit: Callable[[StagingArea], SyncUnit]) -> None:
        self._connection = connection
        self._make_unit = make_unit
        self._pending: list[tuple[Any, ...]] = []
        self._count = 0
        #: Rows that came with a list of apps.
        self.lists = 0
        self.apps = Interner()
        self._leaving = False
        self._create()

    @property
    def empty(self) -> bool:
        """Whether nothing new came and nothing leaves."""
        return not self._count and not self._leaving

    def _create(self) -> None:
        dialect = self._connection.dialect.name
        types = _TYPES[dialect]
        columns = ", ".join(f'"{n}" {t.format_map(types)}' for n, t in (*_COLUMNS, *_DERIVED))
        with self._connection.begin():
            if dialect == "postgresql":
                for setting in _SETTINGS:
                    self._connection.exec_driver_sql(setting)
            self._connection.exec_driver_sql(f"CREATE TEMPORARY TABLE staged ({columns})")
            self._connection.exec_driver_sql("CREATE TEMPORARY TABLE leaving (record_id INTEGER PRIMARY KEY)")

    def add(
        self,
        observation: Observation,
        *,
        record_id: int | None,
        device_id: int | None,
        whole_hash: bytes | None,
        apps_hash: bytes | None,
        apps: Sequence[InstalledApp] | None,
        other_apps: int,
        day: date | None,
    ) -> None:
        """Stage one device (see ``ports.sync.Intake.add``)."""
        exact, seen = _contact_texts(observation)
        packed = None if apps is None else array("I", map(self.apps.__getitem__, apps)).tobytes()
        self._count += 1
        self.lists += apps is not None
        self._pending.append(
            (
                self._count,
                observation.remote_id,
                observation.serial,
                record_id,
                device_id,
                observation.udid,
                observation.name,
                observation.name_masked,
                observation.asset_tag,
                observation.model,
                observation.model_identifier,
                observation.os_version,
                observation.supervised,
                observation.managed,
                observation.battery_percent,
                _megabytes(observation.capacity_gb),
                _megabytes(observation.available_gb),
                exact,
                seen,
                instant_text(observation.enrolled_at),
                None if observation.groups is None else _as_json(observation.groups),
                observation.pool,
                observation.pool_by_rule,
                None if day is None else day.isoformat(),
                whole_hash,
                apps_hash,
                packed,
                None if apps is None else len(apps) + other_apps,
            )
        )
        self._flush(_BATCH)

    def choose(self, contested: Mapping[str, bool]) -> int:
        """Keep one row of each of these remote ids (see ``ports.sync.Intake.choose``)."""
        if not contested:
            return 0
        from mdm_bridge.storage.election import choose_rows

        self._flush()
        with storage_errors(), self._connection.begin():
            return choose_rows(self._connection, contested)

    def leave(self, record_ids: Iterable[int]) -> tuple[int, int]:
        """Note the records the listing no longer holds (see ``ports.sync.Intake.leave``)."""
        self._flush()
        rows = [(record,) for record in record_ids]
        if not rows:
            return 0, 0
        self._leaving = True
        with storage_errors(), self._connection.begin():
            insert_rows(self._connection, "leaving", ("record_id",), rows)
            vanishing, known = self._connection.exec_driver_sql(_VANISHING).one()
            return int(vanishing), int(known)

    def disbelieve_apps(self, record_ids: Iterable[int]) -> None:
        """Mark the app lists of these records unknown: nothing is removed for them."""
        self._flush()
        with storage_errors(), self._connection.begin():
            self._connection.execute(
                text(
                    "UPDATE staged SET apps = NULL, apps_hash = :doubted, whole_hash = NULL, "
                    "apps_total = :unknown WHERE record_id = :record"
                ),
                [{"record": record, "unknown": APPS_UNKNOWN, "doubted": DOUBTED} for record in record_ids],
            )

    def _flush(self, least: int = 1) -> None:
        """Write the pending rows, if there are at least so many."""
        if len(self._pending) < least:
            return
        with storage_errors(), self._connection.begin():
            insert_rows(self._connection, "staged", _NAMES, self._pending)
        self._pending.clear()

    @contextmanager
    def unit(self, *, dry_run: bool = False) -> Iterator[SyncUnit]:
        """Open the writing unit that sees the staged rows; a dry run is rolled back."""
        self._flush()
        self._connection.execution_options(**{WRITE: True})
        with storage_errors(), self._connection.begin() as transaction:
            lock_inventory(self._connection)
            yield self._make_unit(self)
            if dry_run:
                transaction.rollback()


def _megabytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else round(gigabytes * 1000)


def _contact_texts(observation: Observation) -> tuple[str | None, str | None]:
    """Return the exact contact and the one that is kept, as text; most often they are the same."""
    exact = instant_text(observation.contact_at)
    if observation.last_seen_at is observation.contact_at:
        return exact, exact
    return exact, instant_text(observation.last_seen_at)
