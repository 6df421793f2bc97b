"""A distant server in memory: a list of devices that a test changes between two synchronisations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from mdm_bridge.domain.inventory import Covers, InstalledApp, ServerApp, ServerFacts, Sighting
from mdm_bridge.errors import BadAnswer
from mdm_bridge.messages import Message
from mdm_bridge.ports.inventory import Capabilities, Outline, Page, Probe

__all__ = ["CONTACT", "FakeRow", "FakeSource", "device"]

CONTACT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def device(number: int, **fields: Any) -> dict[str, Any]:
    """Return one device: odd numbers are in the training pool, even ones in the ash pool."""
    made: dict[str, Any] = {
        "remote_id": f"UDID-{number:04}",
        "serial": f"SERIAL{number:04}",
        "name": f"FORM-{number:02}",
        "asset_tag": f"FORM-{number:02}",
        "model": "iPad (9th generation)",
        "model_identifier": "iPad12,1",
        "os_version": "18.5",
        "supervised": True,
        "managed": True,
        "battery_percent": 80,
        "capacity_gb": 64.0,
        "available_gb": 40.5,
        "contact_at": CONTACT,
        "groups": ("Formation",) if number % 2 else ("ASH", "Malentendants"),
        "device_class": "ipad",
        "apps": {"com.example.reader": "1.0", "com.example.notes": "2.0"},
    }
    made.update(fields)
    return made


class FakeRow:
    """Implements ``ports.inventory.ListingRow``; a device with ``bad`` cannot be decoded.

    ``bad`` is True, or the only part that cannot be read (``Covers``).
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = dict(fields)

    def _digest(self, value: object) -> bytes:
        return hashlib.sha256(json.dumps(value, default=str, sort_keys=True).encode()).digest()[:16]

    @property
    def remote_id(self) -> str:
        """The server's own id."""
        return str(self._fields.get("remote_id", ""))

    @property
    def serial(self) -> str:
        """The serial number, or ""."""
        return str(self._fields.get("serial", ""))

    @property
    def whole_hash(self) -> bytes:
        """Hash of everything."""
        return self._digest(self._fields)

    @property
    def apps_hash(self) -> bytes | None:
        """Hash of the app list."""
        apps = self._fields.get("apps")
        return None if apps is None else self._digest(apps)

    def sighting(self) -> Sighting:
        """Decode."""
        if self._fields.get("bad"):
            raise BadAnswer(
                Message("bad_row", "The field {field} is malformed.", field="model"),
                hint=Message("tell_operator", "Tell the server's operator."),
            )
        return self._sighting()

    def _sighting(self) -> Sighting:
        fields = {key: value for key, value in self._fields.items() if key not in ("apps", "bad")}
        return Sighting(**{"udid": self.remote_id, "remote_id": "", "serial": "", **fields})

    def outline(self) -> Outline | None:
        """Tell the rest of a row of which one part is bad."""
        bad = self._fields.get("bad")
        return Outline(self._sighting(), Covers.everything() & ~bad) if isinstance(bad, Covers) else None

    def apps(self) -> Sequence[InstalledApp] | None:
        """Decode the app list: versions by bundle id, or a list of (bundle id, version, managed)."""
        apps = self._fields.get("apps")
        if apps is None:
            return None
        told = (
            [(bundle, version, None) for bundle, version in apps.items()] if isinstance(apps, dict) else apps
        )
        return [
            InstalledApp(bundle, bundle.rsplit(".", 1)[-1], version, managed)
            for bundle, version, managed in told
        ]


class FakeSource:
    """Implements ``ports.inventory.ListingSource`` over :attr:`devices`.

    ``total``: what the server announces (None: as many as it lists); ``fail``: an error raised
    after the first page; ``page_size``; ``apps_told``: bundle ids the server distributes.
    """

    kind = "fake"
    warnings: tuple[Message, ...] = ()

    def __init__(self, devices: list[dict[str, Any]], name: str = "school") -> None:
        self.name = name
        self.devices = devices
        self.total: int | None = None
        self.fail: BaseException | None = None
        self.page_size = 5
        self.requests = 0
        self.facts_told = ServerFacts(
            apps=(ServerApp("1", "com.example.reader", "reader", "123", 20, 7, 13),)
        )
        self.capabilities = Capabilities(Covers.everything(), frozenset({"apps"}), True)

    def probe(self) -> Probe:
        """Answer."""
        return Probe(True, Message("answers", "The server answers."))

    def facts(self) -> ServerFacts:
        """Return what the test says."""
        self.requests += 1
        return self.facts_told

    def pages(self) -> Iterator[Page]:
        """Yield the devices, some at a time."""
        total = len(self.devices) if self.total is None else self.total
        self.requests += 1
        for start in range(0, max(len(self.devices), 1), self.page_size):
            yield Page([FakeRow(d) for d in self.devices[start : start + self.page_size]], total)
            if self.fail is not None:
                raise self.fail

    def close(self) -> None:
        """Nothing to release."""
