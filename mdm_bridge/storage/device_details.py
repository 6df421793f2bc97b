"""One device in depth: its apps, its aliases, its history."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from mdm_bridge.storage.tables import (
    AppEventRow,
    AppRow,
    AppVersionRow,
    DeviceRow,
    FieldChangeRow,
    InstalledRow,
    RecordRow,
    ServerRow,
    StateChangeRow,
)

__all__ = ["aliases", "history", "installed_apps"]

_MANAGED = {0: None, 1: False, 2: True}


def installed_apps(connection: Connection, device_id: int) -> list[dict[str, Any]]:
    """Return the named apps of a device, by name."""
    rows = connection.execute(
        select(AppRow.bundle_id, AppRow.name, AppVersionRow.text, InstalledRow.flags)
        .join(AppRow, AppRow.id == InstalledRow.app_id)
        .join(AppVersionRow, AppVersionRow.id == InstalledRow.version_id)
        .where(InstalledRow.device_id == device_id)
    )
    found = [
        {"bundle_id": bundle_id, "name": name, "version": version or None, "managed": _MANAGED[flags]}
        for bundle_id, name, version, flags in rows
    ]
    return sorted(found, key=lambda app: ((app["name"] or app["bundle_id"]).casefold(), app["bundle_id"]))


def aliases(connection: Connection, device_id: int) -> list[dict[str, Any]]:
    """Return what servers called a device, and from when to when (``to`` None: still)."""
    rows = connection.execute(
        select(
            ServerRow.name, RecordRow.remote_id, RecordRow.udid, RecordRow.first_seen_at, RecordRow.gone_at
        )
        .join(ServerRow, ServerRow.id == RecordRow.server_id)
        .where(RecordRow.device_id == device_id)
        .order_by(RecordRow.first_seen_at, RecordRow.id)
    )
    found = []
    for server, remote_id, udid, since, until in rows:
        for kind, value in (("udid", udid), ("remote_id", remote_id)):
            if value is not None:
                found.append({"server": server, "kind": kind, "value": value, "from": since, "to": until})
    return found


def history(connection: Connection, serial: str) -> list[dict[str, Any]]:
    """Return fields, apps and decisions of people, the latest first."""
    device_id = select(DeviceRow.id).where(DeviceRow.serial == serial).scalar_subquery()
    rows = [
        {
            "at": row.at,
            "field": row.field if row.field != "capacity_mb" else "capacity_gb",
            "old": _as_gigabytes(row.old) if row.field == "capacity_mb" else row.old,
            "new": _as_gigabytes(row.new) if row.field == "capacity_mb" else row.new,
            "run": row.run_id,
            "actor": None,
            "reason": None,
            "order": row.id,
        }
        for row in connection.execute(
            select(FieldChangeRow.__table__).where(FieldChangeRow.device_id == device_id)
        )
    ]
    rows += [
        {
            "at": row.at,
            "field": row.field,
            "old": row.old,
            "new": row.new,
            "run": None,
            "actor": row.actor,
            "reason": row.reason,
            "order": row.id,
        }
        for row in connection.execute(
            select(StateChangeRow.__table__).where(StateChangeRow.device_id == device_id)
        )
    ]
    rows += _app_events(connection, device_id)
    # Within a second, what a person did comes after what a run found, each in the order it was written.
    rows.sort(key=lambda row: (row["at"], row["run"] is None, row["run"] or 0, row["order"]), reverse=True)
    return [{key: value for key, value in row.items() if key != "order"} for row in rows]


def _app_events(connection: Connection, device_id: Any) -> list[dict[str, Any]]:
    old, new = aliased(AppVersionRow), aliased(AppVersionRow)
    rows = connection.execute(
        select(
            AppEventRow.id,
            AppEventRow.at,
            AppEventRow.run_id,
            AppEventRow.kind,
            AppRow.bundle_id,
            old.text,
            new.text,
        )
        .join(AppRow, AppRow.id == AppEventRow.app_id)
        .outerjoin(old, old.id == AppEventRow.old_version_id)
        .outerjoin(new, new.id == AppEventRow.new_version_id)
        .where(AppEventRow.device_id == device_id)
    )
    return [
        {
            "at": at,
            "field": f"app:{bundle_id}",
            "old": before,
            "new": after,
            "run": run,
            "actor": None,
            "reason": None,
            "order": order,
        }
        for order, at, run, _kind, bundle_id, before, after in rows
    ]


def _as_gigabytes(megabytes: str | None) -> str | None:
    return None if megabytes is None else f"{int(megabytes) / 1000:.2f}"
