"""Jamf School's objects as they come over the wire, and what they mean.

Lenient in values, strict in structure: a number that makes no sense is unknown, an object where a
text belongs is an error that names the field. Owner, e-mail, notes, region and network are not in
these models at all. The list and the single-device answer differ; both are read.

Source: facts recovered from public clients of the API and their recorded answers (read 2026-11).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mdm_bridge.domain import cells
from mdm_bridge.domain.cell_dates import FIRST_CONTACT_YEAR
from mdm_bridge.domain.identifiers import normalise_serial
from mdm_bridge.domain.inventory import ServerApp, ServerGroup, ServerProfile, Sighting

__all__ = ["WireApp", "WireDevice", "WireGroup", "WireProfile", "clean", "instant_of"]

_TRUE = frozenset({"1", "true"})
_FALSE = frozenset({"0", "false"})
_ZONE = re.compile(r"[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*")


def clean(text: str) -> str | None:
    """Return a text without control characters and surrounding blanks; None when nothing is left."""
    return cells.clean(text) or None


def _unwrap(value: Any, *keys: str) -> Any:
    """Return what an object carries under one of ``keys``; an empty object or list carries nothing."""
    if isinstance(value, dict):
        for key in keys:
            if key in value:
                return _unwrap(value[key])
        if value:
            raise ValueError("object")
        return None
    if isinstance(value, list):
        if value:
            raise ValueError("list")
        return None
    return value


def _text(value: Any) -> str | None:
    value = _unwrap(value, "text", "value")
    if value is None or isinstance(value, bool):
        return None
    return clean(value if isinstance(value, str) else str(value))


def _word(value: Any) -> str | None:
    """A text that identifies: a number would have lost its leading zeros."""
    value = _unwrap(value)
    return clean(value) if isinstance(value, str) else None


def _flag(value: Any) -> bool | None:
    """Three states: true, false, and everything that is neither."""
    value = _unwrap(value, "value")
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _number(value: Any) -> float | None:
    value = _unwrap(value, "value")
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value.replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _count(value: Any) -> int | None:
    found = _number(value)
    return int(found) if found is not None and 0 <= found < 10**9 else None


def _id(value: Any) -> str | None:
    """An id as text; 0 stands for none."""
    text = _text(value)
    return None if text in (None, "0", "0.0") else text


def _percent(value: Any) -> int | None:
    """From a fraction; -1 is the product's own word for unknown."""
    fraction = _number(value)
    return None if fraction is None or not 0 <= fraction <= 1 else math.floor(fraction * 100 + 0.5)


def _gigabytes(value: Any) -> float | None:
    size = _number(value)
    return None if size is None or not 0 <= size < 1_000_000 else round(size, 2)


def _total_gigabytes(value: Any) -> float | None:
    return _gigabytes(value) or None


def _one(value: Any) -> dict[str, Any] | None:
    """An object, or the only element of a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        return value or None
    if value in (None, "", []):
        return None
    raise ValueError("object expected")


def _names(value: Any) -> tuple[str, ...] | None:
    if value is None or value == "":
        return None
    if value == {}:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("list of texts expected")
    return tuple(dict.fromkeys(name for text in value if (name := clean(text))))


def _moment(value: Any) -> Any:
    """A date is judged later, with the zone; here only its shape."""
    if isinstance(value, dict) and ("date" in value or "epoch" in value):
        parts = {key: _unwrap(value.get(key)) for key in ("date", "epoch", "timezone")}
        return {key: part for key, part in parts.items() if part is not None}
    return _unwrap(value)


def _zone_named(name: object, default: ZoneInfo) -> ZoneInfo:
    if not isinstance(name, str) or not _ZONE.fullmatch(name):
        return default
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return default


def instant_of(value: Any, zone: ZoneInfo) -> datetime | None:
    """Return the instant a date means, None when it means none.

    Args:
        value: Text without offset (local time in ``zone``), text with one, seconds since 1970, or
            an object ``{date, timezone}`` or ``{date, epoch}``.
        zone: Zone of the server's clock. The doubled hour of October is taken as the first one.
    """
    if isinstance(value, dict):
        from_epoch = instant_of(_number(value.get("epoch")), zone)
        return from_epoch or _from_text(value.get("date"), value.get("timezone"), zone)
    if isinstance(value, str) and not value.strip().isdigit():
        return _from_text(value, None, zone)
    seconds = _number(value)
    if not seconds:
        return None
    try:
        return _plausible(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _from_text(text: object, zone_name: object, default: ZoneInfo) -> datetime | None:
    if not isinstance(text, str) or len(text.strip()) < len("2026-09-02 10:05"):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None and isinstance(zone_name, str) and zone_name[:1] in ("+", "-"):
            moment = datetime.fromisoformat(text.strip() + zone_name)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_zone_named(zone_name, default))
        return _plausible(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _plausible(moment: datetime) -> datetime | None:
    return moment if moment.year >= FIRST_CONTACT_YEAR else None


def _before(function: Callable[[Any], Any]) -> BeforeValidator:
    return BeforeValidator(function)


Text = Annotated[str | None, _before(_text)]
Word = Annotated[str | None, _before(_word)]
Flag = Annotated[bool | None, _before(_flag)]
Count = Annotated[int | None, _before(_count)]
Id = Annotated[str | None, _before(_id)]


class _Wire(BaseModel):
    # Values are hidden in pydantic's own errors too: they may name a person.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _WireModel(_Wire):
    name: Text = None
    identifier: Text = None
    type: Text = None


class _WireOs(_Wire):
    prefix: Text = None
    version: Text = None


class WireDevice(_Wire):
    """A device, of the list or alone."""

    udid: Word = Field(None, alias="UDID")
    serial: Word = Field(None, alias="serialNumber")
    name: Text = None
    asset_tag: Text = Field(None, alias="assetTag")
    device_class: Text = Field(None, alias="class")
    location: Text = Field(None, alias="locationId")
    managed: Flag = Field(None, alias="isManaged")
    supervised: Flag = Field(None, alias="isSupervised")
    in_trash: Flag = Field(None, alias="inTrash")
    model: Annotated[_WireModel | None, _before(_one)] = None
    os: Annotated[_WireOs | None, _before(_one)] = None
    groups: Annotated[tuple[str, ...] | None, _before(_names)] = None
    battery_percent: Annotated[int | None, _before(_percent)] = Field(None, alias="batteryLevel")
    capacity_gb: Annotated[float | None, _before(_total_gigabytes)] = Field(None, alias="totalCapacity")
    available_gb: Annotated[float | None, _before(_gigabytes)] = Field(None, alias="availableCapacity")
    last_checkin: Annotated[Any, _before(_moment)] = Field(None, alias="lastCheckin")

    def to_sighting(self, zone: ZoneInfo) -> Sighting:
        """Return the device in our words.

        Args:
            zone: Zone of dates without offset.
        """
        model, system = self.model or _WireModel(), self.os or _WireOs()
        kind = self.device_class or model.type
        return Sighting(
            remote_id=self.udid or "",
            serial=normalise_serial(self.serial) or "",
            udid=self.udid,
            name=self.name,
            asset_tag=self.asset_tag,
            model=model.name,
            model_identifier=model.identifier,
            os_version=_version(system),
            device_class=kind.lower() if kind else None,
            supervised=self.supervised,
            # What lies in the trash is no longer managed, whatever it was when it got there.
            managed=False if self.in_trash else self.managed,
            battery_percent=self.battery_percent,
            capacity_gb=self.capacity_gb,
            available_gb=self.available_gb,
            contact_at=instant_of(self.last_checkin, zone),
            groups=self.groups,
            location=self.location,
        )


def _version(system: _WireOs) -> str | None:
    """The bare version: "iOS 18.5" and prefix "iOS" with version "18.5" mean the same."""
    text = system.version or ""
    if system.prefix and text.lower().startswith(system.prefix.lower()):
        text = text[len(system.prefix) :]
    return re.sub(r"^[A-Za-z]+\s+", "", text.strip()) or None


class WireGroup(_Wire):
    """A device group."""

    id: Text = None
    name: Text = None
    members: Count = None
    smart: Flag = Field(None, alias="isSmartGroup")
    type: Text = None

    def to_group(self) -> ServerGroup | None:
        """Return the group, None when it has no id or no name."""
        if self.id is None or self.name is None:
            return None
        smart = self.smart if self.smart is not None or self.type is None else self.type == "smart"
        return ServerGroup(self.id, self.name, self.members, smart)


class WireApp(_Wire):
    """An app the server can distribute; ``adamId`` and the counts exist for store apps only."""

    id: Text = None
    bundle_id: Text = Field(None, alias="bundleId")
    name: Text = None
    adam_id: Id = Field(None, alias="adamId")
    total: Count = Field(None, alias="totalLicenses")
    used: Count = Field(None, alias="usedLicenses")
    free: Count = Field(None, alias="availableLicenses")
    deleted: Flag = Field(None, alias="isDeleted")
    book: Flag = Field(None, alias="isBook")

    def to_app(self) -> ServerApp | None:
        """Return the app, None for a book and for what has no id or bundle id."""
        if self.id is None or self.bundle_id is None or self.book:
            return None
        return ServerApp(
            remote_id=self.id,
            bundle_id=self.bundle_id,
            name=self.name,
            adam_id=self.adam_id,
            total=self.total,
            used=self.used,
            free=self.free,
            deleted=bool(self.deleted),
        )


class WireProfile(_Wire):
    """A configuration profile; its name is free text and is not read."""

    id: Text = None
    identifier: Text = None
    platform: Text = None

    def to_profile(self) -> ServerProfile | None:
        """Return the profile, None when it has no id."""
        return None if self.id is None else ServerProfile(self.id, self.identifier, self.platform)
