"""One « heading: value » a line, for screen readers: nothing is told by position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mdm_bridge.documents.cells import for_people
from mdm_bridge.documents.columns import Column, Row
from mdm_bridge.documents.words import Words

__all__ = ["list_chunks"]


def list_chunks(rows: Iterable[Row], columns: Sequence[Column], words: Words) -> Iterator[str]:
    """Write one value a line and an empty line between rows.

    The mark between heading and value is the language's (« Pool: », « Parc : »).
    """
    colon = "\N{NO-BREAK SPACE}: " if words.language == "fr" else ": "
    fields = [
        (words.text(column.heading) + colon, column.for_person, for_people(column, words))
        for column in columns
    ]
    before = ""
    for row in rows:
        lines = "".join(f"{heading}{write(get(row))}\n" for heading, get, write in fields)
        yield before + lines
        before = "\n"
