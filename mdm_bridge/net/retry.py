"""When to try again, and how long to wait before."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["PASSING_STATUSES", "RETRY_AFTER_CAP_S", "backoff_s", "retry_after_s"]

#: Answers that another attempt may well not get.
PASSING_STATUSES = frozenset({429, 502, 503, 504})

#: A server that asks for more than a day is taken to ask for a day.
RETRY_AFTER_CAP_S = 86_400.0

_FIRST_S = 0.5
_LONGEST_S = 20.0


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Return the seconds a ``Retry-After`` header asks for, None when it asks for nothing usable.

    Args:
        text: The header: a number of seconds, or an HTTP date.
        now: Present instant, aware.
    """
    value = (text or "").strip()
    if value.isascii() and value.isdigit():
        # Cut before int(): a number of a thousand digits is a valid text.
        return min(float(value[:12]), RETRY_AFTER_CAP_S)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), RETRY_AFTER_CAP_S)


def backoff_s(attempt: int, chance: random.Random) -> float:
    """Return the seconds before the attempt after ``attempt`` (1 = the first): doubling, with jitter.

    The jitter (half to whole) keeps servers that failed together from coming back together.
    """
    longest = min(_FIRST_S * float(2 ** (attempt - 1)), _LONGEST_S)
    return longest * (0.5 + chance.random() / 2)
