"""Who may read a file on Windows, where there are no mode bits.

Best effort: the access list is read as text (SDDL) and the groups everybody belongs to are looked
for; administrators and the system itself may always read.

Source: Microsoft, "Security Descriptor String Format" and "ACE Strings", read 2026-11.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["readers_beside_owner", "readers_in_sddl"]

#: Groups that nearly every account belongs to: abbreviation and full identifier.
_CROWDS = {
    "WD": "Everyone", "S-1-1-0": "Everyone",
    "AU": "Authenticated Users", "S-1-5-11": "Authenticated Users",
    "BU": "Users", "S-1-5-32-545": "Users",
    "BG": "Guests", "S-1-5-32-546": "Guests",
    "AN": "Anonymous", "S-1-5-7": "Anonymous",
    "IU": "Interactive", "S-1-5-4": "Interactive",
    "DU": "Domain Users",
}  # fmt: skip

#: Rights, in letters, that let the content be read.
_READING = ("FA", "FR", "GA", "GR", "CC")
_READ_BITS = 0x0001 | 0x80000000 | 0x10000000


def readers_in_sddl(text: str) -> list[str]:
    """Return the groups of everybody that a security descriptor lets read, each once.

    A descriptor without an access list lets everyone in.
    """
    if "D:" not in text:
        return ["Everyone"]
    if "NO_ACCESS_CONTROL" in text:
        return ["Everyone"]
    return list(dict.fromkeys(_crowds(text.partition("D:")[2])))


def _crowds(entries: str) -> Iterator[str]:
    for entry in re.findall(r"\(([^)]*)\)", entries):
        kind, flags, rights, _, _, trustee = (entry.split(";") + [""] * 6)[:6]
        inherited_only = "IO" in re.findall("..", flags)
        if kind == "A" and trustee in _CROWDS and not inherited_only and _may_read(rights):
            yield _CROWDS[trustee]


def _may_read(rights: str) -> bool:
    if rights.lower().startswith("0x"):
        return bool(int(rights, 16) & _READ_BITS)
    return any(right in _READING for right in re.findall("..", rights))


def readers_beside_owner(file: Path) -> list[str]:
    """Return the groups of everybody that may read a file; empty elsewhere than on Windows."""
    return readers_in_sddl(_sddl(file)) if os.name == "nt" else []


def _sddl(file: Path) -> str:
    """Return the access list of a file as text; an empty one, which lets nobody in, when unknown."""
    import ctypes
    from ctypes import wintypes

    security, text = ctypes.c_void_p(), wintypes.LPWSTR()
    library: Any = vars(ctypes)["WinDLL"]  # exists on Windows only
    advapi, kernel = library("advapi32"), library("kernel32")
    failed = advapi.GetNamedSecurityInfoW(
        wintypes.LPCWSTR(str(file)), 1, 4, None, None, None, None, ctypes.byref(security)
    )
    if failed:
        return "D:"
    try:
        if not advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW(
            security, 1, 4, ctypes.byref(text), None
        ):
            return "D:"
        try:
            return text.value or "D:"
        finally:
            kernel.LocalFree(ctypes.cast(text, ctypes.c_void_p))
    finally:
        kernel.LocalFree(security)
