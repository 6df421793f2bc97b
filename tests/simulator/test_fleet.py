"""The fleet: the same seed makes the same devices, and every free text is bait."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from mdm_bridge.simulator.catalogue import CATALOGUE_SIZE, IPADS, OS_LADDER
from mdm_bridge.simulator.fleet import INVENTED_NAMES, MAX_APPS, make_fleet
from mdm_bridge.simulator.models import Snapshot

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
NEUTRAL = re.compile(r"[A-Za-z]{2,12}[ _-]?[0-9]{1,6}")


def fleet(size: int = 24, seed: int = 1, **more: object) -> Snapshot:
    return make_fleet(size, seed=seed, now=NOW, **more)  # type: ignore[arg-type]


def test_same_seed_same_fleet_other_seed_other_fleet() -> None:
    assert fleet() == fleet()
    assert set(fleet(seed=2).devices).isdisjoint(fleet(seed=1).devices)


def test_ten_training_first_then_adapted_then_some_of_each() -> None:
    groups = [[one.group_ids[:1] for one in fleet(60).listed][place] for place in range(60)]
    assert groups[:10] == [(4,)] * 10
    assert groups[10:22] == [(3,)] * 12
    assert Counter(groups[22:]).keys() >= {(), (3,), (4,)}


def test_n_counts_the_ipads_alone() -> None:
    classes = Counter(one.device_class for one in fleet(30).listed)
    assert classes == {"ipad": 30, "iphone": 1, "mac": 1}
    assert sum(one.in_trash for one in fleet(30).devices.values()) == 1


def test_a_plain_fleet_has_ipads_without_oddities_only() -> None:
    plain = fleet(40, plain=True)
    assert len(plain.devices) == 40
    assert all(not one.quirks and one.device_class == "ipad" and one.asset_tag for one in plain.listed)
    assert all(NEUTRAL.fullmatch(one.name) for one in plain.listed)


def test_serials_and_udids_never_repeat() -> None:
    large = fleet(20_000, apps_per_device=0)
    assert len(large.devices) == 20_003
    assert len(large.by_udid) == 20_003


@pytest.mark.parametrize("count", [0, 1, 14, MAX_APPS])
def test_the_number_of_apps_is_exact(count: int) -> None:
    ipads = [one for one in fleet(50, apps_per_device=count).listed if one.device_class == "ipad"]
    assert {len(one.apps) for one in ipads} == {count}


def test_a_small_fleet_has_five_to_thirteen_apps_and_one_nobody_manages() -> None:
    made = fleet(200)
    ipads = [one for one in made.listed if one.device_class == "ipad"]
    assert {len(one.apps) for one in ipads} <= set(range(5, 14))
    assert any(bundle not in made.store for one in ipads for bundle in one.apps)
    assert MAX_APPS <= CATALOGUE_SIZE == len(made.apps)


def test_licences_are_never_fewer_than_installed_apps() -> None:
    made = fleet(50)
    for app in made.apps.values():
        assert app.licences == made.installed.get(app.bundle_id, 0) + app.spare


def test_most_names_are_neutral_and_a_few_name_somebody() -> None:
    names = [one.name for one in fleet(200).listed if one.device_class == "ipad"]
    telling = [name for name in names if not NEUTRAL.fullmatch(name)]
    assert 0.05 < len(telling) / len(names) < 0.2
    assert all(any(word in name for word in INVENTED_NAMES) for name in telling)


def test_models_and_versions_are_plausible() -> None:
    for one in fleet(300).listed:
        if one.device_class == "ipad":
            assert one.model in IPADS
            assert one.os_version in OS_LADDER
            assert 0 < one.available < one.capacity
            assert one.contact_at <= NOW


def test_invented_words_are_rare_enough_to_search_for() -> None:
    assert len(set(INVENTED_NAMES)) == len(INVENTED_NAMES) >= 15
    assert all(len(word) >= 8 and word.isalpha() for word in INVENTED_NAMES)
