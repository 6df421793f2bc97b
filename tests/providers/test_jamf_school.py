"""Jamf School's answers, good and bad: the listing, the facts, the probe."""

from __future__ import annotations

import json

import pytest
import responses

from mdm_bridge.domain.inventory import Covers, ServerApp, ServerGroup, ServerProfile
from mdm_bridge.errors import BadAnswer, ServerRefused
from mdm_bridge.net.http import HttpSession, HttpSettings
from mdm_bridge.providers.jamf_school import JamfSchoolSource
from tests.providers.jamf_bodies import PARIS, device

URL = "https://school.example/api"


class Key:
    def get_secret_value(self):
        return "the-secret-key"


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


def test_the_servers_own_words_are_not_repeated_in_an_error(source, wire):
    wire.get(f"{URL}/devices", body='{"code":404,"message":"L\'iPad de Zélie est introuvable"}'.encode())
    with pytest.raises(BadAnswer) as caught:
        list(source.pages())
    assert "Zélie" not in f"{caught.value!r} {caught.value.hint!r} {caught.value.message.params}"


@pytest.mark.parametrize("message", [b"[1]", b"{}", b"5"])
def test_a_message_that_is_no_text_is_no_failure(source, wire, message):
    wire.get(f"{URL}/devices", body=b'{"code":200,"message":' + message + b',"devices":[]}')
    assert [list(page.rows) for page in source.pages()] == [[]]


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
        ServerApp("12", "com.example.Reader", "Reader", "1234567890", 20, 7, 13, False),
        ServerApp("13", "fr.example.own", "Own", None, None, None, None, False),
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
        ("entries_skipped", {"count": 2, "part": "apps"})
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
