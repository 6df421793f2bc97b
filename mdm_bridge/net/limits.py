"""Limits in time: a deadline for a whole call, and so many requests a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Deadline", "TokenBucket", "current_deadline", "running"]


class Deadline:
    """The instant by which a call must be over, on a monotonic clock.

    Args:
        seconds: From now.
        clock: Monotonic seconds.
    """

    __slots__ = ("_clock", "ends_at", "seconds")

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds = seconds
        self.ends_at = clock() + seconds

    def left(self) -> float:
        """Return the seconds left, 0 or less when it is over."""
        return self.ends_at - self._clock()

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return self.left() <= 0

    def bound(self, seconds: float) -> float:
        """Return ``seconds``, or what is left if that is less; never 0, which means "do not wait"."""
        return max(min(seconds, self.left()), 0.001)


_current: ContextVar[Deadline | None] = ContextVar("mdm_bridge_deadline", default=None)


def current_deadline() -> Deadline | None:
    """Return the deadline of the call that runs in this thread, if any."""
    return _current.get()


@contextmanager
def running(deadline: Deadline) -> Iterator[None]:
    """Make ``deadline`` the one that sockets of this thread obey."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


class TokenBucket:
    """Lets ``per_s`` requests a second pass, with a burst of one second's worth.

    Args:
        per_s: Requests a second, more than 0.
        clock: Monotonic seconds.
    """

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = max(1.0, per_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = self._burst
        self._filled_at = clock()

    def reserve(self) -> float:
        """Take one token and return the seconds to wait before using it.

        The token is taken even when the wait is not 0, so that threads queue up fairly.
        """
        with self._lock:
            now = self._clock()
            gained = (now - self._filled_at) * self._per_s
            self._tokens = min(self._burst, self._tokens + gained) - 1
            self._filled_at = now
            return max(0.0, -self._tokens / self._per_s)
