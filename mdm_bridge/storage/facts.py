"""What a server says beside its devices: apps with licences, groups, profiles; only differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mdm_bridge.domain.inventory import ServerApp, ServerFacts
from mdm_bridge.ports.sync import RunHead
from mdm_bridge.storage.merge_apps import intern_apps
from mdm_bridge.storage.tables import (
    AppRow,
    Base,
    LicenceDayRow,
    ServerAppRow,
    ServerGroupRow,
    ServerProfileRow,
)

__all__ = ["FactsMerge"]


class FactsMerge:
    """Records the facts of one answer; an unchanged fact is not written."""

    def __init__(self, connection: Connection, run: RunHead, zone: ZoneInfo) -> None:
        self._connection = connection
        self._run = run
        self._zone = zone
        self._incomplete: frozenset[str] = frozenset()

    def merge(self, facts: ServerFacts, kept_groups: frozenset[str]) -> int:
        """Record every part that the server told, and return how many rows were written."""
        written = 0
        self._incomplete = facts.incomplete
        if facts.apps is not None:
            written += self._apps(facts.apps)
        if facts.groups is not None:
            named = [group for group in facts.groups if group.name.casefold() in kept_groups]
            written += self._rows(
                ServerGroupRow,
                {
                    group.remote_id: {"name": group.name, "members": group.members, "smart": group.smart}
                    for group in named
                },
                absent_go="groups" not in facts.incomplete,
            )
        if facts.profiles is not None:
            written += self._rows(
                ServerProfileRow,
                {
                    profile.remote_id: {"identifier": profile.identifier, "platform": profile.platform}
                    for profile in facts.profiles
                },
                absent_go="profiles" not in facts.incomplete,
            )
        return written

    def _apps(self, apps: Sequence[ServerApp]) -> int:
        ids = intern_apps(self._connection, {app.bundle_id: app.name for app in apps})
        self._adam_ids(apps, ids)
        before = self._licences()
        written = self._rows(
            ServerAppRow,
            {
                app.remote_id: {
                    "app_id": ids[app.bundle_id],
                    "adam_id": app.adam_id,
                    "total": app.total,
                    "used": app.used,
                    "free": app.free,
                    "deleted": app.deleted,
                }
                for app in apps
            },
            first={"first_seen_at": self._run.started_at},
            absent_go="apps" not in self._incomplete,
        )
        if written:
            self._licence_days(before)
        return written

    def _adam_ids(self, apps: Iterable[ServerApp], ids: Mapping[str, int]) -> None:
        known = {row.id: row.adam_id for row in self._connection.execute(select(AppRow.id, AppRow.adam_id))}
        for app in apps:
            if app.adam_id and known.get(ids[app.bundle_id]) is None:
                self._connection.execute(
                    update(AppRow).where(AppRow.id == ids[app.bundle_id]).values(adam_id=app.adam_id)
                )

    def _licences(self) -> dict[int, tuple[int | None, int | None, int | None]]:
        """Return total, used and free licences by app; a server may list one app several times."""
        rows = self._connection.execute(
            select(
                ServerAppRow.app_id,
                func.sum(ServerAppRow.total).label("total"),
                func.sum(ServerAppRow.used).label("used"),
                func.sum(ServerAppRow.free).label("free"),
            )
            .where(ServerAppRow.server_id == self._run.server_id, ServerAppRow.gone_at.is_(None))
            .group_by(ServerAppRow.app_id)
        )
        return {row.app_id: (row.total, row.used, row.free) for row in rows}

    def _licence_days(self, before: Mapping[int, tuple[int | None, int | None, int | None]]) -> None:
        """Add a row for each app whose counts moved; a later run of the same day replaces it."""
        day = self._run.started_at.astimezone(self._zone).date()
        moved = [
            {"server_id": self._run.server_id, "app_id": app, "day": day, "total": t, "used": u, "free": f}
            for app, (t, u, f) in self._licences().items()
            if (t, u, f) != (None, None, None) and before.get(app) != (t, u, f)
        ]
        if not moved:
            return
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(LicenceDayRow)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["server_id", "app_id", "day"],
                set_={name: statement.excluded[name] for name in ("total", "used", "free")},
            ),
            moved,
        )

    def _rows(
        self,
        table: type[Base],
        told: Mapping[str, dict[str, Any]],
        *,
        first: Mapping[str, Any] | None = None,
        absent_go: bool,
    ) -> int:
        """Insert, update and date the rows of one table so that they say what was told."""
        columns: Any = table.__table__.c
        own = columns.server_id == self._run.server_id
        found = self._connection.execute(select(table.__table__).where(own)).mappings().all()
        known = {row["remote_id"]: row for row in found}
        written = 0
        for remote_id, values in told.items():
            row = known.get(remote_id)
            if row is None:
                self._connection.execute(
                    insert(table).values(
                        server_id=self._run.server_id, remote_id=remote_id, **values, **(first or {})
                    )
                )
            elif row["gone_at"] is not None or any(row[k] != v for k, v in values.items()):
                self._connection.execute(
                    update(table).where(columns.id == row["id"]).values(**values, gone_at=None)
                )
            else:
                continue
            written += 1
        for remote_id, row in known.items():
            if absent_go and remote_id not in told and row["gone_at"] is None:
                self._connection.execute(
                    update(table).where(columns.id == row["id"]).values(gone_at=self._run.started_at)
                )
                written += 1
        return written
