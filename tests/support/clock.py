"""A clock that stands still until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["NOW", "FakeClock"]

#: A Tuesday of a school term, 09:00 in Paris.
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class FakeClock:
    """Implements ``ports.clock.Clock``; starts at :data:`NOW`."""

    def __init__(self, at: datetime = NOW) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the instant it stands at."""
        return self._at

    def set(self, at: datetime) -> None:
        """Stand at ``at`` (aware) from here on."""
        if at.tzinfo is None:
            raise ValueError("the clock is set to an aware instant")
        self._at = at.astimezone(UTC)

    def advance(self, **by: float) -> None:
        """Move forward by these parts of a ``timedelta`` (``hours=2``, ``days=1`` …)."""
        self._at += timedelta(**by)
