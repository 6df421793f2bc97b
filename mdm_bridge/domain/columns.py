"""Which column of a table feeds which of our fields, and a table read through such a mapping.

Only the columns a mapping names are ever in a :class:`MappedTable`; the others are dropped while
reading, because they may say something of a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import Any

from mdm_bridge.domain import cell_dates, cells
from mdm_bridge.domain.inventory import Covers
from mdm_bridge.messages import Message

__all__ = [
    "FIELDS",
    "OUR_FIELDS",
    "SERVER_FIELDS",
    "ColumnMapping",
    "ColumnRule",
    "Field",
    "MappedRow",
    "MappedTable",
    "convert",
    "served_digest",
]

#: Part of every digest: raise it when the same cells come to mean something else.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Field:
    """One of our fields.

    ``kind`` says how a cell is read and which options a mapping may set; ``covers`` which part of an
    observation it feeds; ``ours``: people own it, no server can say it.
    """

    label: Message
    kind: str = "text"
    covers: Covers | None = None
    ours: bool = False


FIELDS: Mapping[str, Field] = {
    "serial": Field(Message("field_serial", "serial number"), "serial"),
    "udid": Field(Message("field_udid", "UDID")),
    "remote_id": Field(Message("field_remote_id", "identifier on the server")),
    "name": Field(Message("field_name", "device name"), covers=Covers.NAME),
    "asset_tag": Field(Message("field_asset_tag", "asset tag on the server"), covers=Covers.ASSET_TAG),
    "model": Field(Message("field_model", "model"), covers=Covers.MODEL),
    "model_identifier": Field(
        Message("field_model_identifier", "model identifier"), covers=Covers.MODEL_IDENTIFIER
    ),
    "os_version": Field(Message("field_os_version", "system version"), "version", Covers.OS),
    "supervised": Field(Message("field_supervised", "supervision"), "flag", Covers.SUPERVISED),
    "managed": Field(Message("field_managed", "managed by the server"), "flag", Covers.MANAGED),
    "capacity_gb": Field(Message("field_capacity", "capacity"), "size", Covers.CAPACITY),
    "available_gb": Field(Message("field_available", "free space"), "size", Covers.AVAILABLE),
    "battery_percent": Field(Message("field_battery", "battery"), "percent", Covers.BATTERY),
    "last_seen_at": Field(Message("field_last_seen", "last contact"), "instant", Covers.CONTACT),
    "enrolled_at": Field(Message("field_enrolled", "enrolment date"), "instant"),
    "groups": Field(Message("field_groups", "groups"), "names", Covers.GROUPS),
    "location": Field(Message("field_location", "location on the server"), covers=Covers.LOCATION),
    "inventory_no": Field(Message("field_inventory_no", "inventory number"), ours=True),
    "purchased_on": Field(Message("field_purchased_on", "date of purchase"), "day", ours=True),
    "funding": Field(Message("field_funding", "funding"), ours=True),
    "supplier_ref": Field(Message("field_supplier_ref", "supplier's reference"), ours=True),
    "warranty_until": Field(Message("field_warranty_until", "end of the warranty"), "day", ours=True),
    "kit": Field(Message("field_kit", "case"), ours=True),
    "place": Field(Message("field_place", "place"), ours=True),
    "pool": Field(Message("field_pool", "pool"), "pool", ours=True),
}

#: Fields a synchronisation reads, and fields an import of our own facts reads; both know the serial.
SERVER_FIELDS = tuple(name for name, spec in FIELDS.items() if not spec.ours)
OUR_FIELDS = tuple(name for name, spec in FIELDS.items() if spec.ours)


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """Where a field stands and how it is written.

    Args:
        column: Heading of its column.
        unit: Unit of a bare size (``cells.SIZE_UNITS``), or ``fraction`` or ``percent``.
        dates: One of ``cell_dates.DATE_ORDERS``.
        separator: What stands between two names of a list.
    """

    column: str
    unit: str | None = None
    dates: str | None = None
    separator: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column feeds which field.

    Args:
        name: What it is called in messages.
        columns: Rules by field, ``serial`` among them.
        leave_out: Rows not wanted: values (compared without regard to case) by column.
        timezone: Zone of dates without offset; None = the one the caller knows.
        entities: Texts hold HTML entities (``&amp;``).
    """

    name: str
    columns: Mapping[str, ColumnRule]
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timezone: str | None = None
    entities: bool = False


@dataclass(frozen=True, slots=True)
class MappedRow:
    """The mapped cells of one line, as they were written; ``problem``: why they cannot be trusted."""

    line: int
    cells: Mapping[str, str] = field(repr=False)
    problem: Message | None = None


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table read through a mapping, once: what is shown is what is applied.

    Args:
        file: Name of the file, for messages.
        mapping: What it was read by.
        columns: Heading by field, for the mapped columns that exist in this file.
        rows: Its rows, in order, unwanted ones left out.
        ignored: How many rows the mapping leaves out.
        unread: How many columns were not read.
        guessed: The mapping was guessed from the headings.
        absent: Headings the mapping names and this file does not have, by field.
        encoding: How the file is written.
        separator: What stands between its cells.
    """

    file: str
    mapping: ColumnMapping
    columns: Mapping[str, str]
    rows: Sequence[MappedRow] = field(repr=False)
    ignored: int = 0
    unread: int = 0
    guessed: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    separator: str = ";"

    def described(self) -> tuple[Message, ...]:
        """Return one sentence for each column that is read, in the order of our fields."""
        return tuple(
            Message(
                "column_read_as",
                'Column "{column}" is read as: {field}.',
                column=self.columns[name],
                field=FIELDS[name].label,
            )
            for name in FIELDS
            if name in self.columns
        )


def convert(name: str, raw: str, mapping: ColumnMapping, zone: tzinfo) -> Any:
    """Return the value of one cell, None when it is empty or says "unknown".

    Args:
        name: One of :data:`FIELDS`.
        raw: The cell as it was written.
        mapping: How it is written.
        zone: Zone of dates without offset.

    Raises:
        BadCell: It cannot be understood.
    """
    said = cells.text(raw, entities=mapping.entities)
    kind = FIELDS[name].kind
    if kind == "names":
        return cells.names(said or "", mapping.columns[name].separator)
    return None if said is None else _READERS[kind](said, mapping.columns[name], zone)


_Reader = Callable[[str, ColumnRule, tzinfo], Any]

_READERS: Mapping[str, _Reader] = {
    "text": lambda said, rule, zone: said,
    "serial": lambda said, rule, zone: cells.serial(said),
    "flag": lambda said, rule, zone: cells.flag(said),
    "version": lambda said, rule, zone: cells.version(said),
    "pool": lambda said, rule, zone: cells.pool(said),
    "size": lambda said, rule, zone: cells.gigabytes(said, rule.unit),
    "percent": lambda said, rule, zone: cells.percent(said, rule.unit),
    "instant": lambda said, rule, zone: cell_dates.instant(said, zone, rule.dates),
    "day": lambda said, rule, zone: cell_dates.local_day(said, zone, rule.dates),
}


def served_digest(table: MappedTable, zone: str) -> Callable[[Mapping[str, str]], bytes]:
    """Return a function from cells to 16 bytes that change whenever what a server says changes.

    The mapping, the columns present and the zone are part of it: a changed mapping reads every row
    again. Fields of ours are not: no synchronisation reads them.
    """
    present = tuple(name for name in SERVER_FIELDS if name in table.columns)
    rules = [(name, table.mapping.columns[name]) for name in present]
    options = (_VERSION, zone, table.mapping.entities)
    return partial(_hash, hashlib.sha256(repr((options, rules)).encode()).digest(), present)


def _hash(start: bytes, present: tuple[str, ...], row: Mapping[str, str]) -> bytes:
    # Lengths keep "ab","c" and "a","bc" apart.
    parts = [row.get(name, "").encode("utf-8", "surrogatepass") for name in present]
    return hashlib.sha256(start + b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()[:16]
