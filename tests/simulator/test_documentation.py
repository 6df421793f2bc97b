"""The page for people names everything that can be asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mdm_bridge.simulator.by_hand import FIELDS
from mdm_bridge.simulator.faults import FAULTS
from tests.simulator.client import Client

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_every_fault_and_its_parameters_are_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` (\|.*)$", PAGE, re.MULTILINE))
    assert set(FAULTS) <= set(rows)
    for name, kind in FAULTS.items():
        for parameter in kind.params if kind.stage != "event" else ():
            assert f"`{parameter}`" in rows[name], (name, parameter)


def test_every_field_and_route_is_documented(client: Client) -> None:
    assert [name for name in FIELDS if f"`{name}`" not in PAGE] == []
    assert [route for route in client.control("GET", "").json["routes"] if f"`{route}`" not in PAGE] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["jamf-pro"], 1, "jamf-school"),
        (["jamf-school", "--start", "demain"], 2, "-30d"),
        (["jamf-school", "--devices", "-1"], 2, "--devices"),
        (["--help"], 0, ""),
    ],
)
def test_the_command_refuses_with_a_hint(arguments: list[str], code: int, said: str) -> None:
    command = [sys.executable, "-m", "mdm_bridge", "--lang", "en", "simulate", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert ended.returncode == code
    assert said in ended.stderr
    if code:
        assert ended.stdout == ""
        return
    assert [name for name in re.findall(r"--[a-z]+", ended.stdout) if name not in PAGE] == ["--help"]
