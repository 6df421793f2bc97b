"""One transaction, with a role for each thing that may be done in it."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import Connection

from mdm_bridge.ports.clock import Clock
from mdm_bridge.storage.audit import AuditTrail
from mdm_bridge.storage.devices import Devices
from mdm_bridge.storage.intake import StagingArea
from mdm_bridge.storage.inventory import Inventory
from mdm_bridge.storage.leases import Leases
from mdm_bridge.storage.queries import Queries
from mdm_bridge.storage.runs import Runs

__all__ = ["Unit"]


class Unit:
    """A unit of work: everything done through it becomes visible at once, or not at all.

    Args:
        connection: Inside a transaction.
        clock: Where the time comes from.
        staged: Rows waiting to be merged, in the unit of a staging place.
    """

    def __init__(self, connection: Connection, clock: Clock, staged: StagingArea | None = None) -> None:
        self.connection = connection
        self.clock = clock
        self._staged = staged

    @cached_property
    def audit(self) -> AuditTrail:
        """The audit trail; its ``append`` must be the last step of the unit."""
        return AuditTrail(self.connection, self.clock)

    @cached_property
    def devices(self) -> Devices:
        """What people own of devices."""
        return Devices(self.connection, self.clock)

    @cached_property
    def inventory(self) -> Inventory:
        """What servers say of devices."""
        return Inventory(self.connection, self.clock, self._staged)

    @cached_property
    def leases(self) -> Leases:
        """Who does what right now."""
        return Leases(self.connection, self.clock)

    @cached_property
    def queries(self) -> Queries:
        """Reading for lists and reports."""
        return Queries(self.connection, self.clock)

    @cached_property
    def runs(self) -> Runs:
        """Synchronisation runs."""
        return Runs(self.connection, self.clock)
