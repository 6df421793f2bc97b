"""The audit trail: append-only and hash-chained; details apart, so that they can be erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from mdm_bridge.storage.tables.base import Base

__all__ = ["AuditCheckpointRow", "AuditDetailRow", "AuditRow"]


class AuditRow(Base):
    """One change of ours. ``hash`` covers every other column and ``prev``, the hash before it."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    verb: Mapped[str]
    kind: Mapped[str]
    object_id: Mapped[str | None]
    detail_digest: Mapped[str]
    prev: Mapped[str]
    hash: Mapped[str]


class AuditDetailRow(Base):
    """What exactly changed, canonical JSON; emptied by an erasure, the chain still verifies."""

    __tablename__ = "audit_detail"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[str | None]


class AuditCheckpointRow(Base):
    """The rows up to ``seq`` were removed by retention; ``hash`` is the last removed one."""

    __tablename__ = "audit_checkpoint"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str]
    at: Mapped[datetime]
    why: Mapped[str]
