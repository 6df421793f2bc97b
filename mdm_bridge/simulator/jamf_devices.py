"""A device as Jamf School shows it: the list row, its oddities, and the single-device answer.

Source: facts about the Jamf School REST API recovered from public clients and their recorded
answers (read 2026-11); the two shapes differ, as in the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mdm_bridge.simulator.catalogue import REGION, TELLING_APPS, UNMANAGED_APPS
from mdm_bridge.simulator.jamf_shapes import icon_of, person_row
from mdm_bridge.simulator.models import Device, Snapshot, StoreApp

__all__ = ["QUIRKS", "device_row", "installed_app", "local", "one_device"]

_OWN_APPS = {bundle: (name, vendor) for bundle, name, vendor in (*UNMANAGED_APPS, *TELLING_APPS)}


def local(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as the server writes it: local time without its offset."""
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _group_names(device: Device, snapshot: Snapshot) -> list[str]:
    return [snapshot.groups[key].name for key in device.group_ids if key in snapshot.groups]


def _prefix(device: Device) -> str:
    return "macOS" if device.device_class == "mac" else "iOS"


def _owner_on_list(device: Device, snapshot: Snapshot, zone: ZoneInfo) -> dict[str, Any]:
    person = snapshot.people.get(device.owner_id)
    if person is None:
        return {"id": 0, "locationId": 0, "name": "", "vpp": []}
    return {
        "id": person.id,
        "locationId": person.location_id,
        "name": person.name,
        "username": person.username,
        "email": person.email,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "notes": person.notes,
        "modified": "2026-09-01 08:12:44",
        "vpp": [{"status": "Associated"}],
    }


def _subscription(device: Device) -> list[dict[str, Any]]:
    iccid, imei, phone = device.subscription
    return [
        {
            "CarrierSettingsVersion": "60.0",
            "CurrentCarrierNetwork": "Exemple Mobile",
            "CurrentMCC": "001",
            "CurrentMNC": "01",
            "ICCID": iccid,
            "IMEI": imei,
            "IsDataPreferred": True,
            "IsRoaming": False,
            "IsVoicePreferred": False,
            "Label": "Principal",
            "LabelID": "00000000-0000-0000-0000-000000000001",
            "PhoneNumber": phone,
            "Slot": "CTSubscriptionSlotOne",
        }
    ]


def _network(device: Device) -> dict[str, Any]:
    found: dict[str, Any] = {
        "IPAddress": device.ip,
        "isNetworkTethered": "0",
        "BluetoothMAC": device.bluetooth_mac,
        "WiFiMAC": device.wifi_mac,
        "VoiceRoamingEnabled": "",
        "DataRoamingEnabled": "",
        "PersonalHotspotEnabled": "",
    }
    if device.device_class == "mac":
        found["EthernetMACs"] = device.wifi_mac
    if device.cellular:
        found["ServiceSubscription"] = _subscription(device)
    return found


def _region(device: Device) -> dict[str, Any]:
    return {"string": REGION[0], "coordinates": REGION[1]} if device.region else {"string": ""}


def device_row(device: Device, snapshot: Snapshot, zone: ZoneInfo) -> dict[str, Any]:
    """Return a device as ``GET /devices`` lists it, without its apps, oddities included."""
    row: dict[str, Any] = {
        "UDID": device.udid,
        "locationId": device.location_id,
        "serialNumber": device.serial,
        "assetTag": device.asset_tag,
        "name": device.name,
        "class": device.device_class,
        "isManaged": device.managed,
        "isSupervised": device.supervised,
        "enrollType": device.enroll_type,
        "depProfile": device.dep_profile if device.enroll_type == "dep" else "",
        "model": {
            "name": device.model.name,
            "identifier": device.model.identifier,
            "type": device.model.family,
        },
        "os": {"prefix": _prefix(device), "version": device.os_version},
        "owner": _owner_on_list(device, snapshot, zone),
        "groups": _group_names(device, snapshot),
        "batteryLevel": -1 if device.battery is None else device.battery,
        "totalCapacity": device.capacity,
        "availableCapacity": device.available,
        "iCloudBackupEnabled": False,
        "iCloudBackupLatest": "",
        "iTunesStoreLoggedIn": False,
        "region": _region(device),
        "notes": device.notes,
        "lastCheckin": local(device.contact_at, zone),
        "modified": local(device.contact_at, zone),
        "networkInformation": _network(device),
    }
    if device.device_class == "mac":
        row["isBootstrapStored"] = True
    for quirk in sorted(device.quirks):
        QUIRKS[quirk](row)
    return row


def _printed(row: dict[str, Any]) -> None:
    row["model"], row["os"] = [row["model"]], [row["os"]]


def _numbers(row: dict[str, Any]) -> None:
    for key in ("isManaged", "isSupervised", "iCloudBackupEnabled", "iTunesStoreLoggedIn"):
        row[key] = int(bool(row[key]))


def _texts(row: dict[str, Any]) -> None:
    _numbers(row)
    for key in ("isManaged", "isSupervised", "iCloudBackupEnabled"):
        row[key] = str(row[key])
    row["iTunesStoreLoggedIn"] = ""


#: Oddities of list rows seen in the real thing, by name.
QUIRKS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "capacity_text": lambda row: row.update(availableCapacity=str(row["availableCapacity"])),
    "battery_unknown": lambda row: row.update(batteryLevel=-1.0),
    "booleans_as_numbers": _numbers,
    "booleans_as_text": _texts,
    "managed_unknown": lambda row: row.update(isManaged=""),
    "owner_list": lambda row: row.update(owner=[]),
    "owner_empty": lambda row: row.update(owner={}),
    "model_list": _printed,
    "no_asset_tag": lambda row: row.update(assetTag=""),
}


def one_device(device: Device, snapshot: Snapshot, zone: ZoneInfo) -> dict[str, Any]:
    """Return a device as ``GET /devices/{udid}`` shows it, a different shape from the list."""
    names = _group_names(device, snapshot)
    shown: dict[str, Any] = {
        "UDID": device.udid,
        "serialNumber": device.serial,
        "name": device.name,
        "model": {
            "name": device.model.name,
            "identifier": device.model.identifier,
            "type": {"value": device.model.family},
        },
        "os": {"prefix": _prefix(device), "version": device.os_version},
        "class": device.device_class,
        "locationId": device.location_id,
        "assetTag": device.asset_tag,
        "notes": device.notes,
        "deviceEnrollType": device.enroll_type,
        "deviceDepProfile": device.dep_profile if device.enroll_type == "dep" else None,
        "isManaged": device.managed,
        "isSupervised": device.supervised,
        "inTrash": device.in_trash,
        "hasPasscode": False,
        "passcodeCompliant": 1,
        "hardwareEncryptionEnabled": 1,
        "iTunesStoreLoggedIn": 0,
        "iCloudBackupEnabled": 0,
        "iCloudBackupLatest": 0,
        "batteryLevel": -1 if device.battery is None else device.battery,
        "totalCapacity": device.capacity,
        "availableCapacity": device.available,
        "groupIds": list(device.group_ids),
        "groups": names,
        "WiFiMAC": device.wifi_mac,
        "bluetoothMAC": device.bluetooth_mac,
        "IPAddress": device.ip,
        "region": {"string": REGION[0] if device.region else "", "coordinates": None},
        "lastCheckin": {
            "date": local(device.contact_at, zone) + ".000000",
            "timezone_type": 3,
            "timezone": zone.key,
        },
        "modified": local(device.contact_at, zone),
        "owner": _owner_of_one(device, snapshot),
    }
    if device.cellular:
        shown["serviceSubscription"] = _subscription(device)
    return shown


def _owner_of_one(device: Device, snapshot: Snapshot) -> dict[str, Any]:
    person = snapshot.people.get(device.owner_id)
    if person is None:
        return {}
    return {**person_row(person, snapshot), "inTrash": False, "teacherGroups": [], "vpp": []}


def installed_app(bundle_id: str, version: str, store: Mapping[str, StoreApp]) -> dict[str, str]:
    """Return an app as a device's row lists it; nothing tells whether it is managed."""
    known = store.get(bundle_id)
    name, vendor = (known.name, known.vendor) if known else _OWN_APPS.get(bundle_id, (bundle_id, ""))
    icon = icon_of(bundle_id)
    return {"name": name, "identifier": bundle_id, "version": version, "vendor": vendor, "icon": icon}
