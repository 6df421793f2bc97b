"""Reading the store for lists and reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mdm_bridge.domain.fleet import DeviceFilter, Freshness

__all__ = ["QueriesRole", "ReadingStore", "ReadingUnit"]


class QueriesRole(Protocol):
    """Role: reading for lists and reports. Rows are mappings with stable keys."""

    def freshness(self) -> list[Freshness]:
        """Return how old each server's data are."""
        ...

    def devices(self, wanted: DeviceFilter) -> Iterator[dict[str, Any]]:
        """Yield devices, those to be sorted first, then by serial."""
        ...

    def device(self, serial: str) -> dict[str, Any] | None:
        """Return one device with its apps, groups and aliases, or None."""
        ...

    def history(self, serial: str) -> list[dict[str, Any]]:
        """Return what happened to a device, the latest first."""
        ...

    def app_report(self) -> list[dict[str, Any]]:
        """Return one row an app."""
        ...

    def unsaid_of(self, bundle_id: str) -> int:
        """Count the devices of which it cannot be said whether they have this app."""
        ...

    def kits(self) -> list[str]:
        """Return the names of the cases."""
        ...

    def serials_like(self, ending: str) -> list[str]:
        """Return the serial numbers that are, or end with, this text."""
        ...


class ReadingUnit(Protocol):
    """One consistent picture of the store."""

    @property
    def queries(self) -> QueriesRole:
        """Role: reading for lists and reports."""
        ...


class ReadingStore(Protocol):
    """A store that can be read."""

    def reading(self) -> AbstractContextManager[ReadingUnit]:
        """Open a reading unit."""
        ...
