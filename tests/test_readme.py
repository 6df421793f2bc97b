"""The README's commands run as they stand: each block marked ``sh test``, in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh test\n(.*?)^```", README, re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the blocks are written for a POSIX shell")


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``mdm-bridge`` is this checkout's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "mdm-bridge"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mdm_bridge "$@"\n')
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_block_runs(block: str, shell: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    run = subprocess.run(
        [shutil.which("sh") or "sh", "-eu", "-c", block],
        cwd=folder, env=shell, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout
    assert "Traceback" not in run.stderr


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) >= 2


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_make_target_is_real() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test", "check"} <= named
    assert named <= targets
