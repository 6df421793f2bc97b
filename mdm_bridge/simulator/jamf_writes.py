"""Jamf School's write routes: commands, details, groups and their members, apps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mdm_bridge.simulator.answers import Answer, failure, json_answer
from mdm_bridge.simulator.jamf_call import Call, number_in
from mdm_bridge.simulator.models import Device, Group, Snapshot, StoreApp

__all__ = [
    "COMMANDS",
    "add_app",
    "add_group",
    "delete_group",
    "edit_details",
    "edit_group",
    "edit_members",
    "edit_owner",
    "send_command",
    "trash_app",
    "trash_device",
]

_YES = (True, 1, "1", "true")


def send_command(call: Call) -> Answer:
    """Accept a command to one device."""
    device = call.world.current.by_udid.get(call.subject)
    if device is None:
        return failure(404, "DeviceNotFound")
    command = call.request.path.rstrip("/").rsplit("/", 1)[-1]
    call.request.values()
    return COMMANDS[command](call, device)


def _refresh(call: Call, device: Device) -> Answer:
    call.world.order(device.serial, "refresh")
    number = f"{call.number:012d}"
    return json_answer(
        {"code": 200, "message": "CommandScheduled", "UUID": f"0000aaaa-0000-4000-8000-{number}"}
    )


def _restart(call: Call, device: Device) -> Answer:
    call.world.order(device.serial, "restart")
    return json_answer({"message": "DeviceRestartScheduled", "device": device.udid})


def _wipe(call: Call, device: Device) -> Answer:
    call.world.order(device.serial, "wipe")
    return json_answer({"message": "DeviceWipeScheduled", "device": device.udid})


def _unenroll(call: Call, device: Device) -> Answer:
    call.world.put([replace(device, managed=False)])
    return json_answer({"code": 200, "message": "DeviceUnenrolled", "device": device.udid})


def _restore(call: Call, device: Device) -> Answer:
    call.world.put([replace(device, in_trash=False)])
    return json_answer({"code": 200, "message": "DeviceRestored", "device": device.udid})


def _unlock(call: Call, device: Device) -> Answer:
    return json_answer({"message": "Unlocked", "device": device.udid})


def edit_details(call: Call) -> Answer:
    """Change the asset tag or the notes of a device."""
    device = call.world.current.by_udid.get(call.subject)
    if device is None:
        return failure(404, "DeviceNotFound")
    values = call.request.values()
    names = {"assetTag": "asset_tag", "notes": "notes"}
    changed: dict[str, Any] = {names[key]: str(value) for key, value in values.items() if key in names}
    if not changed:
        return failure(400, "MissingParameter")
    call.world.put([replace(device, **changed)])
    return json_answer({"code": 200, "message": "DeviceUpdated"})


def edit_owner(call: Call) -> Answer:
    """Give a device an owner; 0 takes the owner away. Only JSON is understood."""
    if call.request.is_form:
        return failure(400, "UDIDArrayEmpty")
    device = call.world.current.by_udid.get(call.subject)
    if device is None:
        return failure(404, "DeviceNotFound")
    values = call.request.values()
    if "user" not in values:
        return failure(400, "MissingParameter")
    person = int(values["user"])
    if person and person not in call.snapshot.people:
        return failure(404, "UserNotFound")
    call.world.put([replace(device, owner_id=person)])
    return json_answer({"code": 200, "message": "DeviceSaved"})


def trash_device(call: Call) -> Answer:
    """Put a device in the trash."""
    device = call.world.current.by_udid.get(call.subject)
    if device is None:
        return failure(404, "DeviceNotFound")
    call.world.put([replace(device, in_trash=True)])
    return json_answer({"code": 200, "message": "DeviceTrashed"})


def add_group(call: Call) -> Answer:
    """Make a device group."""
    values = call.request.values()
    name = values.get("name")
    if not isinstance(name, str) or not name:
        return failure(400, "MissingParameter")
    with call.world.lock:
        groups = call.world.current.groups
        made = Group(
            1 + max(groups, default=0),
            name,
            int(values.get("locationId") or 0),
            str(values.get("description") or ""),
            str(values.get("information") or ""),
            shared=values.get("shared") in _YES,
        )
        call.world.update(groups={**groups, made.id: made})
    return json_answer({"code": 200, "message": "DeviceGroupCreated", "id": made.id})


def edit_group(call: Call) -> Answer:
    """Change a device group; ``information`` cannot be changed afterwards."""
    if call.request.is_form:
        return failure(400, "UDIDArrayEmpty")
    values = call.request.values()
    with call.world.lock:
        groups = call.world.current.groups
        group = groups.get(number_in(call.subject))
        if group is None:
            return failure(404, "DeviceGroupNotFound")
        changed = replace(
            group,
            name=str(values.get("name", group.name)),
            description=str(values.get("description", group.description)),
            shared=values.get("shared", group.shared) in _YES,
        )
        call.world.update(groups={**groups, group.id: changed})
    return json_answer({"code": 200})


def delete_group(call: Call) -> Answer:
    """Delete a device group; its members leave it."""
    with call.world.lock:
        groups = call.world.current.groups
        number = number_in(call.subject)
        if number not in groups:
            return failure(404, "DeviceGroupNotFound")
        call.world.put(
            replace(device, group_ids=tuple(one for one in device.group_ids if one != number))
            for device in call.world.current.devices.values()
            if number in device.group_ids
        )
        call.world.update(groups={one: group for one, group in groups.items() if one != number})
    return json_answer({"code": 200, "message": "DeviceGroupDeleted"})


def edit_members(call: Call) -> Answer:
    """Add devices to a group, or remove them."""
    adding = call.request.path.rstrip("/").endswith("/add")
    values = call.request.values()
    udids = values.get("udids")
    if not isinstance(udids, list) or not udids:
        return failure(400, "UDIDArrayEmpty")
    with call.world.lock:
        group = call.world.current.groups.get(int(values.get("groupId") or 0))
        if group is None:
            return failure(404, "DeviceGroupNotFound")
        if group.smart:
            return failure(400, "SmartGroupNotEditable")
        moved = list(_moved(call.world.current, udids, group.id, adding))
        call.world.put(moved)
    return json_answer({"code": 200, "devicesAdded" if adding else "devicesRemoved": len(moved)})


def add_app(call: Call) -> Answer:
    """Add a store app; adding it again answers the existing one."""
    adam_id = int(call.request.values().get("adamId") or 0)
    if adam_id <= 0:
        return failure(400, "MissingParameter")
    with call.world.lock:
        apps = call.world.current.apps
        found = next((app for app in apps.values() if app.adam_id == adam_id), None)
        if found is None:
            bundle_id = f"fr.exemple.ajout.app{adam_id}"
            found = StoreApp(1 + max(apps, default=11), bundle_id, f"App {adam_id}", "", adam_id, "store")
            call.world.update(apps={**apps, found.id: found})
    data = {"mediaId": found.id, "locationId": 0}
    return json_answer({"code": 200, "message": "AppCreated", "data": data})


def trash_app(call: Call) -> Answer:
    """Put an app in the trash."""
    with call.world.lock:
        apps = call.world.current.apps
        number = number_in(call.subject)
        if number not in apps:
            return failure(0, "AppNotFound", 404)
        call.world.update(apps={one: app for one, app in apps.items() if one != number})
    return json_answer({"code": 200, "message": "AppTrashed"})


#: What each command does and answers, by the last part of its address.
COMMANDS: Mapping[str, Callable[[Call, Device], Answer]] = {
    "refresh": _refresh,
    "restart": _restart,
    "wipe": _wipe,
    "unenroll": _unenroll,
    "restore": _restore,
    "clear": _unlock,
}


def _moved(snapshot: Snapshot, udids: list[Any], group_id: int, adding: bool) -> Iterator[Device]:
    """Yield the devices whose membership really changes."""
    for udid in dict.fromkeys(str(one) for one in udids):
        device = snapshot.by_udid.get(udid)
        if device is None or (group_id in device.group_ids) == adding:
            continue
        left = tuple(one for one in device.group_ids if one != group_id)
        yield replace(device, group_ids=(*left, group_id) if adding else left)
