"""What a distant server says of a device, and what of it may be kept.

Two steps, two types. A :class:`Sighting` is what an adapter decoded: it still holds free text
that may name a person, and lives only in memory. An :class:`Observation` is what
``domain.privacy.minimise`` made of it: the only form that reaches staging, tables or logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import NamedTuple

__all__ = [
    "STABLE_FIELDS",
    "VOLATILE_FIELDS",
    "Covers",
    "InstalledApp",
    "Observation",
    "ServerApp",
    "ServerFacts",
    "ServerGroup",
    "ServerProfile",
    "Sighting",
]


class Covers(IntFlag):
    """Which parts an observation speaks of; a part not covered is left as it was.

    Stored as an integer: values are never reused.
    """

    NAME = 1
    ASSET_TAG = 2
    MODEL = 4
    OS = 8
    SUPERVISED = 16
    MANAGED = 32
    BATTERY = 64
    CAPACITY = 128
    AVAILABLE = 256
    CONTACT = 512
    GROUPS = 1024
    APPS = 2048
    PROFILES = 4096
    LOCATION = 8192
    MODEL_IDENTIFIER = 16384

    @classmethod
    def everything(cls) -> Covers:
        """Return all parts."""
        return ~cls(0)


#: Fields whose change makes a history row, with the part that covers them.
STABLE_FIELDS: Mapping[str, Covers] = {
    "name": Covers.NAME,
    "asset_tag": Covers.ASSET_TAG,
    "model": Covers.MODEL,
    "model_identifier": Covers.MODEL_IDENTIFIER,
    "os_version": Covers.OS,
    "supervised": Covers.SUPERVISED,
    "managed": Covers.MANAGED,
    "capacity_gb": Covers.CAPACITY,
    "groups": Covers.GROUPS,
}

#: Fields that move at every contact: kept current, and in the activity row, never in the history.
VOLATILE_FIELDS: Mapping[str, Covers] = {
    "battery_percent": Covers.BATTERY,
    "available_gb": Covers.AVAILABLE,
    "last_seen_at": Covers.CONTACT,
}


class InstalledApp(NamedTuple):
    """An app on a device. ``bundle_id`` is case-sensitive; ``managed`` None = the server does not say."""

    bundle_id: str
    name: str | None
    version: str | None
    managed: bool | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A device as a server lists it, decoded and with units normalised; never stored as it is.

    ``battery_percent`` 0 to 100; capacities in decimal GB; ``contact_at`` aware UTC, not yet
    judged against the clock; ``groups`` every group name the server gave (None: not covered);
    ``location`` the server's id of a place (or its name where the server lists names), used for
    the scope and the pool rules only; ``device_class`` in lower case (ipad, iphone, mac), None if
    unknown; ``url_params`` what the enrolment address carried (servers of the NanoMDM family).
    """

    remote_id: str
    serial: str
    udid: str | None = None
    name: str | None = None
    asset_tag: str | None = None
    model: str | None = None
    model_identifier: str | None = None
    os_version: str | None = None
    device_class: str | None = None
    supervised: bool | None = None
    managed: bool | None = None
    battery_percent: int | None = None
    capacity_gb: float | None = None
    available_gb: float | None = None
    contact_at: datetime | None = None
    enrolled_at: datetime | None = None
    groups: tuple[str, ...] | None = None
    location: str | None = None
    url_params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """What may be kept of a :class:`Sighting`: free text judged, groups reduced to known ones.

    ``pool`` is the effective pool (override by hand, else rule); ``pool_by_rule`` what the rules
    alone say. ``contact_at`` is exact and serves only to choose between two records;
    ``last_seen_at`` is what is kept: for the ash pool it is cut to the day. ``name_masked``: the
    server has a name that was not kept.
    """

    remote_id: str
    serial: str
    udid: str | None
    name: str | None
    name_masked: bool
    asset_tag: str | None
    model: str | None
    model_identifier: str | None
    os_version: str | None
    supervised: bool | None
    managed: bool | None
    battery_percent: int | None
    capacity_gb: float | None
    available_gb: float | None
    contact_at: datetime | None
    last_seen_at: datetime | None
    enrolled_at: datetime | None
    groups: tuple[str, ...] | None
    pool: str | None
    pool_by_rule: str | None


@dataclass(frozen=True, slots=True)
class ServerApp:
    """An app a server can distribute, with its licence counts (None = the server does not say)."""

    remote_id: str
    bundle_id: str
    name: str | None
    adam_id: str | None = None
    total: int | None = None
    used: int | None = None
    free: int | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """A group of devices on a server; ``members`` is the server's own count."""

    remote_id: str
    name: str
    members: int | None = None
    smart: bool | None = None


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """A configuration profile on a server; its name is free text and is not taken over."""

    remote_id: str
    identifier: str | None
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says beside its devices; a part the server cannot say is None, not empty.

    ``incomplete``: parts (``apps``, ``groups``, ``profiles``) that lack entries, or are not believed:
    what they do not name stays as it was.
    """

    apps: tuple[ServerApp, ...] | None = None
    groups: tuple[ServerGroup, ...] | None = None
    profiles: tuple[ServerProfile, ...] | None = None
    incomplete: frozenset[str] = frozenset()
