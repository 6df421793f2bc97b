"""What people own of devices: states, pools chosen by hand, purchase, case and place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, case, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from mdm_bridge.domain.ownership import FieldSet, OwnedDevice, effective_pool
from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.sync import DOUBTED
from mdm_bridge.storage.engine import lock_inventory
from mdm_bridge.storage.kits import kits_called
from mdm_bridge.storage.minimise import minimise_devices
from mdm_bridge.storage.tables import DeviceNowRow, DeviceRow, KitRow, RecordRow, StateChangeRow

__all__ = ["Devices"]

#: Names asked for in one statement.
_CHUNK = 1000

#: Facts whose column is called otherwise; ``kit`` is a reference.
_COLUMNS = {"model": "own_model"}

_OWNED = (
    select(
        DeviceRow.id,
        DeviceRow.serial,
        DeviceRow.state,
        DeviceRow.state_since,
        DeviceRow.pool_override,
        DeviceNowRow.pool_by_rule,
        DeviceRow.inventory_no,
        DeviceRow.own_model.label("model"),
        DeviceRow.purchased_on,
        DeviceRow.funding,
        DeviceRow.supplier_ref,
        DeviceRow.warranty_until,
        KitRow.name.label("kit"),
        DeviceRow.place,
        DeviceRow.place_since,
        DeviceRow.added_by_hand,
    )
    .outerjoin(DeviceNowRow, DeviceNowRow.device_id == DeviceRow.id)
    .outerjoin(KitRow, KitRow.id == DeviceRow.kit_id)
    .order_by(DeviceRow.serial)
)


class Devices:
    """Role: what people own of devices."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def owned(self, serials: Collection[str], *, lock: bool = False) -> dict[str, OwnedDevice]:
        """Return the devices that exist, by serial number (see ``ports.devices``)."""
        found: dict[str, OwnedDevice] = {}
        if lock:
            lock_inventory(self._connection)
        for chunk in _chunks(sorted(serials)):
            query = _OWNED.where(DeviceRow.serial.in_(chunk))
            if lock:
                query = query.with_for_update(of=DeviceRow)
            found |= {
                row.serial: OwnedDevice(**row._mapping)  # by name: the order of columns is nobody's business
                for row in self._connection.execute(query)
            }
        return found

    def inventory_numbers(self) -> dict[str, str]:
        """Return the serial number of every device with an inventory number, by that number."""
        rows = self._connection.execute(
            select(DeviceRow.inventory_no, DeviceRow.serial).where(DeviceRow.inventory_no.is_not(None))
        )
        return {number: serial for number, serial in rows if number is not None}

    def add(self, serial: str) -> OwnedDevice:
        """Add a device by hand (see ``ports.devices``)."""
        lock_inventory(self._connection)
        now = self._clock.now()
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        made = self._connection.execute(
            dialect.insert(DeviceRow)
            .values(serial=serial, state_since=now, first_seen_at=now, added_by_hand=True)
            .on_conflict_do_nothing(index_elements=["serial"])
            .returning(DeviceRow.id)
        ).scalar_one_or_none()
        if made is None:
            raise InputError(
                Message("device_exists", "The device {serial} is known already.", serial=serial),
                hint=Message("use_device_set", "Change it: mdm-bridge device set {serial} …", serial=serial),
            )
        return self.owned([serial])[serial]

    def set_state(self, device: OwnedDevice, state: str, *, actor: str, reason: str) -> None:
        """Set the state of a locked device."""
        self._update(device.id, {"state": state, "state_since": self._clock.now()})
        self._remember([(device, FieldSet("state", device.state, state))], actor, reason)

    def set_pools(
        self,
        wanted: Sequence[tuple[OwnedDevice, str | None]],
        *,
        actor: str,
        reason: str | None,
        zone: ZoneInfo,
    ) -> None:
        """Set the pool chosen by hand of locked devices (see ``ports.devices``)."""
        entering = []
        for device, override in wanted:
            self._update(device.id, {"pool_override": override})
            if effective_pool(override, device.pool_by_rule) == "ash" != device.pool:
                entering.append(device.id)
        self._remember(
            [(device, FieldSet("pool_override", device.pool_override, new)) for device, new in wanted],
            actor,
            reason,
        )
        for chunk in _chunks([device.id for device, _ in wanted]):
            # What may be kept of them has changed: their rows say something else now. A list that was
            # not believed is none the more for that.
            self._connection.execute(
                update(RecordRow)
                .where(RecordRow.device_id.in_(chunk), RecordRow.gone_at.is_(None))
                .values(whole_hash=None, apps_hash=case((RecordRow.apps_hash == DOUBTED, DOUBTED)))
            )
        minimise_devices(self._connection, entering, zone)

    def set_facts(self, changes: Sequence[tuple[OwnedDevice, Sequence[FieldSet]]], *, actor: str) -> None:
        """Set facts of locked devices (see ``ports.devices``)."""
        renumbered = [
            device.id
            for device, fields in changes
            if any(field.field == "inventory_no" and field.old is not None for field in fields)
        ]
        for chunk in _chunks(renumbered):  # first, so that two devices can exchange their numbers
            self._connection.execute(
                update(DeviceRow).where(DeviceRow.id.in_(chunk)).values(inventory_no=None)
            )
        for device, fields in changes:
            self._update(device.id, self._values({field.field: field.new for field in fields}))
        self._remember([(device, field) for device, fields in changes for field in fields], actor, None)

    def _values(self, facts: Mapping[str, str | date | None]) -> dict[str, Any]:
        values: dict[str, Any] = {
            _COLUMNS.get(name, name): value for name, value in facts.items() if name != "kit"
        }
        if "kit" in facts:
            values["kit_id"] = self._kit_id(facts["kit"])
        if "place" in facts:
            values["place_since"] = None if facts["place"] is None else self._clock.now()
        return values

    def _kit_id(self, name: str | date | None) -> int | None:
        """Return the id of a case, made at its first mention; capitals do not make another one."""
        if name is None:
            return None
        found = kits_called(self._connection, str(name))
        if not found and self._connection.dialect.name == "postgresql":
            self._connection.execute(text("LOCK TABLE kit IN SHARE ROW EXCLUSIVE MODE"))
            found = kits_called(self._connection, str(name))
        if found:
            return found[0]
        return self._connection.execute(insert(KitRow).values(name=name).returning(KitRow.id)).scalar_one()

    def _update(self, device_id: int, values: Mapping[str, Any]) -> None:
        if not values:
            return
        try:
            self._connection.execute(update(DeviceRow).where(DeviceRow.id == device_id).values(**values))
        except IntegrityError as error:
            raise _number_taken(values.get("inventory_no")) from error

    def _remember(
        self, changes: Iterable[tuple[OwnedDevice, FieldSet]], actor: str, reason: str | None
    ) -> None:
        rows = [
            {
                "device_id": device.id,
                "at": self._clock.now(),
                "field": change.field,
                "old": _text(change.old),
                "new": _text(change.new),
                "reason": reason,
                "actor": actor,
            }
            for device, change in changes
        ]
        if rows:
            self._connection.execute(insert(StateChangeRow), rows)


def _text(value: str | date | None) -> str | None:
    return value.isoformat() if isinstance(value, date) else value


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


def _number_taken(number: object) -> InputError:
    return InputError(
        Message(
            "inventory_no_taken", "The inventory number {number} is another device's.", number=str(number)
        ),
        hint=Message("find_inventory_no", "Look for it: mdm-bridge device list"),
    )
