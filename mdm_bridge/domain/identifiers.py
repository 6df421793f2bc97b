"""Names that identify things: serial numbers, servers, and the nearest match for a typing error."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["is_server_name", "nearest", "normalise_serial"]

_SERVER_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,63}")


def is_server_name(name: str) -> bool:
    """Tell whether ``name`` may name a server (fits a TOML key and an environment variable)."""
    return _SERVER_NAME.fullmatch(name) is not None


def normalise_serial(text: str | None) -> str | None:
    """Return a serial number in upper case without surrounding blanks, or None if it is not one.

    The alphabet is wider than Apple's: laptops and scanners are lent as well.
    """
    if text is None:
        return None
    serial = text.strip().upper()
    return serial if _SERIAL.fullmatch(serial) else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like ``word``, or None when none is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
