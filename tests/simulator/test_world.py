"""Time in the simulated world: repeatable, independent of the size of the steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.simulator.dice import parse_span, version_at
from mdm_bridge.simulator.fleet import INVENTED_NAMES
from mdm_bridge.simulator.world import World

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def world(size: int = 24, seed: int = 1) -> World:
    return World(size, seed=seed, start=START, zone=ZoneInfo("Europe/Paris"))


def test_a_day_in_one_step_or_in_twenty_four_is_the_same_day() -> None:
    once, often = world(), world()
    once.advance(timedelta(days=3))
    for _ in range(72):
        often.advance(timedelta(hours=1))
    assert once.current.devices == often.current.devices
    assert once.now == often.now == START + timedelta(days=3)


def test_the_future_depends_on_the_seed() -> None:
    one, same, other = world(), world(), world(seed=2)
    for each in (one, same, other):
        each.advance(timedelta(days=2))
    assert one.current.devices == same.current.devices
    assert one.current.devices != other.current.devices


def test_a_day_is_interesting() -> None:
    before = world(60)
    devices = before.current.devices
    before.advance(timedelta(days=1))
    pairs = [(devices[key], one) for key, one in before.current.devices.items()]
    seen = [pair for pair in pairs if pair[0].contact_at != pair[1].contact_at]
    assert 30 <= len(seen) < len(pairs), "most check in, some do not"
    assert any(a.os_version != b.os_version for a, b in pairs)
    assert any(set(b.apps) - set(a.apps) for a, b in pairs), "an app was installed"
    assert any(set(a.apps) & set(b.apps) and a.apps != b.apps for a, b in pairs)
    assert all(START < b.contact_at <= before.now for _, b in seen)


def test_nobody_gains_more_room_than_the_device_has() -> None:
    here = world(60)
    here.advance(timedelta(days=60))
    assert all(0 < one.available < one.capacity for one in here.current.devices.values())


def test_some_devices_never_check_in() -> None:
    here = world(30)
    here.advance(timedelta(days=10))
    silent = [one for one in here.current.devices.values() if one.contact_at <= START]
    assert silent
    assert all(one.sleeper for one in silent)


def test_the_clock_does_not_go_back() -> None:
    here = world()
    with pytest.raises(ValueError, match="forward"):
        here.set_clock(START - timedelta(seconds=1))
    assert here.current.number == 1


def test_a_wiped_device_keeps_its_udid_and_loses_its_apps() -> None:
    here = world()
    serial = next(iter(here.current.devices))
    old = here.current.devices[serial]
    here.wipe([serial])
    new = here.current.devices[serial]
    assert (new.udid, new.name, dict(new.apps)) == (old.udid, "iPad", {})


def test_enrolled_again_means_another_udid_each_time() -> None:
    here = world()
    serial = next(iter(here.current.devices))
    udids = {here.current.devices[serial].udid}
    for _ in range(3):
        here.re_enrol([serial])
        udids.add(here.current.devices[serial].udid)
    assert len(udids) == 4


def test_texts_to_search_for_include_those_of_before() -> None:
    here = world()
    device = next(iter(here.current.devices.values()))
    here.put([replace(device, name="Chez Zzyzxova")])
    here.put([replace(device, name="FORM-01")])
    found = here.secrets_and_names()
    assert "Chez Zzyzxova" in found
    assert set(INVENTED_NAMES) <= found
    assert {device.ip, device.wifi_mac, device.bluetooth_mac} <= found
    assert not {"", "FORM-01", "ASH", "Formation"} & found


def test_every_free_text_of_the_server_is_to_be_searched_for() -> None:
    here = world()
    found = here.secrets_and_names()
    for person in here.current.people.values():
        assert {person.name, person.email, person.username, person.notes} <= found
    for device in here.current.devices.values():
        assert device.notes in found
        assert device.dep_profile in found
    assert {place.name for place in here.current.locations.values()} <= found
    assert "Malentendants" in found


def test_apps_that_tell_are_on_adapted_tablets_only() -> None:
    here = world(100)
    bundle = "fr.exemple.suivi.dysphorzique"
    holders = [one for one in here.current.devices.values() if bundle in one.apps]
    assert holders
    assert all(3 in one.group_ids for one in holders)
    assert bundle in here.secrets_and_names()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("1d", 86_400), ("-2w", -1_209_600), (1.5, 1.5)],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "demain", "1y", "d", "nan", "500d", "1e99", True, "9" * 400])
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_span(text)


def test_versions_only_grow() -> None:
    numbers = [float(version_at("fr.exemple.lecteur", day).split(".")[1]) for day in range(20_000, 22_000)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 100
