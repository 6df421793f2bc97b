"""The audit trail in the database: one writer at a time, appended as the last step of a unit."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from mdm_bridge.domain.audit import (
    GENESIS,
    AuditEntry,
    AuditReport,
    Head,
    detail_body,
    detail_digest,
    entry_hash,
    verify_chain,
)
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock
from mdm_bridge.storage.tables import AuditCheckpointRow, AuditDetailRow, AuditRow

__all__ = ["AuditTrail"]

#: Any number; the same for every writer of the trail on PostgreSQL.
_APPEND_LOCK = 7_305_001

_BATCH = 1000


class AuditTrail:
    """Role: the audit trail."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def append(
        self, actor: str, verb: str, kind: str, object_id: str | None, detail: Mapping[str, Any]
    ) -> int:
        """Add an entry and return its number (see ``ports.audit.AuditRole.append``)."""
        if self._connection.dialect.name == "postgresql":
            # Held until this transaction ends; on SQLite a writing unit is alone already.
            self._connection.execute(select(func.pg_advisory_xact_lock(_APPEND_LOCK)))
        head = self.head()
        body = detail_body(detail, secrets.token_hex(8))
        entry = AuditEntry(
            seq=head.seq + 1,
            at=self._clock.now(),
            actor=actor,
            verb=verb,
            kind=kind,
            object_id=object_id,
            detail_digest=detail_digest(body),
            prev=head.hash,
            hash="",
        )
        said = entry._asdict()
        del said["body"], said["detached"]
        self._connection.execute(insert(AuditRow).values({**said, "hash": entry_hash(entry)}))
        self._connection.execute(insert(AuditDetailRow).values(seq=entry.seq, body=body))
        return entry.seq

    def head(self) -> Head:
        """Return the number and hash of the last entry (after retention: of the last one removed)."""
        row = self._connection.execute(
            select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)
        ).one_or_none()
        return Head(row.seq, row.hash) if row is not None else self._start()

    def _start(self) -> Head:
        row = self._connection.execute(
            select(AuditCheckpointRow.seq, AuditCheckpointRow.hash)
            .order_by(AuditCheckpointRow.seq.desc())
            .limit(1)
        ).one_or_none()
        return Head(row.seq, row.hash) if row is not None else GENESIS

    def entries(self) -> Iterator[AuditEntry]:
        """Yield every entry, by number, in batches."""
        query = (
            select(AuditRow.__table__, AuditDetailRow.body, AuditDetailRow.seq.is_(None).label("detached"))
            .outerjoin(AuditDetailRow, AuditDetailRow.seq == AuditRow.seq)
            .order_by(AuditRow.seq)
            .limit(_BATCH)
        )
        after = -1
        while True:
            rows = self._connection.execute(query.where(AuditRow.seq > after)).all()
            for row in rows:
                yield AuditEntry(*row)._replace(detached=bool(row.detached))
            if len(rows) < _BATCH:
                return
            after = rows[-1].seq

    def verify(self, outside: Head | None = None) -> AuditReport:
        """Verify the whole trail, also against a head copied elsewhere.

        Raises:
            InputError: ``outside`` is older than what retention kept.
        """
        report = verify_chain(self.entries(), start=self._start(), outside=outside)
        stray = self._connection.execute(
            select(func.min(AuditDetailRow.seq)).where(AuditDetailRow.seq > report.head.seq)
        ).scalar_one()
        if not report.ok or stray is None:
            return report
        # Somebody cut the tail and forgot its details.
        cut = Message("audit_entry_missing", "Entry {number} is missing.", number=stray)
        return AuditReport(report.entries, report.erased, report.head, stray, cut)
