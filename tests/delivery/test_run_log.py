"""What ``-v`` and ``-vv`` say of a synchronisation, and what they never say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mdm_bridge.simulator import Simulator, start_simulator
from tests.delivery.conftest import environment
from tests.support.installation import Installation


@pytest.fixture
def server() -> Iterator[Simulator]:
    with start_simulator("jamf-school", devices=24, start=datetime.now(UTC) - timedelta(days=3)) as started:
        yield started


def synchronise(folder: Path, server: Simulator, *options: str) -> str:
    """Return what stderr got."""
    installation = Installation(folder, f"sqlite:///{folder / 'own.db'}", {"north": server})
    done = subprocess.run(
        [sys.executable, "-m", "mdm_bridge", "--config", str(installation.config), "--lang", "en", *options, "sync"],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_v_says_each_request_and_how_the_run_went(tmp_path: Path, server: Simulator) -> None:
    assert " info " not in synchronise(tmp_path, server)
    said = synchronise(tmp_path, server, "-v")
    events = re.findall(r"^\d\d:\d\d:\d\d info (.*)$", said, re.MULTILINE)
    assert events[0].startswith("run begun server=north kind=jamf-school mode=listing dry_run=False")
    requests = [event for event in events if event.startswith("request ")]
    assert len(requests) >= 4
    form = r"request method=GET path=/\S+ status=200 bytes=[1-9]\d* seconds=[\d.]+ attempt=1"
    assert all(re.fullmatch(form, request) for request in requests), requests
    assert any(re.fullmatch(r"merge server=north seconds=[\d.]+", event) for event in events)
    assert re.match(
        r"run complete server=north devices=24 new=0 .* requests=4 .* seconds=[\d.]+$", events[-1]
    )
    assert " debug " not in said


def test_vv_adds_details_and_neither_says_secrets_or_names(tmp_path: Path, server: Simulator) -> None:
    said = synchronise(tmp_path, server, "-vv")
    assert re.search(r"debug request detail host=\S+ query=includeApps", said)
    assert re.search(r"debug page read server=north rows=\d+ total=\d+", said)
    key = Path(str(server.settings["api_key_file"])).read_text(encoding="utf-8").strip()
    assert key
    assert key not in said
    assert str(server.settings["network_id"]) not in said
    shown = [line for line in said.splitlines() if re.search(r" (info|debug) ", line)]
    assert not [line for line in shown if "name=" in line or "FORM-" in line or "serial" in line]
