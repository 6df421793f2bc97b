"""What every command is made of.

A command parses, calls one use case and prints. A whole one::

    # mdm_bridge/delivery/cli/device.py, listed as ``device`` in ``mdm_bridge/delivery/cli/__init__.py``
    import click

    from mdm_bridge.delivery.cli.base import (
        Cli, Column, N_, Output, _, argument, command, group, option, output_options, pass_cli, print_rows,
    )

    DEVICES = (
        Column("serial", N_("Serial number"), priority=9),
        Column("pool", N_("Pool"), "enum", labels={"training": N_("training"), "ash": N_("adapted")},
               none=N_("to be sorted")),
        Column("battery_percent", N_("Battery"), "percent"),
        Column("last_seen_at", N_("Last contact"), "instant", priority=5),
    )

    @group(help=N_("Look at the devices."), examples=("mdm-bridge device list",))
    def command() -> None: ...               # the click object a module exposes is named ``command``

    @command.command("list", help=N_("List the devices."), examples=("mdm-bridge device list --pool ash",))
    @option("--pool", type=click.Choice(["training", "ash"]), help=N_("Only this pool."))
    @output_options                          # --format, --output → ``output``
    @pass_cli                                # first argument: the :class:`Cli`
    def list_(cli: Cli, pool: str | None, output: Output) -> None:
        listing = cli.app.devices(pool=pool) # one use case; it may raise BridgeError
        print_rows(cli, listing.rows, DEVICES, output, freshness=listing.freshness)

- Raise :class:`~mdm_bridge.errors.BridgeError` (or let it pass): it is shown as a sentence and a hint, and
  its exit code is used. A command that must end otherwise returns its exit code (``return 4``); None is 0.
- Wrong usage that only the command can see: ``raise usage_error(_("…"), hint=_("…"))`` → exit 2.
- Data goes to stdout through :func:`print_rows`, :func:`print_json` or :func:`print_text`; remarks go to
  stderr through ``cli.note(_("…"))``, which ``-q`` silences.
- ``help=``, ``metavar=`` and headings are English marked with ``N_``; they are translated when shown.
  ``_()`` at module level would freeze the language: use it inside functions only.
- ``with cli.progress(_("Reading devices"), total=n) as advance: advance(10)``.
- Heavy modules (the wiring, rich, requests, pydantic, sqlalchemy) are imported inside functions: shell
  completion and ``--help`` pay for everything imported at the top of a module.
- A group of several modules gives ``group`` a table: ``group(entries={"list": Entry(MODULE, N_("…"))})``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from mdm_bridge.delivery.cli.console import note
from mdm_bridge.delivery.cli.lazy import Argument, Command, Entry, Group, Option
from mdm_bridge.delivery.cli.output import (
    Output,
    output_options,
    print_json,
    print_rows,
    print_text,
)
from mdm_bridge.delivery.i18n import N_, _, ngettext, set_zone, translate
from mdm_bridge.documents.columns import Column

if TYPE_CHECKING:
    from pathlib import Path

    from mdm_bridge.config import Settings
    from mdm_bridge.wiring import App

__all__ = [
    "N_",
    "Cli",
    "Column",
    "Entry",
    "Output",
    "_",
    "argument",
    "command",
    "group",
    "ngettext",
    "option",
    "output_options",
    "pass_cli",
    "print_json",
    "print_rows",
    "print_text",
    "translate",
    "usage_error",
]


class Cli:
    """What one run of the command line knows; ``ctx.obj`` of every command.

    Args:
        config_path: Settings file asked for (``--config``, ``MDM_BRIDGE_CONFIG``); None = look for one.
        actor: Login the person declares (``--as``, ``MDM_BRIDGE_AS``), else the one of the session.
        verbosity: -1 quiet, 0, 1 or 2.
        environ: Environment variables.
    """

    def __init__(
        self,
        config_path: Path | None = None,
        actor: str | None = None,
        verbosity: int = 0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.config_path = config_path
        self.verbosity = verbosity
        self.environ = os.environ if environ is None else environ
        self.progress_lines = False
        self._declared = actor

    @cached_property
    def actor(self) -> str:
        """Login to write into the audit trail: declared, or the session's own."""
        return self._declared or session_login()

    @cached_property
    def settings(self) -> Settings:
        """The settings; reading them sets the time zone shown and the log.

        Raises:
            SettingsError: A setting is wrong or missing.
        """
        from mdm_bridge.delivery import logs
        from mdm_bridge.wiring import load_settings

        settings = load_settings(self.config_path, self.environ)
        logs.configure(self.verbosity, settings.logging.level, settings.logging.format)
        set_zone(_zone(settings.calendar.timezone))
        return settings

    @cached_property
    def app(self) -> App:
        """The program, wired by the settings; closed when the command ends.

        Raises:
            SettingsError: A setting is wrong or missing.
            StorageError: The database cannot be opened.
        """
        from mdm_bridge.wiring import open_app

        app = open_app(self.config_path, self.environ, settings=self.settings)
        context = click.get_current_context(silent=True)
        if context is not None:
            context.find_root().call_on_close(app.close)
        return app

    def note(self, text: str) -> None:
        """Print a remark for the person on stderr, unless ``-q`` was given."""
        if self.verbosity >= 0:
            note(text)

    def progress(self, label: str, total: int | None = None) -> AbstractContextManager[Callable[..., None]]:
        """Show how far a long work is; see :func:`mdm_bridge.delivery.cli.progress.progress`."""
        from mdm_bridge.delivery.cli.progress import progress

        return progress(label, total, self._progress_style())

    def _progress_style(self) -> str:
        if self.verbosity < 0:
            return "none"
        wanted = getattr(getattr(self.settings, "output", None), "progress", True)
        return "lines" if self.progress_lines or wanted in (False, "lines") else "bar"


def _zone(name: object) -> Any:
    """Return a zone for its name, or the zone itself."""
    from zoneinfo import ZoneInfo

    return ZoneInfo(name) if isinstance(name, str) else name


#: The longest login that goes into the audit trail.
LONGEST_LOGIN = 64


def is_login(text: str) -> bool:
    """Tell whether a text may stand as a login in the audit trail: one short line that can be read."""
    return 0 < len(text) <= LONGEST_LOGIN and text.isprintable() and not text.isspace()


def session_login() -> str:
    """Return the login of the operating system's session, or ``unknown``."""
    import getpass

    try:
        login = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
    return login if is_login(login) else "unknown"


#: Decorator that gives a command its :class:`Cli` as first argument; put it nearest to the function.
pass_cli = click.make_pass_decorator(Cli)


def command(name: str | None = None, **attrs: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a command; ``help`` (``N_``) and ``examples`` (command lines) are expected."""
    made = click.command(name, cls=Command, **attrs)

    def decorate(function: Callable[..., Any]) -> Command:
        found = made(function)
        assert isinstance(found, Command)
        return found

    return decorate


def group(name: str | None = None, **attrs: Any) -> Callable[[Callable[..., Any]], Group]:
    """Make a group; ``entries`` lists commands of other modules, imported when called."""
    made = click.command(name, cls=Group, **attrs)

    def decorate(function: Callable[..., Any]) -> Group:
        found = made(function)
        assert isinstance(found, Group)
        return found

    return decorate


def option(*names: str, **attrs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add an option; ``help`` and ``metavar`` are English marked with ``N_``."""
    return click.option(*names, cls=Option, **attrs)


def argument(*names: str, **attrs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add an argument; ``metavar`` and ``help`` are English marked with ``N_``."""
    return click.argument(*names, cls=Argument, **attrs)


def usage_error(sentence: str, *, hint: str) -> click.UsageError:
    """Make an error of usage (exit 2) with its own hint; both already translated."""
    error = click.UsageError(sentence, click.get_current_context(silent=True))
    error.bridge_hint = hint  # type: ignore[attr-defined]
    return error
