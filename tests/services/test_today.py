"""What needs a person today, judged on devices as the store lists them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.services.today import today

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


class Store:
    """Implements ``ports.queries.ReadingStore`` over one list of devices."""

    def __init__(self, *devices: dict[str, Any]) -> None:
        self._devices = devices
        self.queries = self

    @contextmanager
    def reading(self) -> Iterator[Store]:
        yield self

    def freshness(self) -> list[Any]:
        return []

    def devices(self, _wanted: object) -> Iterator[dict[str, Any]]:
        return iter(self._devices)


def device(**fields: Any) -> dict[str, Any]:
    return {
        "serial": "S1", "server": "north", "pool": "training", "state": "in_service", "last_seen_at": NOW,
        "battery_percent": 80, "available_gb": 20.0, "warranty_until": None, **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "listed"),
    [("in_service", True), ("repair", True), ("lost", False), ("stolen", False), ("retired", False)],
)
def test_the_warranty_of_a_device_nobody_has_is_nobodys_matter(state: str, listed: bool) -> None:
    store = Store(device(state=state, warranty_until=date(2026, 12, 1)))
    codes = [matter.message.code for matter in today(store, Clock(), ZoneInfo("Europe/Paris"), [], {})]
    assert codes == (["warranty_ends"] if listed else [])
