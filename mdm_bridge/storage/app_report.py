"""Apps across the fleet: where they are, in which versions, and the licences left."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from mdm_bridge.storage.tables import (
    AppRow,
    AppVersionRow,
    DeviceNowRow,
    DeviceRow,
    InstalledRow,
    RecordRow,
    ServerAppRow,
)

__all__ = ["app_report"]

_VERSIONS_SHOWN = 3


def app_report(
    connection: Connection, pool: ColumnElement[Any], unnamed: ColumnElement[Any]
) -> list[dict[str, Any]]:
    """Return one row an app that is installed or distributed, by name.

    Args:
        connection: Inside a transaction.
        pool: Expression of a device's effective pool.
        unnamed: Condition « this device has apps that are counted and not named ».

    Returns:
        ``bundle_id``, ``name``, ``adam_id``, ``devices``, ``training``, ``ash`` (None when it cannot
        be known: the app is not ours, and some tablets of that pool have apps that are not named),
        ``versions`` (the most frequent first), ``licences_total``, ``licences_used``,
        ``licences_free``, ``distributed`` (a server offers it).
    """
    licences = _licences(connection)
    versions = _versions(connection)
    counts = _counts(connection, pool)
    silent = _any(connection, unnamed)
    found = []
    for app in connection.execute(select(AppRow.id, AppRow.bundle_id, AppRow.name, AppRow.adam_id)):
        count, licence = counts.get(app.id), licences.get(app.id)
        if count is None and licence is None:
            continue
        devices, training, ash = count or (0, 0, 0)
        total, used, free = licence or (None, None, None)
        found.append(
            {
                "bundle_id": app.bundle_id,
                "name": app.name,
                "adam_id": app.adam_id,
                "devices": devices,
                "training": training,
                "ash": None if silent and licence is None else ash,
                "versions": versions.get(app.id, []),
                "licences_total": total,
                "licences_used": used,
                "licences_free": free,
                "distributed": licence is not None,
            }
        )
    return sorted(found, key=lambda row: ((row["name"] or row["bundle_id"]).casefold(), row["bundle_id"]))


def _any(connection: Connection, unnamed: ColumnElement[Any]) -> bool:
    query = (
        select(DeviceRow.id)
        .join(DeviceNowRow, DeviceNowRow.device_id == DeviceRow.id)
        .where(unnamed)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _counted() -> tuple[ColumnElement[bool], ...]:
    """Return what makes a device count: a server lists it, it is not written off, its list is known."""
    listed = select(RecordRow.id).where(RecordRow.device_id == DeviceRow.id, RecordRow.gone_at.is_(None))
    return DeviceNowRow.apps_total.is_not(None), DeviceRow.state != "retired", listed.exists()


def _counts(connection: Connection, pool: ColumnElement[Any]) -> dict[int, tuple[int, int, int]]:
    """Return on how many devices an app is, and how many of them in each pool, by app."""
    rows = connection.execute(
        select(
            InstalledRow.app_id,
            func.count(),
            func.sum(case((pool == "training", 1), else_=0)),
            func.sum(case((pool == "ash", 1), else_=0)),
        )
        .join(DeviceRow, DeviceRow.id == InstalledRow.device_id)
        .join(DeviceNowRow, DeviceNowRow.device_id == InstalledRow.device_id)
        .where(*_counted())
        .group_by(InstalledRow.app_id)
    )
    return {app: (int(devices), int(training), int(ash)) for app, devices, training, ash in rows}


def _versions(connection: Connection) -> dict[int, list[str]]:
    rows = connection.execute(
        select(InstalledRow.app_id, AppVersionRow.text, func.count().label("n"))
        .join(AppVersionRow, AppVersionRow.id == InstalledRow.version_id)
        .join(DeviceRow, DeviceRow.id == InstalledRow.device_id)
        .join(DeviceNowRow, DeviceNowRow.device_id == InstalledRow.device_id)
        .where(*_counted())
        .group_by(InstalledRow.app_id, AppVersionRow.text)
        .order_by(InstalledRow.app_id, func.count().desc(), AppVersionRow.text.desc())
    )
    found: dict[int, list[str]] = {}
    for app, text, _ in rows:
        texts = found.setdefault(app, [])
        if text and len(texts) < _VERSIONS_SHOWN:
            texts.append(text)
    return found


def _licences(connection: Connection) -> dict[int, tuple[int | None, int | None, int | None]]:
    """Return total, used and free licences by app, over all servers; None where no server says."""
    rows = connection.execute(
        select(
            ServerAppRow.app_id,
            func.sum(ServerAppRow.total),
            func.sum(ServerAppRow.used),
            func.sum(ServerAppRow.free),
        )
        .where(ServerAppRow.gone_at.is_(None), ServerAppRow.deleted.is_(False))
        .group_by(ServerAppRow.app_id)
    )
    return {app: (total, used, free) for app, total, used, free in rows}
