"""The app lists of a merge: expanded from their blobs, compared device by device, in chunks."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from mdm_bridge.ports.sync import AppCounts, MergeOrder
from mdm_bridge.storage.bulk import insert_rows, rows_of
from mdm_bridge.storage.intake import StagingArea
from mdm_bridge.storage.sql import Sql
from mdm_bridge.storage.tables import AppRow, AppVersionRow, InstalledRow
from mdm_bridge.storage.types import instant_text

__all__ = ["AppMerge", "intern_apps"]

_NUMBER_BYTES = array("I").itemsize

#: Devices compared at once: some 30 000 app rows, a few megabytes.
_CHUNK = 500

_INSTALLED = ("device_id", "app_id", "version_id", "flags")
_EVENT = ("device_id", "app_id", "at", "run_id", "kind", "old_version_id", "new_version_id")

App = tuple[int, int, int]  # app id, version id, flags

_FLAGS = {None: 0, False: 1, True: 2}


class _Staged(NamedTuple):
    device_id: int
    fresh: int
    pool: str | None
    apps: bytes
    apps_before: int | None
    same_list: int


class AppMerge:
    """Brings the staged app lists into ``installed`` and writes the events.

    Args:
        becoming_ash: Devices that enter the ash pool by this merge: their list is replaced by what
            may be named, without events, which would name the rest.
    """

    def __init__(
        self,
        connection: Connection,
        staged: StagingArea,
        order: MergeOrder,
        sql: Sql,
        becoming_ash: Collection[int],
    ) -> None:
        self._connection = connection
        self._staged = staged
        self._order = order
        self._sql = sql
        self._becoming_ash = becoming_ash
        self._counts = {"installed": 0, "removed": 0, "updated": 0}
        self._touched: list[int] = []
        self._repeated: list[dict[str, int]] = []

    def run(self) -> AppCounts:
        """Do it, and return how many events were written."""
        interned = self._intern()
        self._ours = self._ids_of(self._order.ours_now)
        self._ours_still = self._ids_of(self._order.ours_before & self._order.ours_now)
        for chunk in self._chunks():
            self._merge_chunk(chunk, interned)
        self._mark("touched = 1", [{"d": device} for device in self._touched])
        self._mark("apps_total = apps_total - :n", self._repeated)
        return AppCounts(**self._counts)

    def _mark(self, change: str, rows: list[dict[str, int]]) -> None:
        if rows:
            statement = text(f"UPDATE staged SET {change} WHERE device_id = :d AND speaks = 1")
            self._connection.execute(statement, rows)

    def _intern(self) -> list[App]:
        """Return what each number of the run stands for.

        Apps of rows that say nothing (another record speaks, a pool was chosen meanwhile) are not
        written anywhere: they may be named on no device.
        """
        told = self._told()
        kept = [app for number, app in enumerate(self._staged.apps) if told is None or number in told]
        names: dict[str, str | None] = {}
        for app in kept:
            # The same of several names, whatever the order of the listing.
            names[app.bundle_id] = min(filter(None, (names.get(app.bundle_id), app.name)), default=None)
        apps = intern_apps(self._connection, names)
        versions = _intern_versions(self._connection, {app.version or "" for app in kept})
        return [
            (apps.get(app.bundle_id, 0), versions.get(app.version or "", 0), _FLAGS[app.managed])
            for app in self._staged.apps
        ]

    def _told(self) -> set[int] | None:
        """Return the numbers of the apps in the rows that speak; None: all of the run."""
        counted = self._sql.rows("SELECT count(*) FROM staged WHERE speaks = 1 AND apps IS NOT NULL")
        if counted[0][0] == self._staged.lists:
            return None
        told: set[int] = set()
        for (packed,) in rows_of(
            self._connection, "SELECT apps FROM staged WHERE speaks = 1 AND apps IS NOT NULL"
        ):
            numbers = array("I")
            numbers.frombytes(packed)
            told.update(numbers)
        return told

    def _ids_of(self, bundle_ids: Collection[str]) -> set[int]:
        if not bundle_ids:
            return set()
        rows = self._connection.execute(select(AppRow.id, AppRow.bundle_id))
        return {row.id for row in rows if row.bundle_id in bundle_ids}

    def _chunks(self) -> Iterator[list[_Staged]]:
        after = -1
        while True:
            rows = rows_of(
                self._connection,
                "SELECT s.device_id, s.fresh, s.pool, s.apps, n.apps_total, "
                "CASE WHEN length(r.apps_hash) > 1 THEN 1 ELSE 0 END "
                "FROM staged s LEFT JOIN device_now n ON n.device_id = s.device_id "
                "LEFT JOIN record r ON r.id = s.record_id "
                f"WHERE s.device_id > {after} AND s.speaks = 1 AND s.apps IS NOT NULL "
                f"ORDER BY s.device_id LIMIT {_CHUNK}",
            )
            chunk = [_Staged(*row) for row in rows]
            if not chunk:
                return
            after = chunk[-1].device_id
            yield chunk

    def _merge_chunk(self, chunk: list[_Staged], interned: list[App]) -> None:
        before = self._installed_before([row for row in chunk if not row.fresh])
        fresh: list[tuple[int, int, int, int]] = []
        changes = _Changes()
        for row in chunk:
            apps = _expand(row.apps, interned)
            device = row.device_id
            twice = len(row.apps) // _NUMBER_BYTES - len(apps)
            if twice:
                self._repeated.append({"d": device, "n": twice})
            if row.fresh:
                fresh.extend([(device, app, version, flags) for app, version, flags in apps])
            else:
                self._compare(row, apps, before.get(device, {}), changes)
        insert_rows(self._connection, "installed", _INSTALLED, fresh)
        self._write(changes)

    def _installed_before(self, known: list[_Staged]) -> dict[int, dict[int, tuple[int, int]]]:
        if not known:
            return {}
        rows = self._connection.execute(
            select(InstalledRow.device_id, InstalledRow.app_id, InstalledRow.version_id, InstalledRow.flags)
            .where(InstalledRow.device_id.in_([row.device_id for row in known]))
            .order_by(InstalledRow.device_id)
        ).all()
        return {
            device: {app: (version, flags) for _, app, version, flags in group}
            for device, group in groupby(rows, key=itemgetter(0))
        }

    def _compare(
        self, row: _Staged, apps: Collection[App], old: dict[int, tuple[int, int]], changes: _Changes
    ) -> None:
        device = row.device_id
        # A list never seen before is a starting point, not ten installations.
        silent = device in self._becoming_ash or (row.apps_before is None and not old)
        # Where some were only counted, what is named now may have been there: unless it would have been
        # named in the list before, of this very record.
        partly_named = row.apps_before is None or len(old) < row.apps_before
        sure = self._ours_still if row.same_list else ()
        before = len(changes)
        for app, version, flags in apps:
            was = old.pop(app, None)
            if was is None:
                changes.added.append((device, app, version, flags))
                unsure = partly_named and app not in sure
                self._event(changes, row, silent or unsure, app, "installed", None, version)
            elif was != (version, flags):
                changes.changed.append({"d": device, "a": app, "v": version, "f": flags})
                if was[0] != version:
                    self._event(changes, row, silent, app, "updated", was[0], version)
        for app, (version, _) in old.items():
            changes.removed.append({"d": device, "a": app})
            self._event(changes, row, silent, app, "removed", version, None)
        if len(changes) > before:
            self._touched.append(device)

    def _event(
        self,
        changes: _Changes,
        row: _Staged,
        silent: bool,
        app: int,
        kind: str,
        old: int | None,
        new: int | None,
    ) -> None:
        # In the ash pool an app that is no longer ours was not removed by anyone: it ceased to be named.
        if silent or (row.pool == "ash" and app not in self._ours):
            return
        self._counts[kind] += 1
        at = instant_text(self._order.run.started_at)
        changes.events.append((row.device_id, app, at, self._order.run.run_id, kind, old, new))

    def _write(self, changes: _Changes) -> None:
        key = (InstalledRow.device_id == bindparam("d")) & (InstalledRow.app_id == bindparam("a"))
        if changes.removed:
            self._connection.execute(delete(InstalledRow).where(key), changes.removed)
        if changes.changed:
            self._connection.execute(
                update(InstalledRow).where(key).values(version_id=bindparam("v"), flags=bindparam("f")),
                changes.changed,
            )
        insert_rows(self._connection, "installed", _INSTALLED, changes.added)
        insert_rows(self._connection, "app_event", _EVENT, changes.events)


class _Changes:
    """What a chunk changes in ``installed``, and the events of it."""

    def __init__(self) -> None:
        self.added: list[tuple[int, int, int, int]] = []
        self.changed: list[dict[str, int]] = []
        self.removed: list[dict[str, int]] = []
        self.events: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)


def _expand(packed: bytes, interned: list[App]) -> Collection[App]:
    """Return the apps of a blob, by app id; of one listed twice the later version id counts."""
    numbers = array("I")
    numbers.frombytes(packed)
    return {app[0]: app for app in sorted([interned[number] for number in numbers])}.values()


def intern_apps(connection: Connection, names: dict[str, str | None]) -> dict[str, int]:
    """Return app ids by bundle id, inserting the unknown ones and naming those without a name.

    Args:
        connection: Inside a writing transaction.
        names: Display names by bundle id (None: not said).
    """
    if not names:
        return {}
    known = {row.bundle_id: row.id for row in connection.execute(select(AppRow.id, AppRow.bundle_id))}
    # Sorted: two servers inserting the same apps at once must not wait for each other in a circle.
    missing = [{"bundle_id": b, "name": names[b]} for b in sorted(names) if b not in known]
    if missing:
        _insert_missing(connection, AppRow, "bundle_id", missing)
        known = {row.bundle_id: row.id for row in connection.execute(select(AppRow.id, AppRow.bundle_id))}
    nameless = connection.execute(select(AppRow.id, AppRow.bundle_id).where(AppRow.name.is_(None)))
    for app in nameless.all():
        if names.get(app.bundle_id):
            connection.execute(update(AppRow).where(AppRow.id == app.id).values(name=names[app.bundle_id]))
    return known


def _intern_versions(connection: Connection, texts: Collection[str]) -> dict[str, int]:
    if not texts:
        return {}
    query = select(AppVersionRow.id, AppVersionRow.text)
    known = {row.text: row.id for row in connection.execute(query)}
    missing = [{"text": text} for text in sorted(texts) if text not in known]
    if missing:
        _insert_missing(connection, AppVersionRow, "text", missing)
        known = {row.text: row.id for row in connection.execute(query)}
    return known


def _insert_missing(
    connection: Connection, table: type[AppRow] | type[AppVersionRow], unique: str, rows: list[dict[str, Any]]
) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing(index_elements=[unique])
    connection.execute(statement, rows)
