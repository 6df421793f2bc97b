"""Chance that is always the same: a throw depends on its words and on nothing else."""

from __future__ import annotations

import hashlib
import re
import zlib
from datetime import timedelta

__all__ = ["Dice", "parse_span", "version_at"]

_SPAN = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([smhdw]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=400)


class Dice:
    """Sixty-four bytes thrown from words; the same words give the same bytes on any machine."""

    __slots__ = ("_bytes",)

    def __init__(self, *words: object) -> None:
        text = "\x1f".join(str(word) for word in words)
        self._bytes = hashlib.blake2b(text.encode(), digest_size=64).digest()

    def fraction(self, place: int) -> float:
        """Return a number from 0 to 1 (excluded)."""
        return self.number(place, 65536) / 65536

    def number(self, place: int, below: int) -> int:
        """Return an integer from 0 to ``below`` (excluded, at most 65536)."""
        start = (place * 2) % 62
        return int.from_bytes(self._bytes[start : start + 2], "big") % below

    def text(self, alphabet: str, length: int) -> str:
        """Return ``length`` (at most 64) letters of an alphabet."""
        return "".join(alphabet[byte % len(alphabet)] for byte in self._bytes[:length])


def parse_span(text: str | float) -> timedelta:
    """Read a duration: seconds as a number, or text such as ``90s``, ``15m``, ``12h``, ``1d``, ``-2w``.

    Raises:
        ValueError: It is not a duration, or longer than 400 days.
    """
    if isinstance(text, bool):
        raise ValueError("a duration is a number of seconds or a text such as '12h' or '1d'")
    found = _SPAN.fullmatch(str(text).strip())
    if found is None:
        raise ValueError("a duration is a number of seconds or a text such as '12h' or '1d'")
    amount = float(found[1])
    if abs(amount) > _LONGEST.total_seconds():
        raise ValueError("a duration is at most 400 days")
    span = timedelta(**{_UNITS[found[2]]: amount})
    if abs(span) > _LONGEST:
        raise ValueError("a duration is at most 400 days")
    return span


def version_at(bundle_id: str, day: int) -> str:
    """Return the version of an app that is current on a day (days since 1970).

    Each app has its own rhythm, a release every 8 to 16 days, so that a day without any is rare.
    """
    seed = zlib.crc32(bundle_id.encode())
    period = 8 + seed // 16 % 9
    release = max(0, (day - 20_000 + seed % 97) // period)
    return f"{1 + seed % 12}.{release}"
