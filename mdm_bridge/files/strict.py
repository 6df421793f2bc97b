"""Strict reading of the small TOML files people write: every mistake at once, the nearest key named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.errors import InputError
from mdm_bridge.files.encodings import input_problem, read_bytes
from mdm_bridge.messages import Message

__all__ = ["problems_error", "read_toml", "unknown_keys"]

_MAX_BYTES = 1024 * 1024
_POSITION = re.compile(r"line (\d+)")


def read_toml(file: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        InputError: It is missing, not in UTF-8, or not TOML; the line is named, its text is not quoted.
    """
    data = read_bytes(file, _MAX_BYTES)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise input_problem(
            file,
            Message("toml_not_utf8", "It is not in UTF-8."),
            Message("save_as_utf8", "Open it in your editor and save it with the encoding UTF-8."),
        ) from None
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        raise input_problem(
            file,
            Message("not_toml", "This is not TOML."),
            Message(
                "mapping_form", 'Write one field a line, texts between double quotes: serial = "N° de série".'
            ),
            line=int(found[1]) if found else None,
        ) from None


def unknown_keys(table: Mapping[str, Any], known: Iterable[str], where: str) -> list[Message]:
    """Return one sentence for each key that does not exist, naming the nearest.

    Args:
        table: What was written.
        known: What may stand there.
        where: Name of the table, "" for the file itself.
    """
    known = list(known)
    found = []
    for key in table:
        if key in known:
            continue
        shown, near = f"{where}.{key}" if where else key, nearest(key, known)
        found.append(
            Message(
                "unknown_key_nearest",
                '{key} does not exist; did you mean "{nearest}"?',
                key=shown,
                nearest=near,
            )
            if near
            else Message(
                "unknown_key_known",
                "{key} does not exist; known here: {known}.",
                key=shown,
                known=", ".join(known),
            )
        )
    return found


def problems_error(file: Path | str, problems: Sequence[Message], hint: Message) -> InputError:
    """Return one error that lists all problems of a file."""
    name = file.name if isinstance(file, Path) else file
    listed = problems[-1]
    for problem in reversed(problems[:-1]):
        listed = Message("problems_more", "{problem}\n{more}", problem=problem, more=listed)
    if len(problems) == 1:
        return InputError(Message("file_problem", "{file}: {problem}", file=name, problem=listed), hint=hint)
    return InputError(
        Message(
            "file_problems",
            "{file}: {count} problems:\n{problems}",
            file=name,
            count=len(problems),
            problems=listed,
        ),
        hint=hint,
    )
