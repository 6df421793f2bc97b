"""Jamf School's answers and their quirks: real session, real decoding, invented bodies."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
import responses

from mdm_bridge.domain.inventory import Covers, InstalledApp, ServerApp, ServerGroup, ServerProfile
from mdm_bridge.errors import BadAnswer, ServerRefused
from mdm_bridge.net.http import HttpSession, HttpSettings
from mdm_bridge.providers.jamf_school import JamfSchoolSource
from mdm_bridge.providers.jamf_school.rows import JamfSchoolRow

PARIS = ZoneInfo("Europe/Paris")
URL = "https://school.example/api"
PERSONAL = ["Zorglubine", "zorglubine@example.invalid", "10.9.8.7", "aa:bb:cc:dd:ee:ff", "a private note"]


class Key:
    def get_secret_value(self):
        return "the-secret-key"


def device(**changes):
    """Return a device as the list gives it, with its fields changed (None stays None)."""
    row = {
        "UDID": "00008030-000A11112222802E",
        "locationId": 0,
        "serialNumber": "f9fxx0aaaa01",
        "assetTag": "T-07",
        "name": "iPad 07",
        "class": "ipad",
        "isManaged": True,
        "isSupervised": True,
        "enrollType": "dep",
        "depProfile": "P",
        "model": {"name": "iPad (9th generation)", "identifier": "iPad12,1", "type": "iPad"},
        "os": {"prefix": "iOS", "version": "18.5"},
        "owner": {"id": 41, "name": "Zorglubine", "email": "zorglubine@example.invalid"},
        "groups": ["Formation", "Other"],
        "batteryLevel": 0.83,
        "totalCapacity": 64.0,
        "availableCapacity": 41.27,
        "notes": "a private note",
        "lastCheckin": "2026-09-02 10:05:00",
        "networkInformation": {"IPAddress": "10.9.8.7", "WiFiMAC": "aa:bb:cc:dd:ee:ff"},
        "apps": [{"name": "Reader", "identifier": "com.example.Reader", "version": "5.2", "vendor": "V"}],
    }
    return {**row, **changes}


def row_of(*, without=(), **changes):
    fields = {key: value for key, value in device(**changes).items() if key not in without}
    return raw_row(json.dumps(fields).encode())


def raw_row(text):
    return JamfSchoolRow(msgspec.Raw(text), PARIS)


def sighted(**changes):
    return row_of(**changes).sighting()


@pytest.fixture
def source():
    settings = HttpSettings(url=URL, user="1234567", password=Key(), max_attempts=2)
    made = JamfSchoolSource("departement", HttpSession(settings, sleep=lambda _: None), zone=PARIS)
    yield made
    made.close()


@pytest.fixture
def wire():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def listing(*devices, **envelope):
    return {"code": 200, "count": len(devices), "devices": list(devices), **envelope}


def rows_from(source):
    return [row for page in source.pages() for row in page.rows]


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


# -- The listing


def test_listing_is_one_request_with_apps(source, wire):
    wire.get(f"{URL}/devices", json=listing(*[device(serialNumber=f"S{n}") for n in range(1203)]))
    pages = list(source.pages())
    assert [len(page.rows) for page in pages] == [500, 500, 203]
    assert {page.total for page in pages} == {1203}
    assert [row.serial for page in pages for row in page.rows] == [f"S{n}" for n in range(1203)]
    assert source.requests == len(wire.calls) == 1
    sent = wire.calls[0].request
    assert sent.url == f"{URL}/devices?includeApps=true"
    assert sent.headers["X-Server-Protocol-Version"] == "3"
    assert sent.headers["Authorization"] == "Basic MTIzNDU2Nzp0aGUtc2VjcmV0LWtleQ=="


def test_empty_fleet_is_one_empty_page(source, wire):
    wire.get(f"{URL}/devices", json=listing())
    assert [(list(page.rows), page.total) for page in source.pages()] == [([], 0)]


def test_servers_own_count_is_told_even_when_it_disagrees(source, wire):
    wire.get(f"{URL}/devices", json=listing(device(), count=7))
    assert [page.total for page in source.pages()] == [7]


@pytest.mark.parametrize(("count", "total"), [("12", 12), (None, None), (0, 0)])
def test_count_is_read_leniently(source, wire, count, total):
    wire.get(f"{URL}/devices", json=listing(device(), count=count))
    assert next(source.pages()).total == total


def test_listing_without_a_count(source, wire):
    wire.get(f"{URL}/devices", json={"devices": [device()]})
    assert next(source.pages()).total is None


def test_a_bad_row_does_not_lose_the_others(source, wire):
    wire.get(f"{URL}/devices", json=listing(device(), 5, device(os=1), device(serialNumber="")))
    rows = rows_from(source)
    assert [row.serial for row in rows] == ["F9FXX0AAAA01", "", "F9FXX0AAAA01", ""]
    assert rows[0].sighting().serial == "F9FXX0AAAA01"
    for bad in rows[1:3]:
        with pytest.raises(BadAnswer):
            bad.sighting()


def test_iphones_and_macs_are_listed_with_their_class(source, wire):
    wire.get(
        f"{URL}/devices", json=listing(device(), device(**{"class": "mac"}), device(**{"class": "iphone"}))
    )
    assert [row.sighting().device_class for row in rows_from(source)] == ["ipad", "mac", "iphone"]
    assert source.classes == {"ipad"}


def test_byte_order_mark_is_skipped(source, wire):
    wire.get(f"{URL}/devices", body=b"\xef\xbb\xbf" + json.dumps(listing(device())).encode())
    assert len(rows_from(source)) == 1


GOOD = json.dumps(listing(device()))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "html_answer"),
        (b"\n  <html>", "html_answer"),
        (b"", "not_json"),
        (b"OK", "not_json"),
        (GOOD[:-30].encode(), "not_json"),
        (GOOD.encode() + b"x", "not_json"),
        (b'{"devices":[NaN]}', "not_json"),
        (b'{"devices":[{"batteryLevel":Infinity}]}', "not_json"),
        (b'{"message":"\xff\xfe"}', "not_json"),
        (b'{"devices":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}", "not_json"),
        (b"[]", "bad_field"),
        (b'"x"', "bad_field"),
        (b"{}", "bad_field"),
        (b'{"devices":{}}', "bad_field"),
        (b'{"devices":null}', "bad_field"),
        (b'{"devices":[],"count":"many"}', "bad_field"),
        (b'{"devices":[],"count":-1}', "bad_field"),
        (b'{"devices":[],"count":true}', "bad_field"),
        (b'{"devices":[{}],"devices" :[]}', "bad_field"),
        (b'{"devices":[],"count":0,"count":1}', "bad_field"),
        (b'{"code":500,"message":"Something broke"}', "failure_in_answer"),
        (b'{"code":"404","message":"LocationNotFound"}', "failure_in_answer"),
        (b'{"code":500,"message":"x","devices":[]}', "failure_in_answer"),
        (b'{"code":200,"message":"DeviceNotFound","devices":[]}', "failure_in_answer"),
        (b'{"code":0,"message":"no"}', "failure_in_answer"),
        (b'{"error":{"code":500,"message":"no"}}', "failure_in_answer"),
        (b'{"error":"no","devices":[]}', "failure_in_answer"),
    ],
)
def test_answer_that_is_no_listing(source, wire, body, code):
    wire.get(f"{URL}/devices", body=body)
    with pytest.raises(BadAnswer) as caught:
        list(source.pages())
    assert caught.value.code == code
    assert str(caught.value.hint)
    assert source.requests == 1


@pytest.mark.parametrize("code", [405, "405"])
def test_missing_permission_in_a_body_of_success(source, wire, code):
    text = "Requested method (GET) not allowed using this API key"
    wire.get(f"{URL}/devices", json={"error": {"code": code, "message": text}})
    with pytest.raises(ServerRefused) as caught:
        list(source.pages())
    assert caught.value.code == "permission_missing"


def test_wrong_key_in_a_body_of_success(source, wire):
    wire.get(f"{URL}/devices", json={"code": 401, "message": "nope"})
    with pytest.raises(ServerRefused):
        list(source.pages())


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (405, '{"error":{"code":405,"message":"not allowed"}}', ServerRefused, "permission_missing"),
        (401, "Unauthorized", ServerRefused, "wrong_credentials"),
        (403, "", ServerRefused, "wrong_credentials"),
        (404, "Not Found", BadAnswer, "not_found"),
        (404, '{"code":404,"message":"x"}', BadAnswer, "not_found"),
        (500, "<html>", BadAnswer, "server_error"),
    ],
)
def test_status_of_failure(source, wire, status, body, kind, code):
    wire.get(f"{URL}/devices", status=status, body=body)
    with pytest.raises(kind) as caught:
        list(source.pages())
    assert caught.value.code == code


def test_wrong_path_says_so(source, wire):
    wire.get(f"{URL}/devices", status=404, body="404 page not found")
    with pytest.raises(BadAnswer) as caught:
        list(source.pages())
    assert "/api" in str(caught.value.hint)


def test_text_of_a_failure_is_short_and_without_secrets(source, wire):
    said = "key the-secret-key\x1b[2J " + "z" * 5000
    wire.get(f"{URL}/devices", json={"code": 500, "message": said})
    with pytest.raises(BadAnswer) as caught:
        list(source.pages())
    text = str(caught.value)
    assert "the-secret-key" not in text
    assert "\x1b" not in text
    assert len(text) < 250


# -- Groups, apps, profiles

GROUP = {
    "id": 3,
    "locationId": 0,
    "name": "Formation",
    "members": 10,
    "type": "normal",
    "isSmartGroup": False,
}
APP = {
    "id": 12, "isBook": False, "bundleId": "com.example.Reader", "name": "Reader", "manageApp": True,
    "adamId": 1234567890, "isDeleted": False, "totalLicenses": 20, "usedLicenses": 7, "availableLicenses": 13,
}  # fmt: skip
IN_HOUSE = {"id": 13, "isBook": False, "bundleId": "fr.example.own", "name": "Own", "manageApp": 0, "size": 1}
PROFILE = {"id": 4, "identifier": "fr.example.wifi", "name": "Zorglubine", "platform": "iOS"}


def answer_facts(wire, **changed):
    bodies = {
        "devices/groups": {"code": 200, "deviceGroups": [GROUP]},
        "apps": {"apps": [APP, IN_HOUSE]},
        "profiles": {"profiles": [PROFILE]},
    }
    for path, body in bodies.items():
        key = path.rpartition("/")[2]
        settings = changed.get(key, {"json": body})
        wire.get(f"{URL}/{path}", **settings)


def test_facts(source, wire):
    answer_facts(wire)
    facts = source.facts()
    assert facts.groups == (ServerGroup("3", "Formation", 10, False),)
    assert facts.apps == (
        ServerApp("12", "com.example.Reader", "Reader", "1234567890", 20, 7, 13, False, True),
        ServerApp("13", "fr.example.own", "Own", None, None, None, None, False, False),
    )
    assert facts.profiles == (ServerProfile("4", "fr.example.wifi", "iOS"),)
    assert source.warnings == []
    assert source.requests == 3
    assert "Zorglubine" not in repr(facts)


def test_groups_under_their_printed_name(source, wire):
    answer_facts(wire, groups={"json": {"DeviceGroups": [{**GROUP, "isSmartGroup": "1", "members": "4"}]}})
    assert source.facts().groups == (ServerGroup("3", "Formation", 4, True),)


def test_smart_group_by_its_type(source, wire):
    group = {"id": 3, "name": "Formation", "type": "smart"}
    answer_facts(wire, groups={"json": {"deviceGroups": [group]}})
    assert source.facts().groups == (ServerGroup("3", "Formation", None, True),)


def test_books_and_nameless_entries_are_no_apps(source, wire):
    answer_facts(
        wire, apps={"json": {"apps": [{**APP, "isBook": True}, {**APP, "bundleId": ""}, {"bundleId": "x"}]}}
    )
    assert source.facts().apps == ()
    assert source.warnings == []


def test_senseless_numbers_of_an_app_are_unknown(source, wire):
    app = {
        **APP,
        "adamId": 0,
        "totalLicenses": -1,
        "usedLicenses": "7",
        "availableLicenses": "many",
        "isDeleted": 1,
    }
    answer_facts(wire, apps={"json": {"apps": [app]}})
    (found,) = source.facts().apps
    assert (found.adam_id, found.total, found.used, found.free, found.deleted) == (None, None, 7, None, True)


def test_malformed_entry_is_left_out_and_told(source, wire):
    answer_facts(wire, apps={"json": {"apps": [APP, 5, {**APP, "name": ["Zorglubine"]}]}})
    assert len(source.facts().apps) == 1
    assert [(warning.code, warning.params) for warning in source.warnings] == [
        ("entries_skipped", {"count": 2})
    ]


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 404, "body": "Not Found"},
        {"status": 405, "json": {"error": {"code": 405, "message": "not allowed"}}},
        {"json": {"error": {"code": 405, "message": "not allowed"}}},
    ],
)
@pytest.mark.parametrize("part", ["groups", "apps", "profiles"])
def test_part_that_is_not_given_is_none_and_told(source, wire, part, refusal):
    answer_facts(wire, **{part: refusal})
    facts = source.facts()
    assert getattr(facts, part) is None
    assert [name for name in ("groups", "apps", "profiles") if getattr(facts, name) is None] == [part]
    assert [warning.code for warning in source.warnings] == [f"{part}_not_available"]


def test_empty_part_is_empty(source, wire):
    answer_facts(wire, apps={"json": {"apps": []}})
    assert source.facts().apps == ()


@pytest.mark.parametrize(
    "trouble", [{"status": 500}, {"status": 401}, {"body": "<html>"}, {"json": {"apps": {}}}]
)
def test_trouble_with_a_part_is_no_absence(source, wire, trouble):
    answer_facts(wire, apps=trouble)
    with pytest.raises((BadAnswer, ServerRefused)):
        source.facts()


def test_warnings_are_those_of_the_last_call(source, wire):
    answer_facts(wire, apps={"status": 404})
    source.facts()
    source.facts()
    assert len(source.warnings) == 1


# -- The rest


def test_probe(source, wire):
    wire.get(f"{URL}/devices/groups", json={"deviceGroups": [GROUP]})
    probe = source.probe()
    assert probe.ok
    assert probe.message.code == "server_answers"
    assert probe.proxy is None
    assert source.requests == 1


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ({"status": 401}, "wrong_credentials"),
        ({"status": 404, "body": "no"}, "not_found"),
        ({"body": "<html>"}, "html_answer"),
        ({"json": {"code": 500, "message": "x"}}, "failure_in_answer"),
    ],
)
def test_probe_never_raises(source, wire, trouble, code):
    wire.get(f"{URL}/devices/groups", **trouble)
    probe = source.probe()
    assert not probe.ok
    assert probe.message.code == code
    assert probe.hint is not None


def test_capabilities(source):
    assert Covers.APPS in source.capabilities.covers
    assert Covers.PROFILES not in source.capabilities.covers
    assert source.capabilities.licences
    assert source.kind == "jamf-school"


def test_repr_and_close(source):
    assert "the-secret-key" not in repr(source)
    source.close()
    source.close()
