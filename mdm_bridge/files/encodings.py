"""From the bytes of a file people made to its text, or a clear reason why not."""

from __future__ import annotations

import codecs
from pathlib import Path

from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message

__all__ = ["MAX_BYTES", "input_problem", "read_bytes", "read_text"]

MAX_BYTES = 64 * 1024 * 1024

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_PAGES = (b"<!doctype", b"<html", b"<?xml")

_SAVE_AS_CSV = Message(
    "save_as_csv",
    'Open it in the spreadsheet program and choose "Save as", type CSV UTF-8, then use that file.',
)
_SAVE_AS_UTF8 = Message("save_csv_as_utf8", 'Open it and save it again as "CSV UTF-8".')


def input_problem(file: Path, message: Message, hint: Message, line: int | None = None) -> InputError:
    """Return the error of a file given by a person: which file, which line, what is wrong."""
    if line is None:
        return InputError(
            Message("file_problem", "{file}: {problem}", file=file.name, problem=message), hint=hint
        )
    return InputError(
        Message(
            "file_line_problem", "{file}, line {line}: {problem}", file=file.name, line=line, problem=message
        ),
        hint=hint,
    )


def read_bytes(file: Path, limit: int = MAX_BYTES) -> bytes:
    """Return the content of a file.

    Raises:
        InputError: It is missing, no file, not readable, or larger than ``limit`` bytes.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise input_problem(
            file,
            Message("file_missing", "There is no such file."),
            Message("check_path", "Check the path; quote it when it holds spaces."),
        ) from None
    except (OSError, ValueError) as error:
        raise input_problem(
            file,
            Message("file_unreadable", "It cannot be read."),
            Message(
                "check_file_rights", "Check that it is a file, that you may read it, and close it elsewhere."
            ),
        ) from error
    if len(data) > limit:
        raise input_problem(
            file,
            Message("file_too_large", "It is larger than {limit} MB.", limit=limit // (1024 * 1024)),
            Message("split_file", "Is it the right file? If so, split it into several."),
        )
    return data


def read_text(file: Path) -> tuple[str, str]:
    """Return the text of a CSV file and the encoding it was written in.

    UTF-8 with or without a mark, UTF-16 with a mark, else the Western Windows code page.

    Raises:
        InputError: It cannot be read, is empty, is no text, or its encoding cannot be told.
    """
    data = read_bytes(file)
    _refuse_other_kinds(file, data)
    text, encoding = _decode(file, data)
    if not text.strip("\ufeff\r\n\t ,;|"):
        raise input_problem(
            file,
            Message("file_empty", "It is empty."),
            Message("export_again", "Export it again from the console, or save the list again."),
        )
    nul = text.find("\0")
    if nul >= 0:
        raise input_problem(
            file,
            Message("file_binary", "It holds NUL characters: it is no plain CSV."),
            _SAVE_AS_UTF8,
            line=text.count("\n", 0, nul) + 1,
        )
    return text, encoding


def _refuse_other_kinds(file: Path, data: bytes) -> None:
    start = data[:512].lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower()
    if data.startswith(_SPREADSHEETS):
        raise input_problem(
            file,
            Message("file_is_spreadsheet", "It is a spreadsheet (xlsx, xls, ods), not a CSV file."),
            _SAVE_AS_CSV,
        )
    if data.startswith(b"%PDF"):
        raise input_problem(file, Message("file_is_pdf", "It is a PDF, not a CSV file."), _SAVE_AS_CSV)
    if start.startswith(_PAGES):
        raise input_problem(
            file,
            Message("file_is_page", "It is a web page, not a CSV file."),
            Message(
                "export_logged_in",
                "Log in to the console again, export again, and check the downloaded file.",
            ),
        )


def _decode(file: Path, data: bytes) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise _damaged(file, data, error.start) from None
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        first_bad = error.start
    if _mostly_utf8(data):
        raise _damaged(file, data, first_bad)
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise _damaged(file, data, error.start) from None


def _mostly_utf8(data: bytes) -> bool:
    """Tell a damaged UTF-8 file from one in a code page, where accents are hardly ever valid UTF-8."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text if char > "\x7f") - bad
    return good > bad


def _damaged(file: Path, data: bytes, offset: int) -> InputError:
    return input_problem(
        file,
        Message("encoding_unknown", "Its encoding cannot be told, or is mixed."),
        _SAVE_AS_UTF8,
        line=data.count(b"\n", 0, offset) + 1,
    )
