"""Who does a thing right now: a lease keeps two processes apart, its token fences off a lost one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Holder", "Lease", "LeaseStore", "LeaseUnit", "LeasesRole"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lease.

    ``process_started`` (seconds since the epoch) tells it from a later process with its number.
    """

    id: str
    host: str
    pid: int
    process_started: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was granted. ``token`` grows with each grant of this name, and never restarts."""

    name: str
    token: int
    ttl_s: int


class LeasesRole(Protocol):
    """Role: who does what right now."""

    def acquire(self, name: str, ttl_s: int, holder: Holder | None = None) -> Lease:
        """Take a lease.

        An expired holder, or one that died on this machine, is replaced at once.

        Args:
            name: What is done (``sync:NAME``, ``job:N`` …).
            ttl_s: Seconds it holds without being renewed.
            holder: Who takes it; this process by default.

        Raises:
            AlreadyRunning: A living process holds it.
        """
        ...

    def renew(self, lease: Lease) -> None:
        """Hold it for another ``ttl_s``.

        Raises:
            LeaseLost: Somebody else took it over.
        """
        ...

    def check(self, lease: Lease) -> None:
        """Make sure, inside the transaction that commits the work, that the lease is still ours.

        Nobody can take it over before that transaction ends.

        Raises:
            LeaseLost: Somebody else took it over.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give it back; does nothing when it was taken over."""
        ...


class LeaseUnit(Protocol):
    """A transaction with leases."""

    @property
    def leases(self) -> LeasesRole:
        """Role: who does what right now."""
        ...


class LeaseStore(Protocol):
    """A store that grants leases."""

    def unit(self) -> AbstractContextManager[LeaseUnit]:
        """Open a writing unit."""
        ...
