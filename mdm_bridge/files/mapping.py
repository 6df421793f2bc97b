"""Mappings as files: found by name, read strictly, saved."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mdm_bridge.domain.cell_dates import DATE_ORDERS
from mdm_bridge.domain.cells import PERCENT_UNITS, SIZE_UNITS
from mdm_bridge.domain.columns import FIELDS, ColumnMapping, ColumnRule
from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.errors import InputError
from mdm_bridge.files.builtin import BUILT_IN
from mdm_bridge.files.encodings import input_problem
from mdm_bridge.files.headings import announces_person, same
from mdm_bridge.files.strict import problems_error, read_toml, unknown_keys
from mdm_bridge.messages import Message

__all__ = ["FOLDER", "find_mapping", "known_mappings", "load_mapping", "parse_mapping", "save_mapping"]

#: Where saved mappings lie, beside the settings.
FOLDER = "mappings"

_KEYS = ("columns", "leave_out", "timezone", "html_entities")
_HINT = Message("correct_mapping", "Correct it; docs/csv.md shows a whole mapping.")

#: Options a column of each kind may have, and what they may say (None: any text).
_OPTIONS: Mapping[str, Mapping[str, tuple[str, ...] | None]] = {
    "size": {"unit": SIZE_UNITS},
    "percent": {"unit": PERCENT_UNITS},
    "instant": {"dates": DATE_ORDERS},
    "day": {"dates": DATE_ORDERS},
    "names": {"separator": None},
}


def known_mappings(folder: Path | None) -> list[str]:
    """Return the names ``--mapping`` accepts: built in, then saved beside the settings.

    Args:
        folder: Folder of the settings, None without one.
    """
    saved = sorted(file.stem for file in (folder / FOLDER).glob("*.toml")) if folder else []
    return [*BUILT_IN, *(name for name in saved if name not in BUILT_IN)]


def find_mapping(name: str, folder: Path | None) -> ColumnMapping:
    """Return the mapping of a name: built in, saved beside the settings, or a path to a file.

    Args:
        name: What ``--mapping`` said.
        folder: Folder of the settings, None without one.

    Raises:
        InputError: There is none of that name, or it is wrong.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    is_name = not name.endswith(".toml") and Path(name).name == name
    if is_name and folder and (saved := folder / FOLDER / f"{name}.toml").is_file():
        return load_mapping(saved)
    if not is_name or Path(name).is_file():
        return load_mapping(Path(name).expanduser())
    known = known_mappings(folder)
    near = nearest(name, known)
    raise InputError(
        Message("mapping_unknown", 'There is no mapping "{name}".', name=name),
        hint=Message("mapping_nearest", 'Did you mean "{nearest}"?', nearest=near)
        if near
        else Message(
            "mapping_known",
            "Known: {known}. Save yours as {folder}/{name}.toml beside the settings, or give its path.",
            known=", ".join(known),
            folder=FOLDER,
            name=name,
        ),
    )


def load_mapping(path: Path) -> ColumnMapping:
    """Read a mapping file.

    Raises:
        InputError: It is missing, not TOML, or wrong; every mistake is named.
    """
    return parse_mapping(read_toml(path), path)


def parse_mapping(data: Mapping[str, Any], path: Path) -> ColumnMapping:
    """Check what a mapping file says.

    Args:
        data: Its content.
        path: The file, for its name.

    Raises:
        InputError: Something is wrong; every mistake is named.
    """
    problems = unknown_keys(data, _KEYS, "")
    columns = _columns(data.get("columns"), problems)
    leave_out = _leave_out(data.get("leave_out", {}), problems)
    zone = _zone(data.get("timezone"), problems)
    entities = data.get("html_entities", False)
    if not isinstance(entities, bool):
        problems.append(Message("mapping_flag", "{key}: true or false, without quotes.", key="html_entities"))
    if problems:
        raise problems_error(path, problems, _HINT)
    return ColumnMapping(path.stem, columns, leave_out, zone, entities)


def _columns(written: Any, problems: list[Message]) -> dict[str, ColumnRule]:
    if not isinstance(written, Mapping):
        problems.append(Message("mapping_no_columns", "A table [columns] is required."))
        return {}
    problems.extend(unknown_keys(written, FIELDS, "columns"))
    found = {}
    for name in FIELDS:
        if name in written:
            rule = _rule(name, written[name], problems)
            if rule is not None:
                found[name] = rule
    if "serial" not in written:
        problems.append(Message("mapping_no_serial", 'columns.serial is required: serial = "heading".'))
    return found


def _rule(name: str, written: Any, problems: list[Message]) -> ColumnRule | None:
    """Check the rule of one field: a heading, or a table with a heading and options."""
    key = f"columns.{name}"
    table = {"column": written} if isinstance(written, str) else written
    if (
        not isinstance(table, Mapping)
        or not isinstance(table.get("column"), str)
        or not table["column"].strip()
    ):
        problems.append(
            Message(
                "mapping_rule_form",
                "{key}: write a heading, or an inline table with the key column.",
                key=key,
            )
        )
        return None
    options = _OPTIONS.get(FIELDS[name].kind, {})
    problems.extend(unknown_keys(table, ("column", *options), key))
    heading = " ".join(table["column"].split())
    if announces_person(heading) and not (name == "location" and same(heading) == "location name"):
        problems.append(
            Message(
                "column_never_read",
                '{key}: the column "{column}" may speak of a person: it is never read.',
                key=key,
                column=heading,
            )
        )
    values = {
        option: _option(f"{key}.{option}", table[option], allowed, problems)
        for option, allowed in options.items()
        if option in table
    }
    return ColumnRule(heading, **values)


def _option(key: str, written: Any, allowed: tuple[str, ...] | None, problems: list[Message]) -> str | None:
    if allowed is None:
        if isinstance(written, str) and written:
            return written
        problems.append(Message("mapping_text", "{key}: a text between double quotes.", key=key))
        return None
    by_word = {word.casefold(): word for word in allowed}
    by_word.update({word.casefold()[:-1] + "o": word for word in allowed if word in SIZE_UNITS})
    found = by_word.get(written.casefold()) if isinstance(written, str) else None
    if found is None:
        problems.append(
            Message("mapping_choice", "{key}: one of {choices}.", key=key, choices=", ".join(allowed))
        )
    return found


def _leave_out(written: Any, problems: list[Message]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if not isinstance(written, Mapping):
        written = {"": None}
    for heading, values in written.items():
        some = [values] if isinstance(values, str) else values
        if not isinstance(some, list) or not all(isinstance(value, str) for value in some):
            problems.append(
                Message("mapping_leave_out", 'leave_out: write "heading" = ["value", …] under [leave_out].')
            )
        elif announces_person(heading):
            problems.append(
                Message(
                    "column_never_read",
                    '{key}: the column "{column}" may speak of a person: it is never read.',
                    key="leave_out",
                    column=heading,
                )
            )
        else:
            found[" ".join(heading.split())] = tuple(some)
    return found


def _zone(written: Any, problems: list[Message]) -> str | None:
    if written is None:
        return None
    try:
        return ZoneInfo(written).key
    except (KeyError, ValueError, TypeError, OSError):
        problems.append(Message("mapping_zone", 'timezone: no such zone; write one such as "Europe/Paris".'))
        return None


def save_mapping(path: Path, mapping: ColumnMapping) -> None:
    """Write a mapping so that ``load_mapping`` reads the same again.

    Args:
        path: File to write; its folder is made.
        mapping: What to write.

    Raises:
        InputError: There is one already, or it cannot be written.
    """
    if path.exists():
        raise input_problem(
            path,
            Message("mapping_exists", "This mapping exists already."),
            Message("choose_other_name", "Choose another name, or remove that file first."),
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, _render(mapping))
    except OSError as error:
        raise input_problem(
            path,
            Message("mapping_not_written", "It cannot be written."),
            Message(
                "check_folder_rights",
                "Check that you may write into this folder and that the disk is not full.",
            ),
        ) from error


def _replace(path: Path, text: str) -> None:
    """Write beside, then rename: never half a file."""
    handle, name = tempfile.mkstemp(prefix=".mapping-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _render(mapping: ColumnMapping) -> str:
    lines = []
    if mapping.timezone:
        lines.append(f"timezone = {_quoted(mapping.timezone)}")
    if mapping.entities:
        lines.append("html_entities = true")
    lines += ["", "[columns]"] if lines else ["[columns]"]
    for name, rule in mapping.columns.items():
        options = {"unit": rule.unit, "dates": rule.dates, "separator": rule.separator}
        said = [f"{key} = {_quoted(value)}" for key, value in options.items() if value is not None]
        whole = ", ".join([f"column = {_quoted(rule.column)}", *said])
        lines.append(f"{name} = {{ {whole} }}" if said else f"{name} = {_quoted(rule.column)}")
    if mapping.leave_out:
        lines += ["", "[leave_out]"]
        for heading, values in mapping.leave_out.items():
            lines.append(f"{_quoted(heading)} = [{', '.join(map(_quoted, values))}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a TOML text; JSON escapes the same way, but leaves DEL alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
