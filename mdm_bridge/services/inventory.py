"""Look at the fleet: lists, one device, its history, reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mdm_bridge.domain.fleet import DeviceFilter, Freshness
from mdm_bridge.domain.identifiers import normalise_serial
from mdm_bridge.errors import InputError, UnknownObject
from mdm_bridge.messages import Message
from mdm_bridge.ports.queries import QueriesRole, ReadingStore

__all__ = ["Listing", "app_report", "data_age", "device_history", "list_devices", "show_device"]

#: This many last characters of a serial number are enough, when only one device ends so.
SHORT_SERIAL = 4

_CANDIDATES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows, and how old the data behind them are.

    ``unsaid``: devices of which it cannot be said whether they have the app that was asked for.
    """

    rows: list[dict[str, Any]]
    freshness: tuple[Freshness, ...]
    unsaid: int = 0


def list_devices(store: ReadingStore, wanted: DeviceFilter, servers: Sequence[str] = ()) -> Listing:
    """Return the devices that fit, those to be sorted first.

    Args:
        store: The database.
        wanted: Which devices.
        servers: Servers the settings name; a filter may also name one that is only remembered.

    Raises:
        UnknownObject: The filter names a server or a case that does not exist.
    """
    with store.reading() as unit:
        freshness = tuple(unit.queries.freshness())
        if wanted.server is not None:
            _check_known(wanted.server, [*servers, *(fresh.server for fresh in freshness)], "server")
        if wanted.kit is not None:
            _check_known(wanted.kit, unit.queries.kits(), "kit")
        app = wanted.with_app or wanted.without_app
        unsaid = 0 if app is None else unit.queries.unsaid_of(app)
        return Listing(list(unit.queries.devices(wanted)), freshness, unsaid)


def _check_known(name: str, known: Sequence[str], what: str) -> None:
    if name.casefold() in {one.casefold() for one in known}:
        return
    message = (
        Message("unknown_server", 'No server is called "{server}".', server=name[:40])
        if what == "server"
        else Message("unknown_kit", 'No case is called "{kit}".', kit=name[:40])
    )
    names = ", ".join(sorted(set(known))[:_CANDIDATES_SHOWN])
    raise UnknownObject(
        message,
        hint=Message("known_names", "Known: {names}.", names=names)
        if names
        else Message("none_known", "None is known yet."),
    )


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


def data_age(store: ReadingStore) -> tuple[Freshness, ...]:
    """Return how old each server's data are."""
    with store.reading() as unit:
        return tuple(unit.queries.freshness())


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
