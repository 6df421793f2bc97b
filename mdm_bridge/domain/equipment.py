"""What people own of a device, as a list of theirs says it. No server ever changes it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from mdm_bridge.messages import Message

__all__ = ["DeviceFacts", "FactsLine", "LineProblem"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a list says of one device; None = it does not say: what is known stays.

    Args:
        serial: Serial number, upper case.
        model: Model, for a device no server describes.
        inventory_no: Number in the inventory; one device each.
        purchased_on: Day of the purchase.
        funding: Who paid (budget line, convention).
        supplier_ref: Reference of the supplier or of the order.
        warranty_until: Last day of the warranty.
        kit: Name of its case.
        place: Where it is kept.
        pool: ``training``, ``ash``, or ``none`` (kept out of both by hand).
    """

    serial: str
    model: str | None = None
    inventory_no: str | None = None
    purchased_on: date | None = None
    funding: str | None = None
    supplier_ref: str | None = None
    warranty_until: date | None = None
    kit: str | None = None
    place: str | None = None
    pool: str | None = None

    def said(self) -> dict[str, str | date]:
        """Return what the list says, by field, serial number left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "serial"}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class FactsLine:
    """One device of a list, and the line it stands on."""

    line: int
    facts: DeviceFacts


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with one line of a list; ``serial`` where it could be read."""

    line: int
    message: Message
    serial: str | None = None
