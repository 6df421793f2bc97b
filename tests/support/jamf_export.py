"""A device export as Jamf School's console writes it, with invented people in every free text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["COLUMNS", "SECRETS", "export_row", "write_export"]

COLUMNS = (
    "ActivationLockBypassCode", "AssetTag", "AvailableCapacity", "BackupEnabled", "BluetoothMAC", "CurrentIPAddress",
    "DateModified", "DeviceUDID", "EnrollType", "EnrollmentDate", "EthernetMAC", "IsLostModeEnabled", "IsManaged",
    "IsShared", "IsSupervised", "IsTrashed", "LastConnected", "LocationName", "ManagementID", "MemberOf", "Model",
    "Name", "Notes", "OsVersion", "OwnerEmail", "OwnerFirstName", "OwnerLastName", "OwnerUsername", "Region",
    "SchoolNumber", "SerialNumber", "SupportsProfiles", "WiFiMAC", "iTunesLoggedIn",
)  # fmt: skip

_SECRET_CELLS = {
    "ActivationLockBypassCode": "BYPASS-7Q2K-XXXX",
    "BluetoothMAC": "aa:bb:cc:00:11:22",
    "CurrentIPAddress": "192.0.2.17",
    "WiFiMAC": "aa:bb:cc:00:11:23",
    "LocationName": "Classe de Zélie",
    "Notes": "Zélie a cassé la coque; prévenir sa mère",
    "OwnerEmail": "zelie.invente@exemple.invalid",
    "OwnerFirstName": "Zélie",
    "OwnerLastName": "Inventé",
    "OwnerUsername": "zinvente",
    "Region": "48.85,2.35",
}

#: What must never be seen again of such an export.
SECRETS = tuple(_SECRET_CELLS.values())


def export_row(number: int, **cells: str) -> dict[str, str]:
    """Return one device of the export; keyword arguments replace cells."""
    return {
        "AssetTag": f"FORM-{number:02}",
        "AvailableCapacity": "41.27",
        "DeviceUDID": f"00008030-{number:016X}",
        "EnrollType": "dep",
        "EnrollmentDate": "2026-09-01T08:12:44Z",
        "IsManaged": "true",
        "IsSupervised": "true",
        "IsTrashed": "false",
        "LastConnected": "2026-11-23T10:00:00Z",
        "ManagementID": f"M{number}",
        "MemberOf": "[Formation,Zone &amp; Nord]",
        "Model": "iPad (9th generation)",
        "Name": f"FORM-{number:02}",
        "OsVersion": "iOS 26.4.0",
        "SerialNumber": f"SERIAL{number:04}",
        "SupportsProfiles": "[Wi-Fi &amp; DNS]",
        **_SECRET_CELLS,
        **cells,
    }


def write_export(file: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """Write the export: ``;``, UTF-8 without a mark, LF, quotes only where needed."""

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ';"\n') else text

    lines = [";".join(COLUMNS)]
    lines += [";".join(cell(row.get(column, "")) for column in COLUMNS) for row in rows]
    file.write_bytes(("\n".join(lines) + "\n").encode())
    return file
