"""What must go when a device enters the adapted pool: it says something about a pupil.

Apps nobody here manages lose their names (they stay counted) and are forgotten where no other device
has them; activity is one row a week without
figures, contact is kept to the day. The history of stable fields stays: it speaks of the tablet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, select, text, update

from mdm_bridge.domain.privacy import day_of_contact
from mdm_bridge.storage.tables import DeviceNowRow, RecordRow

__all__ = ["minimise_devices"]

#: Devices handled by one statement; SQLite takes some 32 000 parameters.
_CHUNK = 1000

_OURS = "SELECT 1 FROM server_app s WHERE s.app_id = {app} AND s.gone_at IS NULL AND NOT s.deleted"

# An event is kept as long as its app may be named: managed on this device, or distributed by a server.
_EVENTS = (
    "DELETE FROM app_event WHERE device_id IN :devices "
    f"AND NOT EXISTS ({_OURS.format(app='app_event.app_id')}) "
    "AND NOT EXISTS (SELECT 1 FROM installed i WHERE i.device_id = app_event.device_id "
    "AND i.app_id = app_event.app_id AND i.flags = 2)"
)
_INSTALLED = (
    "DELETE FROM installed WHERE device_id IN :devices AND flags <> 2 "
    f"AND NOT EXISTS ({_OURS.format(app='installed.app_id')})"
)

# An app that was named for such a device alone, and is on no server's list.
_UNUSED = (
    "DELETE FROM app WHERE NOT EXISTS (SELECT 1 FROM server_app s WHERE s.app_id = app.id) "
    "AND NOT EXISTS (SELECT 1 FROM installed i WHERE i.app_id = app.id) "
    "AND id NOT IN (SELECT app_id FROM app_event)"
)

_MONDAY = {
    "sqlite": "date(day, '-6 days', 'weekday 1')",
    "postgresql": "CAST(date_trunc('week', day) AS DATE)",
}
_WEEKS = (
    "INSERT INTO device_day (device_id, day) SELECT DISTINCT device_id, {monday} FROM device_day "
    "WHERE device_id IN :devices ON CONFLICT (device_id, day) DO NOTHING"
)
_DAYS = "DELETE FROM device_day WHERE device_id IN :devices AND day <> {monday}"
_FIGURES = (
    "UPDATE device_day SET battery_percent = NULL, available_mb = NULL, os_version = NULL "
    "WHERE device_id IN :devices AND (battery_percent IS NOT NULL OR available_mb IS NOT NULL "
    "OR os_version IS NOT NULL)"
)


def minimise_devices(
    connection: Connection, device_ids: Collection[int], zone: ZoneInfo | None = None
) -> None:
    """Reduce what is stored of devices to what may be kept of the adapted pool.

    Args:
        connection: Inside a writing transaction that holds ``lock_inventory``.
        device_ids: The devices, thousands of them if need be; done twice, the second changes nothing.
        zone: Whose days contacts are cut to; UTC by default.
    """
    monday = _MONDAY[connection.dialect.name]
    statements = [_EVENTS, _INSTALLED, *(s.format(monday=monday) for s in (_WEEKS, _DAYS)), _FIGURES]
    for chunk in _chunks(sorted(device_ids)):
        for statement in statements:
            prepared = text(statement).bindparams(bindparam("devices", expanding=True))
            connection.execute(prepared, {"devices": chunk})
        _cut_contacts(connection, DeviceNowRow, "device_id", "device_id", "last_seen_at", chunk, zone)
        _cut_contacts(connection, RecordRow, "id", "device_id", "last_contact_at", chunk, zone)
    if device_ids:
        connection.execute(text(_UNUSED))


def _chunks(device_ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(device_ids), _CHUNK):
        yield device_ids[start : start + _CHUNK]


def _cut_contacts(
    connection: Connection,
    table: Any,
    key: str,
    owner: str,
    column: str,
    devices: list[int],
    zone: ZoneInfo | None,
) -> None:
    """Cut instants to their local day. Here rather than in SQL: SQLite knows no time zones."""
    columns = table.__table__.c
    rows = connection.execute(
        select(columns[key], columns[column]).where(columns[owner].in_(devices), columns[column].is_not(None))
    ).all()
    cut = [{"row": row_id, "day": _day(instant, zone)} for row_id, instant in rows if not _is_day(instant)]
    if cut:
        connection.execute(
            update(table.__table__)
            .where(columns[key] == bindparam("row"))
            .values({column: bindparam("day")}),
            cut,
        )


def _is_day(instant: datetime) -> bool:
    """Tell whether an instant is a day already: cutting it again would move it, west of Greenwich."""
    return (instant.hour, instant.minute, instant.second) == (0, 0, 0)


def _day(instant: datetime, zone: ZoneInfo | None) -> datetime:
    if zone is not None:
        return day_of_contact(instant, zone)
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0)
