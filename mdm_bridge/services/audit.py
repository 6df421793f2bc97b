"""Verify the audit trail."""

from __future__ import annotations

from mdm_bridge.domain.audit import AuditReport, Head
from mdm_bridge.ports.audit import AuditStore

__all__ = ["verify_trail"]


def verify_trail(store: AuditStore, outside: Head | None = None) -> AuditReport:
    """Verify every entry of the audit trail.

    Args:
        store: The database.
        outside: A head copied elsewhere earlier (a backup's manifest, a mail): without one, a tail
            cut off cannot be seen.

    Raises:
        InputError: ``outside`` is older than what retention kept.
    """
    with store.reading() as unit:
        return unit.audit.verify(outside)
