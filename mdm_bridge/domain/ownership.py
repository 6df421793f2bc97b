"""What people own of a device: its facts, their rules, and what a list of theirs would change."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message

__all__ = [
    "FACTS",
    "POOLS",
    "FieldSet",
    "OwnedDevice",
    "check_days",
    "check_facts",
    "differences",
    "effective_pool",
    "same_name",
]

#: Pools a person may choose; ``none`` keeps the device out of both.
POOLS = ("training", "ash", "none")

#: Facts a person may set, beside state and pool.
FACTS = (
    "inventory_no",
    "model",
    "purchased_on",
    "funding",
    "supplier_ref",
    "warranty_until",
    "kit",
    "place",
)

_DAYS = ("purchased_on", "warranty_until")
_TEXT_MAX = 120


@dataclass(frozen=True, slots=True)
class OwnedDevice:
    """What we hold of a device beside what servers say.

    ``pool_override``: training, ash, none (kept out by hand), or None (as the rules say);
    ``model``: the one a person gave, for a device no server describes; ``kit``: name of its case.
    """

    id: int
    serial: str
    state: str
    state_since: datetime
    pool_override: str | None
    pool_by_rule: str | None
    inventory_no: str | None
    model: str | None
    purchased_on: date | None
    funding: str | None
    supplier_ref: str | None
    warranty_until: date | None
    kit: str | None
    place: str | None
    place_since: datetime | None
    added_by_hand: bool

    @property
    def pool(self) -> str | None:
        """The pool it is in: chosen by hand, else by rule."""
        return effective_pool(self.pool_override, self.pool_by_rule)


@dataclass(frozen=True, slots=True)
class FieldSet:
    """One field, before and after. Values as they are: text, a day, or None."""

    field: str
    old: str | date | None
    new: str | date | None


def effective_pool(override: str | None, by_rule: str | None) -> str | None:
    """Return the pool of a device."""
    if override is None:
        return by_rule
    return None if override == "none" else override


def check_facts(facts: Mapping[str, Any]) -> dict[str, str | date | None]:
    """Return facts as they may be stored: blanks trimmed, an empty text is None.

    Raises:
        InputError: A text is too long or holds control characters, or a day makes no sense.
    """
    return {name: _day(name, value) if name in _DAYS else _text(name, value) for name, value in facts.items()}


def _text(name: str, value: Any) -> str | None:
    text = " ".join(str(value).split()) if value is not None else ""
    if len(text) > _TEXT_MAX or not text.isprintable():
        raise InputError(
            Message(
                "fact_too_long",
                "{field} is one line of at most {most} characters.",
                field=name,
                most=_TEXT_MAX,
            ),
            hint=Message("shorten_fact", "Shorten it; name no person in it."),
        )
    return text or None


def _day(name: str, value: Any) -> date | None:
    if value is None or (isinstance(value, date) and 1990 <= value.year <= 2100):
        return value
    raise InputError(
        Message(
            "day_makes_no_sense", "{field}: {value} is not a day that makes sense.", field=name, value=value
        ),
        hint=Message("day_form", "Write days as 2026-11-24."),
    )


def differences(device: OwnedDevice, facts: Mapping[str, str | date | None]) -> tuple[FieldSet, ...]:
    """Return what the wanted facts (checked) would change of a device.

    Raises:
        InputError: The warranty would end before the purchase.
    """
    check_days(
        device.serial,
        facts.get("purchased_on", device.purchased_on),
        facts.get("warranty_until", device.warranty_until),
    )
    return tuple(
        FieldSet(name, getattr(device, name), wanted)
        for name, wanted in facts.items()
        if not _is_so(name, getattr(device, name), wanted)
    )


def _is_so(name: str, old: str | date | None, new: str | date | None) -> bool:
    if name == "kit" and old is not None and new is not None:
        return same_name(str(old), str(new))
    return old == new


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are one but for capitals."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_days(serial: str, purchased: object, warranty: object) -> None:
    """Check that a warranty does not end before the purchase, where both days are known.

    Raises:
        InputError: It would.
    """
    if isinstance(purchased, date) and isinstance(warranty, date) and warranty < purchased:
        raise InputError(
            Message(
                "warranty_before_purchase",
                "{serial}: the warranty would end ({warranty}) before the purchase ({purchased}).",
                serial=serial,
                warranty=warranty,
                purchased=purchased,
            ),
            hint=Message("correct_days", "Correct one of the two days."),
        )
