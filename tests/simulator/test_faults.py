"""Every fault, seen from the wire; afterwards the answer is good again."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from mdm_bridge.simulator import Simulator
from mdm_bridge.simulator.fault_effects import BODY, EVENTS, INSTEAD, ROWS
from mdm_bridge.simulator.faults import FAULTS
from tests.simulator.client import Client

PATH = "/devices?includeApps=true"


@pytest.fixture(autouse=True)
def good_before_and_after(client: Client) -> Any:
    before = client("GET", PATH).body
    number = client.simulator.world.current.number
    yield
    client.control("POST", "/faults", [])
    after = client("GET", PATH)
    assert after.status == 200
    assert after.json["count"] == len(after.json["devices"])
    if client.simulator.world.current.number == number:
        assert after.body == before


def test_every_fault_has_an_effect() -> None:
    stages = {"instead": INSTEAD, "rows": ROWS, "body": BODY, "event": EVENTS}
    for name, kind in FAULTS.items():
        assert kind.stage == "stale" or name in stages[kind.stage]
    assert sum(map(len, stages.values())) + 1 == len(FAULTS)


def test_rate_limited_in_both_forms(client: Client) -> None:
    client.fault("rate_limited", times=1, retry_after=7)
    seen = client("GET", PATH)
    assert (seen.status, seen.headers["retry-after"]) == (429, "7")
    assert client("GET", PATH).status == 200, "only once"
    client.fault("rate_limited", retry_after=60, form="date")
    when = parsedate_to_datetime(client("GET", PATH).headers["retry-after"])
    assert 50 < (when - datetime.now(UTC)).total_seconds() < 62
    client.control("POST", "/faults", [{"fault": "rate_limited", "retry_after": None}])
    assert "retry-after" not in client("GET", PATH).headers


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error(client: Client, status: int) -> None:
    client.fault("server_error", status=status)
    assert client("GET", PATH).status == status


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("html", 200, b"<!DOCTYPE html>"),
        ("unauthorized", 401, b"Unauthorized"),
        ("forbidden", 405, b'{"error":{"code":405'),
        ("not_found", 404, b"404 page not found"),
        ("failure_200", 200, b'{"code":404,"message":"DeviceNotFound"}'),
    ],
)
def test_other_answers_instead(client: Client, name: str, status: int, text: bytes) -> None:
    client.fault(name)
    seen = client("GET", PATH)
    assert seen.status == status
    assert seen.body.startswith(text)


def test_redirect_is_seen_in_the_log_when_followed(client: Client) -> None:
    client.fault("redirect_other_host")
    seen = client("GET", "/devices")
    assert seen.status == 302
    assert seen.headers["location"].startswith("http://localhost:")
    assert seen.headers["location"].endswith("/elsewhere/devices")
    assert all(
        not entry["path"].startswith("/elsewhere") for entry in client.control("GET", "/requests").json
    )


def test_truncated_json_has_a_length_that_fits(client: Client) -> None:
    client.fault("truncated_json")
    seen = client("GET", PATH)
    assert len(seen.body) == int(seen.headers["content-length"])
    with pytest.raises(ValueError):
        json.loads(seen.body)


def test_short_body(client: Client) -> None:
    client.fault("short_body")
    with pytest.raises(http.client.IncompleteRead):
        client("GET", PATH)


@pytest.mark.parametrize("when", ["before", "midway"])
def test_reset(client: Client, when: str) -> None:
    client.fault("reset", when=when)
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, http.client.IncompleteRead)):
        client("GET", PATH)
    assert client.control("GET", "/requests").json[-1]["status"] == (0 if when == "before" else 200)


def test_trickle(client: Client) -> None:
    client.fault("trickle", bytes_per_s=1000, path="/locations")
    begin = time.monotonic()
    size = len(client("GET", "/locations").body)
    assert time.monotonic() - begin >= (size - 100) / 1000 * 0.9
    client.fault("trickle", bytes_per_s=10, path="/devices")
    base = http.client.HTTPConnection("127.0.0.1", client.port, timeout=5)
    base.request("GET", "/api/devices", headers={"Authorization": client.authorization})
    answer = base.getresponse()
    begin = time.monotonic()
    answer.read(5)
    assert 0.2 < time.monotonic() - begin < 3
    base.close()


def test_hang(client: Client) -> None:
    client.fault("hang", seconds=5, times=1)
    with pytest.raises(TimeoutError):
        Client(client.simulator, timeout=0.3)("GET", PATH)
    client.fault("hang", seconds=0.2)
    begin = time.monotonic()
    assert client("GET", PATH).status == 200
    assert time.monotonic() - begin >= 0.2


def test_gzip_and_bomb_and_huge(client: Client) -> None:
    good = client("GET", PATH).body
    client.fault("gzip", times=1)
    seen = client("GET", PATH)
    assert seen.headers["content-encoding"] == "gzip"
    assert gzip.decompress(seen.body) == good
    client.fault("gzip_bomb", size_mb=20, times=1)
    bomb = client("GET", PATH)
    assert len(bomb.body) < 100_000
    assert len(gzip.decompress(bomb.body)) > 20 << 20
    client.fault("huge_body", size_mb=1024, times=1)
    with pytest.raises(http.client.IncompleteRead) as cut:
        client("GET", PATH)
    assert (cut.value.expected or 0) + len(cut.value.partial) == 1024 << 20


def test_invalid_utf8(client: Client) -> None:
    client.fault("invalid_utf8")
    with pytest.raises(UnicodeDecodeError):
        client("GET", PATH).body.decode()


def listing(client: Client) -> tuple[int, list[dict[str, Any]]]:
    found = client("GET", PATH).json
    return found["count"], found["devices"]


def test_empty_shrunken_and_wrong_count(client: Client) -> None:
    client.fault("empty_list", times=1)
    assert listing(client) == (0, [])
    client.fault("shrunken", keep=0.5, times=1)
    count, rows = listing(client)
    assert count == len(rows) == 13
    client.fault("wrong_count", delta=-3, times=1)
    count, rows = listing(client)
    assert count == len(rows) - 3


def test_other_lists_can_be_emptied_too(client: Client) -> None:
    client.fault("empty_list", path="/apps")
    assert client("GET", "/apps").json == {"apps": []}
    assert len(client.devices()) == 26
    client.fault("empty_list", path="/devices/groups")
    assert client("GET", "/devices/groups").json == {"code": 200, "deviceGroups": []}


def test_duplicates(client: Client) -> None:
    good = client.devices()
    client.fault("duplicate_rows", n=2, times=1)
    assert client.devices() == [*good, *good[:2]]
    client.fault("duplicate_serial", times=1)
    *rows, twin = client.devices()
    assert rows == good
    assert twin["serialNumber"] == good[0]["serialNumber"]
    assert twin["UDID"] != good[0]["UDID"]
    assert twin["lastCheckin"] < good[0]["lastCheckin"]
    client.fault("duplicate_serial", newer=True, serials=[good[3]["serialNumber"].lower()], times=1)
    assert client.devices()[-1]["lastCheckin"] > good[3]["lastCheckin"]


def test_rows_that_cannot_be_used(client: Client) -> None:
    good = client.devices()
    client.fault("no_serial", n=2, times=1)
    rows = client.devices()
    assert rows[:-2] == good
    assert [row["serialNumber"] for row in rows[-2:]] == ["", ""]
    assert len({row["UDID"] for row in rows}) == len(rows)
    client.fault("bad_row", times=1)
    bad, *rest = client.devices()
    assert rest == good[1:]
    assert bad["serialNumber"] == good[0]["serialNumber"]
    assert not isinstance(bad["groups"], list)
    client.fault("bad_row", field="batteryLevel", value="plein", times=1)
    assert client.devices()[0] == {**good[0], "batteryLevel": "plein"}


def test_app_lists(client: Client) -> None:
    client.fault("apps_empty", times=1)
    assert all(row["apps"] == [] for row in client.devices())
    client.fault("apps_empty", n=3, times=1)
    assert sum(row["apps"] == [] for row in client.devices()) == 3
    client.fault("apps_missing", n=2, times=1)
    assert sum("apps" not in row for row in client.devices()) == 2


def test_stale_shows_the_state_before_the_last_change(client: Client) -> None:
    old = client("GET", PATH).body
    client.control("POST", "/clock", {"advance": "1d"})
    new = client("GET", PATH).body
    assert new != old
    client.fault("stale")
    assert client("GET", PATH).body == old
    client.control("DELETE", "/faults")
    assert client("GET", PATH).body == new


def test_vanished_and_returned(client: Client) -> None:
    good = client.devices()
    client.fault("vanished", serials=[good[2]["serialNumber"]])
    assert client.devices() == [*good[:2], *good[3:]]
    assert client.devices() == [*good[:2], *good[3:]], "until somebody says otherwise"
    client.fault("returned")
    assert client.devices() == good
    assert client.control("GET", "/faults").json == []


def test_events_happen_at_once_and_stay(client: Client) -> None:
    good = client.devices()
    told = client.fault("re_enrolled", n=1)
    assert told == {"active": [], "applied": [{"fault": "re_enrolled", "serials": [good[0]["serialNumber"]]}]}
    client.fault("wiped", serials=[good[1]["serialNumber"]])
    client.fault("renamed", serials=[good[2]["serialNumber"]])
    client.control("POST", "/faults", [])
    rows = client.devices()
    assert rows[0]["UDID"] != good[0]["UDID"]
    assert rows[0]["serialNumber"] == good[0]["serialNumber"]
    assert (rows[1]["apps"], rows[1]["UDID"]) == ([], good[1]["UDID"])
    assert "Zzyzxova" in rows[2]["name"]


def test_future_contact(client: Client) -> None:
    client.fault("future_contact", n=1, ahead="3d")
    seen = datetime.fromisoformat(client.devices()[0]["lastCheckin"])
    assert seen > datetime.now(UTC).replace(tzinfo=None) + timedelta(days=2)


def test_shapes_of_the_printed_documentation(client: Client) -> None:
    client.fault("printed_docs")
    client.fault("printed_docs", path="/devices/groups")
    assert all(isinstance(row["model"], list) for row in client.devices())
    assert "DeviceGroups" in client("GET", "/devices/groups").json


def test_path_and_times(client: Client) -> None:
    client.fault("server_error", path="/devices", exact=True)
    assert client("GET", "/devices/groups").status == 200
    assert client("GET", "/devices").status == 503
    client.control("POST", "/faults", [{"fault": "server_error", "path": "/devices", "times": 2}])
    assert client("GET", "/apps").status == 200
    assert [client("GET", "/devices/groups").status for _ in range(3)] == [503, 503, 200]


def test_faults_of_rows_leave_refused_requests_alone(simulator: Simulator, client: Client) -> None:
    client.fault("empty_list", times=1)
    assert Client(simulator, "wrong")("GET", "/devices").status == 401
    assert client.control("GET", "/faults").json[0]["times"] == 1
