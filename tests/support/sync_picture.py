"""A database as a model sees it: by serial numbers and names, without ids."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mdm_bridge.storage.store import Store
from tests.support.sync_oracle import Oracle
from tests.support.tables import rows_of

__all__ = ["of_oracle", "of_store"]

_NOW = (
    "name", "name_masked", "asset_tag", "model", "model_identifier", "os_version", "supervised", "managed",
    "battery_percent", "capacity_mb", "available_mb", "groups", "pool_by_rule",
)  # fmt: skip

Picture = dict[str, Any]


def of_store(store: Store) -> Picture:
    """Return the picture of a database."""
    tables = {
        name: rows_of(store, name)
        for name in (
            "server", "device", "record", "device_now", "installed", "app", "app_version", "app_event",
            "field_change", "device_day", "server_app",
        )
    }  # fmt: skip
    servers = {row["id"]: row["name"] for row in tables["server"]}
    serials = {row["id"]: row["serial"] for row in tables["device"]}
    apps = {row["id"]: row["bundle_id"] for row in tables["app"]}
    versions = {None: None} | {row["id"]: row["text"] for row in tables["app_version"]}
    records = {row["id"]: row for row in tables["record"]}
    several: dict[str, dict[str, list[Any]]] = {
        kind: defaultdict(list) for kind in ("installed", "app_event", "field_change", "device_day")
    }
    for kind, found in several.items():
        for row in tables[kind]:
            found[serials[row["device_id"]]].append(row)
    picture: Picture = {
        "records": {
            (servers[r["server_id"]], r["remote_id"]): (serials[r["device_id"]], r["last_contact_at"])
            for r in tables["record"]
            if r["gone_at"] is None
        },
        "catalogues": sorted(
            (servers[row["server_id"]], apps[row["app_id"]])
            for row in tables["server_app"]
            if row["gone_at"] is None
        ),
        "devices": {},
    }
    now_of = {serials[row["device_id"]]: row for row in tables["device_now"]}
    for device in tables["device"]:
        serial = device["serial"]
        now = now_of[serial]
        voice = records[now["record_id"]]
        picture["devices"][serial] = {
            "override": device["pool_override"],
            "now": {name: now[name] for name in _NOW},
            "last_seen": now["last_seen_at"],
            "voice": (servers[voice["server_id"]], voice["remote_id"], voice["gone_at"] is None),
            "total": now["apps_total"],
            "named": {apps[r["app_id"]]: versions[r["version_id"]] for r in several["installed"][serial]},
            "events": _sorted(
                (r["kind"], apps[r["app_id"]], versions[r["old_version_id"]], versions[r["new_version_id"]])
                for r in several["app_event"][serial]
            ),
            "history": _sorted((r["field"], r["old"], r["new"]) for r in several["field_change"][serial]),
            "days": {
                r["day"]: (r["battery_percent"], r["available_mb"], r["os_version"])
                for r in several["device_day"][serial]
            },
        }
    return picture


def of_oracle(oracle: Oracle) -> Picture:
    """Return the same of the model."""
    return {
        "records": {key: (record.serial, record.contact) for key, record in oracle.records.items()},
        "catalogues": sorted((name, app) for name, apps in oracle.catalogues.items() for app in apps),
        "devices": {
            serial: {
                "override": device.override,
                "now": device.now,
                "last_seen": device.last_seen,
                "voice": (*(device.voice or ()), device.voice_lives),
                "total": device.total,
                "named": device.named,
                "events": _sorted(device.events),
                "history": _sorted(change[:3] for change in device.history),
                "days": device.days,
            }
            for serial, device in oracle.devices.items()
        },
    }


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)
