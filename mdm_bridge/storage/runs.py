"""Synchronisation runs: opened before the first request, closed whatever happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.sync import RunHead
from mdm_bridge.storage.tables import RunRow, ServerRow

__all__ = ["Runs"]


class Runs:
    """Role: synchronisation runs."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def server_id(self, name: str, kind: str) -> int:
        """Return the id of a server, recorded at its first run; a new kind is taken over."""
        row = self._connection.execute(
            select(ServerRow.id, ServerRow.kind).where(ServerRow.name == name)
        ).one_or_none()
        if row is None:
            made = self._connection.execute(
                insert(ServerRow)
                .values(name=name, kind=kind, created_at=self._clock.now())
                .returning(ServerRow.id)
            )
            return int(made.scalar_one())
        if kind != row.kind:
            self._connection.execute(update(ServerRow).where(ServerRow.id == row.id).values(kind=kind))
        return int(row.id)

    def open(self, server_id: int, *, mode: str, actor: str, forced: bool) -> RunHead:
        """Record that a run has begun; runs left open by a crash are closed as failed.

        Only the holder of the server's lease may call this: an open run is then a dead one.
        """
        now = self._clock.now()
        self._connection.execute(
            update(RunRow)
            .where(RunRow.server_id == server_id, RunRow.status == "running")
            .values(status="failed", finished_at=now, error={"code": "interrupted", "params": {}})
        )
        made = self._connection.execute(
            insert(RunRow)
            .values(
                server_id=server_id,
                mode=mode,
                actor=actor,
                started_at=now,
                status="running",
                forced=forced,
                requests=0,
            )
            .returning(RunRow.id)
        )
        return RunHead(int(made.scalar_one()), server_id, now.replace(microsecond=0))

    def close(
        self,
        run: RunHead,
        *,
        status: str,
        requests: int,
        counts: Mapping[str, Any] | None,
        warnings: Sequence[Mapping[str, Any]],
        error: Mapping[str, Any] | None,
    ) -> datetime:
        """Record how a run ended and return when.

        Only once: what was committed as complete stays so when Ctrl-C comes a moment later, and a run
        that its successor has closed is not opened again.
        """
        now = self._clock.now()
        self._connection.execute(
            update(RunRow)
            .where(RunRow.id == run.run_id, RunRow.status == "running")
            .values(
                status=status,
                finished_at=now,
                requests=requests,
                counts=dict(counts) if counts is not None else None,
                warnings=[dict(warning) for warning in warnings],
                error=dict(error) if error is not None else None,
            )
        )
        return now
