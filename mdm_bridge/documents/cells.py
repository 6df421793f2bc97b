"""One value at a time: for a person, for a program, for a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from mdm_bridge.documents.columns import Column
from mdm_bridge.documents.words import Words
from mdm_bridge.messages import Message

__all__ = ["for_people", "for_programs", "harmless", "iso", "neutral", "one_line"]

#: Escape sequences of a terminal, control characters, marks that turn the direction, half characters.
_UNSAFE = re.compile(
    r"\x1b\[[0-9;:<=>?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_BLANKS = re.compile(r"[\t\r\n\u2028\u2029]+")

#: A spreadsheet takes a text that begins so for a formula (the last four are their full-width twins).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """Return text from outside without anything a terminal or an XML file would obey or refuse."""
    return text if text.isprintable() else _UNSAFE.sub("", text)


def one_line(text: str) -> str:
    """Return harmless text on one line."""
    return text if text.isprintable() else _BLANKS.sub(" ", harmless(text))


def neutral(text: str) -> str:
    """Return harmless text that no spreadsheet takes for a formula: an apostrophe goes before it."""
    if not text.isprintable():
        text = harmless(text).replace("\r\n", "\n").replace("\r", "\n")  # csv leaves a lone return unquoted
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def iso(value: datetime) -> str:
    """Return an aware instant as ISO 8601 in UTC, to the second.

    Raises:
        ValueError: It is naive, hence not an instant.
    """
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"naive instant: {value!r}")
        value = value.astimezone(UTC)
    return value.isoformat(timespec="seconds")[:19] + "Z"


def for_people(column: Column, words: Words) -> Callable[[Any], str]:
    """Return what writes this column's values for a person, None included."""
    write = _writer(column, words)
    none = words.text(column.none) if column.none else ""

    def written(value: Any) -> str:
        return none if value is None else write(value)

    return written


def _writer(column: Column, words: Words) -> Callable[[Any], str]:
    kind = column.kind
    if kind == "count":
        return words.integer
    if kind == "percent":
        return words.percent
    if kind == "gb":
        return lambda value: words.decimal(value, 2)
    if kind == "bool":
        return words.yes_no
    if kind == "date":
        return words.day
    if kind == "instant":
        # A plain day stands where the hour is not kept.
        return lambda value: (
            " ".join(words.instant(value)) if isinstance(value, datetime) else words.day(value)
        )
    if kind in ("enum", "list"):
        label = _label(column, words)
        if kind == "enum":
            return label
        return lambda values: ", ".join(map(label, values))
    return lambda value: _plain(value, words)


def _label(column: Column, words: Words) -> Callable[[Any], str]:
    labels = {code: words.text(text) for code, text in column.labels.items()}

    def label(value: Any) -> str:
        code = value.value if isinstance(value, Enum) else value
        if code in labels:
            return labels[code]
        family, colon, own = code.partition(":") if isinstance(code, str) else ("", "", "")
        return (
            f"{labels[f'{family}:']} {one_line(own)}" if f"{family}{colon}" in labels else _plain(code, words)
        )

    return label


def _plain(value: Any, words: Words) -> str:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Message):
        return one_line(words.message(value))
    if isinstance(value, bool):
        return words.yes_no(value)
    if isinstance(value, datetime):
        return " ".join(words.instant(value))
    return words.day(value) if isinstance(value, date) else one_line(str(value))


def for_programs(column: Column, words: Words) -> Callable[[Any], str]:
    """Return what writes this column's values in ``csv``: ISO, point, codes; None is an empty cell."""
    if column.kind == "instant":
        return lambda value: "" if value is None else _code(value, words)
    if column.kind == "gb":
        return lambda value: "" if value is None else f"{float(value):.2f}"
    if column.numeric:
        return lambda value: "" if value is None else str(value)
    return lambda value: "" if value is None else _code(value, words)


def _code(value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, Message):
        return neutral(words.message(value))
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return neutral("|".join(str(getattr(item, "value", item)) for item in items))
    return neutral(str(getattr(value, "value", value)))
