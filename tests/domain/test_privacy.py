"""What of a device's free text may be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.inventory import Sighting
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.domain.privacy import minimise

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
POLICY = ServerPolicy(PARIS)

NEUTRAL = [
    "FORM-07", "FORM07", "iPad 12", "IPAD_3", "PRET-03", "Prêt 3", "TAB-K7Q2", "12-0042", "0042", "7/12", "Tablette 3",
    "TABLET.4", "Tablette formation 3", "iPad FORM-07", "MPA 2", "ASH-07", "INV-123456", "NUM 5", "VALISE-2",
]  # fmt: skip
TELLING = [
    "LEA 2", "EMMA7", "LEA-02", "iPad de Léa", "Léa", "Lea 12", "iPad Lea 12", "FORM-07 Lea", "MARTIN", "ULIS 3",
    "TAB-EMMA", "iPad", "12.03.2014", "06.12.34.56.78", "0612345678", "iPad 0612345678", "٣",
]  # fmt: skip


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_names_are_kept(name):
    assert POLICY.name_is_neutral(name)
    assert POLICY.tag_is_neutral(name)


@pytest.mark.parametrize("name", TELLING)
def test_names_that_may_be_somebodys_are_not(name):
    assert not POLICY.name_is_neutral(name)


@pytest.mark.parametrize("tag", ["PN-001", "T-07", "F07", "X 2024/07", "AB.12-34"])
def test_a_short_series_with_a_number_is_a_tag(tag):
    assert POLICY.tag_is_neutral(tag)


@pytest.mark.parametrize(
    "tag", ["EMMA7", "LUCAS-07", "LEA", "07-LEA", "A-1", "CM2-LEA-07", "PN-00A", "PN-001\n", "LEA--07"]
)
def test_other_tags_are_not_kept(tag):
    assert not POLICY.tag_is_neutral(tag)


def test_a_prefix_named_in_the_settings_makes_a_tag():
    rule = PoolRule("ash", Criteria(tag_prefix="PARC-NORD-"))
    for policy in (ServerPolicy(PARIS, rules=(rule,)), ServerPolicy(PARIS, scope=rule.criteria)):
        assert policy.tag_is_neutral("PARC-NORD-7")
        assert not policy.tag_is_neutral("PARC-NORD-LEA")
        assert not policy.tag_is_neutral("PARC-NORD-")
    assert not POLICY.tag_is_neutral("PARC-NORD-7")


@pytest.mark.parametrize(("name", "kept"), [("TAB-KQRT", "TAB-KQRT"), ("TAB-EMMA", None)])
def test_the_name_proposed_for_a_device_is_kept(name, kept):
    found = minimise(Sighting("1", "F9FXXXKQRT", name=name), POLICY, {}, NOW)
    assert found.observation.name == kept
    assert [message.code for message in found.warnings] == ([] if kept else ["name_may_identify"])
