"""Take over a list of facts: looked at first, applied as looked at, bad lines left out and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

from mdm_bridge.domain.equipment import DeviceFacts, FactsLine
from mdm_bridge.domain.ownership import FieldSet, OwnedDevice, check_days, check_facts, differences
from mdm_bridge.errors import BridgeError
from mdm_bridge.messages import Message
from mdm_bridge.ports.devices import DevicesStore, DevicesUnit
from mdm_bridge.services.devices import check_pool, describe, digest

__all__ = ["ImportLine", "ImportReport", "import_facts"]

Outcome = Literal["new", "changed", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class ImportLine:
    """What one line of a list does. ``problem``: why it is refused."""

    line: int
    serial: str
    outcome: Outcome
    changes: tuple[FieldSet, ...] = ()
    problem: Message | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a list does, line by line; the same whether it was only looked at or applied."""

    lines: tuple[ImportLine, ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many lines ended so."""
        return sum(line.outcome == outcome for line in self.lines)


def import_facts(
    store: DevicesStore,
    actor: str,
    lines: Sequence[FactsLine],
    *,
    zone: ZoneInfo,
    add_missing: bool = False,
    only_empty: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Take over the facts of a list; what it does not say stays as it is.

    Lines that cannot be applied are left out and reported; the others are applied together.

    Args:
        store: The database.
        actor: Who does it.
        lines: What the list says.
        zone: Time zone of the organisation.
        add_missing: Add devices that are not known, instead of refusing their lines.
        only_empty: Give only facts that nothing is known of yet; no pool, and no model, which the
            synchronisation of the same list gives.
        dry_run: Only look: nothing is written, and the report is the one applying would give.
    """
    if only_empty:
        lines = [FactsLine(line.line, replace(line.facts, pool=None, model=None)) for line in lines]
    if dry_run:
        with store.reading() as unit:
            return ImportReport(
                tuple(planned for planned, _ in _plan(unit, lines, add_missing, only_empty, lock=False))
            )
    with store.unit() as unit:
        plan = _plan(unit, lines, add_missing, only_empty, lock=True)
        report = ImportReport(tuple(planned for planned, _ in plan))
        _apply(unit, plan, actor, zone)
        _audit(unit, report, actor)
        return report


_Planned = tuple[ImportLine, "OwnedDevice | None"]


def _plan(
    unit: DevicesUnit, lines: Sequence[FactsLine], add_missing: bool, only_empty: bool, *, lock: bool
) -> list[_Planned]:
    owned = unit.devices.owned({line.facts.serial for line in lines}, lock=lock)
    seen: set[str] = set()
    plan: list[_Planned] = []
    for line in lines:
        device = owned.get(line.facts.serial)
        plan.append((_judge(line, device, seen, add_missing, only_empty), device))
        seen.add(line.facts.serial)
    return _without_shared_numbers(plan, unit.devices.inventory_numbers())


def _judge(
    line: FactsLine, device: OwnedDevice | None, seen: set[str], add_missing: bool, only_empty: bool
) -> ImportLine:
    facts = line.facts
    refused = ImportLine(line.line, facts.serial, "refused")
    if facts.serial in seen:
        again = Message("serial_repeated", "{serial} is in the list already.", serial=facts.serial)
        return replace(refused, problem=again)
    if device is None and not add_missing:
        unknown = Message("unknown_serial", "No device has the serial number {text}.", text=facts.serial)
        return replace(refused, problem=unknown)
    try:
        changes = _changes(facts, device)
    except BridgeError as error:
        return replace(refused, problem=error.message)
    if only_empty:
        changes = tuple(change for change in changes if change.old is None)
    outcome: Outcome = "new" if device is None else "changed" if changes else "unchanged"
    return ImportLine(line.line, facts.serial, outcome, changes)


def _changes(facts: DeviceFacts, device: OwnedDevice | None) -> tuple[FieldSet, ...]:
    said = facts.said()
    wanted = check_facts({name: value for name, value in said.items() if name != "pool"})
    if device is None:
        check_days(facts.serial, wanted.get("purchased_on"), wanted.get("warranty_until"))
        changes = tuple(FieldSet(name, None, value) for name, value in wanted.items() if value is not None)
    else:
        changes = differences(device, wanted)
    if facts.pool is not None:
        before = device.pool_override if device is not None else None
        override = check_pool(facts.pool)
        if override != before:
            changes = (*changes, FieldSet("pool_override", before, override))
    return changes


def _without_shared_numbers(plan: list[_Planned], holders: dict[str, str]) -> list[_Planned]:
    """Refuse lines after which two devices would have one inventory number.

    A refused line leaves its device's old number in use: hence the repetition.
    """
    while True:
        numbers = {serial: number for number, serial in holders.items()}
        wanted = {planned.serial: number for planned, _ in plan if (number := _number(planned))}
        numbers |= wanted
        shared = {number for number, count in Counter(numbers.values()).items() if count > 1}
        # Of those who want one number the last gives way.
        clashing = {
            number: i for i, (planned, _) in enumerate(plan) if (number := _number(planned)) in shared
        }
        if not clashing:
            return plan
        for number, i in clashing.items():
            planned, device = plan[i]
            taken = Message(
                "inventory_no_taken", "The inventory number {number} is another device's.", number=number
            )
            plan[i] = (replace(planned, outcome="refused", changes=(), problem=taken), device)


def _number(planned: ImportLine) -> str | None:
    """Return the inventory number a line would give."""
    found = (change.new for change in planned.changes if change.field == "inventory_no")
    return next((str(new) for new in found if new is not None), None)


def _apply(unit: DevicesUnit, plan: list[_Planned], actor: str, zone: ZoneInfo) -> None:
    applied = [(planned, device) for planned, device in plan if planned.outcome in ("new", "changed")]
    known = [
        (planned, device if device is not None else unit.devices.add(planned.serial))
        for planned, device in applied
    ]
    unit.devices.set_facts([(device, tuple(_facts(planned))) for planned, device in known], actor=actor)
    pools = [
        (device, str(change.new) if change.new is not None else None)
        for planned, device in known
        for change in planned.changes
        if change.field == "pool_override"
    ]
    unit.devices.set_pools(pools, actor=actor, reason=None, zone=zone)


def _facts(planned: ImportLine) -> Iterator[FieldSet]:
    return (change for change in planned.changes if change.field != "pool_override")


def _audit(unit: DevicesUnit, report: ImportReport, actor: str) -> None:
    """Write one entry for the whole list, with a digest of what it changed."""
    written = [line for line in report.lines if line.outcome in ("new", "changed")]
    if not written:
        return
    detail = {
        "added": report.count("new"),
        "changed": report.count("changed"),
        "refused": report.count("refused"),
        "digest": digest([[line.serial, describe(line.changes)] for line in written]),
    }
    unit.audit.append(actor, "import_facts", "device", None, detail)
