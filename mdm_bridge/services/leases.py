"""Do a thing under a lease: taken before, kept alive while it lasts, given back whatever happens."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mdm_bridge.errors import BridgeError, LeaseLost
from mdm_bridge.ports.leases import Lease, LeaseStore

__all__ = ["Held", "held"]

log = logging.getLogger(__name__)


class Held:
    """A lease in use. Give ``lease`` to ``leases.check`` in the unit that commits the work.

    A thread renews it three times a ``ttl_s``, so that a server that takes its time costs nothing.
    """

    def __init__(self, store: LeaseStore, lease: Lease, elapsed: Callable[[], float]) -> None:
        self.lease = lease
        self._store = store
        self._elapsed = elapsed
        self._renewed = elapsed()
        self._lost: LeaseLost | None = None
        self._ending = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"lease-{lease.name}", daemon=True)
        self._heart.start()

    def keep(self) -> None:
        """Renew the lease when a third of its time is over; costs nothing before.

        Raises:
            LeaseLost: Somebody else took it over: stop.
        """
        if self._lost is not None:
            raise self._lost
        if self._elapsed() - self._renewed < self.lease.ttl_s / 3:
            return
        self._renew()

    def end(self) -> None:
        """Renew it no more."""
        self._ending.set()
        self._heart.join()

    def _renew(self) -> None:
        with self._store.unit() as unit:
            unit.leases.renew(self.lease)
        self._renewed = self._elapsed()

    def _beat(self) -> None:
        while not self._ending.wait(self.lease.ttl_s / 3):
            try:
                self._renew()
            except LeaseLost as error:
                self._lost = error
                return
            except BridgeError as error:
                # The next beat may find the database at leisure; whether the lease is still ours is
                # asked again in the unit that commits.
                log.warning("lease_not_renewed name=%s code=%s", self.lease.name, error.code)


@contextmanager
def held(
    store: LeaseStore, name: str, ttl_s: int, *, elapsed: Callable[[], float] = time.monotonic
) -> Iterator[Held]:
    """Hold a lease during the block; it is given back on errors and Ctrl-C as well.

    Args:
        store: Where leases are kept.
        name: What is done.
        ttl_s: Seconds after which others may take over when this process is stopped or away.
        elapsed: Seconds since any fixed moment.

    Raises:
        AlreadyRunning: A living process holds it.
    """
    with store.unit() as unit:
        lease = unit.leases.acquire(name, ttl_s)
    try:
        in_use = Held(store, lease, elapsed)
        try:
            yield in_use
        finally:
            in_use.end()
    finally:
        _release(store, lease)


def _release(store: LeaseStore, lease: Lease) -> None:
    """Give it back. A failure must not hide how the work ended: a dead holder is replaced anyway."""
    try:
        with store.unit() as unit:
            unit.leases.release(lease)
    except BridgeError as error:
        log.warning("lease_not_released name=%s code=%s", lease.name, error.code)
