"""The first command on a fresh machine: it says what is missing and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="make and sh are for developers on POSIX")

#: A Python that reports this version and, when told to, lacks a module; it "makes" environments of itself.
FAKE = """#!/bin/sh
case "$*" in
    *version_info*3,\\ 11*) exit {old} ;;
    *import\\ venv*) exit {no_venv} ;;
    *import\\ pip*) exit 0 ;;
    --version) echo "Python {version}" ;;
    *print*) echo {version} ;;
    "-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; : > "$3/pyvenv.cfg" ;;
    "-m pip"*) echo "pip $*" >> pip.log ;;
esac
"""

Setup = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fakes(tmp_path: Path) -> Callable[..., Path]:
    """Write a fake Python under a name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "mkdir", "cp", "rm"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)

    def write(name: str, version: str = "3.12", *, venv: bool = True) -> Path:
        old = tuple(map(int, version.split("."))) < (3, 11)
        path = folder / name
        path.write_text(FAKE.format(version=version, old=int(old), no_venv=int(not venv)))
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def setup(tmp_path: Path, fakes: Callable[..., Path]) -> Setup:
    """Run ``tools/setup`` in an empty folder, with only the fakes to find."""
    work = tmp_path / "with a space"
    work.mkdir()

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(tmp_path / "bin"), **variables}
        return subprocess.run(
            [str(tmp_path / "bin" / "sh"), str(ROOT / "tools" / "setup")],
            cwd=work, env=environment, capture_output=True, text=True, timeout=30,
        )  # fmt: skip

    return run


def test_installs_what_the_lock_says_and_nothing_else(setup: Setup, fakes, tmp_path: Path) -> None:
    fakes("python3")
    run = setup()
    assert run.returncode == 0, run.stderr
    first, second = (tmp_path / "with a space" / "pip.log").read_text().splitlines()
    assert first.endswith("install --quiet --require-hashes -r requirements.lock")
    assert second.endswith("install --quiet --no-deps --no-build-isolation --editable .")


def test_missing_venv_is_named_with_its_cure(setup: Setup, fakes) -> None:
    fakes("python3", "3.11", venv=False)
    run = setup()
    assert run.returncode == 1
    assert "venv module" in run.stderr
    assert "apt install python3-venv" in run.stderr
    assert "python3.11-venv" in run.stderr


def test_old_python_is_named(setup: Setup, fakes) -> None:
    fakes("python3", "3.9")
    run = setup()
    assert run.returncode == 1
    assert "Python 3.9" in run.stderr
    assert "PYTHON=" in run.stderr


def test_no_python_at_all(setup: Setup) -> None:
    run = setup()
    assert run.returncode == 1
    assert "no Python 3.11 or newer" in run.stderr


def test_newer_one_beside_an_old_one_is_found(setup: Setup, fakes) -> None:
    fakes("python3", "3.9")
    fakes("python3.13", "3.13")
    run = setup()
    assert run.returncode == 0, run.stderr
    assert "with Python 3.13" in run.stdout


def test_chosen_python_must_be_new_enough(setup: Setup, fakes) -> None:
    fakes("python3", "3.13")
    old = fakes("mine", "3.10")
    run = setup(PYTHON=str(old))
    assert run.returncode == 1
    assert f"PYTHON={old}" in run.stderr


def test_chosen_python_is_used(setup: Setup, fakes) -> None:
    fakes("python3", "3.13")
    run = setup(PYTHON=str(fakes("my python", "3.12")))
    assert run.returncode == 0, run.stderr
    assert "with Python 3.12" in run.stdout


def test_environment_of_an_old_python_is_made_anew(setup: Setup, fakes, tmp_path: Path) -> None:
    venv = tmp_path / "with a space" / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    shutil.copy(fakes("old", "3.9"), venv / "bin" / "python")
    fakes("python3", "3.12")
    run = setup()
    assert run.returncode == 0, run.stderr
    assert "Making .venv" in run.stdout


def test_folder_that_is_no_environment_is_left_alone(setup: Setup, fakes, tmp_path: Path) -> None:
    precious = tmp_path / "with a space" / "mine"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    fakes("python3")
    run = setup(VENV="mine")
    assert run.returncode == 1
    assert (precious / "letter.txt").read_text() == "dear"


def test_second_make_installs_nothing(tmp_path: Path) -> None:
    """The stamp is newer than what it depends on until the lock or the project changes."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make here")
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "hatch_build.py", "tools/setup"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, target)
    stamp = tmp_path / ".venv" / ".ready"
    stamp.parent.mkdir()
    stamp.touch()

    def waiting() -> bool:
        return subprocess.run([make, "-q", ".venv/.ready"], cwd=tmp_path, env=_bare()).returncode == 1

    assert not waiting()
    os.utime(tmp_path / "requirements.lock", (2e9, 2e9))
    assert waiting()


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
