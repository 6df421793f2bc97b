"""Mappings that come with the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mdm_bridge.domain.columns import ColumnMapping, ColumnRule

__all__ = ["BUILT_IN", "recognised"]

#: The device export of Jamf School (Devices, Export). The owner, notes, network, region, location and
#: activation-lock columns are not named here, hence never read. ``DeviceUDID`` identifies a device as
#: it does in the server's own answers, so that a file and a key can take turns.
_JAMF_SCHOOL = ColumnMapping(
    name="jamf-school",
    columns={
        "serial": ColumnRule("SerialNumber"),
        "udid": ColumnRule("DeviceUDID"),
        "name": ColumnRule("Name"),
        "asset_tag": ColumnRule("AssetTag"),
        "model": ColumnRule("Model"),
        "os_version": ColumnRule("OsVersion"),
        "supervised": ColumnRule("IsSupervised"),
        "managed": ColumnRule("IsManaged"),
        "available_gb": ColumnRule("AvailableCapacity", unit="GB"),
        "last_seen_at": ColumnRule("LastConnected"),
        "enrolled_at": ColumnRule("EnrollmentDate"),
        "groups": ColumnRule("MemberOf", separator=","),
    },
    leave_out={"IsTrashed": ("true",)},
    entities=True,
)

BUILT_IN: Mapping[str, ColumnMapping] = {_JAMF_SCHOOL.name: _JAMF_SCHOOL}

#: Headings that together belong to one product's export only.
_SIGNS: Mapping[str, frozenset[str]] = {
    "jamf-school": frozenset({"SerialNumber", "DeviceUDID", "MemberOf", "LastConnected"}),
}


def recognised(headings: Sequence[str]) -> ColumnMapping | None:
    """Return the built-in mapping these headings belong to, or None."""
    present = frozenset(headings)
    return next((BUILT_IN[name] for name, signs in _SIGNS.items() if signs <= present), None)
