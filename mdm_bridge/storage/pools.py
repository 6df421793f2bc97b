"""Pools chosen by hand, as a synchronisation wants them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from mdm_bridge.storage.tables import DeviceRow

__all__ = ["chosen_pools"]


def chosen_pools(connection: Connection) -> dict[str, str | None]:
    """Return the pools chosen by hand, by serial (None: kept out of every pool)."""
    rows = connection.execute(
        select(DeviceRow.serial, DeviceRow.pool_override).where(DeviceRow.pool_override.is_not(None))
    )
    return {row.serial: None if row.pool_override == "none" else row.pool_override for row in rows}
