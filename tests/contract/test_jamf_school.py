"""The listing contract, and every fault of the server, against the simulated Jamf School."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.errors import BadAnswer, ServerError, ServerRefused, ServerTimeout, ServerUnreachable
from mdm_bridge.net.http import HttpSession, HttpSettings
from mdm_bridge.providers.jamf_school import JamfSchoolSource
from mdm_bridge.simulator import start_simulator
from mdm_bridge.testing import ListingContract


class Key:
    def __init__(self, value):
        self._value = value

    def get_secret_value(self):
        return self._value


class SimulatedWorld:
    """The simulator, as the contract wants to see it."""

    def __init__(self, sim):
        self.sim = sim

    @property
    def _devices(self):
        return {key: one for key, one in self.sim.world.current.devices.items() if not one.in_trash}

    def serials(self):
        return list(self._devices)

    def apps(self, serial):
        return self._devices[serial].apps

    def _put(self, serial, **changes):
        self.sim.world.put([replace(self._devices[serial], **changes)])

    def change(self, serial):
        self._put(serial, available=self._devices[serial].available - 0.5)

    def change_apps(self, serial):
        self._put(serial, apps={**self._devices[serial].apps, "com.example.New": "1.0"})

    def empty_apps(self, serial):
        self._put(serial, apps={})

    def hide_apps(self, serial):
        self.fault(fault="apps_missing", serials=[serial])

    def stop(self):
        self.sim.stop()

    def ask(self, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.sim.control}/{path}", data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def fault(self, **fault):
        self.ask("faults", fault)

    def requests(self):
        found = self.ask("requests")
        return found["requests"] if isinstance(found, dict) else found

    def writes(self):
        return sum(1 for request in self.requests() if request["method"] not in ("GET", "HEAD"))

    def secrets(self):
        # Invented words of two letters would be found in any text.
        return [text for text in self.sim.world.secrets_and_names() if len(text) > 4]


@pytest.fixture
def world():
    with start_simulator("jamf-school", devices=24, seed=1) as sim:
        yield SimulatedWorld(sim)


@pytest.fixture
def source(world):
    made = reading(world)
    yield made
    made.close()


def reading(world, **limits):
    settings = HttpSettings(
        url=world.sim.url,
        user=world.sim.network_id,
        password=Key(world.sim.api_key),
        **{"max_body_bytes": 8_000_000, **limits},
    )
    session = HttpSession(settings, sleep=lambda _: None)
    return JamfSchoolSource("departement", session, zone=ZoneInfo(world.sim.settings["timezone"]))


class TestJamfSchoolSource(ListingContract):
    """All of it, on real HTTP."""


def rows_from(source):
    return [row for page in source.pages() for row in page.rows]


def described(source):
    return {row.serial: row.sighting() for row in rows_from(source)}


def test_everything_is_as_it_truly_is(source, world):
    for serial, seen in described(source).items():
        truth = world.sim.world.truth(serial)
        assert seen.udid == truth["udid"]
        assert (seen.model, seen.model_identifier) == (truth["model"], truth["model_identifier"])
        assert (seen.os_version, seen.device_class) == (truth["os_version"], truth["class"])
        assert (seen.name or "", seen.location) == (truth["name"], str(truth["location"]))
        assert seen.supervised == truth["supervised"]
        assert seen.groups == tuple(truth["groups"])
        assert seen.capacity_gb == truth["capacity_gb"]
        assert seen.available_gb == pytest.approx(truth["available_gb"], abs=0.006)
        if "managed_unknown" not in truth["quirks"]:
            assert seen.managed == truth["managed"]
        if "battery_unknown" not in truth["quirks"]:
            assert seen.battery_percent == pytest.approx(truth["battery_percent"], abs=1)
        assert seen.contact_at.strftime("%Y-%m-%dT%H:%M:%SZ") == truth["last_contact_at"]


def test_four_questions_in_all(source, world):
    source.facts()
    list(source.pages())
    assert source.requests == len(world.requests()) == 4
    assert source.warnings == []


def test_facts_of_the_simulated_server(source, world):
    facts = source.facts()
    state = world.sim.world.state()
    assert {group.name: group.members for group in facts.groups} == {
        group["name"]: group["members"] for group in state["groups"]
    }
    assert {app.bundle_id: app.adam_id for app in facts.apps} == {
        app["bundle_id"]: str(app["adam_id"]) if app["adam_id"] else None for app in state["apps"]
    }
    assert any(app.total is not None and app.free == app.total - app.used for app in facts.apps)
    assert facts.profiles


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"fault": "rate_limited", "retry_after": 0}, BadAnswer, "rate_limited"),
        ({"fault": "rate_limited", "retry_after": 9999}, BadAnswer, "rate_limited"),
        ({"fault": "server_error", "status": 500}, BadAnswer, "server_error"),
        ({"fault": "server_error", "status": 503}, BadAnswer, "server_error"),
        ({"fault": "html"}, BadAnswer, "html_answer"),
        ({"fault": "failure_200"}, BadAnswer, "failure_in_answer"),
        (
            {"fault": "failure_200", "code": 405, "message": "not allowed"},
            ServerRefused,
            "permission_missing",
        ),
        ({"fault": "unauthorized"}, ServerRefused, "wrong_credentials"),
        ({"fault": "forbidden"}, ServerRefused, "permission_missing"),
        ({"fault": "not_found"}, BadAnswer, "not_found"),
        ({"fault": "redirect_other_host"}, BadAnswer, "bad_redirect"),
        ({"fault": "gzip_bomb", "size_mb": 20}, BadAnswer, "body_too_large"),
        ({"fault": "huge_body"}, BadAnswer, "body_too_large"),
        ({"fault": "truncated_json"}, BadAnswer, "not_json"),
        ({"fault": "short_body"}, BadAnswer, "body_truncated"),
        ({"fault": "reset"}, ServerUnreachable, "server_unreachable"),
        ({"fault": "reset", "when": "midway"}, ServerError, None),
        ({"fault": "trickle", "bytes_per_s": 200}, ServerTimeout, "deadline_exceeded"),
        ({"fault": "hang", "seconds": 5}, ServerTimeout, "server_timeout"),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else None,
)
def test_fault_of_the_whole_answer(world, fault, kind, code):
    patient = fault["fault"] not in ("trickle", "hang")
    limits = {} if patient else {"deadline_s": 1.0, "read_timeout_s": 0.5}
    source = reading(world, **limits)
    world.fault(**fault)
    with pytest.raises(kind) as caught:
        rows_from(source)
    assert code in (None, caught.value.code)
    assert str(caught.value.hint)
    source.close()


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "rate_limited", "times": 1},
        {"fault": "rate_limited", "form": "date", "times": 2},
        {"fault": "server_error", "status": 502, "times": 3},
        {"fault": "short_body", "times": 1},
        {"fault": "reset", "times": 1},
        {"fault": "reset", "when": "midway", "times": 1},
    ],
    ids=lambda fault: fault["fault"],
)
def test_passing_fault_is_got_over(source, world, fault):
    expected = described(source)
    before = source.requests
    world.fault(**fault)
    assert described(source) == expected
    assert source.requests - before == 1 + fault["times"]


@pytest.mark.parametrize("fault", ["gzip", "printed_docs"])
def test_other_form_of_the_same(source, world, fault):
    expected = described(source)
    facts = source.facts()
    world.fault(fault=fault)
    assert described(source) == expected
    if fault == "gzip":
        assert source.facts() == facts


def test_bad_row_does_not_lose_the_others(source, world):
    bad = sorted(world.serials())[0]
    world.fault(fault="bad_row", serials=[bad])
    failing = []
    for row in rows_from(source):
        try:
            row.sighting()
            row.apps()
        except BadAnswer:
            failing.append(row)
    assert len(failing) == 1
    assert len(rows_from(source)) == len(world.serials())


def test_row_without_serial_is_listed_as_such(source, world):
    world.fault(fault="no_serial", n=2)
    assert [row.serial for row in rows_from(source)].count("") == 2


def test_damaged_text_is_an_error_and_never_a_crash(source, world):
    world.fault(fault="invalid_utf8")
    with pytest.raises(BadAnswer):
        [(row.sighting(), row.apps()) for row in rows_from(source)]


def test_wrong_count_is_passed_on(source, world):
    world.fault(fault="wrong_count", delta=3)
    (page,) = source.pages()
    assert page.total == len(page.rows) + 3


def test_empty_listing(source, world):
    world.fault(fault="empty_list", path="/devices", exact=True)
    (page,) = source.pages()
    assert (len(page.rows), page.total) == (0, 0)


def test_part_without_the_right_is_none(source, world):
    world.fault(fault="forbidden", path="/apps")
    facts = source.facts()
    assert facts.apps is None
    assert facts.groups is not None
    assert [warning.code for warning in source.warnings] == ["apps_not_available"]


def test_nobody_is_named_in_a_sighting_but_in_its_free_text(source, world):
    shown = ""
    for row in rows_from(source):
        seen = row.sighting()
        shown += repr(replace(seen, name=None, asset_tag=None, groups=None))
    people = [person for one in world.sim.world.current.people.values() for person in (one.name, one.email)]
    assert people
    assert [text for text in people if text and text in shown] == []
