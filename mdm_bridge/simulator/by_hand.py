"""Changing one device by hand, as a person at the tablet or at the console would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from mdm_bridge.simulator.dice import version_at
from mdm_bridge.simulator.evolution import day_of, next_os
from mdm_bridge.simulator.models import Device
from mdm_bridge.simulator.world import World

__all__ = ["FIELDS", "change_device"]

_Change = Callable[[Device, Any, World], Device]


def change_device(world: World, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change one device and return its true state.

    Args:
        world: Where it lives.
        values: ``serial`` and any of :data:`FIELDS`; ``new`` true makes the device, ``gone`` true
            deletes it for good. The last contact moves only when ``contact`` says so.

    Raises:
        ValueError: An unknown serial number, field or value; nothing was changed.
    """
    fields = dict(values)
    serial = str(fields.pop("serial", "")).upper()
    unknown = sorted(set(fields) - set(FIELDS) - {"new", "gone"})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}")
    with world.lock:
        is_new = fields.pop("new", False) is True
        if not serial or (serial in world.current.devices) == is_new:
            raise ValueError(
                f"no device has the serial number {serial!r}" if not is_new else f"{serial!r} exists"
            )
        if fields.pop("gone", False) is True:
            world.drop(serial)
            return {"serial": serial, "gone": True}
        device = world.made(serial) if is_new else world.current.devices[serial]
        for name, value in fields.items():
            device = FIELDS[name](device, value, world)
        world.put([device])
        return world.truth(serial)


def _text(name: str) -> _Change:
    def change(device: Device, value: Any, _: World) -> Device:
        if not isinstance(value, str):
            raise ValueError(f"{name} is a text")
        changed: dict[str, Any] = {name: value}
        return replace(device, **changed)

    return change


def _flag(name: str) -> _Change:
    def change(device: Device, value: Any, _: World) -> Device:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
        changed: dict[str, Any] = {name: value}
        return replace(device, **changed)

    return change


def _battery(device: Device, value: Any, _: World) -> Device:
    if value is not None and not (_is_number(value) and 0 <= value <= 100):
        raise ValueError("battery_percent is a number from 0 to 100, or null")
    return replace(device, battery=None if value is None else round(value / 100, 4))


def _available(device: Device, value: Any, _: World) -> Device:
    if not _is_number(value) or value < 0:
        raise ValueError("available_gb is a number from 0 up")
    return replace(device, available=float(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _os_version(device: Device, value: Any, world: World) -> Device:
    if value == "next":
        return replace(device, os_version=next_os(device))
    return _text("os_version")(device, value, world)


def _contact(device: Device, value: Any, world: World) -> Device:
    if value == "now":
        return replace(device, contact_at=world.now)
    instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    if instant is None or instant.tzinfo is None:
        raise ValueError("contact is 'now' or an instant with an offset")
    return replace(device, contact_at=instant)


def _location(device: Device, value: Any, world: World) -> Device:
    if value not in world.current.locations or isinstance(value, bool):
        raise ValueError(f"location is one of {sorted(world.current.locations)}")
    return replace(device, location_id=value)


def _owner(device: Device, value: Any, world: World) -> Device:
    if value not in (None, 0) and value not in world.current.people:
        raise ValueError(f"owner is null or one of {sorted(world.current.people)}")
    return replace(device, owner_id=value or 0)


def _group_ids(value: Any, world: World) -> list[int]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        raise ValueError("groups are a list of names")
    found = []
    for name in names:
        group = world.current.group_named(str(name))
        if group is None:
            known = ", ".join(one.name for one in world.current.groups.values())
            raise ValueError(f"no group is called {name!r}; there are: {known}")
        found.append(group.id)
    return found


def _groups(device: Device, value: Any, world: World) -> Device:
    return replace(device, group_ids=tuple(dict.fromkeys(_group_ids(value, world))))


def _join(device: Device, value: Any, world: World) -> Device:
    return replace(device, group_ids=tuple(dict.fromkeys((*device.group_ids, *_group_ids(value, world)))))


def _leave(device: Device, value: Any, world: World) -> Device:
    left = set(_group_ids(value, world))
    return replace(device, group_ids=tuple(one for one in device.group_ids if one not in left))


def _bundles(value: Any, world: World) -> dict[str, str]:
    """Return versions by bundle id, the current one where none is given."""
    if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return dict(value)
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise ValueError("apps are a list of bundle ids, or an object of versions by bundle id")
    day = day_of(world.now)
    return {name: version_at(name, day) for name in names}


def _install(device: Device, value: Any, world: World) -> Device:
    return replace(device, apps={**device.apps, **_bundles(value, world)})


def _update(device: Device, value: Any, world: World) -> Device:
    versions = _bundles(value, world)
    for bundle_id in versions:
        if bundle_id not in device.apps:
            raise ValueError(f"{bundle_id!r} is not installed on {device.serial}")
    return replace(device, apps={**device.apps, **versions})


def _remove(device: Device, value: Any, world: World) -> Device:
    gone = _bundles(value, world)
    return replace(device, apps={key: version for key, version in device.apps.items() if key not in gone})


#: What can be changed, by field name.
FIELDS: Mapping[str, _Change] = {
    "name": _text("name"),
    "asset_tag": _text("asset_tag"),
    "notes": _text("notes"),
    "udid": _text("udid"),
    "os_version": _os_version,
    "supervised": _flag("supervised"),
    "managed": _flag("managed"),
    "sleeper": _flag("sleeper"),
    "in_trash": _flag("in_trash"),
    "battery_percent": _battery,
    "available_gb": _available,
    "contact": _contact,
    "location": _location,
    "owner": _owner,
    "groups": _groups,
    "join": _join,
    "leave": _leave,
    "install": _install,
    "update": _update,
    "remove": _remove,
}
