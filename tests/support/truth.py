"""What a simulated server truly holds, as the inventory should say it; written apart from the program."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mdm_bridge.domain.fleet import DeviceFilter
from mdm_bridge.simulator import Simulator
from mdm_bridge.storage.store import Store

__all__ = ["recorded", "truth"]

_ZONE = ZoneInfo("Europe/Paris")
_NEUTRAL_NAME = re.compile(r"(FORM|PRET)-\d+|iPad \d+")
_NEUTRAL_TAG = re.compile(r"PN-\d+")
_OURS = ("ASH", "Formation")
_KEYS = (
    "udid", "name", "name_masked", "asset_tag", "model", "model_identifier", "os_version", "supervised", "managed",
    "battery_percent", "capacity_gb", "available_gb", "last_seen_at", "pool", "apps",
)  # fmt: skip
_GROUPS = "SELECT d.serial, n.groups FROM device_now n JOIN device d ON d.id = n.device_id"
_INSTALLED = (
    "SELECT d.serial, a.bundle_id, v.text FROM installed i JOIN device d ON d.id = i.device_id "
    "JOIN app a ON a.id = i.app_id JOIN app_version v ON v.id = i.version_id"
)


def truth(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """Return what should be recorded of every iPad that is not in the trash, by serial number."""
    state = simulator.world.state()
    distributed = {app["bundle_id"] for app in state["apps"] if not app["deleted"]}
    return {
        device["serial"]: _expected(device, distributed)
        for device in state["devices"]
        if device["class"] == "ipad" and not device["in_trash"]
    }


def _expected(device: dict[str, Any], distributed: set[str]) -> dict[str, Any]:
    groups = sorted(name for name in device["groups"] if name in _OURS)
    pool = "ash" if "ASH" in groups else "training" if groups else None
    name, tag = device["name"], device["asset_tag"]
    apps = device["apps"]
    return {
        "udid": device["udid"],
        "name": name if _NEUTRAL_NAME.fullmatch(name) else None,
        "name_masked": not _NEUTRAL_NAME.fullmatch(name),
        "asset_tag": tag if _NEUTRAL_TAG.fullmatch(tag or "") else None,
        "model": device["model"],
        "model_identifier": device["model_identifier"],
        "os_version": device["os_version"],
        "supervised": device["supervised"],
        "managed": None if "managed_unknown" in device["quirks"] else device["managed"],
        "battery_percent": device["battery_percent"],
        "capacity_gb": device["capacity_gb"],
        "available_gb": device["available_gb"],
        "last_seen_at": _contact(device["last_contact_at"], pool),
        "pool": pool,
        "groups": groups,
        "gone": False,
        "apps": len(apps),
        "named_apps": {app: apps[app] for app in apps if pool != "ash" or app in distributed},
    }


def _contact(text: str, pool: str | None) -> datetime:
    instant = datetime.fromisoformat(text)
    if pool != "ash":
        return instant
    local = instant.astimezone(_ZONE)
    return datetime(local.year, local.month, local.day, tzinfo=UTC)


def recorded(store: Store) -> dict[str, dict[str, Any]]:
    """Return what the inventory says of every device, in the same shape."""
    with store.reading() as unit:
        views = list(unit.queries.devices(DeviceFilter()))
        groups = dict(tuple(row) for row in unit.connection.exec_driver_sql(_GROUPS))
        named: dict[str, dict[str, str]] = {}
        for serial, bundle_id, version in unit.connection.exec_driver_sql(_INSTALLED):
            named.setdefault(serial, {})[bundle_id] = version
    return {
        row["serial"]: {
            **{key: row[key] for key in _KEYS},
            "groups": json.loads(groups[row["serial"]]),
            "gone": row["gone_at"] is not None,
            "named_apps": named.get(row["serial"], {}) if row["apps"] is not None else None,
        }
        for row in views
    }
