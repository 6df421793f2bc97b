"""Other tools beside ours, on the same faults: ``python -m bench.peers``.

jamf-pro-sdk (a library; reads mobile devices) and cairn-sync (reads Macs into an asset list) ask
the server of ``bench.pro_server``; ours asks the simulated Jamf School server with the nearest
fault. Every run starts from nothing, so that what is right afterwards came through the fault.
Peers run in an environment of their own, made from ``bench/requirements.lock``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.pro_server import FAULTS, ProServer, running
from bench.report import machine, table, write_section
from bench.simulated import control, simulator, write_settings

__all__ = ["main"]

_HERE = Path(__file__).parent
_APPS = 60
#: Tables every run writes, whatever it finds.
_BOOKKEEPING = frozenset({"run", "lease", "job"})

_MEANING = {
    "none": "nothing wrong",
    "one_page_500": "one page always 500 (ours: the listing)",
    "rate_limited": "one 429, Retry-After 1 s",
    "token_lapses": "the token lapses midway (ours: the key is refused on the listing)",
    "duplicate_serial": "two records of one serial number, the older first",
    "bad_row": "one row of wrong types",
    "failure_200": "HTTP 200 with a failure in the body",
}
_OUR_FAULTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "one_page_500": [{"fault": "server_error", "status": 500, "path": "/devices", "exact": True}],
    "rate_limited": [
        {"fault": "rate_limited", "retry_after": 1, "path": "/devices", "exact": True, "times": 1}
    ],
    "token_lapses": [{"fault": "unauthorized", "path": "/devices", "exact": True}],
    "duplicate_serial": [{"fault": "duplicate_serial", "n": 1}],
    "bad_row": [{"fault": "bad_row", "n": 1}],
    "failure_200": [{"fault": "failure_200", "path": "/devices", "exact": True}],
}


class Outcome(NamedTuple):
    """What one run came to. ``right`` of ``of`` rows; ``said``: what the tool says went wrong."""

    right: int
    of: int
    requests: int
    seconds: float
    writes: int | None
    said: str


def main(arguments: list[str] | None = None) -> None:
    """Run everybody on every fault, and print Markdown tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Other tools beside ours.")
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--python", help="a Python that has the peers already")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mdm-bridge-bench-") as name:
        folder = Path(name)
        python = options.python or _environment(folder)
        found = {
            "jamf-pro-sdk": _of_peer(_jamf_pro_sdk, python, folder, options.devices),
            "cairn-sync": _of_peer(_cairn, python, folder, options.devices),
            "mdm-bridge": _of_ours(folder, options.devices),
        }
    text = f"{_faults(found)}\n\n{_costs(found)}"
    print(text)
    if options.write:
        write_section("peers", f"{machine()}\n\n{text}")


def _environment(folder: Path) -> str:
    place = folder / "peers"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    lock = str(_HERE / "requirements.lock")
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
    subprocess.run([*command, "--require-hashes", "-r", lock], check=True)
    return str(python)


Peer = Callable[[ProServer, int, str, Path], tuple[dict[str, list[str]], str]]


def _of_peer(peer: Peer, python: str, folder: Path, devices: int) -> dict[str, Outcome]:
    state = ProServer(devices, _APPS)
    with running(state) as port:
        found = {}
        for fault in FAULTS:
            state.start_over(fault)
            found[fault] = _one(state, peer, python, port, folder / f"{peer.__name__}-{fault}.json")
            if fault == "none":
                state.start_over(fault, keep_assets=True)
                memory = folder / f"{peer.__name__}-{fault}.json"
                found["unchanged"] = _one(state, peer, python, port, memory)
    return found


def _one(state: ProServer, peer: Peer, python: str, port: int, memory: Path) -> Outcome:
    begin = time.perf_counter()
    rows, said = peer(state, port, python, memory)
    seconds = time.perf_counter() - begin
    truth = state.truth()
    right = sum(rows.get(serial) == [version] for serial, version in truth.items())
    writes = state.writes if peer is _cairn else None
    return Outcome(right, len(truth), state.requests, seconds, writes, said)


def _run(python: str, script: str, *arguments: str) -> dict[str, Any]:
    command = [python, str(_HERE / "peer_scripts" / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"said": done.stderr.strip().rpartition("\n")[2], "rows": []}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _jamf_pro_sdk(state: ProServer, port: int, python: str, _: Path) -> tuple[dict[str, list[str]], str]:
    answer = _run(python, "run_jamf_pro_sdk.py", str(port))
    rows: dict[str, list[str]] = {}
    for serial, version in answer["rows"]:
        rows.setdefault(serial, []).append(version)
    return rows, answer["said"]


def _cairn(state: ProServer, port: int, python: str, memory: Path) -> tuple[dict[str, list[str]], str]:
    answer = _run(python, "run_cairn.py", str(port), str(memory))
    rows = {serial: [asset["custom_fields"]["OS Version"]] for serial, asset in state.assets.items()}
    return rows, answer["said"]


def _of_ours(folder: Path, devices: int) -> dict[str, Outcome]:
    found = {}
    with simulator("--devices", str(devices), "--apps", str(_APPS)) as ready:
        state = control(ready, "GET", "/state?apps=false")["devices"]
        truth = {
            device["serial"]: device["os_version"]
            for device in state
            if device["class"] == "ipad" and not device["in_trash"]
        }
        for fault, faults in _OUR_FAULTS.items():
            control(ready, "POST", "/faults", faults)
            settings = write_settings(folder, ready, f"{fault}.db")
            found[fault] = _ours(settings, folder / f"{fault}.db", truth)
            if fault == "none":
                found["unchanged"] = _ours(settings, folder / f"{fault}.db", truth)
    return found


def _ours(settings: Path, database: Path, truth: dict[str, str]) -> Outcome:
    before = _tables(database)
    begin = time.perf_counter()
    done, sync = _bridge(settings, "sync", "--format", "json")
    seconds = time.perf_counter() - begin
    after = _tables(database)
    _, listed = _bridge(settings, "device", "list", "--format", "json")
    rows = {row["serial"]: row["os_version"] for row in listed} if isinstance(listed, list) else {}
    right = sum(rows.get(serial) == version for serial, version in truth.items())
    writes = sum(len(after[name] ^ before.get(name, set())) for name in after)
    report = sync["runs"][0] if sync else {}
    return Outcome(right, len(truth), report.get("requests", 0), seconds, writes, _said(done, report))


def _said(done: int, report: dict[str, Any]) -> str:
    error = report.get("error")
    noticed = [w["message"] for w in report.get("warnings", []) if not w["code"].endswith("_may_identify")]
    parts = [error["message"]] if error else noticed[:1]
    return " ".join(([f"exit {done}:"] if done else []) + parts)


def _bridge(settings: Path, *arguments: str) -> tuple[int, Any]:
    command = [sys.executable, "-m", "mdm_bridge", "--lang", "en", "--config", str(settings), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None


def _tables(database: Path) -> dict[str, set[bytes]]:
    """Return a digest of every row, by table, but for those that every run writes."""
    if not database.exists():
        return {}
    raw = sqlite3.connect(database)
    try:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: {hashlib.md5(repr(row).encode()).digest() for row in raw.execute(f'SELECT * FROM "{name}"')}
            for name in names
            if name not in _BOOKKEEPING
        }
    finally:
        raw.close()


def _faults(found: dict[str, dict[str, Outcome]]) -> str:
    headings = ["fault"]
    for tool in found:
        headings += [f"{tool}: rows right", "it says"]
    rows = []
    for fault, meaning in _MEANING.items():
        row = [meaning]
        for outcomes in found.values():
            outcome = outcomes[fault]
            row += [f"{outcome.right}/{outcome.of}", _short(outcome.said)]
        rows.append(row)
    return table(headings, rows)


def _short(said: str) -> str:
    text = re.sub(r"(http://)?127\.0\.0\.1:\d+", "SERVER", " ".join(said.split())).replace("|", "/")
    return (text[:90] + "…" if len(text) > 90 else text) or "nothing"


def _costs(found: dict[str, dict[str, Outcome]]) -> str:
    rows = []
    for tool, outcomes in found.items():
        for case, name in (("none", "first run"), ("unchanged", "second run, nothing changed")):
            one = outcomes[case]
            writes = "keeps nothing" if one.writes is None else str(one.writes)
            rows.append((f"{tool}, {name}", f"{one.seconds:.2f}", str(one.requests), writes))
    return table(("tool", "s", "requests", "rows written"), rows)


if __name__ == "__main__":
    main()
