"""One device of Jamf School's listing: every quirk of its fields, its apps and its hashes."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from mdm_bridge.domain.inventory import Covers, InstalledApp
from mdm_bridge.errors import BadAnswer
from mdm_bridge.providers.jamf_school.rows import JamfSchoolRow
from tests.providers.jamf_bodies import PARIS, PERSONAL, device, raw_row, row_of, sighted

# -- One device


def test_device_is_decoded():
    seen = sighted()
    assert seen.remote_id == seen.udid == "00008030-000A11112222802E"
    assert (seen.serial, seen.name, seen.asset_tag) == ("F9FXX0AAAA01", "iPad 07", "T-07")
    assert (seen.model, seen.model_identifier) == ("iPad (9th generation)", "iPad12,1")
    assert (seen.os_version, seen.device_class, seen.location) == ("18.5", "ipad", "0")
    assert (seen.supervised, seen.managed) == (True, True)
    assert (seen.battery_percent, seen.capacity_gb, seen.available_gb) == (83, 64.0, 41.27)
    assert seen.contact_at == datetime(2026, 9, 2, 8, 5, tzinfo=UTC)
    assert seen.groups == ("Formation", "Other")
    assert seen.enrolled_at is None


def test_personal_data_is_not_even_decoded():
    row = row_of()
    shown = repr(row) + repr(row.sighting()) + repr(row.apps())
    for text in PERSONAL:
        assert text not in shown


def test_shape_of_a_single_device_is_read_as_well():
    seen = sighted(
        model={"name": "iPad", "identifier": "iPad12,1", "type": {"value": "iPad"}},
        lastCheckin={"date": "2026-09-02 10:05:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"},
        deviceEnrollType="dep",
        owner={},
        groupIds=[1, 2, 3],
        isManaged=1,
    )
    assert seen.contact_at == datetime(2026, 9, 2, 8, 5, tzinfo=UTC)
    assert seen.managed is True
    assert seen.model == "iPad"


@pytest.mark.parametrize("owner", [{}, [], {"id": 0, "vpp": []}, None, "nobody", 0])
def test_owner_of_any_shape_changes_nothing(owner):
    assert sighted(owner=owner) == sighted()


@pytest.mark.parametrize("name", ["enrollType", "deviceEnrollType"])
def test_either_name_of_the_enrolment_type(name):
    assert row_of(without=("enrollType",), **{name: {"value": "dep"}}).sighting() == sighted()


def test_model_and_os_as_lists_of_one():
    row = sighted(
        model=[{"name": "iPad (9th generation)", "identifier": "iPad12,1", "type": {"value": "iPad"}}],
        os=[{"prefix": "iOS", "version": "18.5"}],
    )
    assert row == sighted()


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_empty_model_and_os_are_unknown(nothing):
    seen = sighted(model=nothing, os=nothing)
    assert (seen.model, seen.model_identifier, seen.os_version) == (None, None, None)


@pytest.mark.parametrize(
    ("system", "version"),
    [
        ({"prefix": "iOS", "version": "18.5"}, "18.5"),
        ({"prefix": "iOS", "version": "iOS 18.5"}, "18.5"),
        ({"prefix": "", "version": "iPadOS 18.5"}, "18.5"),
        ({"version": 18}, "18"),
        ({"prefix": "iOS", "version": ""}, None),
        ({"prefix": "iOS"}, None),
    ],
)
def test_os_version(system, version):
    assert sighted(os=system).os_version == version


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (True, True), (False, False), (1, True), (0, False), ("1", True), ("0", False), ("", None),
        (None, None), ("true", True), ("False", False), (2, None), ("perhaps", None), (-1, None),
    ],
)  # fmt: skip
def test_booleans_have_three_states(value, known):
    seen = sighted(isManaged=value, isSupervised=value)
    assert (seen.managed, seen.supervised) == (known, known)


@pytest.mark.parametrize(
    ("value", "percent"),
    [
        (0.83, 83), (0.985, 99), (0, 0), (1, 100), (1.0, 100), ("0.5", 50), (-1, None), (-1.0, None),
        (83, None), (1.01, None), (-0.2, None), ("full", None), ("", None), (None, None), (True, None),
        ("nan", None), ("inf", None),
    ],
)  # fmt: skip
def test_battery(value, percent):
    assert sighted(batteryLevel=value).battery_percent == percent


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (41.27, 41.27), ("41.27", 41.27), ("41,27", 41.27), (41.278, 41.28), (0, 0.0), (-1, None),
        ("", None), ("?", None), (None, None), (1e300, None), (10**400, None),
    ],
)  # fmt: skip
def test_free_space_as_number_or_text(value, size):
    assert sighted(availableCapacity=value).available_gb == size


def test_no_capacity_at_all_is_unknown():
    assert sighted(totalCapacity=0).capacity_gb is None


SUMMER = datetime(2026, 9, 2, 8, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-09-02 10:05:00", SUMMER),
        ("2026-09-02 10:05:00.000000", SUMMER),
        ("2026-09-02T10:05:00", SUMMER),
        ("2026-09-02T08:05:00Z", SUMMER),
        ("2026-09-02 10:05:00+02:00", SUMMER),
        ({"date": "2026-09-02 10:05:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"}, SUMMER),
        ({"date": "2026-09-02 08:05:00.000000", "timezone_type": 3, "timezone": "UTC"}, SUMMER),
        ({"date": "2026-09-02 04:05:00", "timezone_type": 3, "timezone": "America/New_York"}, SUMMER),
        ({"date": "2026-09-02 10:05:00", "timezone_type": 1, "timezone": "+02:00"}, SUMMER),
        ({"date": "2026-09-02 10:05:00", "timezone": "../../etc/passwd"}, SUMMER),
        ({"date": "2026-09-02 10:05:00", "timezone": "Nowhere/Land"}, SUMMER),
        ({"date": "2026-09-02 10:05:00"}, SUMMER),
        ({"date": "whatever", "epoch": 1788336300}, SUMMER),
        ({"epoch": "1788336300"}, SUMMER),
        (1788336300, SUMMER),
        ("1788336300", SUMMER),
        ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first of two
        ("2026-03-29 02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # a time that never was
        ("", None), (None, None), (0, None), ({}, None), ([], None), ({"date": ""}, None),
        ("0000-00-00 00:00:00", None), ("1970-01-01 00:00:00", None), ("yesterday", None),
        ("2026-09-02", None), ("2026-13-45 10:05:00", None), (1e300, None), (-5, None), (True, None),
        ({"date": 5}, None), ("0001-01-01 00:00:00", None),
    ],
)  # fmt: skip
def test_last_contact(value, instant):
    assert sighted(lastCheckin=value).contact_at == instant


def test_zone_is_that_of_the_server():
    raw = msgspec.Raw(json.dumps(device()).encode())
    seen = JamfSchoolRow(raw, ZoneInfo("America/Cayenne")).sighting()
    assert seen.contact_at == datetime(2026, 9, 2, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("T-07", "T-07"), (" T-07 ", "T-07"), ({"text": "T-07"}, "T-07"), ({"value": "T-07"}, "T-07"),
        ("", None), (" ", None), (None, None), ({}, None), ([], None), ({"text": ""}, None), (7, "7"),
        ("a\u0000b\u202ec", "abc"), ("a\u00a0b", "a\u00a0b"),
    ],
)  # fmt: skip
def test_texts(value, text):
    assert sighted(assetTag=value).asset_tag == text


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        (["B", "A", "B", "", " "], ("B", "A")), ([], ()), ({}, ()), (None, None), ("", None),
    ],
)  # fmt: skip
def test_groups(value, groups):
    assert sighted(groups=value).groups == groups


def test_absent_fields_are_unknown():
    seen = raw_row(b'{"UDID":"u","serialNumber":"ABC1"}').sighting()
    assert (seen.remote_id, seen.serial) == ("u", "ABC1")
    assert {seen.name, seen.managed, seen.battery_percent, seen.groups, seen.contact_at, seen.location} == {
        None
    }


@pytest.mark.parametrize("kind", ["iphone", "mac", "IPAD"])
def test_class_is_told_in_lower_case(kind):
    assert sighted(**{"class": kind}).device_class == kind.lower()


def test_class_falls_back_on_the_model():
    assert sighted(**{"class": ""}).device_class == "ipad"


def test_what_lies_in_the_trash_is_not_managed():
    assert sighted(inTrash="1").managed is False
    assert sighted(inTrash=False).managed is True


@pytest.mark.parametrize("serial", ["", "  ", None, 12345, {"a": 1}, "né à l'école", "x" * 65])
def test_row_without_usable_serial_has_none(serial):
    row = row_of(serialNumber=serial)
    assert row.serial == ""
    assert row.remote_id == "00008030-000A11112222802E"


def test_row_without_udid_has_no_remote_id():
    assert row_of(UDID=None).remote_id == ""
    assert row_of(UDID=5).remote_id == row_of(UDID=5).sighting().remote_id == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", {"first": "Zorglubine"}), ("name", ["Zorglubine"]), ("assetTag", {"x": "Zorglubine"}),
        ("model", "Zorglubine"), ("model", [{}, {}]), ("os", 18), ("groups", "Zorglubine"),
        ("groups", [{"name": "Zorglubine"}]), ("groups", {"a": "Zorglubine"}), ("isManaged", ["Zorglubine"]),
        ("batteryLevel", {"level": 1}), ("availableCapacity", [1]), ("lastCheckin", {"day": "Zorglubine"}),
        ("lastCheckin", [1]), ("class", {"x": 1}), ("locationId", [1]), ("serialNumber", {"a": 1}),
        ("isSupervised", {"a": 1}),
    ],
)  # fmt: skip
def test_wrong_structure_names_the_field_and_quotes_nothing(field, value):
    with pytest.raises(BadAnswer) as caught:
        sighted(**{field: value})
    assert caught.value.code == "bad_field"
    assert field in str(caught.value)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error.__context__) + repr(error.__cause__)
    assert "Zorglubine" not in shown


def test_wrong_structure_deep_inside_names_its_place():
    with pytest.raises(BadAnswer, match=r"model\.identifier"):
        sighted(model={"name": "iPad", "identifier": [1]})


@pytest.mark.parametrize(
    "text",
    [
        b"5",
        b"null",
        b"[]",
        b'"x"',
        b'{"UDID":"u","serialNumber":"S1","name":"\xff"}',
        b'{"name":"\\ud800"}',
        b'{"UDID":"\xff"}',
        b'{"os":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_row_that_is_no_device_is_still_a_row(text):
    row = raw_row(text)
    assert len(row.whole_hash) == 16
    with pytest.raises(BadAnswer):
        row.sighting()


@pytest.mark.parametrize("key", ["UDID", "serialNumber", "apps"])
def test_identity_given_twice_is_refused(key):
    text = json.dumps(device()).encode()
    with pytest.raises(BadAnswer, match=key):
        raw_row(text[:-1] + f',"{key}":"OTHER"}}'.encode()).sighting()


def test_the_name_of_a_key_inside_is_no_second_key():
    seen = sighted(owner={"UDID": "x", "serialNumber": "y"}, notes='"UDID": "serialNumber":')
    assert seen.serial == "F9FXX0AAAA01"


# -- Apps


def test_apps():
    assert row_of().apps() == [InstalledApp("com.example.Reader", "Reader", "5.2", None)]


def test_lenient_app_entries():
    apps = [
        {"identifier": "com.A", "name": "A", "version": 5},
        {"identifier": "com.a", "name": "", "version": None},
        {"identifier": "", "name": "no identifier"},
        {"name": "none at all"},
        {"identifier": 7},
        {"identifier": "com.A", "name": "again"},
        {"identifier": "com.b", "name": "B\u0000", "version": True, "icon": {}},
    ]
    assert row_of(apps=apps).apps() == [
        InstalledApp("com.A", "A", "5", None),
        InstalledApp("com.a", None, None, None),
        InstalledApp("com.b", "B", None, None),
    ]


def test_version_written_as_a_number_keeps_its_digits():
    row = raw_row(b'{"apps":[{"identifier":"a","version":1.10}]}')
    assert row.apps() == [InstalledApp("a", None, "1.10", None)]


def test_no_app_list_is_not_an_empty_one():
    for row in (row_of(without=("apps",)), row_of(apps=None), row_of(apps="")):
        assert row.apps() is None
        assert row.apps_hash is None
    empty = row_of(apps=[])
    assert empty.apps() == []
    assert empty.apps_hash is not None


@pytest.mark.parametrize("apps", [{"a": 1}, "Zorglubine", 5, ["Zorglubine"], [None], [[]]])
def test_malformed_app_list(apps):
    row = row_of(apps=apps)
    assert row.sighting().serial == "F9FXX0AAAA01"
    with pytest.raises(BadAnswer, match="apps") as caught:
        row.apps()
    assert caught.value.__context__ is None


# -- Hashes


def test_hashes_tell_what_changed():
    row = row_of()
    assert row.whole_hash == row_of().whole_hash
    assert len(row.whole_hash) == len(row.apps_hash) == 16
    moved = row_of(batteryLevel=0.5)
    assert moved.whole_hash != row.whole_hash
    assert moved.apps_hash == row.apps_hash
    updated = row_of(apps=[{"identifier": "com.example.Reader", "version": "5.3"}])
    assert updated.apps_hash != row.apps_hash


def test_hash_depends_on_zone_and_decoder(monkeypatch):
    raw = msgspec.Raw(json.dumps(device()).encode())
    first = JamfSchoolRow(raw, PARIS)
    known = (first.whole_hash, first.apps_hash)
    assert JamfSchoolRow(raw, ZoneInfo("UTC")).whole_hash != known[0]
    monkeypatch.setattr("mdm_bridge.providers.jamf_school.rows.DECODER_VERSION", 99)
    second = JamfSchoolRow(raw, PARIS)
    assert second.whole_hash != known[0]
    assert second.apps_hash != known[1]


# -- What is left of a malformed row


@pytest.mark.parametrize(
    ("bad", "unread"),
    [
        ({"name": ["Zorglubine"]}, Covers(0)),
        ({"groups": "Formation", "batteryLevel": {"a": 1}}, Covers.GROUPS),
        ({"locationId": {"a": 1}, "assetTag": [1]}, Covers.LOCATION | Covers.ASSET_TAG),
        ({"class": [1], "name": [1]}, Covers(0)),
    ],
)
def test_outline_tells_whose_it_is(bad, unread):
    row = row_of(**bad)
    with pytest.raises(BadAnswer):
        row.sighting()
    outline = row.outline()
    assert outline.seen.device_class == "ipad"
    assert outline.covers == Covers.everything() & ~unread
    assert outline.seen.groups == (None if Covers.GROUPS in unread else ("Formation", "Other"))


@pytest.mark.parametrize("text", [b"[]", b"{", b"5", b'{"class":[1],"model":"x"}', b'{"model":5}'])
def test_no_outline_where_not_even_the_class_is_told(text):
    assert raw_row(text).outline() is None
