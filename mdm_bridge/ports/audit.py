"""The audit trail: every change of ours, append-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mdm_bridge.domain.audit import AuditEntry, AuditReport, Head

__all__ = ["AuditRole", "AuditStore", "AuditUnit"]


class AuditRole(Protocol):
    """Role: the audit trail."""

    def append(
        self, actor: str, verb: str, kind: str, object_id: str | None, detail: Mapping[str, Any]
    ) -> int:
        """Add an entry and return its number.

        The last step of a unit: until the unit ends nobody else can append, and whoever waited
        for a lock after this could wait in a circle.

        Args:
            actor: Login that is declared or proved.
            verb: What was done (``sync``, ``set_state`` …).
            kind: Kind of the object (``device``, ``server`` …).
            object_id: Which one, None when it is about several.
            detail: What exactly changed; values JSON has a form for, instants and days.
        """
        ...

    def entries(self) -> Iterator[AuditEntry]:
        """Yield every entry, by number."""
        ...

    def head(self) -> Head:
        """Return the number and hash of the last entry."""
        ...

    def verify(self, outside: Head | None = None) -> AuditReport:
        """Verify the whole trail, also against a head copied elsewhere."""
        ...


class AuditUnit(Protocol):
    """A transaction with the audit trail."""

    @property
    def audit(self) -> AuditRole:
        """Role: the audit trail."""
        ...


class AuditStore(Protocol):
    """A store that can be read."""

    def reading(self) -> AbstractContextManager[AuditUnit]:
        """Open a reading unit."""
        ...
