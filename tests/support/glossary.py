"""Reads the refused wordings of ``docs/glossaire.md`` and finds them in French sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Rule", "clean_markdown", "clean_sentence", "labels", "load_rules", "refused"]

_CELL = re.compile(r"(?<!\\)\|")
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2019": "'"})

#: What is not prose: names of commands and options, placeholders, code.
_NOT_PROSE = re.compile(
    r"""`[^`]*`|\{[^}]*\}|%\(\w+\)\w|--[\w-]+|\bmdm-bridge(\ [a-z][a-z-]*)*|https?://\S+|\[[\w.-]+\]|\b\w+_\w+\b""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A refused wording, where it is permitted all the same, and a sentence it must refuse."""

    wording: re.Pattern[str]
    permitted: re.Pattern[str] | None
    english: re.Pattern[str] | None
    unless_english: re.Pattern[str] | None
    instead: str
    example: str

    def hits(self, french: str, english: str | None) -> Iterator[str]:
        """Yield each refused wording of a French text; ``english``: what it translates, if it does."""
        if self.english and not (english and self.english.search(english)):
            return
        if self.unless_english and english and self.unless_english.search(english):
            return
        spans = [match.span() for match in self.permitted.finditer(french)] if self.permitted else []
        for match in self.wording.finditer(french):
            if not any(start <= match.start() and match.end() <= end for start, end in spans):
                yield match.group()


def clean_sentence(text: str) -> str:
    """Return a sentence without what is not prose, its special blanks and apostrophes made plain."""
    return _NOT_PROSE.sub(" … ", text.translate(_PLAIN))


def clean_markdown(text: str) -> str:
    """Return the prose of a Markdown text."""
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return clean_sentence(without_blocks)


def refused(rules: list[Rule], french: str, english: str | None = None) -> list[str]:
    """Return what is wrong with a cleaned French text, one line each."""
    return [f"« {hit} » → {rule.instead}" for rule in rules for hit in rule.hits(french, english)]


def load_rules(path: Path) -> list[Rule]:
    """Read the last table of the glossary."""
    rows = _table(path, "## Formulations refusées")
    return [_rule(*row) for row in rows]


def labels(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (label, comma-separated refused wordings, code) of every row of the glossary's tables."""
    text = path.read_text("utf-8").partition("## Formulations refusées")[0]
    for line in text.splitlines():
        cells = _cells(line)
        if len(cells) == 4 and cells[0] not in {"code", "---"}:
            yield cells[1], cells[2], cells[0]


def _rule(wording: str, permitted: str, english: str, instead: str, example: str) -> Rule:
    when, _, word = english.strip("`").partition(" ")
    return Rule(
        wording=_pattern(rf"(?<!\w)(?:{wording.strip('`')})(?!\w)"),
        permitted=_pattern(permitted.strip("`")) if permitted else None,
        english=_pattern(word) if when == "avec" else None,
        unless_english=_pattern(word) if when == "sans" else None,
        instead=instead,
        example=example,
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _table(path: Path, heading: str) -> list[list[str]]:
    lines = path.read_text("utf-8").partition(heading)[2].splitlines()
    rows = [_cells(line) for line in lines if line.startswith("|")]
    return rows[2:]


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]]
