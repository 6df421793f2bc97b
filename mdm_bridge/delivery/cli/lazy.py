"""click's classes, made lazy and bilingual.

The language is known only once ``--lang`` is read, after every decorator ran: help texts are kept in English
and translated when they are shown. A group knows its commands by a table and imports one when it is called.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click

from mdm_bridge.delivery.i18n import N_, _

__all__ = ["Argument", "Command", "Entry", "Group", "Option"]

#: Kinds of values click names itself.
_METAVARS = {
    "INTEGER": N_("NUMBER"),
    "INTEGER RANGE": N_("NUMBER"),
    "FLOAT": N_("NUMBER"),
    "FLOAT RANGE": N_("NUMBER"),
    "TEXT": N_("TEXT"),
    "FILE": N_("FILE"),
    "FILENAME": N_("FILE"),
    "DIRECTORY": N_("FOLDER"),
    "PATH": N_("PATH"),
}


class Entry(NamedTuple):
    """A command a group knows without importing it.

    ``module`` is the full module name, ``help`` one English line marked with ``N_``, ``attribute`` the
    name of the click object in the module.
    """

    module: str
    help: str
    attribute: str = "command"


class _Translated:
    """An attribute kept in English and read in the language in use."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f"_english_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> str | None:
        text: str | None = getattr(instance, self._slot, None)
        return _(text) if text else text

    def __set__(self, instance: Any, text: str | None) -> None:
        setattr(instance, self._slot, text)


class Option(click.Option):
    """An option whose help and value name follow the language."""

    help: Any = _Translated()

    def __init__(self, *args: Any, help: str | None = None, **kwargs: Any) -> None:  # noqa: A002 - click's word
        super().__init__(*args, **kwargs)
        self.help = help  # the very literal: click would reflow it and miss the catalog's key

    def make_metavar(self, ctx: click.Context) -> str:
        """Return the name of the value, translated."""
        shown = super().make_metavar(ctx)
        return _(_METAVARS.get(shown, shown)) if self.metavar is None else _(self.metavar)


class Argument(click.Argument):
    """An argument whose name in the usage line follows the language."""

    help: Any = _Translated()

    def __init__(self, *args: Any, help: str | None = None, **kwargs: Any) -> None:  # noqa: A002 - click's word
        super().__init__(*args, **kwargs)
        self.help = help

    def make_metavar(self, ctx: click.Context) -> str:
        """Return the name of the value, translated where a metavar was given."""
        if self.metavar is None:
            return super().make_metavar(ctx)
        shown = _(self.metavar)
        shown = shown if self.required else f"[{shown}]"
        return shown if self.nargs == 1 else f"{shown}..."


class Command(click.Command):
    """A command with translated help and a section of examples.

    Args:
        examples: Whole command lines, shown as they are under « Examples ».
    """

    help: Any = _Translated()
    short_help: Any = _Translated()

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the parts of the usage line, in the language in use."""
        return [_(piece) if piece in _USAGE else piece for piece in super().collect_usage_pieces(ctx)]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the help option, its text in the language in use."""
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = _("Show this help and exit.")
        return found

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, unwrapped: they are there to be copied."""
        if self.examples:
            with formatter.section(_("Examples")):
                formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in self.examples))
        super().format_epilog(ctx, formatter)


_USAGE = frozenset({N_("[OPTIONS]"), N_("COMMAND [ARGS]...")})


class Group(Command, click.Group):
    """A group that imports a command when it is called, and lists it without importing it.

    Args:
        entries: Commands by name, in the order they are shown; more can be added with ``add_command``.
    """

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, entries: Mapping[str, Entry] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = dict(entries or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return [*self.entries, *(name for name in self.commands if name not in self.entries)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing its module now."""
        known = super().get_command(ctx, cmd_name)
        entry = self.entries.get(cmd_name)
        if known is not None or entry is None:
            return known
        found = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; one that does not exist is refused with the nearest that does."""
        name = args[0]
        if not (ctx.resilient_parsing or name.startswith("-")) and self.get_command(ctx, name) is None:
            error = click.UsageError(_('There is no command "{name}".', name=name), ctx)
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            if near:
                error.bridge_hint = _("Did you mean: {name}", name=f"{ctx.command_path} {near[0]}")  # type: ignore[attr-defined]
            raise error
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none."""
        rows = [(name, _(entry.help)) for name, entry in self.entries.items()]
        for name, command in self.commands.items():
            if name not in self.entries and not command.hidden:
                rows.append((name, command.get_short_help_str(formatter.width)))
        if rows:
            with formatter.section(_("Commands")):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete a command name, with its one line of help, importing none."""
        from click.shell_completion import CompletionItem

        found: list[Any] = [
            CompletionItem(name, help=self._line(name, ctx))
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        found.extend(click.Command.shell_complete(self, ctx, incomplete))
        return found

    def _line(self, name: str, ctx: click.Context) -> str:
        entry = self.entries.get(name)
        if entry is not None:
            return _(entry.help)
        command = self.get_command(ctx, name)
        return command.get_short_help_str() if command is not None else ""
