"""What a column of a report is: its stable key, its heading, and how its values are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["BINARY_FORMATS", "FORMATS", "UNKNOWN", "Column", "Kind", "Row"]

#: Every way rows can be written, and those that are files rather than text.
FORMATS = ("table", "list", "json", "csv", "csv-fr", "ods", "xlsx")
BINARY_FORMATS = frozenset({"ods", "xlsx"})

Kind = Literal["text", "int", "percent", "gb", "date", "instant", "bool", "enum", "list", "count"]
Row = Mapping[str, Any]

#: Shown for None unless the column says otherwise. English, translated when shown.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        key: Key of the value in a row, and heading in ``csv``; stable.
        heading: English heading, marked for translation.
        kind: ``text`` · ``int`` (a number that is not a quantity: never grouped) · ``count`` (a quantity) ·
            ``percent`` (0 to 100) · ``gb`` (decimal GB, 2 digits) · ``date`` · ``instant`` (aware) ·
            ``bool`` · ``enum`` (a code, shown by ``labels``) · ``list`` (texts).
        priority: What a narrow terminal keeps longest; 0 goes first, 9 last.
        labels: For ``enum`` (and the items of a ``list``): English label, marked, by code.
        none: English text, marked, for None: « unknown » unless None means something (« not lent »);
            "" = nothing.
        value: How to get the value out of a row; default ``row.get(key)``.
        shown: What people see instead of the value, when it differs from what programs read.
        min_width: Characters below which a text is not narrowed on a terminal.
    """

    key: str
    heading: str
    kind: Kind = "text"
    priority: int = 4
    labels: Mapping[Any, str] = field(default_factory=dict)
    none: str = UNKNOWN
    value: Callable[[Row], Any] | None = None
    shown: Callable[[Row], Any] | None = None
    min_width: int = 12

    def get(self, row: Row) -> Any:
        """Return this column's value in a row."""
        return row.get(self.key) if self.value is None else self.value(row)

    def for_person(self, row: Row) -> Any:
        """Return what a person sees of a row in this column, not yet written."""
        return self.get(row) if self.shown is None else self.shown(row)

    @property
    def numeric(self) -> bool:
        """Tell whether values are numbers, written to the right."""
        return self.kind in ("int", "count", "percent", "gb")
