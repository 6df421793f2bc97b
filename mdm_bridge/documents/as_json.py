"""Rows as JSON: stable keys, ISO instants, null for what is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

from mdm_bridge.documents.cells import iso
from mdm_bridge.documents.columns import Column
from mdm_bridge.documents.words import Words
from mdm_bridge.messages import Message

__all__ = ["dump", "json_chunks"]


def _default(words: Words) -> Callable[[Any], Any]:
    def written(value: Any) -> Any:
        if isinstance(value, datetime):
            return iso(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Message):
            return words.message(value)
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else round(float(value), 2)
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, (set, frozenset)):
            return sorted(value, key=str)
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, PurePath):
            return str(value)
        raise TypeError(f"no JSON for {type(value).__name__}")

    return written


def dump(value: object, words: Words, indent: int | None = None) -> str:
    """Return one value as JSON text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=_default(words))


def json_chunks(
    rows: Iterable[Any] | Mapping[str, Any], columns: Sequence[Column], words: Words
) -> Iterator[str]:
    """Write rows as a list, one a line; a single mapping as a whole, indented."""
    if isinstance(rows, Mapping):
        yield dump(rows, words, indent=2) + "\n"
        return
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_default(words)).encode
    rounded = [column.key for column in columns if column.kind == "gb"]
    before = "[\n"
    for row in rows:
        if rounded and isinstance(row, Mapping):
            row = {**row, **{key: round(float(row[key]), 2) for key in rounded if row.get(key) is not None}}
        yield before + encode(row)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
