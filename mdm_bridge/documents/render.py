"""Rows in every format."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TextIO, cast

from mdm_bridge.documents.columns import BINARY_FORMATS, FORMATS, Column, Row
from mdm_bridge.documents.words import Words

__all__ = ["render"]


def render(
    rows: Iterable[Row],
    columns: Sequence[Column],
    fmt: str,
    out: BinaryIO | TextIO,
    *,
    words: Words,
    json_rows: Iterable[Any] | Mapping[str, Any] | None = None,
    title: str | None = None,
    freshness: str | None = None,
    width: int | None = None,
) -> list[Column]:
    """Write rows.

    Args:
        rows: Values by key; instants aware, figures as numbers, what is unknown as None.
        columns: What is written, in order; ``json`` writes the rows as they are.
        fmt: One of :data:`~mdm_bridge.documents.columns.FORMATS`.
        out: Binary, or text for the text formats; binary gets UTF-8.
        words: The language.
        json_rows: What ``json`` writes instead of ``rows``: deeper objects, or one mapping as a whole.
        title: Written above a table in a file, and into spreadsheets.
        freshness: How old the data is, written below a table or list, and into spreadsheets.
        width: Characters of the terminal to fit into; None = nothing is narrowed or hidden.

    Returns:
        Columns a table left out because the terminal is too narrow for them.
    """
    if fmt not in FORMATS:
        raise ValueError(f"unknown format: {fmt}")
    if fmt in BINARY_FORMATS:
        _sheet(rows, columns, fmt, cast(BinaryIO, out), words, title, freshness)
        return []
    hidden: list[Column] = []
    if fmt == "json":
        from mdm_bridge.documents.as_json import json_chunks

        chunks = json_chunks(rows if json_rows is None else json_rows, columns, words)
    elif fmt in ("csv", "csv-fr"):
        from mdm_bridge.documents.delimited import csv_chunks, csv_fr_chunks

        chunks = (csv_chunks if fmt == "csv" else csv_fr_chunks)(rows, columns, words)
    else:
        chunks, hidden = _for_reading(rows, columns, fmt, words, width)
        chunks = _framed(chunks, title, freshness)
    if isinstance(out, io.TextIOBase):
        out.writelines(chunks)
    else:
        cast(BinaryIO, out).writelines(chunk.encode() for chunk in chunks)
    return hidden


def _for_reading(
    rows: Iterable[Row], columns: Sequence[Column], fmt: str, words: Words, width: int | None
) -> tuple[Iterator[str], list[Column]]:
    if fmt == "list":
        from mdm_bridge.documents.listing import list_chunks

        return list_chunks(rows, columns, words), []
    from mdm_bridge.documents.table import lay_out

    return lay_out(rows, columns, words, width)


def _framed(chunks: Iterator[str], title: str | None, freshness: str | None) -> Iterator[str]:
    if title:
        yield f"{title}\n\n"
    yield from chunks
    if freshness:
        yield f"\n{freshness}\n"


def _sheet(
    rows: Iterable[Row],
    columns: Sequence[Column],
    fmt: str,
    out: BinaryIO,
    words: Words,
    title: str | None,
    freshness: str | None,
) -> None:
    from mdm_bridge.documents.sheet import Sheet

    sheet = Sheet(rows, columns, words, title, freshness)
    if fmt == "ods":
        from mdm_bridge.documents.ods import write_ods

        write_ods(sheet, out)
    else:
        from mdm_bridge.documents.xlsx import write_xlsx

        write_xlsx(sheet, out)
