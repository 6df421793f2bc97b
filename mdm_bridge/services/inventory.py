"""Look at the fleet: lists, one device, its history, reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mdm_bridge.domain.fleet import DeviceFilter, Freshness
from mdm_bridge.domain.identifiers import normalise_serial
from mdm_bridge.errors import InputError, UnknownObject
from mdm_bridge.messages import Message
from mdm_bridge.ports.queries import QueriesRole, ReadingStore

__all__ = ["Listing", "app_report", "device_history", "list_devices", "show_device"]

#: This many last characters of a serial number are enough, when only one device ends so.
SHORT_SERIAL = 4

_CANDIDATES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows, and how old the data behind them are."""

    rows: list[dict[str, Any]]
    freshness: tuple[Freshness, ...]


def list_devices(store: ReadingStore, wanted: DeviceFilter) -> Listing:
    """Return the devices that fit, those to be sorted first."""
    with store.reading() as unit:
        return Listing(list(unit.queries.devices(wanted)), tuple(unit.queries.freshness()))


def show_device(store: ReadingStore, serial: str) -> tuple[dict[str, Any], tuple[Freshness, ...]]:
    """Return one device in depth.

    Raises:
        UnknownObject: No device has this serial number, or ends so.
        InputError: Several devices end so.
    """
    with store.reading() as unit:
        found = unit.queries.device(find_serial(unit.queries, serial))
        assert found is not None
        return found, tuple(unit.queries.freshness())


def device_history(store: ReadingStore, serial: str) -> list[dict[str, Any]]:
    """Return what happened to a device, the latest first.

    Raises:
        UnknownObject: No device has this serial number, or ends so.
        InputError: Several devices end so.
    """
    with store.reading() as unit:
        return unit.queries.history(find_serial(unit.queries, serial))


def app_report(store: ReadingStore) -> Listing:
    """Return one row an app, by name."""
    with store.reading() as unit:
        return Listing(unit.queries.app_report(), tuple(unit.queries.freshness()))


def find_serial(queries: QueriesRole, text: str) -> str:
    """Return the serial number a person means: whole, or its last four characters or more.

    Raises:
        UnknownObject: No device has it.
        InputError: Several devices end so.
    """
    wanted = normalise_serial(text)
    found: Iterable[str] = queries.serials_like(wanted) if wanted else ()
    candidates = [serial for serial in found if serial == wanted or len(wanted or "") >= SHORT_SERIAL]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise InputError(
            Message(
                "serial_ambiguous",
                "Several devices end with {text}: {serials}.",
                text=text,
                serials=", ".join(candidates[:_CANDIDATES_SHOWN]),
            ),
            hint=Message("give_whole_serial", "Give the whole serial number."),
        )
    raise UnknownObject(
        Message("unknown_serial", "No device has the serial number {text}.", text=text[:40]),
        hint=Message("list_devices", "List the known devices: mdm-bridge device list"),
    )
