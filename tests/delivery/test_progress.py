from __future__ import annotations

import io
import sys

import pytest

from mdm_bridge.delivery.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    # Not a fixture: pytest puts its own stderr back between the set-up and the test.
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_at_most_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    clock = Seconds()
    with progress("Lecture", 10, "lines", clock) as advance:
        for _step in range(10):
            clock.now += 1.9
            advance()
    assert terminal.getvalue().splitlines() == [
        "Lecture\u00a0: 3 sur 10",
        "Lecture\u00a0: 6 sur 10",
        "Lecture\u00a0: 9 sur 10",
    ]


def test_a_total_may_be_learnt_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    clock = Seconds()
    with progress("Lecture", None, "lines", clock) as advance:
        clock.now = 6
        advance(1500)
        clock.now = 12
        advance(1, total=2000)
    assert terminal.getvalue().splitlines() == [
        "Lecture\u00a0: 1\u00a0500",
        "Lecture\u00a0: 1\u00a0501 sur 2\u00a0000",
    ]


@pytest.mark.parametrize("style", ["bar", "lines", "none"])
def test_off_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str], style: str) -> None:
    clock = Seconds()
    with progress("Lecture", 10, style, clock) as advance:
        clock.now = 60
        advance(5)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
