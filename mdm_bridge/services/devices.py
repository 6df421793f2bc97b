"""Change what people own of devices: state, pool, purchase, case, place; add and import.

Every change writes its history and one entry of the audit trail in the same unit; a change that
changes nothing writes nothing and says so (``FieldSet`` tuples are empty).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from mdm_bridge.domain.audit import canonical_json
from mdm_bridge.domain.equipment import DeviceFacts
from mdm_bridge.domain.identifiers import nearest, normalise_serial
from mdm_bridge.domain.lifecycle import check_reason, check_transition
from mdm_bridge.domain.ownership import (
    FACTS,
    POOLS,
    FieldSet,
    OwnedDevice,
    check_facts,
    differences,
)
from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message
from mdm_bridge.ports.devices import DevicesStore, DevicesUnit
from mdm_bridge.services.inventory import find_serial

__all__ = ["DeviceChange", "add_device", "check_pool", "describe", "set_facts", "set_pool", "set_state"]


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """What changed of one device; no ``changes``: it was so already, and nothing was written."""

    serial: str
    changes: tuple[FieldSet, ...]


def set_state(store: DevicesStore, actor: str, serial: str, state: str, reason: str) -> DeviceChange:
    """Set the state of a device.

    Args:
        store: The database.
        actor: Who does it.
        serial: Serial number, or its last four characters or more.
        state: One of ``domain.lifecycle.STATES``.
        reason: Why.

    Raises:
        UnknownObject: No device has this serial number.
        InputError: Several do, there is no such state, or no usable reason.
        TransitionRefused: The present state does not lead there.
    """
    with store.unit() as unit:
        device = _locked(unit, serial)
        if not check_transition(device.serial, device.state, state, reason):
            return DeviceChange(device.serial, ())
        reason = reason.strip()
        unit.devices.set_state(device, state, actor=actor, reason=reason)
        changes = (FieldSet("state", device.state, state),)
        _audit(unit, actor, "set_state", device.serial, changes, reason)
        return DeviceChange(device.serial, changes)


def set_pool(
    store: DevicesStore, actor: str, serial: str, pool: str, *, zone: ZoneInfo, reason: str | None = None
) -> DeviceChange:
    """Choose the pool of a device by hand.

    What is stored of a device that enters the adapted pool is reduced at once.

    Args:
        store: The database.
        actor: Who does it.
        serial: Serial number, or its last four characters or more.
        pool: ``training``, ``ash``, ``none`` (kept out of both), ``auto`` (as the rules say).
        zone: Whose days the contacts of a device entering the adapted pool are cut to.
        reason: Why, if it is worth saying.

    Raises:
        UnknownObject: No device has this serial number.
        InputError: Several do, there is no such pool, or the reason is more than a line.
    """
    override = check_pool(pool)
    reason = check_reason(reason)
    with store.unit() as unit:
        device = _locked(unit, serial)
        if device.pool_override == override:
            return DeviceChange(device.serial, ())
        unit.devices.set_pools([(device, override)], actor=actor, reason=reason, zone=zone)
        changes = (FieldSet("pool_override", device.pool_override, override),)
        _audit(unit, actor, "set_pool", device.serial, changes, reason)
        return DeviceChange(device.serial, changes)


def set_facts(
    store: DevicesStore, actor: str, serial: str, facts: Mapping[str, str | date | None]
) -> DeviceChange:
    """Set facts of a device; a fact of None is erased, one that is not named stays.

    Args:
        store: The database.
        actor: Who does it.
        serial: Serial number, or its last four characters or more.
        facts: By name, any of ``domain.ownership.FACTS``.

    Raises:
        UnknownObject: No device has this serial number.
        InputError: Several do, a value makes no sense, or the inventory number is another device's.
    """
    wanted = check_facts({name: facts[name] for name in FACTS if name in facts})
    with store.unit() as unit:
        device = _locked(unit, serial)
        changes = differences(device, wanted)
        if changes:
            unit.devices.set_facts([(device, changes)], actor=actor)
            _audit(unit, actor, "set_facts", device.serial, changes, None)
        return DeviceChange(device.serial, changes)


def add_device(store: DevicesStore, actor: str, facts: DeviceFacts, *, zone: ZoneInfo) -> DeviceChange:
    """Add a device that no server lists (a laptop, a scanner); a server may list it later.

    Args:
        store: The database.
        actor: Who does it.
        facts: What is known of it.
        zone: Time zone of the organisation.

    Raises:
        InputError: It is known already, its serial number is not one, or a value makes no sense.
    """
    serial = _whole_serial(facts.serial)
    said = facts.said()
    override = check_pool(facts.pool) if facts.pool is not None else None
    wanted = check_facts({name: value for name, value in said.items() if name != "pool"})
    with store.unit() as unit:
        device = unit.devices.add(serial)
        changes = differences(device, wanted)
        unit.devices.set_facts([(device, changes)], actor=actor)
        if override is not None:
            unit.devices.set_pools([(device, override)], actor=actor, reason=None, zone=zone)
            changes = (*changes, FieldSet("pool_override", None, override))
        _audit(unit, actor, "add_device", serial, changes, None)
        return DeviceChange(serial, changes)


def check_pool(pool: str) -> str | None:
    """Return what is stored for a pool a person names; ``auto`` is None.

    Raises:
        InputError: There is no such pool.
    """
    if pool == "auto":
        return None
    if pool in POOLS:
        return pool
    known = (*POOLS, "auto")
    near = nearest(pool, known)
    hint = (
        Message("pool_nearest", 'Did you mean "{nearest}"?', nearest=near)
        if near
        else Message("pools_known", "The pools are: {pools}.", pools=", ".join(known))
    )
    raise InputError(Message("unknown_pool", '"{pool}" is not a pool.', pool=pool[:40]), hint=hint)


def describe(changes: tuple[FieldSet, ...]) -> list[dict[str, str | date | None]]:
    """Return changes as plain data, for the audit trail and for JSON."""
    return [{"field": change.field, "old": change.old, "new": change.new} for change in changes]


def digest(items: object) -> str:
    """Return the digest that stands for many changes in one entry of the audit trail."""
    return hashlib.sha256(canonical_json(items).encode()).hexdigest()


def _whole_serial(text: str) -> str:
    serial = normalise_serial(text)
    if serial is None:
        raise InputError(
            Message("not_a_serial", "{text} is not a serial number.", text=text[:40]),
            hint=Message(
                "serial_form", "Letters, digits, and . _ / - are possible; copy it from the device."
            ),
        )
    return serial


def _locked(unit: DevicesUnit, text: str) -> OwnedDevice:
    """Find a device by what a person typed, and let nobody else decide on it."""
    serial = find_serial(unit.queries, text)
    return unit.devices.owned([serial], lock=True)[serial]


def _audit(
    unit: DevicesUnit, actor: str, verb: str, serial: str, changes: tuple[FieldSet, ...], reason: str | None
) -> None:
    unit.audit.append(actor, verb, "device", serial, {"changes": describe(changes), "reason": reason})
