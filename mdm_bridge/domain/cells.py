"""What a cell of a table written by people or consoles means: sizes, versions, yes and no.

Every function takes the text of one cell and raises :class:`BadCell` when it cannot be understood;
the error says what was expected and never what stood there: a cell may name a person.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata

from mdm_bridge.domain.identifiers import normalise_serial
from mdm_bridge.messages import Message

__all__ = [
    "PERCENT_UNITS",
    "SIZE_UNITS",
    "BadCell",
    "clean",
    "device_class_of",
    "flag",
    "gigabytes",
    "names",
    "percent",
    "pool",
    "serial",
    "text",
    "version",
]

MAX_TEXT = 255

#: Scales of a percentage written without its sign.
PERCENT_UNITS = ("percent", "fraction")

#: What people and programs write for "not known".
_UNKNOWN = frozenset(
    {
        "",
        "-",
        "--",
        "–",
        "—",
        "?",
        "n/a",
        "n/d",
        "n.a.",
        "nc",
        "n.c.",
        "inconnu",
        "inconnue",
        "unknown",
        "null",
    }
)
_TRUE = frozenset({"1", "true", "vrai", "yes", "y", "oui", "o", "x", "✓", "✔", "on"})
_FALSE = frozenset({"0", "false", "faux", "no", "n", "non", "off"})
_POOLS = {
    "training": "training", "formation": "training", "parc de formation": "training",
    "ash": "ash", "mpa": "ash", "parc mpa": "ash",
    "none": "none", "aucun": "none", "à classer": "none", "a classer": "none",
}  # fmt: skip

#: Decimal gigabytes in one unit; octets and bytes are the same.
_GIGABYTES = {
    "": 1e-9, "k": 1e-6, "m": 1e-3, "g": 1.0, "t": 1e3,
    "ki": 1024 / 1e9, "mi": 1024**2 / 1e9, "gi": 1024**3 / 1e9, "ti": 1024**4 / 1e9,
}  # fmt: skip
SIZE_UNITS = ("B", "KB", "MB", "GB", "TB", "KIB", "MIB", "GIB", "TIB")

_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_APOSTROPHE = re.compile(r"'[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_GAPS = re.compile(r"(?<=[0-9])[ \u00a0\u202f'’](?=[0-9]{3}(?:[^0-9]|$))")
_SIZE = re.compile(r"([0-9.,]+)\s*(?:([kmgt]i?)?(?:b|o|bytes?|octets?))?", re.IGNORECASE)
_VERSION = re.compile(
    r"(?:[A-Za-z][A-Za-z _-]*)?([0-9]{1,4}(?:\.[0-9]{1,6}){0,3})"
    r"(?:\s*\([^)]{0,40}\)|\s[0-9]{1,3}[A-Z][0-9a-z]{1,6})?"
)
_MAX_GB = 1_000_000


class BadCell(ValueError):
    """A cell that cannot be understood; ``expected`` says what should stand there."""

    def __init__(self, expected: Message) -> None:
        super().__init__(expected)
        self.expected = expected


def clean(raw: str) -> str:
    """Return a text on one line without control characters, shortened, without outer blanks."""
    if not raw.isprintable():
        raw = "".join(_kept(char) for char in raw)
    return raw.strip()[:MAX_TEXT].rstrip()


def _kept(char: str) -> str:
    if char in "\t\r\n\u2028\u2029":
        return " "
    return "" if unicodedata.category(char)[0] == "C" else char


def text(raw: str, *, entities: bool = False) -> str | None:
    """Return what a cell says, None when it says nothing.

    Undoes what spreadsheets and careful programs add: ``="0042"``, an apostrophe before a sign.

    Args:
        raw: The cell.
        entities: The console writes ``&amp;`` for ``&``.
    """
    found = raw.strip()
    wrapped = _FORMULA.fullmatch(found)
    if wrapped:
        found = wrapped[1]
    elif _APOSTROPHE.match(found):
        found = found[1:]
    found = clean(html.unescape(found) if entities else found)
    return None if found.casefold() in _UNKNOWN else found


def flag(raw: str) -> bool:
    """Return a truth: oui, non, true, false, vrai, faux, 1, 0, x.

    Raises:
        BadCell: Neither.
    """
    word = raw.casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadCell(Message("expected_flag", "yes or no was expected (oui, non, true, false, 1, 0)"))


def _number(raw: str) -> float | None:
    """Return a number with a decimal point or comma; thousands may be set apart."""
    digits = _GAPS.sub("", raw.strip())
    if not _NUMBER.fullmatch(digits):
        return None
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        mark = digits[last]
        whole, fraction = digits[:last], digits[last + 1 :]
        if mark in whole and len(fraction) == 3:
            # Several marks of one kind set thousands apart: 1.024.000
            whole, fraction = whole + fraction, ""
        digits = re.sub(r"[.,]", "", whole) + "." + (fraction or "0")
    value = float(digits)
    return value if math.isfinite(value) else None


def gigabytes(raw: str, unit: str | None = None) -> float | None:
    """Return a size in decimal GB, 2 digits; None for the -1 of consoles that do not know.

    Args:
        raw: "64 GB", "64 Go", "41,27", "65536 MB".
        unit: Unit of a number without one, of :data:`SIZE_UNITS`; GB when None.

    Raises:
        BadCell: Not a size.
    """
    found = _GAPS.sub("", raw)
    if found.startswith("-1"):
        return None
    match = _SIZE.fullmatch(found)
    value = _number(match[1]) if match else None
    if match is not None and value is not None:
        bare = match.end(1) == len(found)
        prefix = (unit or "GB")[:-1] if bare else (match[2] or "")
        size = round(value * _GIGABYTES[prefix.lower()], 2)
        if size < _MAX_GB:
            return size
    raise BadCell(Message("expected_size", "a size was expected (64 GB, 64 Go, 41,27)"))


def percent(raw: str, unit: str | None = None) -> int | None:
    """Return a percentage, 0 to 100; None for the -1 of consoles that do not know.

    Args:
        raw: "83 %", "83" or "0.83".
        unit: ``fraction`` or ``percent`` when the column is one throughout; when None, a number with
            decimals up to 1 is a fraction.

    Raises:
        BadCell: Not a percentage.
    """
    found = raw.strip()
    if found.startswith("-1"):
        return None
    signed = found.endswith("%")
    bare = found.rstrip("%").strip()
    value = _number(bare)
    if value is not None:
        looks = value <= 1 and ("." in bare or "," in bare)
        fraction = not signed and (unit == "fraction" or (unit is None and looks))
        rounded = math.floor(value * (100 if fraction else 1) + 0.5)
        if 0 <= rounded <= 100:
            return rounded
    raise BadCell(Message("expected_percent", "a percentage was expected (83%, 83, 0.83)"))


def version(raw: str) -> str | None:
    """Return a bare version: "iOS 26.4.0" is "26.4.0"; None when only the system is named.

    Raises:
        BadCell: Not a version.
    """
    match = _VERSION.fullmatch(raw)
    if match:
        return match[1]
    if re.fullmatch(r"[A-Za-z ]+", raw):
        return None
    raise BadCell(Message("expected_version", "a version was expected (26.4, iOS 26.4.0)"))


def names(raw: str, separator: str | None = None) -> tuple[str, ...]:
    """Return the names of a list, each once.

    Args:
        raw: "[a,b]", "a|b", "a; b" or "a, b".
        separator: What stands between two names; when None, the first found of these.
    """
    inside = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    mark = separator or next((mark for mark in "|;," if mark in inside), ",")
    found = (clean(part.strip().strip("\"'")) for part in inside.split(mark))
    return tuple(dict.fromkeys(name for name in found if name))


def pool(raw: str) -> str:
    """Return ``training``, ``ash`` or ``none``.

    Raises:
        BadCell: No pool is called so.
    """
    found = _POOLS.get(raw.casefold())
    if found is None:
        raise BadCell(Message("expected_pool", "training, ash or none was expected"))
    return found


#: 1,23E+11: what a spreadsheet makes of a serial number that looks like a number.
_MANGLED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]{1,3}", re.IGNORECASE)


def serial(raw: str) -> str | None:
    """Return a serial number, upper case; None when the cell is empty.

    Raises:
        BadCell: It is none; ``expected`` is a whole sentence.
    """
    said = text(raw)
    if said is None:
        return None
    if _MANGLED.fullmatch(said) and not said.isalnum():
        raise BadCell(
            Message(
                "serial_mangled",
                "A spreadsheet turned the serial number into a number (1,23E+11): format the column as text.",
            )
        )
    found = normalise_serial(said)
    if found is None:
        raise BadCell(
            Message("serial_invalid", "The serial number holds characters that no serial number has.")
        )
    return found


_CLASSES = (
    ("ipad", re.compile(r"\bipad", re.IGNORECASE)),
    ("iphone", re.compile(r"\biphone", re.IGNORECASE)),
    ("ipod", re.compile(r"\bipod", re.IGNORECASE)),
    ("appletv", re.compile(r"\bapple ?tv|\btvos", re.IGNORECASE)),
    ("mac", re.compile(r"\bi?mac(?: |os|book|mini|pro|studio|[0-9]|$)", re.IGNORECASE)),
)


def device_class_of(*texts: str | None) -> str | None:
    """Return the class of a device (ipad, iphone, ipod, appletv, mac) as its model or system tells.

    None when they do not tell: "iOS" is the system of iPhones and, in many consoles, of iPads.
    """
    for said in texts:
        for name, pattern in _CLASSES:
            if said and pattern.search(said):
                return name
    return None
