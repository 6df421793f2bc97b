"""What a simulated server knows: plain values, replaced and never altered in place.

Because nothing is altered, keeping the state of before (for stale reads) costs one shallow copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

__all__ = ["Device", "Group", "Location", "Model", "Person", "Profile", "Snapshot", "StoreApp"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model of device; ``capacity`` in decimal GB."""

    name: str
    identifier: str
    family: str
    capacity: float
    newest_os: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One device as it truly is.

    ``battery`` is a fraction, None when the device does not know; ``apps`` maps bundle ids to
    versions; ``quirks`` are oddities of its rows (see ``jamf_devices.QUIRKS``); a ``sleeper`` never
    checks in by itself. ``index`` is its place in the fleet and drives its habits.
    """

    index: int
    serial: str
    udid: str
    device_class: str
    name: str
    asset_tag: str
    model: Model
    os_version: str
    location_id: int
    group_ids: tuple[int, ...]
    owner_id: int
    battery: float | None
    capacity: float
    available: float
    contact_at: datetime
    enroll_type: str
    dep_profile: str
    notes: str
    apps: Mapping[str, str]
    ip: str
    wifi_mac: str
    bluetooth_mac: str
    managed: bool = True
    supervised: bool = True
    cellular: bool = False
    in_trash: bool = False
    sleeper: bool = False
    region: bool = False
    quirks: frozenset[str] = frozenset()

    @property
    def subscription(self) -> tuple[str, str, str]:
        """Numbers of a cellular subscription: ICCID, IMEI, telephone (of a range kept for fiction)."""
        digits = f"{self.index:06d}"
        return f"8900100000000{digits}", f"00 000000 {digits} 0", f"+3363998{self.index % 10_000:04d}"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of devices; the members of a smart one cannot be edited."""

    id: int
    name: str
    location_id: int = 0
    description: str = ""
    information: str = ""
    smart: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class StoreApp:
    """An app the server can distribute; ``kind`` is licensed, store (no counts) or in_house.

    ``licences``: how many were bought; ``spare``: how many more than were in use at the start.
    """

    id: int
    bundle_id: str
    name: str
    vendor: str
    adam_id: int | None
    kind: str = "licensed"
    deleted: bool = False
    spare: int = 5
    licences: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person."""

    id: int
    first_name: str
    last_name: str
    username: str
    email: str
    notes: str
    location_id: int

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Location:
    """A place; 0 is the district."""

    id: int
    name: str
    city: str | None = None
    school_number: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A configuration profile."""

    id: int
    identifier: str
    name: str
    description: str
    platform: str = "iOS"


@dataclass(frozen=True)
class Snapshot:
    """The whole state at one moment. ``number`` grows by one at every change."""

    number: int
    now: datetime
    devices: Mapping[str, Device]
    groups: Mapping[int, Group]
    apps: Mapping[int, StoreApp]
    people: Mapping[int, Person] = field(default_factory=dict)
    locations: Mapping[int, Location] = field(default_factory=dict)
    profiles: Mapping[int, Profile] = field(default_factory=dict)

    @cached_property
    def by_udid(self) -> Mapping[str, Device]:
        """Devices by UDID, the trash included."""
        return {device.udid: device for device in self.devices.values()}

    @cached_property
    def listed(self) -> tuple[Device, ...]:
        """Devices that are not in the trash, in a stable order."""
        return tuple(device for device in self.devices.values() if not device.in_trash)

    @cached_property
    def members(self) -> Mapping[int, int]:
        """Number of listed devices by group id."""
        counts = dict.fromkeys(self.groups, 0)
        for device in self.listed:
            for group_id in device.group_ids:
                counts[group_id] = counts.get(group_id, 0) + 1
        return counts

    @cached_property
    def installed(self) -> Mapping[str, int]:
        """Number of listed devices by bundle id."""
        counts: dict[str, int] = {}
        for device in self.listed:
            for bundle_id in device.apps:
                counts[bundle_id] = counts.get(bundle_id, 0) + 1
        return counts

    @cached_property
    def store(self) -> Mapping[str, StoreApp]:
        """The server's apps by bundle id."""
        return {app.bundle_id: app for app in self.apps.values()}

    def group_named(self, name: str) -> Group | None:
        """Return the group of that name, without regard to case."""
        wanted = name.casefold()
        return next((group for group in self.groups.values() if group.name.casefold() == wanted), None)
