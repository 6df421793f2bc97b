"""A console's CSV export, or a hand-kept list, as a listing source: no key, no network.

The file itself is read by ``files``; here its rows become sightings. A column the file does not have
is a part not covered: what is known of it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from mdm_bridge.domain import cells
from mdm_bridge.domain.columns import (
    FIELDS,
    OUR_FIELDS,
    SERVER_FIELDS,
    MappedRow,
    MappedTable,
    convert,
    served_digest,
)
from mdm_bridge.domain.inventory import Covers, InstalledApp, ServerFacts, Sighting
from mdm_bridge.errors import BadAnswer
from mdm_bridge.messages import Message
from mdm_bridge.ports.inventory import Capabilities, Outline, Page, Probe

__all__ = ["CsvRow", "CsvSource"]

_ROWS_A_PAGE = 500

#: Fields of a sighting that a cell feeds under the same name.
_PLAIN = tuple(name for name in SERVER_FIELDS if name not in ("serial", "remote_id", "udid", "last_seen_at"))


class CsvSource:
    """A file as a listing source; implements ``ports.inventory.ListingSource``.

    Args:
        name: Name of the server in the settings whose devices the file lists.
        table: The file, read through its mapping.
        zone: Zone of dates without offset, unless the mapping has its own.
        kind: Kind of that server: a file may stand in for a server that has an interface of its own.
    """

    requests = 0

    def __init__(self, name: str, table: MappedTable, *, zone: ZoneInfo, kind: str = "file") -> None:
        self.name = name
        self.kind = kind
        self.table = table
        self.capabilities = Capabilities(covers=_covered(table))
        self.warnings: Sequence[Message] = _warnings(table)
        own = table.mapping.timezone
        self._zone = ZoneInfo(own) if own else zone

    def probe(self) -> Probe:
        """Say what was read, and as what."""
        table = self.table
        return Probe(
            ok=True,
            message=Message(
                "file_readable", "{file} is readable: {rows} devices.", file=table.file, rows=len(table.rows)
            ),
            details=(*table.described(), *self.warnings),
        )

    def facts(self) -> ServerFacts:
        """Return nothing: a list of devices speaks of no app, group or profile of the server."""
        return ServerFacts()

    def pages(self) -> Iterator[Page]:
        """Yield the rows; ``total`` is their number, rows left out by the mapping not counted."""
        rows, zone = self.table.rows, self._zone
        digest = served_digest(self.table, zone.key)
        if not rows:
            yield Page((), 0)
        for start in range(0, len(rows), _ROWS_A_PAGE):
            some = rows[start : start + _ROWS_A_PAGE]
            yield Page([CsvRow(row, self.table, zone, digest) for row in some], len(rows))

    def close(self) -> None:
        """Nothing to release."""

    def __repr__(self) -> str:
        return f"CsvSource({self.name!r}, {self.table.file!r})"


class CsvRow:
    """One line; implements ``ports.inventory.ListingRow``.

    The device's own id on the server is that of its column, else its UDID, else its serial number.
    """

    __slots__ = ("_row", "_table", "_zone", "remote_id", "serial", "whole_hash")

    apps_hash: bytes | None = None

    def __init__(
        self,
        row: MappedRow,
        table: MappedTable,
        zone: ZoneInfo,
        digest: Callable[[Mapping[str, str]], bytes],
    ) -> None:
        self._row = row
        self._table = table
        self._zone = zone
        self.whole_hash = digest(row.cells)
        self.serial = _serial_or_none(row) or ""
        self.remote_id = self._text("remote_id") or self._text("udid") or self.serial

    def sighting(self) -> Sighting:
        """Decode the cells.

        Raises:
            BadAnswer: The line does not fit the headings, or a cell cannot be understood; line and
                column are named, the cell is not quoted.
        """
        row = self._row
        if row.problem is not None:
            raise self._bad(row.problem)
        try:
            serial = cells.serial(row.cells["serial"])
        except cells.BadCell as error:
            raise self._bad(error.expected) from None
        values = {name: self._value(name) for name in _PLAIN if name in self._table.columns}
        return Sighting(
            remote_id=self.remote_id,
            serial=serial or "",
            udid=self._text("udid"),
            contact_at=self._value("last_seen_at"),
            device_class=self._class(),
            **values,
        )

    def apps(self) -> Sequence[InstalledApp] | None:
        """Return None: the row speaks of no apps."""
        return None

    def outline(self) -> Outline | None:
        """Read the cells by which a device is ours or not; None for a line that fits no headings."""
        if self._row.problem is not None:
            return None
        values, covers = {}, _covered(self._table)
        for name in ("asset_tag", "groups", "location"):
            try:
                values[name] = self._value(name)
            except BadAnswer:
                covers &= ~(FIELDS[name].covers or Covers(0))
        return Outline(Sighting(self.remote_id, self.serial, device_class=self._class(), **values), covers)

    def __repr__(self) -> str:
        return f"CsvRow(line {self._row.line}, {self.serial!r})"

    def _value(self, name: str) -> Any:
        if name not in self._table.columns:
            return None
        try:
            return convert(name, self._row.cells[name], self._table.mapping, self._zone)
        except cells.BadCell as error:
            expected = error.expected
        raise self._bad(
            Message(
                "cell_wrong",
                'Column "{column}": {expected}.',
                column=self._table.columns[name],
                expected=expected,
            )
        )

    def _text(self, name: str) -> str | None:
        return cells.text(self._row.cells.get(name, ""), entities=self._table.mapping.entities)

    def _class(self) -> str | None:
        """Tell a tablet from a telephone by its model; the system is asked last ("macOS 26")."""
        said = self._text("model_identifier"), self._text("model"), self._text("os_version")
        return cells.device_class_of(*said)

    def _bad(self, problem: Message) -> BadAnswer:
        return BadAnswer(
            Message("line_wrong", "Line {line}: {problem}", line=self._row.line, problem=problem),
            hint=Message("correct_file", "Correct the file, or export it again, and run the command again."),
        )


def _serial_or_none(row: MappedRow) -> str | None:
    try:
        return cells.serial(row.cells.get("serial", ""))
    except cells.BadCell:
        return None


def _covered(table: MappedTable) -> Covers:
    parts = (FIELDS[name].covers for name in table.columns)
    return reduce(or_, (part for part in parts if part is not None), Covers(0))


def _warnings(table: MappedTable) -> tuple[Message, ...]:
    """Return what a person should know of the columns: guessed, missing, or not for a synchronisation."""
    found = []
    if table.guessed:
        pairs = [
            Message("column_means", "{heading} = {field}", heading=heading, field=FIELDS[name].label)
            for name in FIELDS
            if (heading := table.columns.get(name)) is not None
        ]
        found.append(
            Message("columns_guessed", "The meaning of the columns was guessed: {columns}.", columns=pairs)
        )
    if table.absent:
        found.append(
            Message(
                "columns_absent",
                "Columns of the mapping that this file does not have: {columns}. What is known stays.",
                columns=", ".join(table.absent.values()),
            )
        )
    ours = [table.columns[name] for name in OUR_FIELDS if name in table.columns]
    if ours:
        found.append(
            Message(
                "columns_of_ours",
                "What people own is taken over only where nothing is known yet: {columns}. To replace it: "
                "mdm-bridge device import FILE",
                columns=", ".join(ours),
            )
        )
    if table.ignored:
        found.append(
            Message("rows_in_trash", "Rows in the trash of the console, left out: {n}.", n=table.ignored)
        )
    return tuple(found)
