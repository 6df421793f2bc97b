"""What happens to devices while the virtual clock moves.

Everything follows from the seed, the device and the day, never from how the clock was moved: one
step of a day and twenty-four of an hour end in the same state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mdm_bridge.simulator.catalogue import OS_LADDER, UNMANAGED_APPS
from mdm_bridge.simulator.dice import Dice, version_at
from mdm_bridge.simulator.models import Device

__all__ = ["Order", "day_of", "evolve", "last_contact_before"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400
_SEARCH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was accepted; it is carried out when the device is reached at ``due_at``."""

    serial: str
    command: str
    due_at: datetime


def day_of(instant: datetime) -> int:
    """Return the days since 1970, in UTC."""
    return (instant - _EPOCH).days


def contacts_on(seed: int, serial: str, day: int) -> list[datetime]:
    """Return when a device checks in on a day, in order; one day in seven it does not."""
    dice = Dice(seed, serial, day)
    if dice.number(0, 7) == 0:
        return []
    midnight = _EPOCH + timedelta(days=day)
    seconds = sorted({6 * 3600 + dice.number(2 + place, 43_200) for place in range(1 + dice.number(1, 3))})
    return [midnight + timedelta(seconds=second) for second in seconds]


def last_contact_before(seed: int, serial: str, now: datetime) -> datetime:
    """Return the latest check-in that is not after ``now``."""
    today = day_of(now)
    for day in range(today, today - _SEARCH_DAYS, -1):
        past = [at for at in contacts_on(seed, serial, day) if at <= now]
        if past:
            return past[-1]
    return now - timedelta(days=_SEARCH_DAYS)


def evolve(
    device: Device,
    *,
    seed: int,
    since: datetime,
    until: datetime,
    orders: Sequence[Order] = (),
    store: frozenset[str] = frozenset(),
) -> Device:
    """Return a device after the time from ``since`` (excluded) to ``until`` (included).

    Args:
        orders: Its accepted commands that become due in that time.
        store: Bundle ids the server keeps up to date.
    """
    moments: list[tuple[datetime, str]] = [(order.due_at, order.command) for order in orders]
    if not device.sleeper and device.managed and not device.in_trash:
        for day in range(day_of(since), day_of(until) + 1):
            times = contacts_on(seed, device.serial, day)
            kinds = ["first", *["again"] * (len(times) - 1)]
            moments += [pair for pair in zip(times, kinds, strict=False) if since < pair[0] <= until]
    for at, kind in sorted(moments):
        device = _erased(device, at) if kind == "wipe" else _checked_in(device, at, kind, seed, store)
    return device


def _checked_in(device: Device, at: datetime, kind: str, seed: int, store: frozenset[str]) -> Device:
    dice, day = Dice(seed, device.serial, at.isoformat()), day_of(at)
    apps = _updated(device.apps, day, dice, store)
    version = device.os_version
    if kind == "first":
        apps = _own_choice(apps, device, day)
        if (day + device.index) % 12 == 0:
            version = next_os(device)
    move = (dice.fraction(1) - 0.5) * 0.8
    return replace(
        device,
        contact_at=at,
        battery=None if device.battery is None else round(0.18 + 0.82 * dice.fraction(0), 2),
        available=round(min(device.capacity * 0.9, max(0.5, device.available + move)), 2),
        apps=apps,
        os_version=version,
    )


def _updated(apps: Mapping[str, str], day: int, dice: Dice, store: frozenset[str]) -> Mapping[str, str]:
    newer = {
        bundle_id: current
        for place, (bundle_id, version) in enumerate(apps.items())
        if bundle_id in store
        and (current := version_at(bundle_id, day)) != version
        and dice.number(2 + place, 5) < 3
    }
    return {**apps, **newer} if newer else apps


def _own_choice(apps: Mapping[str, str], device: Device, day: int) -> Mapping[str, str]:
    """Install an app of the user's own, or remove it, one day in eleven."""
    if (day * 3 + device.index) % 11:
        return apps
    bundle_id = UNMANAGED_APPS[(device.index + day) % len(UNMANAGED_APPS)][0]
    if bundle_id in apps:
        return {known: version for known, version in apps.items() if known != bundle_id}
    return {**apps, bundle_id: version_at(bundle_id, day)}


def next_os(device: Device) -> str:
    """Return the version one step above a device's own, as far as its model goes."""
    if device.os_version not in OS_LADDER:
        return device.os_version
    top = OS_LADDER.index(device.model.newest_os) if device.model.newest_os else len(OS_LADDER) - 1
    return OS_LADDER[min(top, OS_LADDER.index(device.os_version) + 1)]


def _erased(device: Device, at: datetime) -> Device:
    """Return a device wiped and enrolled again at once: same UDID, factory name, no app."""
    return replace(
        device, name="iPad", apps={}, contact_at=at, battery=0.5, available=round(device.capacity * 0.85, 2)
    )
