"""CSV: ``csv`` for programs (comma, ISO, keys), ``csv-fr`` for a French spreadsheet (``;``, BOM, comma)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from mdm_bridge.documents.cells import for_people, for_programs, neutral
from mdm_bridge.documents.columns import Column, Row
from mdm_bridge.documents.words import Words

__all__ = ["csv_chunks", "csv_fr_chunks"]

_CHUNK = 500  # rows written at once


def csv_chunks(rows: Iterable[Row], columns: Sequence[Column], words: Words) -> Iterator[str]:
    """Write for programs: UTF-8, comma, stable keys, empty cell = unknown."""
    writers = [(column.get, for_programs(column, words)) for column in columns]
    yield from _chunks([column.key for column in columns], rows, writers, ",", "\n")


def csv_fr_chunks(rows: Iterable[Row], columns: Sequence[Column], words: Words) -> Iterator[str]:
    """Write for a spreadsheet set to French: what people read, numbers with a comma and no grouping."""
    writers = [(column.for_person, _for_sheet(column, words)) for column in columns]
    yield "\ufeff"
    yield from _chunks([words.text(column.heading) for column in columns], rows, writers, ";", "\r\n")


def _for_sheet(column: Column, words: Words) -> Callable[[Any], str]:
    people = for_people(column, words)
    if column.numeric:
        program = for_programs(column, words)
        return lambda value: people(None) if value is None else program(value).replace(".", ",")
    if column.kind == "date":
        return lambda value: people(None) if value is None else f"{value:%d/%m/%Y}"
    if column.kind == "instant":
        return lambda value: people(None) if value is None else _moment(value, words)
    return lambda value: neutral(people(value))


def _moment(value: date, words: Words) -> str:
    """Write an instant as a spreadsheet reads it; a plain day stands where the hour is not kept."""
    if not isinstance(value, datetime):
        return f"{value:%d/%m/%Y}"
    return f"{value.astimezone(words.zone):%d/%m/%Y %H:%M}"


def _chunks(
    headings: Sequence[str],
    rows: Iterable[Row],
    writers: Sequence[tuple[Callable[[Row], Any], Callable[[Any], str]]],
    delimiter: str,
    end: str,
) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end)
    writer.writerow(headings)
    for number, row in enumerate(rows, 1):
        writer.writerow([write(get(row)) for get, write in writers])
        if number % _CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
