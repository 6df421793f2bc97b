"""A file of devices, read through a mapping that was named, recognised or guessed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mdm_bridge.domain.columns import FIELDS, ColumnMapping, ColumnRule, MappedRow, MappedTable
from mdm_bridge.errors import InputError
from mdm_bridge.files.builtin import recognised
from mdm_bridge.files.csv_table import Table, TableRow, read_table, shown_headings
from mdm_bridge.files.encodings import input_problem
from mdm_bridge.files.headings import guess_columns, looks_like_data, same
from mdm_bridge.files.mapping import FOLDER, find_mapping
from mdm_bridge.messages import Message

__all__ = ["read_mapped"]

_WRITE_A_MAPPING = Message(
    "write_mapping",
    "Write a mapping {folder}/NAME.toml beside the settings with, under [columns], "
    'serial = "heading" and one line for each column to read, then add: --mapping NAME',
    folder=FOLDER,
)


def read_mapped(
    path: Path, mapping: str | ColumnMapping | None = None, folder: Path | None = None
) -> MappedTable:
    """Read a CSV file of devices, once; only the columns of the mapping are taken over.

    Args:
        path: The file.
        mapping: What ``--mapping`` said, a mapping, or None: recognised, else guessed from the headings.
        folder: Folder of the settings, where saved mappings lie.

    Raises:
        InputError: The file or the mapping is wrong, or no column holds the serial numbers; the
            message names the headings seen, never a cell.
    """
    named = find_mapping(mapping, folder) if isinstance(mapping, str) else mapping
    table = read_table(path)
    used = named or recognised(table.headings)
    guessed = used is None
    used = used or _guessed(table)
    headings = {same(heading): heading for heading in reversed(table.headings) if heading}
    columns, absent = _present(used, headings)
    if "serial" not in columns:
        raise _no_serial(
            table, Message("no_mapped_serial", 'There is no column "{column}".', column=absent["serial"])
        )
    _refuse_twins(table, columns)
    rows, ignored = _take(table, used, columns, headings)
    return MappedTable(
        file=path.name,
        mapping=used,
        columns=columns,
        rows=rows,
        ignored=ignored,
        unread=sum(1 for heading in table.headings if heading) - len(set(columns.values())),
        guessed=guessed,
        absent=absent,
        encoding=table.encoding,
        separator=table.separator,
    )


def _present(mapping: ColumnMapping, headings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the mapped headings of this file by field, and those it does not have."""
    columns, absent = {}, {}
    for name in FIELDS:
        rule = mapping.columns.get(name)
        if rule is None:
            continue
        heading = headings.get(same(rule.column))
        if heading is None:
            absent[name] = rule.column
        else:
            columns[name] = heading
    return columns, absent


def _refuse_twins(table: Table, columns: Mapping[str, str]) -> None:
    """Refuse a mapped heading that stands there twice, be it in other letters."""
    for heading in columns.values():
        twins = [other for other in table.headings if other and same(other) == same(heading)]
        if len(twins) > 1:
            raise input_problem(
                table.file,
                Message(
                    "heading_twice",
                    'The heading "{heading}" stands there {count} times.',
                    heading=heading,
                    count=len(twins),
                ),
                Message("rename_heading", "Rename one of these columns in the file."),
                line=1,
            )


def _take(
    table: Table, mapping: ColumnMapping, columns: Mapping[str, str], headings: Mapping[str, str]
) -> tuple[list[MappedRow], int]:
    """Return the wanted rows, with mapped cells only, and how many were left out."""
    judged = {
        heading: frozenset(value.strip().casefold() for value in values)
        for column, values in mapping.leave_out.items()
        if (heading := headings.get(same(column)))
    }
    rows, ignored = [], 0
    for row in table.rows([*columns.values(), *judged]):
        if row.problem is None and _left_out(row, judged):
            ignored += 1
            continue
        cells = {} if row.problem else {name: row.cells[heading] for name, heading in columns.items()}
        rows.append(MappedRow(row.line, cells, row.problem))
    return rows, ignored


def _left_out(row: TableRow, judged: Mapping[str, frozenset[str]]) -> bool:
    return any(row.cells[heading].strip().casefold() in values for heading, values in judged.items())


def _guessed(table: Table) -> ColumnMapping:
    guess = guess_columns(table.headings)
    if guess.doubtful:
        name, candidates = next(iter(guess.doubtful.items()))
        raise input_problem(
            table.file,
            Message(
                "columns_ambiguous",
                "Several columns may be the {field}: {headings}.",
                field=FIELDS[name].label,
                headings=shown_headings(candidates),
            ),
            _WRITE_A_MAPPING,
            line=1,
        )
    if "serial" not in guess.columns:
        raise _no_serial(
            table, Message("no_guessed_serial", "No column could be recognised as the serial number.")
        )
    return ColumnMapping("guessed", {name: ColumnRule(heading) for name, heading in guess.columns.items()})


def _no_serial(table: Table, problem: Message) -> InputError:
    if looks_like_data(table.headings):
        # Not quoted: it may well be a device with the name of a child.
        return input_problem(
            table.file,
            Message("headings_look_like_data", "The first line seems to be a device, not headings."),
            Message("add_headings", "The first line must name the columns, such as: n° de série;modèle"),
            line=1,
        )
    return input_problem(
        table.file,
        Message(
            "headings_seen",
            "{problem} Headings seen: {headings}.",
            problem=problem,
            headings=shown_headings(table.headings),
        ),
        _WRITE_A_MAPPING,
        line=1,
    )
