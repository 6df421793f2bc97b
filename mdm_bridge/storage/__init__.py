"""The database: tables, migrations, units of work. The only importer of SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdm_bridge.ports.clock import Clock
    from mdm_bridge.storage.store import Store

__all__ = ["open_store"]


def open_store(url: str, *, clock: Clock | None = None) -> Store:
    """Open a database; nothing is connected, created or migrated yet.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://user@host/name``.
        clock: Where the time comes from; the machine's clock by default.
    """
    from mdm_bridge.storage.store import Store

    return Store(url, clock=clock)
