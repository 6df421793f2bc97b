"""An empty database with our tables: ``python -m bench.prepare WHO URL``."""

from __future__ import annotations

import sys

from sqlalchemy import text

from mdm_bridge.storage import open_store

__all__ = ["prepare"]

_AT = {"at": "2026-11-25T08:00:00Z"}


def prepare(url: str, who: str) -> None:
    """Make the tables; for the ``floor`` with the server and the run its rows point to."""
    store = open_store(url)
    store.upgrade()
    if who == "floor":
        with store.unit() as unit:
            unit.connection.execute(
                text("INSERT INTO server (id, name, kind, created_at) VALUES (1, 'floor', 'x', :at)"), _AT
            )
            unit.connection.execute(
                text(
                    "INSERT INTO run (id, server_id, mode, actor, started_at, status, forced, requests) "
                    "VALUES (1, 1, 'listing', 'bench', :at, 'complete', false, 0)"
                ),
                _AT,
            )
    store.close()


if __name__ == "__main__":
    prepare(sys.argv[2], sys.argv[1])
