"""What needs a person today, in one screen: late, failing, not ready, running, expiring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from mdm_bridge.domain.fleet import STALE_AFTER, DeviceFilter, Freshness
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.queries import ReadingStore

__all__ = ["SECTIONS", "Matter", "today"]

Section = Literal["late", "failing", "not_ready", "running", "expiring", "to_sort"]
SECTIONS: tuple[Section, ...] = ("late", "failing", "not_ready", "running", "expiring", "to_sort")

#: A tablet not seen for so long is not ready to be handed out.
NOT_SEEN_AFTER = timedelta(days=30)
BATTERY_LOW_PERCENT = 30
SPACE_LOW_GB = 2.0
EXPIRES_WITHIN = timedelta(days=60)
#: States in which nobody will use the warranty any more.
_OUT_OF_USE = ("retired", "lost", "stolen")


@dataclass(frozen=True, slots=True)
class Matter:
    """One line: what, about which device or server, and what to do."""

    section: Section
    message: Message
    hint: Message
    serial: str | None = None
    server: str | None = None
    on: date | None = None


def today(
    store: ReadingStore,
    clock: Clock,
    zone: ZoneInfo,
    servers: Sequence[str],
    expiries: Mapping[str, date],
) -> list[Matter]:
    """Return what needs a person, most urgent section first.

    Args:
        store: The database.
        clock: The time.
        zone: Zone of the organisation, for « today ».
        servers: Distant servers that can be asked, as the settings name them.
        expiries: Dates typed in the settings, by what expires.
    """
    now = clock.now()
    day = now.astimezone(zone).date()
    with store.reading() as unit:
        freshness = {fresh.server: fresh for fresh in unit.queries.freshness()}
        devices = list(unit.queries.devices(DeviceFilter(gone=False)))
    matters = [
        *_servers(servers, freshness, now),
        *_not_ready(devices, now.astimezone(zone)),
        *_expiring(devices, expiries, day),
        *_to_sort(devices),
    ]
    return sorted(
        matters,
        key=lambda m: (SECTIONS.index(m.section), m.message.code, m.on or date.max, m.serial or ""),
    )


def _servers(names: Sequence[str], known: Mapping[str, Freshness], now: datetime) -> Iterator[Matter]:
    for name in names:
        fresh = known.get(name, Freshness(name, None))
        if fresh.running_since is not None:
            yield Matter(
                "running",
                Message(
                    "sync_running", "Synchronisation under way since {since}.", since=fresh.running_since
                ),
                Message("wait_for_sync", "Wait for its end."),
                server=name,
            )
        elif fresh.last_status in ("failed", "refused"):
            yield Matter(
                "failing",
                Message(
                    "sync_failed", "The last synchronisation did not complete ({code}).", code=fresh.last_code
                ),
                Message("sync_again", "Run: mdm-bridge sync {server}", server=name),
                server=name,
            )
        if fresh.complete_at is None:
            yield Matter(
                "late",
                Message("never_synchronised", "Never synchronised."),
                Message("sync_again", "Run: mdm-bridge sync {server}", server=name),
                server=name,
            )
        elif now - fresh.complete_at > STALE_AFTER:
            yield Matter(
                "late",
                Message("data_late", "Data of {at}: more than a week old.", at=fresh.complete_at),
                Message("sync_again", "Run: mdm-bridge sync {server}", server=name),
                server=name,
            )


def _not_ready(devices: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Matter]:
    for device in devices:
        if device["state"] != "in_service" or device["pool"] is None or device["server"] is None:
            continue
        found = _why_not_ready(device, now)
        if found is not None:
            yield Matter("not_ready", *found, serial=device["serial"], server=device["server"])


def _why_not_ready(device: Mapping[str, Any], now: datetime) -> tuple[Message, Message] | None:
    """Return the first reason why a tablet could not be handed out now, and what to do."""
    battery, space = device["battery_percent"], device["available_gb"]
    seen = _day_of_contact(device, now)
    if seen is not None and now.date() - seen > NOT_SEEN_AFTER:
        return (
            Message("not_seen", "Switched off or without network since {at}.", at=seen),
            Message("switch_on", "Switch the tablet on and connect it to the Wi-Fi."),
        )
    if battery is not None and battery < BATTERY_LOW_PERCENT:
        return (
            Message("battery_low", "Battery at {percent}%.", percent=battery),
            Message("plug_in", "Plug the case in."),
        )
    if space is not None and space < SPACE_LOW_GB:
        return (
            Message("storage_full", "Not enough free space ({free} GB).", free=space),
            Message("free_space", "Free some space on the tablet."),
        )
    return None


def _day_of_contact(device: Mapping[str, Any], now: datetime) -> date | None:
    """Return the day of the last contact in the zone of ``now``; of the adapted pool no more is kept."""
    seen: datetime | None = device["last_seen_at"]
    if seen is None:
        return None
    return seen.date() if device["pool"] == "ash" else seen.astimezone(now.tzinfo).date()


def _expiring(
    devices: Iterable[Mapping[str, Any]], expiries: Mapping[str, date], day: date
) -> Iterator[Matter]:
    for what, on in expiries.items():
        if on - day <= EXPIRES_WITHIN:
            yield Matter(
                "expiring",
                Message("expiry", "{what} expires on {on}.", what=what, on=on)
                if on >= day
                else Message("expired", "{what} has expired on {on}.", what=what, on=on),
                Message("renew", "Renew it, then change its date in [expiries]."),
                on=on,
            )
    for device in devices:
        if device["state"] in _OUT_OF_USE:
            continue
        until = device["warranty_until"]
        if until is not None and timedelta() <= until - day <= EXPIRES_WITHIN:
            yield Matter(
                "expiring",
                Message("warranty_ends", "The warranty ends on {on}.", on=until),
                Message("report_faults", "Report known faults to the supplier before that day."),
                serial=device["serial"],
                on=until,
            )


def _to_sort(devices: Iterable[Mapping[str, Any]]) -> Iterator[Matter]:
    for device in devices:
        if device["pool"] is None and device["state"] != "retired":
            yield Matter(
                "to_sort",
                Message("no_pool", "No rule takes this device: it can neither be lent nor deployed to."),
                Message(
                    "sort_device",
                    "Complete the rules of the settings, or: mdm-bridge device pool {serial} training",
                    serial=device["serial"],
                ),
                serial=device["serial"],
                server=device["server"],
            )
