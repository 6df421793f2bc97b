"""What a spreadsheet holds, whatever its file format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from mdm_bridge.documents.cells import for_people, neutral
from mdm_bridge.documents.columns import Column, Row
from mdm_bridge.documents.words import Words
from mdm_bridge.messages import Message

__all__ = ["Cell", "Sheet"]

#: A typed cell: text (neutralised), a number, a day, or a local time without zone (spreadsheets know none).
Cell = str | int | float | date | datetime


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows, their columns and what is said about them."""

    rows: Iterable[Row]
    columns: Sequence[Column]
    words: Words
    title: str | None = None
    freshness: str | None = None

    @property
    def headings(self) -> list[str]:
        """Headings in the reader's language, with their unit."""
        return [neutral(self.words.text(column.heading)) for column in self.columns]

    @property
    def data_name(self) -> str:
        """Name of the sheet that holds the rows."""
        return self.words.message(Message("sheet_data", "Data"))

    @property
    def about_name(self) -> str:
        """Name of the sheet that tells what this is."""
        return self.words.message(Message("sheet_about", "About"))

    def cells(self) -> Iterator[list[Cell]]:
        """Give the rows as typed cells."""
        makers = [(column.for_person, self._maker(column)) for column in self.columns]
        for row in self.rows:
            yield [make(get(row)) for get, make in makers]

    def about(self) -> list[str]:
        """Lines of the sheet that tells what this is."""
        return [neutral(line) for line in (self.title, self.freshness) if line]

    def _maker(self, column: Column) -> Any:
        people, zone = for_people(column, self.words), self.words.zone
        none = neutral(people(None))
        if column.kind == "gb":
            return lambda value: none if value is None else round(float(value), 2)
        if column.numeric or column.kind == "date":
            return lambda value: none if value is None else value
        if column.kind == "instant":
            return lambda value: none if value is None else _local(value, zone)
        return lambda value: neutral(people(value))


def _local(value: date, zone: tzinfo | None) -> date:
    """Return an instant as the clock on the wall showed it; a plain day as it is."""
    if not isinstance(value, datetime):
        return value
    return value.astimezone(zone).replace(tzinfo=None, microsecond=0)
