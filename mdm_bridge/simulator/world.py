"""The state of a simulated server: what it knows now, what it knew before, and its clock.

The clock stands still until someone moves it, so that two reads in a row are identical. Every
change makes a new :class:`Snapshot`; the one before is kept for stale reads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mdm_bridge.simulator.catalogue import ASH_GROUP, INVENTED_NAMES, NEED_GROUP, REGION, TELLING_APPS
from mdm_bridge.simulator.dice import Dice
from mdm_bridge.simulator.evolution import Order, evolve
from mdm_bridge.simulator.fleet import make_device, make_fleet
from mdm_bridge.simulator.models import Device, Snapshot

__all__ = ["World"]

#: How long a reachable device takes to carry out a command.
_ORDER_DELAY = timedelta(minutes=2)
_LONGEST_STEP = timedelta(days=400)


class World:
    """Everything a simulated server holds; safe to use from several threads.

    Args:
        devices: Number of iPads.
        seed: Chance; the same seed makes the same fleet and the same future.
        start: First instant of the clock, aware.
        zone: Zone of the server's naive dates.
        apps_per_device: Exact number of apps of each iPad, or None.
        plain: No oddities, no device other than the iPads.
    """

    def __init__(
        self,
        devices: int,
        *,
        seed: int,
        start: datetime,
        zone: ZoneInfo,
        apps_per_device: int | None = None,
        plain: bool = False,
    ) -> None:
        self.lock = threading.RLock()
        self.seed = seed
        self.zone = zone
        self.credentials: tuple[str, ...] = ()
        start = start.astimezone(UTC).replace(microsecond=0)
        self.current = make_fleet(devices, seed=seed, now=start, apps_per_device=apps_per_device, plain=plain)
        self.previous = self.current
        self._orders: list[Order] = []
        self._telling = bait_of(self.current.devices.values())

    @property
    def now(self) -> datetime:
        """Present instant of the virtual clock."""
        return self.current.now

    def update(self, **parts: Any) -> Snapshot:
        """Replace parts of the state (``devices``, ``groups``, ``apps``, ``now``) by new ones."""
        with self.lock:
            changed = replace(self.current, number=self.current.number + 1, **parts)
            self.previous, self.current = self.current, changed
            return changed

    def put(self, devices: Iterable[Device]) -> Snapshot:
        """Put changed devices in the place of the ones with the same serial numbers."""
        with self.lock:
            changed = {one.serial: one for one in devices}
            self._telling |= bait_of(changed.values())
            return self.update(devices={**self.current.devices, **changed})

    def drop(self, serial: str) -> None:
        """Forget a device for good."""
        with self.lock:
            left = {key: one for key, one in self.current.devices.items() if key != serial}
            self.update(devices=left)

    def made(self, serial: str) -> Device:
        """Return a new device with that serial number, which is not yet in the fleet."""
        with self.lock:
            index = 1 + max((one.index for one in self.current.devices.values()), default=-1)
            apps = tuple(self.current.apps.values())
            return make_device(index, seed=self.seed, now=self.now, apps=apps, serial=serial)

    def order(self, serial: str, command: str) -> None:
        """Accept a command; it is carried out two minutes later by the clock, if the device wakes."""
        with self.lock:
            self._orders.append(Order(serial, command, self.now + _ORDER_DELAY))

    def set_clock(self, instant: datetime) -> None:
        """Move the clock forward and let what happens meanwhile happen.

        Raises:
            ValueError: The instant is before the present one, or more than 400 days after it.
        """
        with self.lock:
            until = instant.astimezone(UTC).replace(microsecond=0)
            if until < self.now:
                raise ValueError("the clock only moves forward")
            if until - self.now > _LONGEST_STEP:
                raise ValueError("the clock moves at most 400 days at a time")
            due = self._take_orders(until)
            store = frozenset(app.bundle_id for app in self.current.apps.values() if not app.deleted)
            devices = {
                serial: evolve(
                    device,
                    seed=self.seed,
                    since=self.now,
                    until=until,
                    orders=due.get(serial, ()),
                    store=store,
                )
                for serial, device in self.current.devices.items()
            }
            self.update(devices=devices, now=until)

    def advance(self, span: timedelta) -> None:
        """Move the clock forward by a duration."""
        self.set_clock(self.now + span)

    def _take_orders(self, until: datetime) -> dict[str, list[Order]]:
        """Take the commands that are due; those to devices that sleep stay."""
        due: dict[str, list[Order]] = {}
        left = []
        for order in self._orders:
            device = self.current.devices.get(order.serial)
            if device is None:
                continue
            if order.due_at <= until and not device.sleeper:
                due.setdefault(order.serial, []).append(order)
            else:
                left.append(order)
        self._orders = left
        return due

    def re_enrol(self, serials: Iterable[str]) -> None:
        """Give devices another UDID, as after an enrolment from scratch; the serial numbers stay."""
        with self.lock:
            self.put(self._re_enrolled(self.current.devices[serial]) for serial in serials)

    def _re_enrolled(self, device: Device) -> Device:
        letters = Dice(self.seed, "udid", device.udid).text("0123456789ABCDEF", 16)
        return replace(device, udid=f"00008103-{letters}", contact_at=self.now)

    def wipe(self, serials: Iterable[str]) -> None:
        """Erase devices at once: same UDID, factory name, no app."""
        with self.lock:
            now = self.now
            self.put(
                evolve(
                    self.current.devices[serial],
                    seed=self.seed,
                    since=now,
                    until=now,
                    orders=[Order(serial, "wipe", now)],
                )
                for serial in serials
            )

    def secrets_and_names(self) -> frozenset[str]:
        """Return every text that must be found nowhere outside this server.

        Keys, invented words, persons, free texts, network addresses, and the apps of their own
        that adapted tablets have (unless such an app is on another device, where it may be named).
        Texts that were true earlier are included.
        """
        with self.lock:
            found = {*INVENTED_NAMES, *self.credentials, *self._telling, *REGION, *self._telling_apps()}
            for person in self.current.people.values():
                found.update((person.name, person.username, person.email, person.notes))
            for place in self.current.locations.values():
                found.update(text for text in (place.name, place.city, place.school_number) if text)
            for profile in self.current.profiles.values():
                found.update(text for text in (profile.name, profile.description) if text)
            for group in self.current.groups.values():
                found.update(text for text in (group.description, group.information) if text)
                if group.id >= NEED_GROUP and names_someone(group.name):
                    found.add(group.name)
            return frozenset(found)

    def _telling_apps(self) -> set[str]:
        elsewhere = {
            bundle_id
            for device in self.current.devices.values()
            if ASH_GROUP not in device.group_ids
            for bundle_id in device.apps
        }
        named = [app for app in TELLING_APPS if app[0] not in elsewhere]
        return {text for app in named for text in app[:2]}

    def truth(self, serial: str) -> dict[str, Any]:
        """Return the true state of one device as JSON values, units as our own."""
        now = self.current
        return _truth(now.devices[serial], now, True)

    def state(self, *, with_apps: bool = True) -> Mapping[str, Any]:
        """Return the true state as JSON values, units as our own: percent, GB, UTC."""
        with self.lock:
            now = self.current
        return {
            "now": stamp(now.now),
            "seed": self.seed,
            "version": now.number,
            "devices": [_truth(device, now, with_apps) for device in now.devices.values()],
            "groups": [
                {"id": group.id, "name": group.name, "smart": group.smart, "members": now.members[group.id]}
                for group in now.groups.values()
            ],
            "apps": [
                {"id": app.id, "bundle_id": app.bundle_id, "adam_id": app.adam_id, "deleted": app.deleted}
                for app in now.apps.values()
            ],
        }


def bait_of(devices: Iterable[Device]) -> frozenset[str]:
    """Return the free texts of devices that name someone, and their network addresses."""
    found: set[str] = set()
    for device in devices:
        found.update((device.ip, device.wifi_mac, device.bluetooth_mac))
        if device.cellular:
            found.update(device.subscription)
        texts = (device.name, device.asset_tag, device.dep_profile, device.notes)
        found.update(text for text in texts if names_someone(text))
    return frozenset(found)


def names_someone(text: str) -> bool:
    """Tell whether a text holds one of the invented words."""
    return any(word in text for word in INVENTED_NAMES)


def stamp(instant: datetime) -> str:
    """Return an instant as ISO 8601, UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _truth(device: Device, snapshot: Snapshot, with_apps: bool) -> dict[str, Any]:
    groups = snapshot.groups
    return {
        "serial": device.serial,
        "udid": device.udid,
        "class": device.device_class,
        "name": device.name,
        "asset_tag": device.asset_tag,
        "model": device.model.name,
        "model_identifier": device.model.identifier,
        "os_version": device.os_version,
        "supervised": device.supervised,
        "managed": device.managed,
        "battery_percent": None if device.battery is None else round(device.battery * 100),
        "capacity_gb": device.capacity,
        "available_gb": device.available,
        "last_contact_at": stamp(device.contact_at),
        "location": device.location_id,
        "owner": device.owner_id or None,
        "groups": [groups[group_id].name for group_id in device.group_ids if group_id in groups],
        "in_trash": device.in_trash,
        "quirks": sorted(device.quirks),
        **({"apps": dict(device.apps)} if with_apps else {}),
    }
