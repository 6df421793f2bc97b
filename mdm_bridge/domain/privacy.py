"""What of a sighting may be kept, decided before anything is written anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mdm_bridge.domain.inventory import InstalledApp, Observation, Sighting
from mdm_bridge.domain.policy import ServerPolicy
from mdm_bridge.messages import Message

__all__ = [
    "CLOCK_TOLERANCE",
    "Kept",
    "activity_day",
    "apps_to_name",
    "day_of_contact",
    "may_stay",
    "minimise",
    "proposed_name",
]

#: A contact later than this after our own clock is not believed.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Kept:
    """An observation that may be stored, and what a person should know about it.

    ``settled`` is False when the same row would be judged differently later (a contact in the
    future): its hash must not be remembered.
    """

    observation: Observation
    warnings: tuple[Message, ...] = ()
    settled: bool = True


def minimise(
    seen: Sighting, policy: ServerPolicy, overrides: Mapping[str, str | None], now: datetime
) -> Kept:
    """Reduce a sighting to what may be kept.

    Args:
        seen: What the server lists.
        policy: The settings of this server.
        overrides: Pool chosen by hand, by serial (None: kept out of every pool).
        now: Present instant; a later contact is unknown.

    Returns:
        The observation, with free text judged: a name that does not match the pattern is None, a
        group is kept only when a rule, the scope or a catalog mentions it.
    """
    judged = _Judgement()
    by_rule = _pool_by_rule(seen, policy, judged)
    pool = overrides.get(seen.serial, by_rule)
    name = _kept_name(seen, policy, judged)
    contact = _believed_contact(seen, now, judged)
    observation = Observation(
        remote_id=seen.remote_id,
        serial=seen.serial,
        udid=seen.udid,
        name=name,
        name_masked=name is None and seen.name is not None,
        asset_tag=_kept_tag(seen, policy, judged),
        model=seen.model,
        model_identifier=seen.model_identifier,
        os_version=seen.os_version,
        supervised=seen.supervised,
        managed=seen.managed,
        battery_percent=seen.battery_percent,
        capacity_gb=seen.capacity_gb,
        available_gb=seen.available_gb,
        contact_at=contact,
        last_seen_at=day_of_contact(contact, policy.zone) if contact and pool == "ash" else contact,
        enrolled_at=seen.enrolled_at,
        groups=_known_groups(seen, policy),
        pool=pool,
        pool_by_rule=by_rule,
    )
    return Kept(observation, tuple(judged.warnings), judged.settled)


class _Judgement:
    """What is noticed while one sighting is judged."""

    def __init__(self) -> None:
        self.warnings: list[Message] = []
        self.settled = True


def _pool_by_rule(seen: Sighting, policy: ServerPolicy, judged: _Judgement) -> str | None:
    pools = policy.pools_of(seen)
    if len(pools) > 1:
        judged.warnings.append(
            Message(
                "pool_ambiguous",
                "Several pool rules take this device: {pools}. The first one was used.",
                pools=", ".join(pools),
            )
        )
    return pools[0] if pools else None


def _kept_name(seen: Sighting, policy: ServerPolicy, judged: _Judgement) -> str | None:
    # The serial number is kept anyway: what we made of it says nothing more.
    if seen.name is None or policy.name_is_neutral(seen.name) or seen.name == proposed_name(seen.serial):
        return seen.name
    judged.warnings.append(
        Message(
            "name_may_identify",
            "The device name may identify a person: it was not kept. Proposed name: {proposed}.",
            proposed=proposed_name(seen.serial),
        )
    )
    return None


def _kept_tag(seen: Sighting, policy: ServerPolicy, judged: _Judgement) -> str | None:
    tag = seen.asset_tag
    if tag is None or policy.tag_is_neutral(tag):
        return tag
    judged.warnings.append(
        Message("tag_may_identify", "The asset tag may identify a person: it was not kept.")
    )
    return None


def _believed_contact(seen: Sighting, now: datetime, judged: _Judgement) -> datetime | None:
    if seen.contact_at is None or seen.contact_at <= now + CLOCK_TOLERANCE:
        return seen.contact_at
    # The same row will mean something else later: its hash must not be remembered.
    judged.settled = False
    judged.warnings.append(
        Message("contact_in_future", "The last contact lies in the future: it is taken as unknown.")
    )
    return None


def _known_groups(seen: Sighting, policy: ServerPolicy) -> tuple[str, ...] | None:
    if seen.groups is None:
        return None
    kept = policy.kept_groups()
    return tuple(sorted({name for name in seen.groups if name.casefold() in kept}))


def may_stay(field: str, value: str, serial: str, *, policy: ServerPolicy) -> bool:
    """Tell whether a text kept earlier, perhaps under other rules, may stay.

    Args:
        field: ``name``, ``asset_tag``, or ``groups``.
        value: The name, the tag, or the name of one group.
        serial: Serial number of the device.
        policy: The present rules of the server that told it.
    """
    if field == "groups":
        return value.casefold() in policy.kept_groups()
    if field == "asset_tag":
        return policy.tag_is_neutral(value)
    return policy.name_is_neutral(value) or value == proposed_name(serial)


def proposed_name(serial: str) -> str:
    """Return a neutral name for a device whose name was not kept."""
    return f"TAB-{serial[-4:]}"


def day_of_contact(instant: datetime, zone: ZoneInfo) -> datetime:
    """Cut a contact to its local day: midnight UTC of that calendar day."""
    local = instant.astimezone(zone)
    return datetime(local.year, local.month, local.day, tzinfo=UTC)


def apps_to_name(
    apps: Sequence[InstalledApp], pool: str | None, ours: frozenset[str]
) -> tuple[Sequence[InstalledApp], int]:
    """Return the apps that may be named and how many more there are.

    On a device of the ash pool only the apps we manage are named: the others say something about
    a pupil. Elsewhere all are.
    """
    if pool != "ash":
        return apps, 0
    named = [app for app in apps if app.managed or app.bundle_id in ours]
    return named, len({app.bundle_id for app in apps}) - len({app.bundle_id for app in named})


def activity_day(contact: datetime | None, zone: ZoneInfo, pool: str | None) -> date | None:
    """Return the day an activity row stands for: the local day of the contact, or its week.

    For the ash pool it is the Monday of the week: how often a pupil's tablet is used is nobody's
    business day by day.
    """
    if contact is None:
        return None
    day = contact.astimezone(zone).date()
    return day - timedelta(days=day.weekday()) if pool == "ash" else day
