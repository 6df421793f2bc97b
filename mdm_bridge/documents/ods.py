"""A spreadsheet for LibreOffice, streamed: no tree of the document is ever built."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from mdm_bridge.documents.sheet import Cell, Sheet

__all__ = ["write_ods"]

_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_MANIFEST = (
    f'{_XML}<manifest:manifest xmlns:manifest="{_NS}manifest:1.0" manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)


def _date_style(name: str, parts: str) -> str:
    """Return how a date is shown: letters name its parts, other signs stand for themselves."""
    names = {"D": "day", "M": "month", "Y": "year", "h": "hours", "m": "minutes"}
    inside = "".join(
        f'<number:{names[part]} number:style="long"/>'
        if part in names
        else f"<number:text>{part}</number:text>"
        for part in parts
    )
    return (
        f'<number:date-style style:name="{name}-format">{inside}</number:date-style>'
        f'<style:style style:name="{name}" style:family="table-cell" style:data-style-name="{name}-format"/>'
    )


_HEAD = (
    f"{_XML}<office:document-content"
    + "".join(f' xmlns:{name}="{_NS}{name}:1.0"' for name in ("office", "table", "text", "style"))
    + f' xmlns:number="{_NS}datastyle:1.0" xmlns:fo="{_NS}xsl-fo-compatible:1.0" office:version="1.3">'
    f"<office:automatic-styles>{_date_style('day', 'D/M/Y')}{_date_style('time', 'D/M/Y h:m')}"
    '<style:style style:name="head" style:family="table-cell">'
    '<style:text-properties fo:font-weight="bold"/></style:style>'
    "</office:automatic-styles><office:body><office:spreadsheet>"
)
_TAIL = "</office:spreadsheet></office:body></office:document-content>"


def write_ods(sheet: Sheet, out: BinaryIO) -> None:
    """Write one sheet of typed cells, and a second that tells what it is when there is something to tell."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _TYPE, zipfile.ZIP_STORED)  # first and plain: how the type is recognised
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        with archive.open("content.xml", "w", force_zip64=True) as content:
            content.write(_HEAD.encode())
            heading = "".join(_text(text, ' table:style-name="head"') for text in sheet.headings)
            content.writelines(_table(sheet.data_name, [heading], map(_row, sheet.cells())))
            if sheet.about():
                content.writelines(_table(sheet.about_name, map(_text, sheet.about())))
            content.write(_TAIL.encode())


def _table(name: str, *parts: Iterable[str]) -> Iterator[bytes]:
    yield f"<table:table table:name={quoteattr(name)}>".encode()
    for rows in parts:
        for cells in rows:
            yield f"<table:table-row>{cells}</table:table-row>".encode()
    yield b"</table:table>"


def _row(cells: Iterable[Cell]) -> str:
    return "".join(map(_cell, cells))


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(cell, datetime):
        return _dated(cell.isoformat(timespec="seconds"), "time")
    if isinstance(cell, date):
        return _dated(cell.isoformat(), "day")
    return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'


def _dated(text: str, style: str) -> str:
    return (
        f'<table:table-cell table:style-name="{style}" office:value-type="date" office:date-value="{text}"/>'
    )


def _text(text: str, style: str = "") -> str:
    lines = "</text:p><text:p>".join(escape(text).splitlines())
    return f'<table:table-cell{style} office:value-type="string"><text:p>{lines}</text:p></table:table-cell>'
