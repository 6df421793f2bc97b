"""How far a long work is: a bar on a terminal, or a line now and then; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from mdm_bridge.delivery.cli.console import note
from mdm_bridge.delivery.i18n import _

__all__ = ["Advance", "progress"]

#: Seconds between two lines; a screen reader reads each one aloud.
EVERY_S = 5.0


class Advance(Protocol):
    """Says that ``n`` more are done; ``total`` corrects how many there are in all."""

    def __call__(self, n: int = 1, *, total: int | None = None) -> None:
        """Count ``n`` more as done."""
        ...


@contextmanager
def progress(
    label: str,
    total: int | None = None,
    style: str = "bar",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Advance]:
    """Show how far a work is, on stderr, while the block runs.

    Args:
        label: What is being done, already translated.
        total: How many there are; None = not known yet.
        style: ``bar``, ``lines`` or ``none``; off a terminal always ``none``.
        clock: Seconds, rising.
    """
    if style == "none" or not sys.stderr.isatty():
        yield _silent
    elif style == "lines":
        yield _Lines(label, total, clock)
    else:
        with _bar(label, total) as advance:
            yield advance


def _silent(n: int = 1, *, total: int | None = None) -> None:
    """Show nothing."""


class _Lines:
    """« label: 3 of 10 », at most every :data:`EVERY_S` seconds."""

    def __init__(self, label: str, total: int | None, clock: Callable[[], float]) -> None:
        self._label, self._total, self._clock = label, total, clock
        self._done, self._shown_at = 0, clock()

    def __call__(self, n: int = 1, *, total: int | None = None) -> None:
        self._done += n
        self._total = self._total if total is None else total
        now = self._clock()
        if now - self._shown_at < EVERY_S:
            return
        self._shown_at = now
        if self._total is None:
            note(_("{label}: {done}", label=self._label, done=self._done))
        else:
            note(_("{label}: {done} of {total}", label=self._label, done=self._done, total=self._total))


@contextmanager
def _bar(label: str, total: int | None) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    shown = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with shown:
        task = shown.add_task(label, total=total)

        def advance(n: int = 1, *, total: int | None = None) -> None:
            shown.update(task, advance=n, total=total)

        yield advance
