"""Looking at a database as it is, table by table."""

from __future__ import annotations

from typing import Any

from mdm_bridge.storage.store import Store
from mdm_bridge.storage.tables import Base

__all__ = ["WORK_TABLES", "contents", "rows_of"]

#: Tables that a synchronisation may write even when nothing has changed.
WORK_TABLES = frozenset({"run", "lease"})


def contents(store: Store, *, without: frozenset[str] = WORK_TABLES) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table but some, sorted, so that two pictures can be compared."""
    found = {}
    with store.reading() as unit:
        for table in Base.metadata.sorted_tables:
            if table.name not in without:
                rows = [tuple(row) for row in unit.connection.execute(table.select())]
                found[table.name] = sorted(rows, key=repr)
    return found


def rows_of(store: Store, table: str) -> list[dict[str, Any]]:
    """Return the rows of one table, in order of insertion where there is one."""
    with store.reading() as unit:
        chosen = Base.metadata.tables[table]
        query = chosen.select().order_by(*chosen.primary_key.columns)
        return [dict(row) for row in unit.connection.execute(query).mappings()]
