"""Jamf School's read routes, but for the device listing."""

from __future__ import annotations

from typing import Any

from mdm_bridge.simulator import jamf_devices as devices
from mdm_bridge.simulator import jamf_shapes as shapes
from mdm_bridge.simulator.answers import Answer, Listing, encode, failure, json_answer
from mdm_bridge.simulator.jamf_call import Call, number_in

__all__ = [
    "list_apps",
    "list_groups",
    "list_locations",
    "list_profiles",
    "list_users",
    "show_app",
    "show_device",
    "show_group",
    "show_location",
    "show_profile",
    "show_user",
]


def show_device(call: Call) -> Answer:
    """Answer one device, in its own shape."""
    device = call.snapshot.by_udid.get(call.subject)
    if device is None:
        return failure(404, "DeviceNotFound")
    shown = devices.one_device(device, call.snapshot, call.world.zone)
    if call.request.query.get("includeApps") == "true":
        store = call.snapshot.store
        shown["apps"] = [devices.installed_app(*app, store) for app in device.apps.items()]
    return json_answer({"code": 200, "device": shown})


def list_groups(call: Call) -> Answer:
    """List the device groups."""
    rows = [shapes.group_row(group, call.snapshot) for group in call.snapshot.groups.values()]
    return _listed("deviceGroups", rows)


def show_group(call: Call) -> Answer:
    """Answer one device group."""
    group = call.snapshot.groups.get(number_in(call.subject))
    if group is None:
        return failure(404, "DeviceGroupNotFound")
    return json_answer({"code": 200, "deviceGroup": shapes.group_row(group, call.snapshot)})


def list_apps(call: Call) -> Answer:
    """List the apps; this answer has no code."""
    return _listed(
        "apps", [shapes.app_row(app, call.snapshot) for app in call.snapshot.apps.values()], code=None
    )


def show_app(call: Call) -> Answer:
    """Answer one app, bare."""
    app = call.snapshot.apps.get(number_in(call.subject))
    return json_answer(shapes.app_row(app, call.snapshot)) if app else failure(0, "AppNotFound", 404)


def list_profiles(call: Call) -> Answer:
    """List the profiles; this answer has no code."""
    return _listed(
        "profiles", [shapes.profile_row(one) for one in call.snapshot.profiles.values()], code=None
    )


def show_profile(call: Call) -> Answer:
    """Answer one profile, bare."""
    one = call.snapshot.profiles.get(number_in(call.subject))
    return json_answer(shapes.profile_row(one)) if one else failure(404, "ProfileNotFound")


def list_locations(call: Call) -> Answer:
    """List the places; this answer has no code."""
    return _listed(
        "locations", [shapes.location_row(one) for one in call.snapshot.locations.values()], code=None
    )


def show_location(call: Call) -> Answer:
    """Answer one place, bare."""
    one = call.snapshot.locations.get(number_in(call.subject))
    return json_answer(shapes.location_row(one)) if one else failure(404, "LocationNotFound")


def list_users(call: Call) -> Answer:
    """List the persons, all invented."""
    rows = [shapes.user_row(person, call.snapshot) for person in call.snapshot.people.values()]
    return _listed("users", rows, counted=True)


def show_user(call: Call) -> Answer:
    """Answer one person."""
    person = call.snapshot.people.get(number_in(call.subject))
    if person is None:
        return failure(404, "UserNotFound")
    shown = {key: value for key, value in shapes.user_row(person, call.snapshot).items() if key != "vpp"}
    return json_answer({"code": 200, "user": shown})


def _listed(
    name: str, rows: list[dict[str, Any]], *, code: int | None = 200, counted: bool = False
) -> Answer:
    keys = [str(row["id"]) for row in rows]
    count = len(rows) if counted else None
    return Answer(listing=Listing(name, keys, [encode(row) for row in rows], count=count, code=code))
