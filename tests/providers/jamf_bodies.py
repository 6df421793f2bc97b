"""Invented bodies in the shapes of Jamf School."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import msgspec

from mdm_bridge.providers.jamf_school.rows import JamfSchoolRow

PARIS = ZoneInfo("Europe/Paris")
PERSONAL = ["Zorglubine", "zorglubine@example.invalid", "10.9.8.7", "aa:bb:cc:dd:ee:ff", "a private note"]


def device(**changes):
    """Return a device as the list gives it, with its fields changed (None stays None)."""
    row = {
        "UDID": "00008030-000A11112222802E",
        "locationId": 0,
        "serialNumber": "f9fxx0aaaa01",
        "assetTag": "T-07",
        "name": "iPad 07",
        "class": "ipad",
        "isManaged": True,
        "isSupervised": True,
        "enrollType": "dep",
        "depProfile": "P",
        "model": {"name": "iPad (9th generation)", "identifier": "iPad12,1", "type": "iPad"},
        "os": {"prefix": "iOS", "version": "18.5"},
        "owner": {"id": 41, "name": "Zorglubine", "email": "zorglubine@example.invalid"},
        "groups": ["Formation", "Other"],
        "batteryLevel": 0.83,
        "totalCapacity": 64.0,
        "availableCapacity": 41.27,
        "notes": "a private note",
        "lastCheckin": "2026-09-02 10:05:00",
        "networkInformation": {"IPAddress": "10.9.8.7", "WiFiMAC": "aa:bb:cc:dd:ee:ff"},
        "apps": [{"name": "Reader", "identifier": "com.example.Reader", "version": "5.2", "vendor": "V"}],
    }
    return {**row, **changes}


def row_of(*, without=(), **changes):
    fields = {key: value for key, value in device(**changes).items() if key not in without}
    return raw_row(json.dumps(fields).encode())


def raw_row(text):
    return JamfSchoolRow(msgspec.Raw(text), PARIS)


def sighted(**changes):
    return row_of(**changes).sighting()
