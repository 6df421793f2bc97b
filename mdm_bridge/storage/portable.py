"""Values as a backup holds them: the same text from SQLite and from PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import JSON, Boolean, Column, Date, Integer, LargeBinary, Table, Text

from mdm_bridge.storage.types import Instant, instant_text

__all__ = ["decoder", "encoder", "kind_of", "kinds_of"]

Convert = Callable[[Any], Any]


def kind_of(column: Column[Any]) -> str:
    """Return how the values of a column are written: int, bool, text, day, instant, bytes or json."""
    for type_, kind in (
        (Instant, "instant"),
        (Boolean, "bool"),
        (Integer, "int"),
        (Date, "day"),
        (LargeBinary, "bytes"),
        (JSON, "json"),
        (Text, "text"),
    ):
        if isinstance(column.type, type_):
            return kind
    raise TypeError(f"no portable form for {column.type!r}")


def kinds_of(table: Table) -> dict[str, str]:
    """Return the columns of a table and how their values are written."""
    return {str(column.name): kind_of(column) for column in table.columns}


#: From what SQLAlchemy returns to what JSON holds.
_ENCODE: Mapping[str, Convert] = {
    "instant": instant_text,
    "day": lambda day: day.isoformat(),
    "bytes": bytes.hex,
}

#: From what JSON holds to what either driver takes as it is.
_DECODE: Mapping[str, Convert] = {
    "bytes": bytes.fromhex,
    "json": lambda value: msgspec.json.encode(value).decode(),
}


def encoder(kinds: Mapping[str, str]) -> Callable[[Any], bytes]:
    """Return a function that writes a row (values in the order of ``kinds``) as one line of JSON."""
    steps = [(i, _ENCODE[kind]) for i, kind in enumerate(kinds.values()) if kind in _ENCODE]
    encode = msgspec.json.Encoder().encode

    def line(row: Any) -> bytes:
        values = list(row)
        for index, convert in steps:
            if values[index] is not None:
                values[index] = convert(values[index])
        return encode(values) + b"\n"

    return line


def decoder(kinds: Mapping[str, str]) -> Callable[[bytes], list[Any]]:
    """Return a function that reads such a line for a driver.

    It raises ``ValueError`` for a line that is not one.
    """
    steps = [(i, _DECODE[kind]) for i, kind in enumerate(kinds.values()) if kind in _DECODE]
    decode = msgspec.json.Decoder(list[Any]).decode
    width = len(kinds)

    def row(line: bytes) -> list[Any]:
        values = decode(line)
        if len(values) != width:
            raise ValueError("a row of the wrong width")
        for index, convert in steps:
            if values[index] is not None:
                values[index] = convert(values[index])
        return values

    return row
