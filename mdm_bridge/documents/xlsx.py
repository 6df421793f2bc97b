"""A spreadsheet for Excel, written row by row."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, BinaryIO

from mdm_bridge.documents.sheet import Cell, Sheet

__all__ = ["write_xlsx"]

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def write_xlsx(sheet: Sheet, out: BinaryIO) -> None:
    """Write one sheet of typed cells, and a second that tells what it is when there is something to tell."""
    from xlsxwriter import Workbook

    with Workbook(out, _OPTIONS) as book:
        book.set_properties({"title": sheet.title or ""})
        page = book.add_worksheet(sheet.data_name)
        bold = book.add_format({"bold": True})
        formats: dict[type, Any] = {
            date: book.add_format({"num_format": "dd/mm/yyyy"}),
            datetime: book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
        }
        page.freeze_panes(1, 0)
        page.set_column(0, max(len(sheet.columns) - 1, 0), 18)
        page.write_row(0, 0, sheet.headings, bold)
        for number, cells in enumerate(sheet.cells(), 1):
            for place, cell in enumerate(cells):
                _write(page, number, place, cell, formats)
        if sheet.about():
            about = book.add_worksheet(sheet.about_name)
            about.set_column(0, 0, 80)
            for number, line in enumerate(sheet.about()):
                about.write_string(number, 0, line)


def _write(page: Any, row: int, column: int, cell: Cell, formats: dict[type, Any]) -> None:
    if isinstance(cell, str):
        page.write_string(row, column, cell)
    elif isinstance(cell, date):
        page.write_datetime(row, column, cell, formats[type(cell)])
    else:
        page.write_number(row, column, cell)
