"""Any CSV people have: separator and encoding found out, no cell ever shifted into another column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from mdm_bridge.errors import InputError
from mdm_bridge.files.encodings import input_problem, read_text
from mdm_bridge.messages import Message

__all__ = ["SEPARATORS", "Table", "TableRow", "read_table", "shown_headings"]

#: In the order preferred when nothing tells them apart.
SEPARATORS = (";", "\t", ",", "|")

_SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: the line it begins on, the wanted cells by heading.

    ``problem``: the row does not have as many cells as there are headings; it then has no cells,
    because nobody knows which one belongs where.
    """

    line: int
    cells: Mapping[str, str] = field(repr=False)
    problem: Message | None = None


class Table:
    """A CSV file in memory; rows are cut out of its text each time they are asked for.

    Args:
        file: Where it came from.
        text: Its text without marks.
        encoding: How it was written.
        separator: What stands between its cells.

    Raises:
        InputError: It has no headings.
    """

    def __init__(self, file: Path, text: str, encoding: str, separator: str) -> None:
        self.file = file
        self.encoding = encoding
        self.separator = separator
        self._text = text
        _, cells = next(self._records(), (1, []))
        self.headings: tuple[str, ...] = tuple(_heading(cell) for cell in cells)
        if not any(self.headings):
            raise input_problem(
                file,
                Message("no_headings", "Its first line holds no headings."),
                Message("add_headings", "The first line must name the columns, such as: n° de série;modèle"),
                line=1,
            )

    def rows(self, columns: Iterable[str]) -> Iterator[TableRow]:
        """Yield the rows that are not blank, with the wanted columns only.

        Args:
            columns: Headings wanted; each must stand exactly once in :attr:`headings`.

        Raises:
            InputError: The file cannot be cut into cells from some line on (a quote left open, an
                endless cell), or a wanted heading stands there twice or not at all.
        """
        places = [(heading, self._place(heading)) for heading in dict.fromkeys(columns)]
        width = len(self.headings)
        needed = max(place for place, heading in enumerate(self.headings, 1) if heading)
        for line, cells in islice(self._records(), 1, None):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < needed or any(cell.strip() for cell in cells[width:]):
                yield TableRow(line, {}, _ragged(len(cells), width))
            else:
                yield TableRow(line, {heading: cells[place] for heading, place in places})

    def _place(self, heading: str) -> int:
        count = self.headings.count(heading) if heading else 0
        if count == 1:
            return self.headings.index(heading)
        if count:
            raise input_problem(
                self.file,
                Message(
                    "heading_twice",
                    'The heading "{heading}" stands there {count} times.',
                    heading=heading,
                    count=count,
                ),
                Message("rename_heading", "Rename one of these columns in the file."),
                line=1,
            )
        raise input_problem(
            self.file,
            Message("heading_missing", 'There is no column "{heading}".', heading=heading),
            Message("check_mapping", "Check the mapping against the first line of the file."),
            line=1,
        )

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every record from the headings on, with the line it begins on."""
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self.separator, strict=True)
        begun = False
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise _cannot_be_cut(self.file, line) from None
            begun = begun or any(cell.strip() for cell in cells)
            if begun:
                yield line, cells

    def __repr__(self) -> str:
        return f"Table({self.file.name!r}, {len(self.headings)} columns)"


def read_table(path: Path) -> Table:
    """Read a CSV file: ``;`` ``,`` tab or ``|``, UTF-8, UTF-16 or Windows encoding, up to 64 MB.

    Raises:
        InputError: It is missing, empty, too large, a spreadsheet or a web page, in an encoding that
            cannot be told, or has no headings; the message names the file and the line.
    """
    text, encoding = read_text(path)
    text = text.lstrip("\ufeff")
    said, text = _declared_separator(text)
    return Table(path, text, encoding, said or _sniffed_separator(text))


def _declared_separator(text: str) -> tuple[str | None, str]:
    """Obey the "sep=;" line that some programs put first; its line stays, blank, to keep the count."""
    first = text[:8].splitlines()[0] if text else ""
    said = first.strip().strip('"')
    if len(said) == 5 and said.lower().startswith("sep=") and said[4] in SEPARATORS:
        return said[4], text[len(first) :]
    return None, text


def _sniffed_separator(text: str) -> str:
    """Return the separator that cuts the first rows into the most cells, equally many in each."""
    return max(SEPARATORS, key=lambda separator: _score(text, separator))


def _score(text: str, separator: str) -> float:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    widths: list[int] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                widths.append(len(cells))
            if len(widths) > _SAMPLE_ROWS:
                break
    except csv.Error:
        # An endless cell: what came before it tells enough.
        pass
    if not widths or widths[0] < 2:
        return 0
    return widths[0] * sum(width == widths[0] for width in widths) / len(widths)


def _heading(cell: str) -> str:
    return " ".join(cell.replace("\ufeff", "").split())


def _ragged(found: int, wanted: int) -> Message:
    return Message(
        "ragged_row",
        "Line with {found} cells under {wanted} headings: it was not read.",
        found=found,
        wanted=wanted,
    )


def _cannot_be_cut(file: Path, line: int) -> InputError:
    return input_problem(
        file,
        Message(
            "quote_problem",
            "A quotation mark is misplaced or never closed, or a cell is longer than {limit} characters.",
            limit=csv.field_size_limit(),
        ),
        Message(
            "correct_quotes", "Correct this line, or open the file in a spreadsheet and save it as CSV again."
        ),
        line=line,
    )


def shown_headings(headings: Sequence[str], limit: int = 40) -> str:
    """Return headings for a message, shortened."""
    named = [heading[:40] for heading in headings if heading]
    more = ", …" if len(named) > limit else ""
    return ", ".join(f'"{heading}"' for heading in named[:limit]) + more
