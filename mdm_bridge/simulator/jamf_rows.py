"""The device listing: rows encoded once, and again only when something in them changes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from mdm_bridge.simulator.answers import encode
from mdm_bridge.simulator.jamf_devices import device_row, installed_app
from mdm_bridge.simulator.models import Device, Snapshot

__all__ = ["Rows"]


class Rows:
    """Encoded rows by device; ten thousand of them with sixty apps each take some 110 MB.

    Args:
        zone: Zone of the naive dates.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._rows: dict[tuple[str, bool], tuple[Device, bytes]] = {}
        self._apps: dict[tuple[str, str], bytes] = {}
        self._basis: tuple[object, ...] = ()

    def of(self, devices: list[Device], snapshot: Snapshot, *, with_apps: bool) -> list[bytes]:
        """Return the rows of devices, in their order. Not to be called by two threads at once."""
        self._start_again_if_names_changed(snapshot)
        return [self._row(device, snapshot, with_apps) for device in devices]

    def _start_again_if_names_changed(self, snapshot: Snapshot) -> None:
        basis = (snapshot.groups, snapshot.people, snapshot.apps)
        if not self._basis or any(one is not two for one, two in zip(basis, self._basis, strict=True)):
            self._rows, self._apps, self._basis = {}, {}, basis

    def _row(self, device: Device, snapshot: Snapshot, with_apps: bool) -> bytes:
        known = self._rows.get((device.serial, with_apps))
        if known is not None and known[0] is device:
            return known[1]
        row = encode(device_row(device, snapshot, self._zone))
        if with_apps:
            apps = b",".join(self._app(*app, snapshot) for app in device.apps.items())
            row = b"".join((row[:-1], b',"apps":[', apps, b"]}"))
        self._rows[device.serial, with_apps] = (device, row)
        return row

    def _app(self, bundle_id: str, version: str, snapshot: Snapshot) -> bytes:
        found = self._apps.get((bundle_id, version))
        if found is None:
            found = encode(installed_app(bundle_id, version, snapshot.store))
            self._apps[bundle_id, version] = found
        return found
