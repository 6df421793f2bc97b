"""The command line, in this process and in a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from mdm_bridge.delivery import i18n
from mdm_bridge.delivery.cli import cli
from tests.delivery.sample import sample
from tools.messages import compile_catalogs

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session", autouse=True)
def compiled_catalogs() -> None:
    """Git keeps no ``.mo``: make them from the catalogs as they are."""
    compile_catalogs()
    i18n._catalog.cache_clear()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the program in this process, in an empty folder, with the group ``sample`` added."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(cli.commands, "sample", sample)

    def running(*args: str, **options: object) -> Result:
        return CliRunner().invoke(cli, list(args), catch_exceptions=False, **options)

    return running


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Run the program with the group ``sample`` in a process of its own, in an empty folder."""

    def running(*args: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "tests.delivery.sample", *args],
            cwd=tmp_path,
            env=environment(**environ),
            capture_output=True,
            timeout=60,
            check=False,
        )

    return running


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a subprocess: ours, with the checkout on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "fr_FR.UTF-8", **more}


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Return every command below a group, groups included, with the words that call it."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found.extend(leaves(command, (*path, name)))
    return found
