"""The wheel holds all that a machine without this checkout needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="what builds the package comes with requirements.lock")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy of what git keeps: the checkout itself may hold more than a clone does."""
    copy = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
        cwd=copy, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return next((copy / "out").glob("*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """The wheel, unpacked as an installer would."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_starter_files_are_in_it(names: set[str]) -> None:
    wanted = {f"mdm_bridge/starter/{path.relative_to(ROOT)}" for path in _starter()}
    assert wanted
    assert wanted <= names


def test_translations_and_migrations_are_in_it(names: set[str]) -> None:
    assert "mdm_bridge/locale/fr/LC_MESSAGES/mdm_bridge.mo" in names
    assert "mdm_bridge/py.typed" in names
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / "mdm_bridge").rglob("*.py")}
    assert {name for name in kept if "/migrations/" in name} <= names


def test_nothing_else_is_in_it(names: set[str]) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"mdm_bridge"}
    assert not {name for name in names if name.endswith((".db", ".key", ".pyc"))}


def test_program_of_the_wheel_begins_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    run = subprocess.run(
        [sys.executable, "-m", "mdm_bridge", "--lang", "fr", "init", "--yes"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert (folder / "mdm-bridge.toml").is_file()
    for path in _starter():
        assert (folder / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def _starter() -> list[Path]:
    return [
        path for name in ("app_catalog", "profiles") for path in (ROOT / name).rglob("*") if path.is_file()
    ]
