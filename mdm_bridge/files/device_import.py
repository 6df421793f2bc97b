"""What people own of their devices, from a list of theirs. Reading only: nothing is applied here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mdm_bridge.domain import cells
from mdm_bridge.domain.columns import FIELDS, OUR_FIELDS, ColumnMapping, MappedRow, MappedTable, convert
from mdm_bridge.domain.equipment import DeviceFacts, FactsLine, LineProblem
from mdm_bridge.errors import InputError
from mdm_bridge.files.mapped import read_mapped
from mdm_bridge.messages import Message

__all__ = ["DeviceImport", "parse_device_import", "read_device_import"]

#: Fields of ours, and the model of a device that no server describes.
_READ = (*OUR_FIELDS, "model")


@dataclass(frozen=True, slots=True)
class DeviceImport:
    """A list, parsed once: what is printed is what is applied.

    ``lines`` in the order of the file, ``problems`` every line that cannot be used and why.
    """

    table: MappedTable
    lines: tuple[FactsLine, ...]
    problems: tuple[LineProblem, ...]


def read_device_import(
    path: Path,
    mapping: str | ColumnMapping | None = None,
    folder: Path | None = None,
    *,
    zone: ZoneInfo,
) -> DeviceImport:
    """Read a list of devices with what people own of them.

    Args:
        path: The CSV file.
        mapping: What ``--mapping`` said, a mapping, or None to guess.
        folder: Folder of the settings.
        zone: Zone in which an instant falls on a day.

    Raises:
        InputError: The file cannot be read, or has no column of ours. Wrong lines do not raise: they
            are in ``problems``.
    """
    table = read_mapped(path, mapping, folder)
    if not any(name in table.columns for name in _READ):
        raise InputError(
            Message(
                "nothing_to_import",
                "{file}: beside the serial numbers, no column was recognised that can be imported.",
                file=table.file,
            ),
            hint=Message(
                "importable_columns",
                "Name the columns as follows, or write a mapping: {fields}.",
                fields=", ".join(_READ),
            ),
        )
    return parse_device_import(table, zone)


def parse_device_import(table: MappedTable, zone: ZoneInfo) -> DeviceImport:
    """Turn the rows of a table into facts; every wrong line is told, none stops the others.

    Args:
        table: A file read through a mapping.
        zone: Zone of dates, unless the mapping has one of its own.
    """
    own = table.mapping.timezone
    zone = ZoneInfo(own) if own else zone
    lines: list[FactsLine] = []
    problems: list[LineProblem] = []
    for row in table.rows:
        wrong: list[Message] = [row.problem] if row.problem else []
        values = {} if row.problem else _values(row, table, zone, wrong)
        if wrong:
            serial = values.get("serial") or None
            problems.extend(LineProblem(row.line, message, serial) for message in wrong)
        else:
            lines.append(FactsLine(row.line, DeviceFacts(**values)))
    for field in ("serial", "inventory_no"):
        problems.extend(_repeated(lines, field))
    bad = {problem.line for problem in problems}
    kept = tuple(line for line in lines if line.line not in bad)
    return DeviceImport(table, kept, tuple(sorted(problems, key=lambda problem: problem.line)))


def _values(row: MappedRow, table: MappedTable, zone: ZoneInfo, wrong: list[Message]) -> dict[str, Any]:
    values: dict[str, Any] = {"serial": _serial(row.cells, wrong)}
    for name in _READ:
        if name not in table.columns:
            continue
        try:
            values[name] = convert(name, row.cells[name], table.mapping, zone)
        except cells.BadCell as error:
            wrong.append(
                Message(
                    "cell_wrong",
                    'Column "{column}": {expected}.',
                    column=table.columns[name],
                    expected=error.expected,
                )
            )
    return values


def _serial(row: Mapping[str, str], wrong: list[Message]) -> str:
    try:
        found = cells.serial(row["serial"])
    except cells.BadCell as error:
        wrong.append(error.expected)
        return ""
    if found is None:
        wrong.append(Message("serial_empty", "The serial number is missing."))
    return found or ""


def _repeated(lines: list[FactsLine], field: str) -> list[LineProblem]:
    """Return a problem for each line that repeats what must be one device's only."""
    by_value: dict[str, list[FactsLine]] = {}
    for line in lines:
        value = getattr(line.facts, field)
        if value is not None:
            by_value.setdefault(value.casefold(), []).append(line)
    return [
        LineProblem(
            twin.line,
            Message(
                "repeated_in_file",
                "The {field} stands on several lines: {lines}.",
                field=FIELDS[field].label,
                lines=", ".join(str(one.line) for one in twins),
            ),
            twin.facts.serial,
        )
        for twins in by_value.values()
        if len(twins) > 1
        for twin in twins
    ]
