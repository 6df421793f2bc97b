"""A plain table: no box drawing, nothing cut, columns fitted to the terminal when there is one.

On a terminal the widest texts are wrapped first; what still does not fit is left out, least important first,
and named to the caller. Off a terminal every column has its natural width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from mdm_bridge.documents.cells import for_people
from mdm_bridge.documents.columns import Column, Row
from mdm_bridge.documents.words import Words

__all__ = ["display_width", "fit", "lay_out", "wrap"]

_GAP = 2
#: Characters that may take no place or two (marks, CJK, emoji, joiners); others are counted by ``len``.
_ODD = re.compile(
    "[^\x20-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u21ff]"
)


def display_width(text: str) -> int:
    """Return how many places of a terminal a text takes."""
    if text.isascii() or not _ODD.search(text):
        return len(text)
    return sum(_places(char) for char in text)


def _places(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def lay_out(
    rows: Iterable[Row], columns: Sequence[Column], words: Words, width: int | None
) -> tuple[Iterator[str], list[Column]]:
    """Lay rows out.

    Args:
        width: Places of the terminal; None = as wide as needed.

    Returns:
        The lines, each with its end, and the columns left out. Without rows there is no line.
    """
    rows = list(rows)
    if not rows:
        return iter(()), []
    made = [_Laid(column, rows, words) for column in columns]
    if width is not None:
        # A column that is meant to be empty, and is, takes no room on a terminal.
        columns = [c for c, each in zip(columns, made, strict=True) if c.none or any(each.texts)]
        made = [each for each in made if each.column.none or any(each.texts)]
    if not made:
        return iter(()), []
    if width is None or sum(each.natural for each in made) + _GAP * (len(made) - 1) <= width:
        return _lines(made, [each.natural for each in made]), []
    shown, widths = fit(
        [each.natural for each in made],
        [each.least for each in made],
        [column.priority for column in columns],
        width,
    )
    kept = set(shown)
    hidden = [column for place, column in enumerate(columns) if place not in kept]
    return _lines([made[place] for place in shown], widths), hidden


class _Laid:
    """A column with its texts and the widths it could have."""

    def __init__(self, column: Column, rows: Sequence[Row], words: Words) -> None:
        self.column = column
        write = for_people(column, words)
        if column.value is column.shown is None:
            key = column.key
            self.texts = [write(row.get(key)) for row in rows]
        else:
            get = column.for_person
            self.texts = [write(get(row)) for row in rows]
        self.heading = words.text(column.heading)
        self.right = column.numeric
        joined = "".join(self.texts)
        self.odd = not joined.isascii() and _ODD.search(joined) is not None
        data = max(map(display_width if self.odd else len, self.texts))
        self.natural = max(data, display_width(self.heading))
        word = max(map(display_width, self.heading.split(" ")))
        self.least = min(self.natural, max(self._narrowest(column, data), word))

    def _narrowest(self, column: Column, data: int) -> int:
        if column.numeric or column.kind in ("bool", "date"):
            return data
        if column.kind == "instant":  # the day on one line, the time of day below it
            return max(map(len, map(_day_of, self.texts)))
        return min(data, column.min_width)


def _day_of(text: str) -> str:
    """Return a written instant without its hour; a plain day ends with its year and stays whole."""
    return text if text[-4:].isdigit() else text.rpartition(" ")[0] or text


def fit(
    natural: Sequence[int], least: Sequence[int], priorities: Sequence[int], width: int
) -> tuple[list[int], list[int]]:
    """Choose which columns are shown and how wide each is.

    Returns:
        Places of the columns shown, in order, and their widths; the last column left may be narrower than its
        least width.
    """
    shown = list(range(len(natural)))
    while len(shown) > 1 and sum(least[place] for place in shown) + _GAP * (len(shown) - 1) > width:
        # Ties: what stands further right goes first.
        shown.remove(min(shown, key=lambda place: (priorities[place], -place)))
    widths = [natural[place] for place in shown]
    too_many = sum(widths) + _GAP * (len(shown) - 1) - width
    for _step in range(max(0, too_many)):
        wide = [at for at, place in enumerate(shown) if widths[at] > least[place]]
        if not wide:
            break
        widths[max(wide, key=lambda at: widths[at])] -= 1
    if len(shown) == 1:
        widths = [max(1, min(widths[0], width))]
    return shown, widths


def wrap(text: str, width: int) -> list[str]:
    """Break a text at its spaces into lines of at most ``width`` places; a longer word is broken."""
    lines, line, used = [], "", 0
    for word in text.split(" "):
        size = display_width(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
        while size > width:
            cut = _cut(word, width)
            lines.append(word[:cut])
            word = word[cut:]
            size = display_width(word)
        line, used = word, size
    lines.append(line)
    return lines


def _cut(word: str, width: int) -> int:
    """Return how many characters fill ``width`` places; marks stay with their letter, at least one goes."""
    used = 0
    for at, char in enumerate(word):
        used += _places(char)
        if used > width:
            return max(at, 1)
    return len(word)


def _lines(made: Sequence[_Laid], widths: Sequence[int]) -> Iterator[str]:
    headings = [wrap(each.heading, width) for each, width in zip(made, widths, strict=True)]
    deepest = max(map(len, headings))
    yield from _joined([[""] * (deepest - len(lines)) + lines for lines in headings], made, widths)
    yield (" " * _GAP).join("-" * width for width in widths) + "\n"
    narrowed = any(each.natural > width for each, width in zip(made, widths, strict=True))
    if narrowed:
        for cells in zip(*(each.texts for each in made), strict=True):
            yield from _joined([wrap(c, w) for c, w in zip(cells, widths, strict=True)], made, widths)
        return
    texts = [
        [_pad(text, width, each.right) for text in each.texts] if each.odd else each.texts
        for each, width in zip(made, widths, strict=True)
    ]
    pattern = (" " * _GAP).join(
        "%s" if each.odd else f"%{'' if each.right else '-'}{width}s"
        for each, width in zip(made, widths, strict=True)
    )
    for row in zip(*texts, strict=True):
        yield (pattern % row).rstrip(" ") + "\n"


def _joined(cells: Sequence[Sequence[str]], made: Sequence[_Laid], widths: Sequence[int]) -> Iterator[str]:
    """Put wrapped cells side by side."""
    for parts in zip_longest(*cells, fillvalue=""):
        padded = (
            _pad(part, width, each.right) for part, each, width in zip(parts, made, widths, strict=True)
        )
        yield (" " * _GAP).join(padded).rstrip(" ") + "\n"


def _pad(text: str, width: int, right: bool) -> str:
    blank = " " * (width - display_width(text))
    return blank + text if right else text + blank
