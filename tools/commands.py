"""The page of all commands, made from their help: ``python -m tools.commands`` writes docs/commands.md."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "commands.md"

_HEAD = """\
# Commands

<!-- Made from the commands' own help by `python -m tools.commands`; a test compares. -->

Data is printed on stdout, everything else on stderr; `docs/output.md` tells the formats and the exit codes.
Options of the program stand before the command: `mdm-bridge --lang fr --as LOGIN device list`. A serial
number may be shortened to its last four characters while only one device ends so.
"""


def _leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from _leaves(found, (*path, name))
        else:
            yield (*path, name)


def page() -> str:
    """Return the whole page; a process of its own, so that neither width nor language leak in."""
    made = subprocess.run(
        [sys.executable, "-m", "tools.commands", "--print"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80", "LANG": "C.UTF-8"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return made.stdout.decode()


def _help(path: tuple[str, ...]) -> str:
    from mdm_bridge.delivery.cli import cli
    from mdm_bridge.delivery.i18n import using_language

    with using_language("en"):
        context, command = click.Context(cli, info_name="mdm-bridge"), cli
        for name in path:
            assert isinstance(command, click.Group)
            command = command.get_command(context, name)  # type: ignore[assignment]
            assert command is not None
            context = click.Context(command, info_name=name, parent=context, terminal_width=80)
        return command.get_help(context)


def _made() -> str:
    from mdm_bridge.delivery.cli import cli

    parts = [_HEAD]
    for path in _leaves(cli):
        text = "\n".join(line.rstrip() for line in _help(path).splitlines())
        parts.append(f"## `mdm-bridge {' '.join(path)}`\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(_made())
    else:
        PAGE.write_text(page(), encoding="utf-8")
