"""What people own of devices, as the store keeps it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from zoneinfo import ZoneInfo

from mdm_bridge.domain.ownership import FieldSet, OwnedDevice
from mdm_bridge.ports.audit import AuditRole
from mdm_bridge.ports.queries import QueriesRole

__all__ = ["DevicesRole", "DevicesStore", "DevicesUnit"]


class DevicesRole(Protocol):
    """Role: what people own of devices. Each change writes one history row a field."""

    def owned(self, serials: Collection[str], *, lock: bool = False) -> dict[str, OwnedDevice]:
        """Return the devices that exist, by serial number.

        Args:
            serials: Whole serial numbers.
            lock: Let nobody else decide on them until this unit ends.
        """
        ...

    def inventory_numbers(self) -> dict[str, str]:
        """Return the serial number of every device with an inventory number, by that number."""
        ...

    def add(self, serial: str) -> OwnedDevice:
        """Add a device by hand.

        Raises:
            InputError: It exists.
        """
        ...

    def set_state(self, device: OwnedDevice, state: str, *, actor: str, reason: str) -> None:
        """Set the state of a locked device."""
        ...

    def set_pools(
        self,
        wanted: Sequence[tuple[OwnedDevice, str | None]],
        *,
        actor: str,
        reason: str | None,
        zone: ZoneInfo,
    ) -> None:
        """Set the pool chosen by hand of locked devices (None: as the rules say).

        Their records are read anew at the next synchronisation; what is stored of those that enter
        the adapted pool is reduced at once.
        """
        ...

    def set_facts(self, changes: Sequence[tuple[OwnedDevice, Sequence[FieldSet]]], *, actor: str) -> None:
        """Set facts of locked devices; inventory numbers may change hands among them.

        Raises:
            InputError: An inventory number is another device's.
        """
        ...


class DevicesUnit(Protocol):
    """A transaction on what people own."""

    @property
    def devices(self) -> DevicesRole:
        """Role: what people own of devices."""
        ...

    @property
    def queries(self) -> QueriesRole:
        """Role: reading for lists and reports."""
        ...

    @property
    def audit(self) -> AuditRole:
        """Role: the audit trail."""
        ...


class DevicesStore(Protocol):
    """The store, as those who change what people own use it."""

    def unit(self) -> AbstractContextManager[DevicesUnit]:
        """Open a writing unit."""
        ...

    def reading(self) -> AbstractContextManager[DevicesUnit]:
        """Open a reading unit."""
        ...
