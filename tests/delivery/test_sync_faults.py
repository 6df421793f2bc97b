"""A whole synchronisation from the command line, over HTTP, against everything that can go wrong.

Each case begins with a good run, then something happens at the server, then the fault; afterwards
a good run must leave exactly what the server truly holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mdm_bridge.simulator import Simulator, start_simulator
from mdm_bridge.simulator.faults import FAULTS
from tests.simulator.client import Client
from tests.support.installation import Installation, Ran
from tests.support.tables import contents, rows_of
from tests.support.truth import recorded, truth

#: So small that a good answer may not make it: only for faults that must time out.
TINY = {"MDM_BRIDGE_SERVERS__SCHOOL__TIMEOUT_S": "0.1"}
#: Longer than the pause between two drips, so that only the whole call is too slow.
DRIPPING = {"MDM_BRIDGE_SERVERS__SCHOOL__TIMEOUT_S": "0.25"}
SMALL_BODY = {"MDM_BRIDGE_SERVERS__SCHOOL__MAX_BODY_MB": "2"}

RUN_KEYS = {
    "server", "status", "dry_run", "started_at", "finished_at", "requests", "devices", "apps", "warnings", "error",
}  # fmt: skip
DEVICE_KEYS = {"seen", "new", "changed", "unchanged", "gone", "returned", "rejected", "out_of_scope"}
MASKED = {"name_may_identify", "tag_may_identify"}


@dataclass(frozen=True)
class Case:
    """A fault, and how the run must end.

    ``right``: what is recorded during the fault is already the truth, of all devices but perhaps
    the first ``but`` of them.
    """

    fault: str
    code: int
    error: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    warnings: frozenset[str] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)
    right: bool = True
    but: int = 0
    environ: dict[str, str] = field(default_factory=dict)
    postgresql: bool = False

    def __str__(self) -> str:
        return "-".join([self.fault, *(str(value).strip("/") for value in self.values.values())])


def failed(fault: str, error: str, **more: Any) -> Case:
    values = {key: more.pop(key) for key in list(more) if key not in ("environ", "postgresql", "warnings")}
    return Case(fault, 1, error, values, **more)


def refused(fault: str, error: str, **values: Any) -> Case:
    return Case(fault, 5, error, values, postgresql=True)


def passed(fault: str, *warnings: str, code: int = 0, **more: Any) -> Case:
    own = ("counts", "right", "but", "environ", "postgresql")
    values = {key: more.pop(key) for key in list(more) if key not in own}
    return Case(fault, code, None, values, frozenset(warnings), **more)


NOTHING_OPTIONAL = frozenset({"groups_not_available", "apps_not_available", "profiles_not_available"})
FACTS = ("/devices/groups", "/apps", "/profiles")

CASES = [
    failed("rate_limited", "rate_limited", retry_after=3600),
    failed("rate_limited", "rate_limited", retry_after=3600, form="date"),
    failed("rate_limited", "rate_limited", retry_after=None, environ=TINY),
    passed("rate_limited", retry_after=1, times=1),
    failed("server_error", "server_error", status=500, postgresql=True),
    *(failed("server_error", "server_error", status=status, environ=TINY) for status in (502, 503, 504)),
    passed("server_error", status=503, times=1, path="/devices", exact=True),
    failed("html", "html_answer"),
    failed("html", "html_answer", path="/devices", exact=True, postgresql=True),
    failed("html", "html_answer", path="/profiles"),
    failed("failure_200", "failure_in_answer", path="/devices", exact=True),
    failed("failure_200", "failure_in_answer", path="/apps"),
    failed("unauthorized", "wrong_credentials"),
    failed("forbidden", "permission_missing", warnings=NOTHING_OPTIONAL),
    failed("not_found", "not_found", warnings=NOTHING_OPTIONAL),
    *(passed("forbidden", f"{path.rpartition('/')[2]}_not_available", path=path) for path in FACTS),
    *(passed("not_found", f"{path.rpartition('/')[2]}_not_available", path=path) for path in FACTS),
    failed("redirect_other_host", "bad_redirect"),
    failed("gzip_bomb", "body_too_large", size_mb=3, environ=SMALL_BODY),
    failed("huge_body", "body_too_large", size_mb=2048),
    passed("stale", right=False),
    refused("empty_list", "empty_listing"),
    passed("empty_list", "app_list_incomplete", path="/apps"),
    passed("empty_list", path="/devices/groups"),
    passed("empty_list", path="/profiles"),
    refused("shrunken", "shrunken_listing", keep=0.5),
    passed("shrunken", "app_list_incomplete", keep=0.5, path="/apps"),
    failed("wrong_count", "count_mismatch"),
    failed("wrong_count", "count_mismatch", delta=-1, postgresql=True),
    passed("duplicate_rows", "duplicate_row", n=2, counts={"seen": 24}, postgresql=True),
    passed("duplicate_serial", "duplicate_serial", n=2, counts={"seen": 24}, postgresql=True),
    passed("duplicate_serial", "duplicate_serial", n=2, newer=True, counts={"seen": 24}, but=2),
    passed("no_serial", "no_serial", code=4, n=2, counts={"seen": 24, "rejected": 2, "gone": 0}, postgresql=True),
    passed("bad_row", "bad_field", code=4, n=2, counts={"rejected": 2, "gone": 0}, but=2, postgresql=True),
    *(
        passed("bad_row", "bad_field", code=4, field=name, value=value, counts={"rejected": 1, "gone": 0}, but=1)
        for name, value in (
            ("serialNumber", ["X"]), ("name", {"a": 1}), ("assetTag", [1]), ("os", "dix-huit"),
            ("model", 5), ("groups", [1]), ("batteryLevel", [0.5]), ("apps", {"a": 1}), ("lastCheckin", ["hier"]),
        )
    ),
    *(
        passed("bad_row", "no_remote_id", "absence_not_judged", code=4, field="UDID", value=value, n=2,
               counts={"rejected": 2, "gone": 0}, but=2)
        for value in ("", None, 7)
    ),
    *(
        passed("bad_row", field=name, value=value, but=1)
        for name, value in (
            ("batteryLevel", "plein"), ("totalCapacity", -1), ("lastCheckin", "0000-00-00 00:00:00"),
            ("isManaged", "peut-être"), ("availableCapacity", 1e300), ("lastCheckin", 1e300),
        )
    ),
    refused("apps_empty", "shrunken_app_lists"),
    passed("apps_empty", n=2, but=2),
    passed("apps_missing", "app_lists_missing", right=False),
    passed("vanished", n=3, counts={"seen": 21, "gone": 3}, but=3, postgresql=True),
    refused("vanished", "shrunken_listing", n=12),
    passed("future_contact", "contact_in_future", n=3, but=3),
    passed("printed_docs", counts={"rejected": 0}),
    passed("printed_docs", path="/devices/groups"),
    failed("truncated_json", "not_json", path="/devices", exact=True),
    failed("truncated_json", "not_json", path="/apps", at=0.9),
    failed("short_body", "body_truncated", path="/devices", exact=True, environ=TINY),
    passed("short_body", times=1),
    passed("invalid_utf8", "bad_field", code=4, path="/devices", exact=True, counts={"rejected": 1, "gone": 0}, but=1),
    passed("gzip"),
    failed("trickle", "deadline_exceeded", bytes_per_s=200, path="/devices", exact=True, environ=DRIPPING),
    failed("hang", "server_timeout", seconds=0.5, environ=TINY),
    passed("hang", seconds=0.1),
    failed("reset", "server_unreachable", environ=TINY),
    failed("reset", "server_unreachable|body_truncated", when="midway", path="/devices", exact=True, environ=TINY),
    passed("reset", times=1),
    passed("reset", when="midway", times=1, path="/devices", exact=True),
    passed("returned"),
    passed("re_enrolled", n=3, counts={"new": 0, "gone": 0, "returned": 0}, postgresql=True),
    passed("wiped", n=3, counts={"new": 0, "gone": 0}),
    passed("renamed", n=3, postgresql=True),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    """A server whose faults are cleared by whoever asks for some; its clock only goes forward."""
    with start_simulator("jamf-school", start=datetime.now(UTC) - timedelta(days=90)) as running:
        yield running


@pytest.fixture
def client(server: Simulator) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.control("POST", "/faults", [{"fault": "returned"}])
    client.control("POST", "/faults", [])


@pytest.fixture
def installation(tmp_path: Path, database_url: str, server: Simulator, client: Client) -> Installation:
    """An installation that has read the server once; meanwhile time has passed there."""
    made = Installation(tmp_path, database_url, {"school": server})
    assert made.sync().code == 0
    if server.world.now < datetime.now(UTC) - timedelta(days=1):
        server.world.advance(timedelta(hours=12))
    client.control("DELETE", "/requests")
    return made


def everything(installation: Installation) -> dict[str, list[tuple[Any, ...]]]:
    with installation.store() as store:
        return contents(store)


def wrong(installation: Installation, server: Simulator) -> list[str]:
    """Return the serial numbers of which the inventory does not say the truth."""
    with installation.store() as store:
        said = recorded(store)
    true = truth(server)
    return [serial for serial in sorted({*said, *true}) if said.get(serial) != true.get(serial)]


def last_run(installation: Installation) -> dict[str, Any]:
    with installation.store() as store:
        (lease,) = rows_of(store, "lease")
        assert lease["holder"] is None, "the lease was given back"
        return rows_of(store, "run")[-1]


def check_report(ran: Ran) -> dict[str, Any]:
    """Check the shape of a report of one server, and return it."""
    run = ran.run
    assert set(run) >= RUN_KEYS
    assert set(run["devices"]) >= DEVICE_KEYS
    assert set(run["apps"]) == {"installed", "removed", "updated"}
    assert ("changes" in run) == run["dry_run"]
    for instant in (run["started_at"], run["finished_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", instant)
    assert all(set(warning) == {"code", "serial", "message"} for warning in run["warnings"])
    assert (run["error"] is None) == (run["status"] == "complete")
    if run["error"] is not None:
        assert set(run["error"]) == {"code", "message", "hint"}
        assert f"Error: {run['error']['message']}\n" in ran.err
        assert f"Hint: {run['error']['hint']}\n" in ran.err
        assert "{" not in run["error"]["message"] + run["error"]["hint"]
    else:
        assert "Error" not in ran.err
    return run


def test_every_fault_is_tried() -> None:
    assert {case.fault for case in CASES} == set(FAULTS)


def end_of(case: Case, installation: Installation) -> dict[str, Any]:
    """Run with the fault and check how it ends."""
    ran = installation.sync(environ=case.environ)
    run = check_report(ran)
    status = {0: "complete", 4: "complete", 5: "refused", 1: "failed"}[case.code]
    code = run["error"] and run["error"]["code"]
    assert (ran.code, run["status"]) == (case.code, status)
    assert code in ([None] if case.error is None else case.error.split("|"))
    assert {warning["code"] for warning in run["warnings"]} - MASKED == case.warnings
    assert case.counts.items() <= run["devices"].items()
    kept = last_run(installation)
    assert (kept["status"], (kept["error"] or {}).get("code")) == (status, code)
    assert kept["finished_at"] is not None
    return run


def try_case(case: Case, installation: Installation, client: Client) -> None:
    before = everything(installation)
    client.fault(case.fault, **case.values)
    end_of(case, installation)
    if case.error is not None:
        assert everything(installation) == before, "nothing is half-recorded"
    elif case.right:
        spoiled = {device.serial for device in client.simulator.world.current.listed[: case.but]}
        assert set(wrong(installation, client.simulator)) <= spoiled
    asked = client.control("GET", "/requests").json
    assert all(one["method"] == "GET" and not one["path"].startswith("/elsewhere") for one in asked)
    client.control("POST", "/faults", [])
    client.fault("returned")
    after = installation.sync()
    assert (after.code, after.run["status"], after.err) == (0, "complete", "")
    assert wrong(installation, client.simulator) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_fault(case: Case, installation: Installation, client: Client) -> None:
    try_case(case, installation, client)


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("case", [case for case in CASES if case.postgresql], ids=str)
def test_fault_on_postgresql(case: Case, installation: Installation, client: Client) -> None:
    try_case(case, installation, client)


#: What a trouble that has passed may leave behind: when an alias was seen, which run wrote last.
_MAY_MOVE = {"run", "lease", "record", "device_now", "server", "audit", "audit_detail"}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"fault": "invalid_utf8"}, ()),
        ({"fault": "empty_list", "path": "/apps"}, ()),
        ({"fault": "shrunken", "path": "/apps", "keep": 0.3}, ()),
        ({"fault": "apps_missing"}, ()),
        ({"fault": "apps_empty"}, ("--force",)),
        ({"fault": "duplicate_rows", "n": 3}, ()),
        ({"fault": "duplicate_serial", "n": 3}, ()),
        ({"fault": "no_serial", "n": 3}, ()),
        ({"fault": "bad_row", "n": 3}, ()),
        ({"fault": "bad_row", "n": 3, "field": "UDID", "value": ""}, ()),
        ({"fault": "forbidden", "path": "/apps"}, ()),
        ({"fault": "future_contact", "n": 3}, ()),
    ],
    ids=str,
)
def test_a_trouble_that_has_passed_leaves_no_history(
    fault: dict[str, Any], words: tuple[str, ...], installation: Installation, client: Client
) -> None:
    assert installation.sync().code == 0
    before = everything(installation)
    client.control("POST", "/faults", [fault])
    ran = installation.sync(*words)
    assert ran.run["status"] == "complete", ran.run["error"]
    client.control("POST", "/faults", [])
    assert installation.sync().code == 0
    after = everything(installation)
    assert [name for name in before if before[name] != after[name] and name not in _MAY_MOVE] == []
    assert wrong(installation, client.simulator) == []


def test_people_read_what_happened_and_what_to_do(installation: Installation, client: Client) -> None:
    client.fault("shrunken", keep=0.2)
    ran = installation("sync")
    assert ran.code == 5
    assert "refused" in ran.out
    message, hint = ran.err.splitlines()[-2:]
    assert message.startswith("Error: The list received has lost 18 of 24 devices (75")
    assert re.match("Hint: Check the console first.*--force", hint)
    client.control("POST", "/faults", [{"fault": "unauthorized"}])
    french = installation("sync", "--format", "json", lang="fr")
    assert french.code == 1
    assert french.run["error"]["code"] == "wrong_credentials"
    assert re.match("Erreur\u00a0: .*\nÀ faire\u00a0: ", french.err)


def test_force_takes_a_shorter_list_and_the_rest_comes_back(
    installation: Installation, client: Client
) -> None:
    assert installation.sync().code == 0
    client.fault("vanished", n=12)
    forced = check_report(installation.sync("--force"))
    assert (forced["status"], forced["devices"]["gone"], forced["devices"]["seen"]) == ("complete", 12, 12)
    gone = json.loads(installation("device", "list", "--gone", "--format", "json").out)
    assert {row["serial"] for row in gone} == {
        device.serial for device in client.simulator.world.current.listed[:12]
    }
    assert all(row["gone_at"] and row["state"] == "in_service" for row in gone), "nobody is deleted"
    client.fault("returned")
    back = check_report(installation.sync())
    assert (back["devices"]["returned"], back["devices"]["new"], back["apps"]) == (
        12, 0, {"installed": 0, "removed": 0, "updated": 0},
    )  # fmt: skip
    assert wrong(installation, client.simulator) == []


def test_force_does_not_believe_that_every_app_is_gone(installation: Installation, client: Client) -> None:
    assert installation.sync().code == 0
    # The server is shared by the tests: one of them may have wiped a tablet, which truly has no app.
    devices = client.simulator.world.state()["devices"]
    bare = {device["serial"] for device in devices if not device["apps"]}
    client.fault("apps_empty")
    run = check_report(installation.sync("--force"))
    assert (run["status"], run["apps"]["removed"]) == ("complete", 0)
    listed = json.loads(installation("device", "list", "--format", "json").out)
    assert {row["apps"] for row in listed if row["serial"] not in bare} == {None}, "unknown is not zero"
    assert {row["apps"] for row in listed if row["serial"] in bare} <= {0}
    client.control("POST", "/faults", [])
    assert check_report(installation.sync())["apps"] == {"installed": 0, "removed": 0, "updated": 0}
    assert wrong(installation, client.simulator) == []


def everywhere(installation: Installation) -> Any:
    with installation.store() as store:
        return contents(store, without=frozenset())


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ([], 0),
        ([{"fault": "vanished", "n": 2}, {"fault": "re_enrolled", "n": 4}, {"fault": "no_serial"}], 4),
        ([{"fault": "empty_list"}], 5),
        ([{"fault": "html"}], 1),
    ],
    ids=["good", "changes", "refused", "failed"],
)
def test_a_dry_run_writes_nothing_here_or_there_and_tells_the_truth(
    faults: list[dict[str, Any]], code: int, installation: Installation, client: Client
) -> None:
    for fault in faults:
        client.control("POST", "/faults", fault)
    there, here = client.simulator.world.current, everywhere(installation)
    client.control("DELETE", "/requests")
    dry = installation.sync("--dry-run")
    report = check_report(dry)
    assert (dry.code, report["dry_run"]) == (code, True)
    assert everywhere(installation) == here, "not even a run or a lease"
    assert client.simulator.world.current is there
    asked = client.control("GET", "/requests").json
    assert {one["method"] for one in asked} == {"GET"}

    real = installation.sync()
    done = check_report(real)
    keys = ("status", "devices", "apps", "error", "warnings", "requests")
    assert (real.code, {key: done[key] for key in keys}) == (dry.code, {key: report[key] for key in keys})
    # Two runs, two instants: when a device vanished is each run's own.
    assert without_instants(report["changes"]) == without_instants(what_happened(installation, since=here))


def what_happened(installation: Installation, since: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return what the histories say of everything that is new since a picture of the database."""
    last = max(row[0] for row in since["run"])
    with installation.store() as store:
        serials = {row["id"]: row["serial"] for row in rows_of(store, "device")}
        apps = {row["id"]: row["bundle_id"] for row in rows_of(store, "app")}
        versions = {row["id"]: row["text"] for row in rows_of(store, "app_version")} | {None: None}
        found = [
            (serials[row["device_id"]], row["field"], row["old"], row["new"])
            for row in rows_of(store, "field_change")
            if row["run_id"] > last
        ]
        found += [
            (
                serials[row["device_id"]], f"app:{apps[row['app_id']]}",
                versions[row["old_version_id"]], versions[row["new_version_id"]],
            )
            for row in rows_of(store, "app_event")
            if row["run_id"] > last
        ]  # fmt: skip
    # The moment of a disappearance is the only thing that a rehearsal cannot know.
    return [
        {"serial": serial, "field": name, "old": old, "new": new}
        for serial, name, old, new in sorted(found, key=lambda row: (row[0], row[1], row[3] or ""))
    ]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("devices", [0, 24, 300])
def test_at_most_four_questions_whatever_the_size(devices: int, tmp_path: Path, database_url: str) -> None:
    with start_simulator(
        "jamf-school", devices=devices, start=datetime.now(UTC) - timedelta(days=9)
    ) as server:
        installation, client = Installation(tmp_path, database_url, {"school": server}), Client(server)
        for step in range(3):
            client.control("DELETE", "/requests")
            run = check_report(installation.sync())
            assert (run["status"], run["devices"]["seen"]) == ("complete", devices)
            asked = client.control("GET", "/requests").json
            assert len(asked) == run["requests"] <= 4
            assert {one["method"] for one in asked} == {"GET"}
            listings = [one for one in asked if one["path"] == "/devices"]
            assert len(listings) == 1
            assert not [
                one for one in asked if one["path"].startswith("/devices/") and "groups" not in one["path"]
            ]
            if step == 1:
                server.world.advance(timedelta(days=3))
        assert wrong(installation, server) == []


@pytest.fixture
def two(tmp_path: Path, database_url: str) -> Iterator[Callable[..., Ran]]:
    """Two servers with different fleets; asked with the fault of each (None: no fault)."""
    with ExitStack() as running:
        start = datetime.now(UTC) - timedelta(days=9)
        servers = {
            name: running.enter_context(start_simulator("jamf-school", devices=12, seed=seed, start=start))
            for name, seed in (("east", 5), ("west", 6))
        }
        installation = Installation(tmp_path, database_url, servers)
        first = installation.sync()
        assert (first.code, [run["server"] for run in first.runs]) == (0, ["east", "west"])

        def ask(*faults: str | None, words: tuple[str, ...] = ()) -> Ran:
            for server, fault in zip(servers.values(), faults, strict=True):
                Client(server).control("POST", "/faults", [{"fault": fault}] if fault else [])
            return installation.sync(*words)

        yield ask


def test_one_failure_costs_the_other_server_nothing(two: Callable[..., Ran]) -> None:
    def ended(*faults: str | None, words: tuple[str, ...] = ()) -> tuple[int, list[str]]:
        ran = two(*faults, words=words)
        return ran.code, [run["status"] for run in ran.runs]

    assert ended("html", None) == (4, ["failed", "complete"])
    assert ended(None, "empty_list") == (4, ["complete", "refused"])
    assert ended("no_serial", None) == (4, ["complete", "complete"])
    assert ended("empty_list", "empty_list") == (5, ["refused", "refused"])
    assert ended("unauthorized", "empty_list") == (5, ["failed", "refused"])
    assert ended("html", "unauthorized") == (1, ["failed", "failed"])
    assert ended("html", None, words=("west",)) == (0, ["complete"])
    assert ended("html", None, words=("east", "west")) == (4, ["failed", "complete"])
    assert ended(None, None) == (0, ["complete", "complete"])


def test_a_fleet_on_two_servers_is_read_side_by_side(tmp_path: Path, database_url: str) -> None:
    """The first read of the same devices by two threads: each device once, with two aliases."""
    with ExitStack() as running:
        start = datetime.now(UTC) - timedelta(days=30)
        servers = {
            name: running.enter_context(start_simulator("jamf-school", devices=200, seed=7, start=start))
            for name in ("east", "west", "north")
        }
        installation = Installation(tmp_path, database_url, servers)
        for step in range(4):
            ran = installation.sync()
            assert (ran.code, [run["status"] for run in ran.runs]) == (0, ["complete"] * 3), ran.err
            with installation.store() as store:
                assert len(rows_of(store, "device")) == len(rows_of(store, "device_now")) == 200
                assert len(rows_of(store, "record")) == 600
            assert wrong(installation, servers["east"]) == [], step
            for server in servers.values():
                server.world.advance(timedelta(days=2))


def without_instants(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out when a device vanished or came back."""
    return [
        {**change, "old": change["old"] and "-", "new": change["new"] and "-"}
        if change["field"] == "gone_at"
        else change
        for change in changes
    ]
