"""One device of the listing: cheap to recognise, decoded only when asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw
from pydantic import ValidationError

from mdm_bridge.domain.identifiers import normalise_serial
from mdm_bridge.domain.inventory import Covers, InstalledApp, Sighting
from mdm_bridge.errors import BadAnswer
from mdm_bridge.ports.inventory import Outline
from mdm_bridge.providers.jamf_school.answers import bad_row, repeated_key
from mdm_bridge.providers.jamf_school.wire import WireDevice, clean

__all__ = ["DECODER_VERSION", "JamfSchoolRow"]

#: Part of every hash: raise it when the same bytes come to mean something else.
DECODER_VERSION = 1

_NO_APPS = (b"", b"null", b'""')
_IDENTITY_KEYS = ("UDID", "serialNumber", "apps")

#: Fields by which a device is ours or not, with the part they are.
_TELLING = {"groups": Covers.GROUPS, "locationId": Covers.LOCATION, "assetTag": Covers.ASSET_TAG}


class _Identity(msgspec.Struct):
    UDID: Any = None
    serialNumber: Any = None  # noqa: N815
    apps: Raw = Raw(b"")


class _App(msgspec.Struct):
    identifier: Any = None
    name: Any = None
    version: Any = None


_identity_decoder = msgspec.json.Decoder(_Identity)
# Versions written as numbers keep their digits: 1.10 is not 1.1.
_apps_decoder = msgspec.json.Decoder(list[_App], float_hook=str)


class JamfSchoolRow:
    """A view into the body of the listing; implements ``ports.inventory.ListingRow``.

    Args:
        raw: The device as it came.
        zone: Zone of its dates; part of the hash, since it changes what they mean.
    """

    __slots__ = ("_apps", "_apps_hash", "_raw", "_whole_hash", "_zone", "remote_id", "serial")

    def __init__(self, raw: Raw, zone: ZoneInfo) -> None:
        self._raw = raw
        self._zone = zone
        self._whole_hash: bytes | None = None
        self._apps_hash: bytes | None = None
        try:
            identity = _identity_decoder.decode(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            # Still a row, to be counted; it fails when it is decoded.
            identity = _Identity()
        self.remote_id = (clean(identity.UDID) or "") if isinstance(identity.UDID, str) else ""
        serial = identity.serialNumber
        self.serial = (normalise_serial(clean(serial)) or "") if isinstance(serial, str) else ""
        self._apps = identity.apps

    @property
    def whole_hash(self) -> bytes:
        """16 bytes that change whenever anything in the row changes."""
        if self._whole_hash is None:
            mark = f"jamf-school/{DECODER_VERSION}/{self._zone.key}/".encode()
            digest = hashlib.sha256(mark)
            digest.update(self._raw)
            self._whole_hash = digest.digest()[:16]
        return self._whole_hash

    @property
    def apps_hash(self) -> bytes | None:
        """16 bytes that change whenever the app list changes; None: the row has no app list."""
        if self._apps_hash is None and self._has_apps():
            digest = hashlib.sha256(f"jamf-school/{DECODER_VERSION}/".encode())
            digest.update(self._apps)
            self._apps_hash = digest.digest()[:16]
        return self._apps_hash

    def sighting(self) -> Sighting:
        """Decode everything but the apps.

        Raises:
            BadAnswer: Not an object, or a field of another shape; it is named, its value is not.
        """
        text = bytes(self._raw)
        failure = None
        try:
            wire = WireDevice.model_validate_json(text)
        except ValidationError as error:
            failure = _failure(error)
        # Outside the handler: pydantic's error holds the values and must not travel as a context.
        if failure is not None:
            raise failure
        for key in _IDENTITY_KEYS:
            if repeated_key(text, key):
                raise bad_row(key)
        return wire.to_sighting(self._zone)

    def apps(self) -> list[InstalledApp] | None:
        """Decode the app list; entries without identifier are skipped, each identifier comes once.

        Raises:
            BadAnswer: It is not a list of objects.
        """
        if not self._has_apps():
            return None
        failed = False
        try:
            entries = _apps_decoder.decode(self._apps)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            failed = True
        if failed:
            raise bad_row("apps")
        found: dict[str, InstalledApp] = {}
        for entry in entries:
            bundle_id = clean(entry.identifier) if isinstance(entry.identifier, str) else None
            if bundle_id is not None and bundle_id not in found:
                # Jamf School does not say whether an app is managed.
                found[bundle_id] = InstalledApp(bundle_id, _text(entry.name), _text(entry.version), None)
        return list(found.values())

    def outline(self) -> Outline | None:
        """Read the fields that are well-formed; None when the class of the device is not among them."""
        try:
            fields = msgspec.json.decode(self._raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        if not isinstance(fields, dict):
            return None
        bad: set[int | str] = set()
        try:
            WireDevice.model_validate(fields)
        except ValidationError as error:
            bad = {found["loc"][0] for found in _problems(error) if found["loc"]}
        seen = WireDevice.model_validate(
            {key: value for key, value in fields.items() if key not in bad}
        ).to_sighting(self._zone)
        if seen.device_class is None and not bad.isdisjoint(("class", "model")):
            return None
        covers = Covers.everything()
        for key, part in _TELLING.items():
            if key in bad:
                covers &= ~part
        return Outline(seen, covers)

    def __repr__(self) -> str:
        return f"JamfSchoolRow({self.serial!r})"

    def _has_apps(self) -> bool:
        view = memoryview(self._apps)
        return len(view) > 4 or bytes(view) not in _NO_APPS


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _failure(error: ValidationError) -> BadAnswer:
    place = _problems(error)[0]["loc"]
    return bad_row(".".join(str(part) for part in place) or "JSON")


def _problems(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    return error.errors(include_url=False, include_context=False, include_input=False)
