from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mdm_bridge.simulator import Simulator, start_simulator
from tests.simulator.client import Client

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with start_simulator("jamf-school", start=START) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(simulator)


@pytest.fixture
def writer(simulator: Simulator) -> Client:
    return Client(simulator, simulator.write_api_key)
