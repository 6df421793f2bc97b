"""The floor: what the same work costs with nothing around it.

Bare ``http.client``, msgspec, and bare ``sqlite3`` (executemany) or psycopg (COPY), writing the
same current-state tables with the same constraints and indexes, interned apps and versions, all
or nothing in one transaction. What it leaves out is what we are measured for: pydantic's
validation, privacy, pool rules, staging, history, activity, runs, leases, audit, shrink guard.
Unchanged rows are passed over by the hash of their bytes; of a row whose apps did not move only
the figures are written.
"""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from bench.floor_store import FloorStore, open_floor

__all__ = ["run_floor"]


class _Answer(msgspec.Struct):
    total: int
    results: list[Raw]


class _Device(msgspec.Struct, rename="camel"):
    id: str
    serial_number: str
    apps: Raw
    name: str | None = None
    asset_tag: str | None = None
    model: str | None = None
    model_identifier: str | None = None
    os_version: str | None = None
    supervised: bool | None = None
    managed: bool | None = None
    battery_percent: int | None = None
    capacity_gb: float | None = None
    available_gb: float | None = None
    last_contact: str | None = None
    enrolled_at: str | None = None
    groups: list[str] | None = None


class _App(msgspec.Struct):
    identifier: str
    name: str | None = None
    version: str = ""
    managed: bool | None = None


_answers = msgspec.json.Decoder(_Answer)
_devices = msgspec.json.Decoder(_Device)
_app_lists = msgspec.json.Decoder(list[_App])


def run_floor(url: str, port: int, state: str) -> int:
    """Bring a fleet's state into the database, and return how many devices it holds.

    Args:
        url: Of the database, as SQLAlchemy writes it; its tables exist.
        port: Of the page server.
        state: Which state to ask for.
    """
    store = open_floor(url)
    floor = _Floor(store)
    for results in _pages(port, state):
        floor.take(results)
    store.finish()
    return floor.seen


def _pages(port: int, state: str) -> Iterator[list[Raw]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    came = page = 0
    while True:
        connection.request("GET", f"/{state}/{page}")
        answer = _answers.decode(connection.getresponse().read())
        came, page = came + len(answer.results), page + 1
        yield answer.results
        if came >= answer.total:
            connection.close()
            return


class _Floor:
    def __init__(self, store: FloorStore) -> None:
        self.seen = 0
        self._store = store
        self._known = store.known()
        self._by_id: dict[str, tuple[Any, ...]] = {}
        self._apps: dict[str, int] = store.texts("app", "bundle_id")
        self._versions: dict[str, int] = store.texts("app_version", "text")
        self._next = len(self._known)

    def take(self, results: list[Raw]) -> None:
        """Write what is new or moved on one page."""
        known, sha256, fresh = self._known, hashlib.sha256, []
        for raw in results:
            whole = sha256(raw).digest()[:16]
            if whole not in known:
                device = _devices.decode(raw)
                fresh.append((device, whole, sha256(device.apps).digest()[:16]))
        self.seen += len(results)
        if not fresh:
            return
        if known:
            self._update(fresh)
        else:
            self._insert(fresh)

    def _insert(self, fresh: list[tuple[_Device, bytes, bytes]]) -> None:
        devices, records, states, installed = [], [], [], []
        for device, whole, apps_hash in fresh:
            self._next += 1
            number = self._next
            apps = self._expand(number, device.apps)
            devices.append((number, device.serial_number))
            records.append(
                (
                    number,
                    number,
                    device.id,
                    device.id,
                    device.enrolled_at,
                    device.last_contact,
                    whole,
                    apps_hash,
                )
            )
            states.append((number, number, *_stable(device), *_moving(device), len(apps)))
            installed.extend(apps)
        self._intern()
        self._store.insert(devices, records, states, installed)

    def _update(self, fresh: list[tuple[_Device, bytes, bytes]]) -> None:
        by_id = self._by_id
        if not by_id:
            by_id.update((row[0], row) for row in self._known.values())
        moved, changed, installed = [], [], []
        for device, whole, apps_hash in fresh:
            _, record, owner, apps_before = by_id[device.id]
            moved.append((whole, apps_hash, device.last_contact, record, *_moving(device), owner))
            if apps_hash != apps_before:
                apps = self._expand(owner, device.apps)
                changed.append((*_stable(device), len(apps), owner))
                installed.extend(apps)
        self._intern()
        self._store.move(moved)
        if changed:
            self._store.change(changed, installed)

    def _expand(self, number: int, raw: Raw) -> list[tuple[int, int, int, int]]:
        apps, versions = self._apps, self._versions
        return [
            (
                number,
                apps.get(app.identifier) or apps.setdefault(app.identifier, len(apps) + 1),
                versions.get(app.version) or versions.setdefault(app.version, len(versions) + 1),
                0 if app.managed is None else 1 + app.managed,
            )
            for app in _app_lists.decode(raw)
        ]

    def _intern(self) -> None:
        self._store.intern("app", "bundle_id", self._apps)
        self._store.intern("app_version", "text", self._versions)


def _stable(device: _Device) -> tuple[Any, ...]:
    return (
        device.name,
        device.asset_tag,
        device.model,
        device.model_identifier,
        device.os_version,
        device.supervised,
        device.managed,
        None if device.capacity_gb is None else round(device.capacity_gb * 1000),
        None if device.groups is None else json.dumps(device.groups, ensure_ascii=False),
    )


def _moving(device: _Device) -> tuple[Any, ...]:
    available = device.available_gb
    return device.battery_percent, None if available is None else round(available * 1000), device.last_contact
