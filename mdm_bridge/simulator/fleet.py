"""A fleet made from a seed: the same seed and size give the same devices, always.

The first ten iPads are the training ones, the next twelve adapted tablets; of the rest one in ten
is in no group we know, three are for training and six adapted. An iPhone, a Mac and a device in
the trash come on top unless the fleet is ``plain``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from mdm_bridge.simulator.catalogue import (
    ASH_GROUP,
    GROUPS,
    INVENTED_NAMES,
    IPADS,
    IPHONE,
    LOCATIONS,
    MAC,
    NEED_GROUP,
    OS_LADDER,
    PLACE_GROUP,
    PROFILES,
    SMART_GROUP,
    TELLING_APPS,
    TRAINING_GROUP,
    UNMANAGED_APPS,
    make_apps,
    make_people,
)
from mdm_bridge.simulator.dice import Dice, version_at
from mdm_bridge.simulator.evolution import day_of, last_contact_before
from mdm_bridge.simulator.models import Device, Model, Snapshot, StoreApp

__all__ = ["INVENTED_NAMES", "MAX_APPS", "make_device", "make_fleet"]

#: The most apps one device can have.
MAX_APPS = 60

_SERIAL_LETTERS = "CDFGHJKLMNPQRTVWXY0123456789"
_HEXADECIMAL = "0123456789ABCDEF"
_CHIPS = ("00008020", "00008027", "00008030", "00008101", "00008103", "00008110")
_FIRST_ADAPTED = 10
_FIRST_OF_REST = 22
_CYCLE = 40

#: Oddities of rows, by place in each forty devices.
_QUIRKS: Mapping[int, str] = {
    2: "capacity_text",
    4: "battery_unknown",
    6: "booleans_as_numbers",
    8: "owner_list",
    11: "booleans_as_text",
    13: "owner_empty",
    15: "model_list",
    17: "no_asset_tag",
    19: "managed_unknown",
}
_NAMES: Mapping[int, str] = {
    3: "iPad de Léa Zzyzxova",
    12: "Tablette Brizoukhan Noé",
    14: "Élève Quorvaline",
    18: "iPad de Malo (Trezgwenn)",
}
_TAGS: Mapping[int, str] = {16: "Tablette de Zoé Plouvéjik"}
_WITHOUT_OWNER = frozenset({"owner_list", "owner_empty"})


def make_fleet(
    size: int, *, seed: int, now: datetime, apps_per_device: int | None = None, plain: bool = False
) -> Snapshot:
    """Make the first state of a server.

    Args:
        size: Number of iPads.
        seed: Any whole number.
        now: Present instant of the virtual clock, aware.
        apps_per_device: Exact number of apps of each iPad, at most ``MAX_APPS``; None: 5 to 13.
        plain: Neither oddities nor devices other than the iPads.
    """
    apps = make_apps()
    made = [make_device(index, seed=seed, now=now, apps=apps, count=apps_per_device) for index in range(size)]
    if not plain:
        made = [_with_oddities(device) for device in made]
        made += _others(size, seed, now, apps)
    used = Counter(bundle_id for device in made if not device.in_trash for bundle_id in device.apps)
    return Snapshot(
        number=1,
        now=now,
        devices={device.serial: device for device in made},
        groups={group.id: group for group in GROUPS},
        apps={app.id: replace(app, licences=used[app.bundle_id] + app.spare) for app in apps},
        people={person.id: person for person in make_people()},
        locations={place.id: place for place in LOCATIONS},
        profiles={profile.id: profile for profile in PROFILES},
    )


def make_device(
    index: int,
    *,
    seed: int,
    now: datetime,
    apps: tuple[StoreApp, ...],
    count: int | None = None,
    model: Model | None = None,
    serial: str | None = None,
) -> Device:
    """Make one device of a fleet.

    Args:
        index: Its place, which decides its pool.
        count: Exact number of apps, or None for a likely one.
        model: Another model than the one chance gives.
        serial: Another serial number than the one chance gives.
    """
    model = model or IPADS[Dice(seed, "model", index).number(0, len(IPADS))]
    serial = serial or _serial(seed, index)
    if _sleeps(index):
        contact_at = now - timedelta(days=20 + Dice(seed, "asleep", index).number(0, 40))
    else:
        contact_at = last_contact_before(seed, serial, now)
    installed = _installed(index, seed, _group(index), day_of(contact_at), apps, count)
    return _described(index, seed, model, serial, contact_at, installed)


def _described(
    index: int, seed: int, model: Model, serial: str, contact_at: datetime, apps: dict[str, str]
) -> Device:
    """Return a device whose other facts follow from its place and chance."""
    dice, pool = Dice(seed, "device", index), _group(index)
    return Device(
        index=index,
        serial=serial,
        udid=f"{_CHIPS[dice.number(2, len(_CHIPS))]}-{Dice(seed, 'udid', serial).text(_HEXADECIMAL, 16)}",
        device_class=model.family.casefold(),
        name=_name(index, pool),
        asset_tag=f"PN-{index + 1:03d}",
        model=model,
        os_version=_os(model, dice),
        location_id=1 + index % 2 if pool == ASH_GROUP else 0,
        group_ids=_groups(index, pool, _sleeps(index)),
        owner_id=41 + index % 12 if pool == ASH_GROUP else 0,
        battery=round(0.2 + 0.8 * dice.fraction(3), 2),
        capacity=model.capacity,
        available=round(model.capacity * (0.2 + 0.6 * dice.fraction(4)), 2),
        contact_at=contact_at,
        enroll_type=("dep", "dep", "dep", "ac2", "manual")[dice.number(5, 5)],
        dep_profile="Profil Mlopzerie" if pool == ASH_GROUP else "Profil Krindolfe",
        notes="Prêt suivi : trouble Vizuquel" if pool == ASH_GROUP else "Rangée chez Mme Bwalquist",
        apps=apps,
        ip=f"10.{200 + index // 40_000 % 50}.{100 + index // 200 % 150}.{50 + index % 200}",
        wifi_mac=_mac("a6", index),
        bluetooth_mac=_mac("ae", index),
        supervised=index % 17 != 16,
        cellular=index % 9 == 5,
        sleeper=_sleeps(index),
        region=index % 5 == 1,
    )


def _sleeps(index: int) -> bool:
    return index % 13 == 7


def _group(index: int) -> int:
    """Return the group that decides the pool, 0 for none."""
    if index < _FIRST_ADAPTED:
        return TRAINING_GROUP
    if index < _FIRST_OF_REST:
        return ASH_GROUP
    place = (index - _FIRST_OF_REST) % 10
    return 0 if place == 0 else ASH_GROUP if place < 7 else TRAINING_GROUP


def _groups(index: int, pool: int, sleeper: bool) -> tuple[int, ...]:
    groups = [pool] if pool else []
    if pool == ASH_GROUP and index % 3 == 1:
        groups.append(NEED_GROUP)
    if pool == ASH_GROUP and index % 4 == 2:
        groups.append(PLACE_GROUP)
    if sleeper:
        groups.append(SMART_GROUP)
    return tuple(groups)


def _name(index: int, pool: int) -> str:
    if pool == TRAINING_GROUP:
        return f"FORM-{index + 1:02d}"
    return f"PRET-{index + 1:02d}" if pool == ASH_GROUP else f"iPad {index + 1:02d}"


def _os(model: Model, dice: Dice) -> str:
    newest = OS_LADDER.index(model.newest_os or "26.1")
    return OS_LADDER[max(0, newest - dice.number(6, 4))]


def _serial(seed: int, index: int) -> str:
    """Return ten letters and digits; five of them are the index, scattered, so that no two agree."""
    dice, base = Dice(seed, "serial", index), len(_SERIAL_LETTERS)
    # The factor shares no divisor with the base: every index gets another place.
    place = (index * 11_111_117 + Dice(seed, "serials").number(0, 65_536)) % base**5
    own = ""
    for _ in range(5):
        place, digit = divmod(place, base)
        own += _SERIAL_LETTERS[digit]
    return dice.text(_SERIAL_LETTERS[:-10], 1) + own + dice.text(_SERIAL_LETTERS, 5)[1:]


def _mac(prefix: str, index: int) -> str:
    return f"{prefix}:5e:0d:{index >> 16 & 255:02x}:{index >> 8 & 255:02x}:{index & 255:02x}"


def _installed(
    index: int, seed: int, pool: int, day: int, apps: tuple[StoreApp, ...], count: int | None
) -> dict[str, str]:
    """Return bundle ids and versions; some devices are an update behind, some have apps of their own."""
    dice = Dice(seed, "apps", index)
    own = _own_apps(index, pool)
    if count is None:
        wanted, choice = 5 + dice.number(0, 8), apps[:14]
    else:
        own = own[:count]
        wanted, choice = count - len(own), apps
    start, step = dice.number(1, len(choice)), 1 if len(choice) == 14 else 3
    behind = 12 if dice.number(2, 5) == 0 else 0
    chosen = [choice[(start + place * step) % len(choice)].bundle_id for place in range(wanted)]
    return {bundle_id: version_at(bundle_id, day - behind) for bundle_id in (*chosen, *own)}


def _own_apps(index: int, pool: int) -> list[str]:
    if pool == ASH_GROUP and index % 3 == 0:
        return [TELLING_APPS[index // 3 % len(TELLING_APPS)][0]]
    if index % 6 == 4:
        return [UNMANAGED_APPS[index // 6 % len(UNMANAGED_APPS)][0]]
    return []


def _with_oddities(device: Device) -> Device:
    place = device.index % _CYCLE
    quirk = _QUIRKS.get(place)
    return replace(
        device,
        quirks=frozenset({quirk}) if quirk else frozenset(),
        name=_NAMES.get(place, device.name),
        asset_tag="" if quirk == "no_asset_tag" else _TAGS.get(place, device.asset_tag),
        owner_id=0 if quirk in _WITHOUT_OWNER else device.owner_id,
        battery=None if quirk == "battery_unknown" else device.battery,
    )


def _others(size: int, seed: int, now: datetime, apps: tuple[StoreApp, ...]) -> list[Device]:
    """Return an iPhone and a Mac, which are listed, and an iPad in the trash, which is not."""

    def made(place: int, model: Model) -> Device:
        return make_device(size + place, seed=seed, now=now, apps=apps, count=2, model=model)

    phone = replace(
        made(0, IPHONE), name="iPhone de Jade Oxquerelle", group_ids=(), asset_tag="", sleeper=True
    )
    mac = replace(
        made(1, MAC), name="MacBook Kwardoune", group_ids=(), asset_tag="", sleeper=True, os_version="15.7"
    )
    binned = replace(made(2, IPADS[0]), name="iPad de Tom Gwizdelaar", in_trash=True, sleeper=True)
    return [phone, mac, binned]
