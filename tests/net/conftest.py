"""Fixtures of the network's tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from mdm_bridge.net.http import HttpSession, HttpSettings
from tests.net.scripted import Answer, FakeTime, ScriptedServer


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start scripted servers; all are closed at the end."""
    started: list[ScriptedServer] = []

    def start(*answers: Answer) -> ScriptedServer:
        started.append(ScriptedServer(*answers))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def make_session(fake_time: FakeTime) -> Iterator[Callable[..., HttpSession]]:
    """Make a session that sleeps in fake time; ``real=True`` takes the real clock."""
    made: list[HttpSession] = []

    def make(url: str, *, real: bool = False, **settings: object) -> HttpSession:
        bounds = HttpSettings(url=url, **settings)  # type: ignore[arg-type]
        chance = random.Random(1)
        if real:
            session = HttpSession(bounds, chance=chance)
        else:
            session = HttpSession(bounds, clock=fake_time.clock, sleep=fake_time.sleep, chance=chance)
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()
