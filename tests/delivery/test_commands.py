"""Every command that is listed: it imports, it is explained, it is documented."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mdm_bridge.delivery.cli import COMMANDS, cli
from mdm_bridge.delivery.cli.lazy import Argument, Command, Group, Option
from tests.delivery.conftest import ROOT, Run, leaves


@pytest.mark.parametrize("name", COMMANDS)
def test_a_listed_command_imports(name: str) -> None:
    assert isinstance(cli.get_command(click.Context(cli), name), Command)


def _problems(path: tuple[str, ...], command: click.Command) -> list[str]:
    name = " ".join(path)
    if not isinstance(command, Command):
        return [f"{name}: not made with base.command or base.group"]
    found = []
    if not command.help:
        found.append(f"{name}: no help")
    if not command.examples and not isinstance(command, Group):
        found.append(f"{name}: no example")
    found += [
        f"{name}: no command line: {line}" for line in command.examples if not line.startswith("mdm-bridge ")
    ]
    for param in command.params:
        if isinstance(param, Option) and not param.help:
            found.append(f"{name}: no help for {param.opts[0]}")
        if not isinstance(param, (Option, Argument)):
            found.append(f"{name}: {param.name} is not made with base.option or base.argument")
        if param.envvar:
            found.append(f"{name}: {param.name} reads the environment")
    return found


def test_every_command_is_explained() -> None:
    assert [problem for path, command in leaves(cli) for problem in _problems(path, command)] == []


def test_every_example_calls_a_command_that_exists() -> None:
    for _path, command in leaves(cli):
        for example in command.examples:
            context, words = click.Context(cli), shlex.split(example.partition(" > ")[0])[1:]
            found: click.Command = cli
            while isinstance(found, Group) and words:
                step = found.get_command(context, words.pop(0))
                assert step is not None, example
                found = step
            found.make_context("x", words, resilient_parsing=True)
            options = {name for param in found.params for name in (*param.opts, *param.secondary_opts)}
            used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert used <= options, example


def test_every_command_is_documented() -> None:
    text = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    )
    assert [
        " ".join(path) for path, _command in leaves(cli) if f"mdm-bridge {' '.join(path)}" not in text
    ] == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_help_of_every_command_fits_80_columns(run: Run, language: str) -> None:
    for path, _command in leaves(cli):
        result = run("--lang", language, *path, "--help", terminal_width=80)
        assert result.exit_code == 0, path
        before_examples = re.split(r"\n(?:Examples|Exemples)", result.stdout)[0]
        assert max(map(len, before_examples.splitlines())) <= 80, path


def test_no_command_module_is_left_out_of_the_table() -> None:
    listed = {entry.module for entry in COMMANDS.values()}
    folder = Path(__file__).resolve().parents[2] / "mdm_bridge" / "delivery" / "cli"
    exposing = {
        f"mdm_bridge.delivery.cli.{file.stem}"
        for file in folder.glob("*.py")
        if re.search(r"^(command = |def command\()", file.read_text(encoding="utf-8"), re.MULTILINE)
        and file.stem != "base"
    }
    assert exposing <= listed | {
        e.module for _p, c in leaves(cli) if isinstance(c, Group) for e in c.entries.values()
    }
