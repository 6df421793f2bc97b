"""Reading for lists and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, null, or_, select
from sqlalchemy.orm import aliased

from mdm_bridge.domain.fleet import DeviceFilter, Freshness, os_below
from mdm_bridge.ports.clock import Clock
from mdm_bridge.storage.kits import kits_called
from mdm_bridge.storage.leases import Leases
from mdm_bridge.storage.tables import (
    AppRow,
    DeviceNowRow,
    DeviceRow,
    InstalledRow,
    KitRow,
    RecordRow,
    RunRow,
    ServerAppRow,
    ServerRow,
)

__all__ = ["Queries"]

_POOL = case(
    (DeviceRow.pool_override.is_(None), DeviceNowRow.pool_by_rule),
    (DeviceRow.pool_override == "none", null()),
    else_=DeviceRow.pool_override,
)

#: A device of the ash pool with apps that are counted and not named.
_UNNAMED = and_(
    func.coalesce(_POOL, "") == "ash",
    DeviceNowRow.apps_total
    > select(func.count())
    .select_from(InstalledRow)
    .where(InstalledRow.device_id == DeviceRow.id)
    .correlate(DeviceRow)
    .scalar_subquery(),
)


class Queries:
    """Role: reading for lists and reports."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def freshness(self) -> list[Freshness]:
        """Return how old each server's data are, by name."""
        latest = (
            select(RunRow.server_id, func.max(RunRow.id).label("run_id"))
            .where(RunRow.status != "running")
            .group_by(RunRow.server_id)
            .subquery()
        )
        complete = (
            select(RunRow.server_id, func.max(RunRow.started_at).label("at"))
            .where(RunRow.status == "complete")
            .group_by(RunRow.server_id)
            .subquery()
        )
        running = (
            select(
                RunRow.server_id,
                func.max(RunRow.started_at).label("at"),
                func.max(RunRow.id).label("run_id"),
            )
            .where(RunRow.status == "running")
            .group_by(RunRow.server_id)
            .subquery()
        )
        run = aliased(RunRow)
        rows = self._connection.execute(
            select(
                ServerRow.name,
                complete.c.at,
                run.id,
                run.status,
                run.error,
                running.c.at.label("since"),
                running.c.run_id.label("open"),
            )
            .outerjoin(complete, complete.c.server_id == ServerRow.id)
            .outerjoin(latest, latest.c.server_id == ServerRow.id)
            .outerjoin(run, run.id == latest.c.run_id)
            .outerjoin(running, running.c.server_id == ServerRow.id)
            .order_by(ServerRow.name)
        )
        return [self._freshness(*row) for row in rows]

    def _freshness(
        self,
        server: str,
        complete_at: datetime | None,
        ended: int | None,
        status: str | None,
        error: Mapping[str, Any] | None,
        since: datetime | None,
        still_open: int | None,
    ) -> Freshness:
        """Judge what is recorded: an open run is under way only while somebody alive holds its lease."""
        code = (error or {}).get("code")
        if still_open is not None and not Leases(self._connection, self._clock).is_held(f"sync:{server}"):
            if ended is None or still_open > ended:
                status, code = "failed", "interrupted"
            since = None
        return Freshness(server, complete_at, status, code, since)

    def devices(self, wanted: DeviceFilter) -> Iterator[dict[str, Any]]:
        """Yield devices as ``device list`` shows them, those to be sorted first, then by serial."""
        observed = {f.server: f.complete_at for f in self.freshness()}
        query = _devices_query()
        for condition in _conditions(wanted):
            query = query.where(condition)
        if wanted.kit is not None:
            query = query.where(KitRow.id.in_(kits_called(self._connection, wanted.kit)))
        if wanted.without_app is not None and not self._nameable(wanted.without_app):
            # Unknown is not zero: it may be one of those that are counted and not named.
            query = query.where(~_UNNAMED)
        for row in self._connection.execute(query):
            if wanted.os_below is not None and not os_below(row.os_version, wanted.os_below):
                continue
            yield _device_view(row, observed)

    def device(self, serial: str) -> dict[str, Any] | None:
        """Return one device as ``device show`` shows it, or None."""
        observed = {f.server: f.complete_at for f in self.freshness()}
        row = self._connection.execute(_devices_query().where(DeviceRow.serial == serial)).one_or_none()
        if row is None:
            return None
        from mdm_bridge.storage.device_details import aliases, installed_apps

        view = _device_view(row, observed)
        apps = installed_apps(self._connection, row.device_id) if row.apps_total is not None else None
        view["installed_apps"] = apps
        view["other_apps"] = None if apps is None else row.apps_total - len(apps)
        view["groups"] = None if row.groups is None else json.loads(row.groups)
        view["profiles"] = None
        view["aliases"] = aliases(self._connection, row.device_id)
        return view

    def unsaid_of(self, bundle_id: str) -> int:
        """Count the devices of which it cannot be said whether they have this app.

        In the ash pool an app that no server distributes is counted and not named.
        """
        if self._nameable(bundle_id):
            return 0
        query = (
            select(func.count())
            .select_from(DeviceRow)
            .join(DeviceNowRow, DeviceNowRow.device_id == DeviceRow.id)
            .where(_UNNAMED)
        )
        return int(self._connection.execute(query).scalar_one())

    def _nameable(self, bundle_id: str) -> bool:
        found = self._connection.execute(
            select(ServerAppRow.id)
            .join(AppRow, AppRow.id == ServerAppRow.app_id)
            .where(
                AppRow.bundle_id == bundle_id, ServerAppRow.gone_at.is_(None), ServerAppRow.deleted.is_(False)
            )
            .limit(1)
        )
        return found.first() is not None

    def kits(self) -> list[str]:
        """Return the names of the cases."""
        return sorted(self._connection.execute(select(KitRow.name)).scalars())

    def serials_like(self, ending: str) -> list[str]:
        """Return the serial numbers that are, or end with, this text (upper case)."""
        exact = self._connection.execute(
            select(DeviceRow.serial).where(DeviceRow.serial == ending)
        ).scalar_one_or_none()
        if exact is not None:
            return [exact]
        rows = self._connection.execute(
            select(DeviceRow.serial).where(DeviceRow.serial.endswith(ending, autoescape=True))
        )
        return sorted(rows.scalars())

    def history(self, serial: str) -> list[dict[str, Any]]:
        """Return what happened to a device, the latest first."""
        from mdm_bridge.storage.device_details import history

        return history(self._connection, serial)

    def app_report(self) -> list[dict[str, Any]]:
        """Return one row an app: on how many devices of which pool, versions, licences."""
        from mdm_bridge.storage.app_report import app_report

        return app_report(self._connection, _POOL, _UNNAMED)


def _devices_query() -> Select[Any]:
    live = aliased(RecordRow)
    is_live = select(live.id).where(live.device_id == DeviceRow.id, live.gone_at.is_(None)).exists()
    last_gone = (
        select(func.max(live.gone_at)).where(live.device_id == DeviceRow.id).correlate(DeviceRow)
    ).scalar_subquery()
    gone_at = case((RecordRow.gone_at.is_(None), null()), (is_live, null()), else_=last_gone)
    return (
        select(
            DeviceRow.id.label("device_id"),
            DeviceRow.serial,
            RecordRow.udid,
            DeviceNowRow.name,
            DeviceNowRow.name_masked,
            DeviceNowRow.asset_tag,
            DeviceRow.inventory_no,
            _POOL.label("pool"),
            DeviceRow.state,
            func.coalesce(DeviceNowRow.model, DeviceRow.own_model).label("model"),
            DeviceNowRow.model_identifier,
            DeviceNowRow.os_version,
            DeviceNowRow.supervised,
            DeviceNowRow.managed,
            DeviceNowRow.battery_percent,
            DeviceNowRow.capacity_mb,
            DeviceNowRow.available_mb,
            DeviceNowRow.last_seen_at,
            RecordRow.observed_at,
            gone_at.label("gone_at"),
            ServerRow.name.label("server"),
            DeviceNowRow.apps_total,
            DeviceNowRow.groups,
            KitRow.name.label("kit"),
            DeviceRow.place,
            DeviceRow.place_since,
            DeviceRow.purchased_on,
            DeviceRow.warranty_until,
            DeviceRow.funding,
            DeviceRow.supplier_ref,
            DeviceRow.state_since,
            DeviceRow.first_seen_at,
        )
        .select_from(DeviceRow)
        .outerjoin(DeviceNowRow, DeviceNowRow.device_id == DeviceRow.id)
        .outerjoin(RecordRow, RecordRow.id == DeviceNowRow.record_id)
        .outerjoin(ServerRow, ServerRow.id == RecordRow.server_id)
        .outerjoin(KitRow, KitRow.id == DeviceRow.kit_id)
        .order_by(case((_POOL.is_(None), 0), else_=1), DeviceRow.serial)
    )


def _conditions(wanted: DeviceFilter) -> Iterator[Any]:
    if wanted.pool is not None:
        yield _POOL.is_(None) if wanted.pool == "none" else wanted.pool == _POOL
    if wanted.state is not None:
        yield DeviceRow.state == wanted.state
    if wanted.server is not None:
        yield ServerRow.name == wanted.server
    if wanted.not_seen_since is not None:
        seen = DeviceNowRow.last_seen_at
        day = datetime.combine(wanted.not_seen_since.date(), time(), UTC)
        ash = func.coalesce(_POOL, "") == "ash"
        yield or_(seen.is_(None), and_(ash, seen < day), and_(~ash, seen < wanted.not_seen_since))
    if wanted.with_app is not None:
        yield _has_app(wanted.with_app)
    if wanted.without_app is not None:
        # A device whose apps are unknown is not said to lack one.
        yield and_(DeviceNowRow.apps_total.is_not(None), ~_has_app(wanted.without_app))
    if wanted.gone is not None:
        live = aliased(RecordRow)
        listed = select(live.id).where(live.device_id == DeviceRow.id, live.gone_at.is_(None)).exists()
        yield (
            and_(DeviceNowRow.device_id.is_not(None), ~listed)
            if wanted.gone
            else or_(DeviceNowRow.device_id.is_(None), listed)
        )


def _has_app(bundle_id: str) -> Any:
    return and_(
        DeviceNowRow.apps_total.is_not(None),
        select(InstalledRow.app_id)
        .join(AppRow, AppRow.id == InstalledRow.app_id)
        .where(InstalledRow.device_id == DeviceRow.id, AppRow.bundle_id == bundle_id)
        .exists(),
    )


def _device_view(row: Any, observed: Mapping[str, datetime | None]) -> dict[str, Any]:
    return {
        "serial": row.serial,
        "udid": row.udid,
        "name": row.name,
        "asset_tag": row.asset_tag,
        "inventory_no": row.inventory_no,
        "pool": row.pool,
        "state": row.state,
        "model": row.model,
        "model_identifier": row.model_identifier,
        "os_version": row.os_version,
        "supervised": row.supervised,
        "managed": row.managed,
        "battery_percent": row.battery_percent,
        "capacity_gb": _gigabytes(row.capacity_mb),
        "available_gb": _gigabytes(row.available_mb),
        "last_seen_at": row.last_seen_at,
        "observed_at": row.observed_at or observed.get(row.server),
        "gone_at": row.gone_at,
        "server": row.server,
        "apps": row.apps_total,
        "assignment": None,
        "name_masked": bool(row.name_masked),
        "kit": row.kit,
        "place": row.place,
        "place_since": row.place_since,
        "purchased_on": row.purchased_on,
        "warranty_until": row.warranty_until,
        "funding": row.funding,
        "supplier_ref": row.supplier_ref,
        "state_since": row.state_since,
        "first_seen_at": row.first_seen_at,
    }


def _gigabytes(megabytes: int | None) -> float | None:
    return None if megabytes is None else round(megabytes / 1000, 2)
