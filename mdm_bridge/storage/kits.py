"""Cases by name, capitals or not: SQLite compares accented letters only as they are written."""

from __future__ import annotations

from sqlalchemy import Connection, select

from mdm_bridge.domain.ownership import same_name
from mdm_bridge.storage.tables import KitRow

__all__ = ["kits_called"]


def kits_called(connection: Connection, name: str) -> list[int]:
    """Return the ids of the cases of this name, the first made first."""
    rows = connection.execute(select(KitRow.id, KitRow.name).order_by(KitRow.id))
    return [row.id for row in rows if same_name(row.name, name)]
