"""The control panel: what it shows, changes and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mdm_bridge.simulator import Simulator
from mdm_bridge.simulator.faults import FAULTS
from tests.simulator.client import Client


def test_requests_are_logged_without_the_password(client: Client, simulator: Simulator) -> None:
    client("GET", "/devices?includeApps=true", X_Server_Protocol_Version="3")
    client("GET", "/nope")
    first, second = client.control("GET", "/requests").json
    assert first.pop("at").endswith("Z")
    assert first == {
        "method": "GET",
        "path": "/devices",
        "query": {"includeApps": "true"},
        "status": 200,
        "protocol": "3",
        "credentials": True,
    }
    assert (second["path"], second["status"], second["protocol"]) == ("/nope", 404, None)
    text = client.control("GET", "/requests").body.decode()
    assert simulator.api_key not in text
    assert client.authorization[6:] not in text


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/requests"), ("POST", "/requests/clear")])
def test_the_log_can_be_cleared(client: Client, method: str, path: str) -> None:
    client("GET", "/apps")
    assert client.control(method, path).status == 200
    assert client.control("GET", "/requests").json == []


def test_the_clock(client: Client) -> None:
    assert client.control("GET", "/clock").json["now"] == "2026-11-02T12:00:00Z"
    assert client.control("POST", "/clock", {"advance": "1d"}).json["now"] == "2026-11-03T12:00:00Z"
    assert client.control("POST", "/clock", {"advance": 60}).json["now"] == "2026-11-03T12:01:00Z"
    moved = client.control("POST", "/clock", {"set": "2026-11-05T09:00:00+01:00"})
    assert moved.json["now"] == "2026-11-05T08:00:00Z"


@pytest.mark.parametrize(
    "body",
    [
        {}, [], "x", {"advance": "demain"}, {"advance": "-1d"}, {"set": "2026-11-01T00:00:00Z"}, {"set": 5},
        {"set": "2026-11-09T00:00:00"}, {"set": "9999-99-99"},
        {"advance": "1d", "set": "2026-11-09T00:00:00Z"},
        {"advance": None}, b"{", b"", {"set": "9999-12-31T23:59:59+00:00"},
    ],
)  # fmt: skip
def test_a_clock_that_is_asked_nonsense_stands_still(client: Client, body: Any) -> None:
    seen = client.control("POST", "/clock", body)
    assert seen.status == 400
    assert seen.json["error"]
    assert client.control("GET", "/clock").json["now"] == "2026-11-02T12:00:00Z"


@pytest.mark.parametrize(
    "body",
    [
        {"fault": "htlm"}, {"fault": 5}, {}, 3, [3], "html", b"[", [{"fault": "html"}, {"fault": "nope"}],
        {"fault": "html", "times": 0}, {"fault": "html", "times": "2"}, {"fault": "html", "times": True},
        {"fault": "html", "path": "devices"}, {"fault": "html", "path": 1}, {"fault": "html", "exact": 1},
        {"fault": "html", "keep": 1}, {"fault": "shrunken", "keep": "half"},
        {"fault": "shrunken", "keep": -1},
        {"fault": "server_error", "status": 200}, {"fault": "reset", "when": "later"},
        {"fault": "vanished", "serials": "ABC"}, {"fault": "vanished", "serials": [1]},
        {"fault": "vanished", "n": True}, {"fault": "wiped", "serials": ["NONE"]},
    ],
)  # fmt: skip
def test_a_malformed_fault_changes_nothing_and_says_why(client: Client, body: Any) -> None:
    seen = client.control("POST", "/faults", body)
    assert seen.status == 400
    assert seen.json["error"]
    assert set(seen.json["faults"]) == set(FAULTS)
    assert client.control("GET", "/faults").json == []
    assert client("GET", "/devices").status == 200


def test_a_typing_error_is_answered_with_the_nearest_name(client: Client) -> None:
    assert "'html'" in client.control("POST", "/faults", {"fault": "htlm"}).json["error"]


def test_one_fault_adds_a_list_replaces(client: Client) -> None:
    client.fault("html", path="/apps")
    client.fault("gzip")
    assert [one["fault"] for one in client.control("GET", "/faults").json] == ["html", "gzip"]
    client.control("POST", "/faults", [{"fault": "hang", "seconds": 0, "times": 3}])
    assert client.control("GET", "/faults").json == [
        {"fault": "hang", "path": None, "exact": False, "times": 3, "seconds": 0}
    ]
    client.control("POST", "/faults", [])
    assert client.control("GET", "/faults").json == []


def test_the_true_state_agrees_with_the_listing(client: Client) -> None:
    state = client.control("GET", "/state").json
    rows = {row["serialNumber"]: row for row in client.devices()}
    listed = [one for one in state["devices"] if not one["in_trash"]]
    assert {one["serial"] for one in listed} == set(rows)
    for one in listed:
        row = rows[one["serial"]]
        assert one["udid"] == row["UDID"]
        assert one["groups"] == row["groups"]
        assert one["apps"] == {app["identifier"]: app["version"] for app in row["apps"]}
        expected = None if row["batteryLevel"] == -1 else round(row["batteryLevel"] * 100)
        assert one["battery_percent"] == expected
    assert "apps" not in client.control("GET", "/state?apps=false").json["devices"][0]


def test_changing_one_device_by_hand_changes_that_one(client: Client) -> None:
    before = client.devices()
    serial = before[0]["serialNumber"]
    change = {
        "serial": serial.lower(), "name": "FORM-99", "battery_percent": 42, "available_gb": 1.5,
        "os_version": "next", "join": ["ASH"], "leave": "Formation", "install": {"fr.exemple.neuf": "3.1"},
        "location": 2, "owner": 41,
    }  # fmt: skip
    seen = client.control("POST", "/device", change)
    assert seen.status == 200, seen.body
    after = client.devices()
    assert after[1:] == before[1:]
    row = after[0]
    assert (row["name"], row["batteryLevel"], row["availableCapacity"]) == ("FORM-99", 0.42, 1.5)
    assert (row["groups"], row["locationId"], row["owner"]["id"]) == (["ASH"], 2, 41)
    assert row["os"]["version"] > before[0]["os"]["version"]
    assert row["apps"][-1]["version"] == "3.1"
    assert row["lastCheckin"] == before[0]["lastCheckin"]
    client.control("POST", "/device", {"serial": serial, "remove": ["fr.exemple.neuf"], "contact": "now"})
    row = client.devices()[0]
    assert "fr.exemple.neuf" not in {app["identifier"] for app in row["apps"]}
    assert row["lastCheckin"] == "2026-11-02 13:00:00"


def test_devices_can_be_made_and_deleted(client: Client) -> None:
    made = client.control("POST", "/device", {"serial": "NEUF000001", "new": True, "groups": ["ASH"]}).json
    assert made["groups"] == ["ASH"]
    assert client.devices()[-1]["serialNumber"] == "NEUF000001"
    assert client.control("POST", "/device", {"serial": "NEUF000001", "new": True}).status == 400
    client.control("POST", "/device", {"serial": "NEUF000001", "gone": True})
    assert "NEUF000001" not in {row["serialNumber"] for row in client.devices()}


@pytest.mark.parametrize(
    "change",
    [
        {"nom": "X"}, {"name": 5}, {"battery_percent": 101}, {"battery_percent": True}, {"available_gb": -1},
        {"groups": ["Inconnu"]}, {"groups": 3}, {"contact": "hier"}, {"contact": "2026-11-02T00:00:00"},
        {"location": 77}, {"owner": 1}, {"install": [1]}, {"install": {"a": 1}},
        {"update": "fr.exemple.absent"},
        {"managed": "oui"}, {"serial": "ABSENT"}, {"serial": None},
    ],
)  # fmt: skip
def test_a_malformed_change_changes_nothing(client: Client, change: dict[str, Any]) -> None:
    before = client("GET", "/devices?includeApps=true").body
    serial = json.loads(before)["devices"][0]["serialNumber"]
    seen = client.control("POST", "/device", {"serial": serial, "name": "FORM-98", **change})
    assert seen.status == 400
    assert "fields" in seen.json
    assert client("GET", "/devices?includeApps=true").body == before


def test_an_unknown_route_lists_the_known_ones(client: Client) -> None:
    seen = client.control("GET", "/nope")
    assert seen.status == 404
    assert "POST /control/faults" in seen.json["routes"]
    assert client.control("PUT", "/faults", {}).status == 404
    assert client.control("GET", "").status == 200
