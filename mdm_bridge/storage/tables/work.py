"""Work in progress: runs, and the leases that keep two of them apart."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from mdm_bridge.storage.tables.base import Base
from mdm_bridge.storage.types import Id

__all__ = ["LeaseRow", "RunRow"]


class LeaseRow(Base):
    """Who does a thing right now. ``token`` grows at each take-over: the fencing token.

    ``process_started`` (seconds since the epoch) tells a living holder from a process that got the
    same number later.
    """

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[int]
    holder: Mapped[str | None]
    host: Mapped[str | None]
    pid: Mapped[int | None]
    process_started: Mapped[int | None]
    acquired_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class RunRow(Base):
    """One synchronisation of one server. ``warnings`` and ``error`` hold codes and parameters."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'complete', 'refused', 'failed')", name="status_known"),
        Index("ix_run_server_id_finished_at", "server_id", "finished_at"),
    )

    id: Mapped[Id]
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))
    mode: Mapped[str]
    actor: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    status: Mapped[str]
    forced: Mapped[bool]
    requests: Mapped[int]
    counts: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[Any] | None]
    error: Mapped[dict[str, Any] | None]
