"""The life of a simulator: start, settings, keys, end."""

from __future__ import annotations

import ast
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

import mdm_bridge.simulator as package
from mdm_bridge.errors import InputError
from mdm_bridge.simulator import kinds, start_simulator
from tests.simulator.client import Client

ROOT = Path(__file__).parents[2]


def test_it_imports_neither_our_reader_nor_our_network() -> None:
    allowed = {"mdm_bridge.simulator", "mdm_bridge.domain", "mdm_bridge.errors", "mdm_bridge.messages"}
    for path in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                room = ".".join(name.split(".")[:2])
                assert room in allowed or name.split(".")[0] in sys.stdlib_module_names, (path.name, name)


def test_settings_name_a_private_key_file_that_goes_away() -> None:
    with start_simulator("jamf-school") as running:
        path = Path(running.settings["api_key_file"])
        assert path.read_text().strip() == running.api_key
        if os.name == "posix":
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.parent.stat().st_mode & 0o777 == 0o700
        assert running.settings == {
            "kind": "jamf-school",
            "url": running.url,
            "network_id": running.network_id,
            "api_key_file": str(path),
            "timezone": "Europe/Paris",
            "pools": {"training": {"groups": ["Formation"]}, "ash": {"groups": ["ASH"]}},
        }
        line = running.ready_line()
        assert line.keys() >= {"url", "kind", "settings", "control"}
        json.dumps(line)
        assert running.api_key not in repr(running)
        assert running.api_key in running.world.secrets_and_names()
    assert not path.parent.exists()
    running.stop()


def test_two_simulators_have_keys_of_their_own() -> None:
    with start_simulator("jamf-school") as one, start_simulator("jamf-school") as two:
        assert one.url != two.url
        assert one.api_key != two.api_key
        other = Client(two, one.api_key)
        assert other("GET", "/devices").status == 401


def test_an_unknown_kind_is_refused_with_the_built_ones() -> None:
    assert kinds() == ("jamf-school",)
    with pytest.raises(InputError) as refused:
        start_simulator("jamf-pro")
    assert "jamf-pro" in str(refused.value)
    assert "jamf-school" in str(refused.value.hint)


@pytest.mark.parametrize("wrong", [{"devices": -1}, {"devices": 10**6}, {"apps_per_device": 61}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError) as refused:
        start_simulator("jamf-school", **wrong)  # type: ignore[arg-type]
    assert refused.value.code == "number_out_of_range"


def test_a_port_that_is_taken_is_refused() -> None:
    with start_simulator("jamf-school") as running:
        port = int(running.url.split(":")[2].split("/")[0])
        with pytest.raises(InputError) as refused:
            start_simulator("jamf-school", port=port)
        assert refused.value.code == "port_not_free"


def test_an_empty_fleet_answers() -> None:
    with start_simulator("jamf-school", devices=0, plain=True) as running:
        assert Client(running)("GET", "/devices?includeApps=true").json == {
            "code": 200,
            "count": 0,
            "devices": [],
        }


def test_a_connection_is_kept_for_several_requests(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=5)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/api/devices", headers={"Authorization": client.authorization})
        connection.getresponse().read()
        sockets.add(connection.sock)
    assert len(sockets) == 1
    connection.close()


def test_it_stops_at_once_even_while_answers_hang_or_connections_are_open() -> None:
    running = start_simulator("jamf-school")
    mine = Client(running)
    mine.fault("hang", seconds=60)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            mine("GET", "/devices")
        except (OSError, http.client.HTTPException) as error:
            failures.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    idle = http.client.HTTPConnection("127.0.0.1", mine.port, timeout=5)
    idle.connect()
    time.sleep(0.2)
    begin = time.monotonic()
    running.stop()
    waiting.join(timeout=5)
    assert time.monotonic() - begin < 3
    assert len(failures) == 1
    idle.close()
    with pytest.raises(OSError):
        mine("GET", "/devices")


def test_kill_over_http_ends_it() -> None:
    running = start_simulator("jamf-school")
    assert Client(running).control("POST", "/kill").json == {"stopping": True}
    running.wait()
    running.stop()
    assert not running.api_key_file.exists()


def test_a_body_that_is_too_large_or_of_unknown_length_is_refused(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=5)
    connection.putrequest("POST", "/api/devices/groups")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    # Headers alone: the refusal may come before a body is written, and breaks the pipe of its writer.
    connection.putrequest("POST", "/api/devices/groups")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


def test_many_clients_at_once_see_the_same(client: Client) -> None:
    bodies: list[bytes] = []

    def ask() -> None:
        bodies.append(client("GET", "/devices?includeApps=true").body)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 12
    assert len(set(bodies)) == 1


def test_ten_thousand_devices_are_served_with_flat_memory() -> None:
    with start_simulator("jamf-school", devices=10_000, apps_per_device=60) as running:
        request = urllib.request.Request(f"{running.url}/devices?includeApps=true")
        request.add_header("Authorization", Client(running).authorization)
        for _ in range(2):
            size, begin = 0, time.process_time()
            with urllib.request.urlopen(request, timeout=60) as answer:
                while chunk := answer.read(1 << 20):
                    size += len(chunk)
            assert size == int(answer.headers["Content-Length"]) > 100 << 20
        assert time.process_time() - begin < 2, "the second time nothing is made anew"


COMMAND = [sys.executable, "-m", "mdm_bridge", "simulate", "jamf-school", "--devices", "5", "--seed", "3"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGTERM, 0), (signal.SIGINT, 130), (None, 0)],
)
@pytest.mark.skipif(os.name != "posix", reason="signals of this kind")
def test_the_command_says_one_line_and_ends_cleanly(sent: signal.Signals | None, code: int) -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        key_file = Path(ready["settings"]["api_key_file"])
        assert key_file.exists()
        assert ready["kind"] == "jamf-school"
        if sent is None:
            request = urllib.request.Request(ready["control"] + "/kill", method="POST")
            urllib.request.urlopen(request, timeout=5).close()
        else:
            process.send_signal(sent)
        rest, remarks = process.communicate(timeout=15)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code, remarks
    assert rest == ""
    assert "Traceback" not in remarks
    assert not key_file.parent.exists()
