"""Markdown tables, and the places in ``docs/performance.md`` that a measure fills in."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

__all__ = ["machine", "table", "write_section"]

_DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def machine() -> str:
    """Return what kind of machine this is; no name, no path."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Machine: {os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [" | ".join(headings), " | ".join("---" for _ in headings)]
    lines.extend(" | ".join(row) for row in rows)
    return "\n".join(f"| {line} |" for line in lines)


def write_section(name: str, text: str) -> None:
    """Replace what stands between the two marks of a section.

    Raises:
        ValueError: The document has no such section.
    """
    document = _DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- measured: {name} -->\n", f"<!-- end: {name} -->"
    if begin not in document or end not in document:
        raise ValueError(f"no section {name} in {_DOCUMENT.name}")
    head, rest = document.split(begin, 1)
    _, tail = rest.split(end, 1)
    _DOCUMENT.write_text(f"{head}{begin}\n{text}\n\n{end}{tail}", encoding="utf-8")
