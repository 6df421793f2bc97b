"""The filters of ``GET /devices``, those whose meaning is known; others change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from mdm_bridge.simulator.models import Device, Snapshot

__all__ = ["chosen"]

_TRUE = frozenset({"1", "true"})
#: The one group of persons everybody is in.
OWNER_GROUP = "5"
_Test = Callable[[Device, str, Snapshot], bool]


def chosen(snapshot: Snapshot, query: Mapping[str, str]) -> list[Device]:
    """Return the devices a query asks for, in the order of the listing."""
    in_trash = query.get("inTrash", "").casefold() in _TRUE
    pool = (one for one in snapshot.devices.values() if one.in_trash) if in_trash else iter(snapshot.listed)
    tests = [(_TESTS[key], value) for key, value in query.items() if key in _TESTS and value != ""]
    return [device for device in pool if all(test(device, value, snapshot) for test, value in tests)]


def _in_group(device: Device, value: str, _: Snapshot) -> bool:
    wanted = {part.strip() for part in value.split(",")}
    return any(str(group_id) in wanted for group_id in device.group_ids)


def _owner_named(device: Device, value: str, snapshot: Snapshot) -> bool:
    person = snapshot.people.get(device.owner_id)
    return person is not None and value.casefold() in person.name.casefold()


def _flag(actual: bool, value: str) -> bool:
    return actual == (value.casefold() in _TRUE)


def _managed(device: Device, value: str, snapshot: Snapshot) -> bool:
    # The real filter is unreliable: it answers by recent contact, not by management.
    recent = device.contact_at > snapshot.now - timedelta(days=1)
    return recent if value == "1" else not recent


_TESTS: Mapping[str, _Test] = {
    "serialnumber": lambda device, value, _: device.serial.casefold() == value.casefold(),
    "assettag": lambda device, value, _: device.asset_tag == value,
    "asserttag": lambda device, value, _: device.asset_tag == value,
    "location": lambda device, value, _: str(device.location_id) == value,
    "groups": _in_group,
    "ownergroups": lambda device, value, _: device.owner_id > 0 and OWNER_GROUP in value.split(","),
    "owner": lambda device, value, _: str(device.owner_id) == value,
    "name": _owner_named,
    "model": lambda device, value, _: device.model.identifier == value,
    "enrollType": lambda device, value, _: device.enroll_type == value,
    "hasOwner": lambda device, value, _: _flag(device.owner_id > 0, value),
    "supervised": lambda device, value, _: _flag(device.supervised, value),
    "managed": _managed,
}
