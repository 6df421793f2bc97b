"""The command line: a table of commands, each imported when it is called, and the way every run ends."""

from __future__ import annotations

import contextvars
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mdm_bridge import __version__
from mdm_bridge.delivery.cli.base import LONGEST_LOGIN, Cli, is_login, usage_error
from mdm_bridge.delivery.cli.console import (
    is_closed_pipe,
    is_output_lost,
    note,
    output_lost,
    prepare_streams,
    quiet_exit,
    reader_left,
    show_error,
    show_usage_error,
)
from mdm_bridge.delivery.cli.lazy import Entry, Group, Option
from mdm_bridge.delivery.i18n import (
    LANGUAGES,
    N_,
    _,
    choose_language,
    click_language,
    set_language,
    tell_click,
)
from mdm_bridge.errors import BridgeError

__all__ = ["COMMANDS", "cli"]

_HERE = "mdm_bridge.delivery.cli"

#: Every command and group of the first level: the module that holds it, and its line in ``--help``.
COMMANDS: Mapping[str, Entry] = {
    "init": Entry(f"{_HERE}.init", N_("Write the settings and starter files, create the database.")),
    "doctor": Entry(f"{_HERE}.doctor", N_("Check the installation, one line a check.")),
    "demo": Entry(f"{_HERE}.demo", N_("Show the whole story on a simulated server.")),
    "today": Entry(f"{_HERE}.today", N_("What is late, failing, running or expiring, in one screen.")),
    "simulate": Entry(f"{_HERE}.simulate", N_("Run a simulated distant server to practise on.")),
    "sync": Entry(f"{_HERE}.sync", N_("Read the inventory of the distant servers.")),
    "device": Entry(f"{_HERE}.device", N_("Look at the devices and keep what we know of them.")),
    "report": Entry(f"{_HERE}.report", N_("Reports on the fleet and its apps.")),
    "privacy": Entry(f"{_HERE}.privacy", N_("Data protection: the audit trail.")),
    "db": Entry(f"{_HERE}.db", N_("The database: upgrade, check, back up, restore.")),
    "completion": Entry(f"{_HERE}.completion", N_("Print the completion script of a shell.")),
}

#: Options that stand before the command, and whether a value follows.
GLOBAL_OPTIONS = {
    "--config": True,
    "--lang": True,
    "--as": True,
    "-v": False,
    "--verbose": False,
    "-q": False,
    "--quiet": False,
    "--version": False,
}


class _ReaderLeft(Exception):
    """Whoever read our output closed it: nothing is wrong, and nothing more is to be written."""


@contextmanager
def _leaving_readers() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_output_lost(error):
            raise output_lost(error) from error
        if not is_closed_pipe(error):
            raise
        if reader_left():
            raise _ReaderLeft from error
        # click would take it for a reader that left, and end without a word.
        raise RuntimeError("a pipe that is not our output broke") from error


class _Program(Group):
    """The whole program: chooses the language first, and turns how a run ends into an exit code."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> int:
        """Run the program and leave with its exit code (or return it, outside standalone mode)."""
        given = sys.argv[1:] if args is None else list(args)
        context = contextvars.copy_context()  # the language and the zone of this run are its own
        code = context.run(self._main, args, given, complete_var, windows_expand_args, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _main(
        self,
        args: Sequence[str] | None,
        given: Sequence[str],
        complete_var: str | None,
        windows_expand_args: bool,
        extra: MutableMapping[str, Any],
    ) -> int:
        prepare_streams()
        set_language(choose_language(_language_asked(given), os.environ))
        with click_language():
            tell_click()
            lost: OSError | None = None
            try:
                code = self._ended(args, given, complete_var, windows_expand_args, extra)
            finally:
                lost = quiet_exit()
            if lost is not None and code == 0:
                show_error(output_lost(lost))
                code = 1
            return code

    def _ended(
        self,
        args: Sequence[str] | None,
        given: Sequence[str],
        complete_var: str | None,
        windows_expand_args: bool,
        extra: MutableMapping[str, Any],
    ) -> int:
        """Run the command; return its exit code, after saying on stderr what went wrong."""
        try:
            _refuse_unreadable(given)
            ended = super().main(
                args,
                "mdm-bridge",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            return ended if type(ended) is int else 0
        except BridgeError as error:
            show_error(error)
            return error.exit_code
        except click.ClickException as error:
            show_usage_error(error, GLOBAL_OPTIONS)
            return error.exit_code
        except click.Abort as stop:
            return _aborted(stop)
        except _ReaderLeft:
            return 0

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse; a help page may be cut short by its reader."""
        with _leaving_readers():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its output may be cut short by its reader."""
        with _leaving_readers():
            return super().invoke(ctx)


def _aborted(stop: click.Abort) -> int:
    """Say why the run stopped: Ctrl-C (130), or a question that was not answered (1)."""
    if isinstance(stop.__cause__ or stop.__context__, KeyboardInterrupt):
        note(_("Interrupted."))
        return 130
    note(_("Stopped: nothing more was done."))
    return 1


def _language_asked(args: Sequence[str]) -> str | None:
    """Return the value of ``--lang`` before the command; click reads it later, after ``--help``."""
    rest = iter(args)
    for word in rest:
        name, equals, value = word.partition("=")
        if name == "--lang":
            wanted = value if equals else next(rest, "")
            return wanted if wanted in LANGUAGES else None
        if not word.startswith("-"):
            return None
        if not equals and GLOBAL_OPTIONS.get(name):
            next(rest, None)
    return None


def _refuse_unreadable(args: Sequence[str]) -> None:
    """Refuse words with bytes that are no text here: nothing could store or show them."""
    for number, word in enumerate(args, 1):
        if any("\ud800" <= char <= "\udfff" for char in word):
            raise usage_error(
                _("Word {n} of the command line is not readable text.", n=number),
                hint=_("Type it again, in UTF-8: it holds bytes of another encoding."),
            )


def _check_actor(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if not value or is_login(value):
        return value
    raise usage_error(
        _("This is no login: it is empty, too long, or holds signs that cannot be shown."),
        hint=_("Give --as (or MDM_BRIDGE_AS) one line of at most {n} characters.", n=LONGEST_LOGIN),
    )


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"mdm-bridge {__version__}")
        ctx.exit()


@click.command(
    "mdm-bridge",
    cls=_Program,
    entries=COMMANDS,
    help=N_("Inventory of the tablets that a distant MDM server manages."),
    examples=(
        "mdm-bridge init",
        "mdm-bridge sync",
        "mdm-bridge device list --format csv-fr --output tablettes.csv",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--config",
    cls=Option,
    envvar="MDM_BRIDGE_CONFIG",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar=N_("FILE"),
    help=N_("Settings file (MDM_BRIDGE_CONFIG); else mdm-bridge.toml of the current folder."),
)
@click.option(
    "--lang",
    cls=Option,
    type=click.Choice(list(LANGUAGES)),
    is_eager=True,
    help=N_("Language of the sentences (MDM_BRIDGE_LANG)."),
)
@click.option(
    "--as",
    "actor",
    cls=Option,
    envvar="MDM_BRIDGE_AS",
    callback=_check_actor,
    metavar=N_("LOGIN"),
    help=N_("Who is acting, for the audit trail (MDM_BRIDGE_AS); else the login of the session."),
)
@click.option("-v", "--verbose", cls=Option, count=True, help=N_("Say more on stderr; twice: everything."))
@click.option("-q", "--quiet", cls=Option, is_flag=True, help=N_("Say only errors on stderr."))
@click.option(
    "--version",
    cls=Option,
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help=N_("Show the version and exit."),
)
@click.pass_context
def cli(
    ctx: click.Context, config: Path | None, lang: str | None, actor: str | None, verbose: int, quiet: bool
) -> None:
    """Prepare what every command shares."""
    from mdm_bridge.delivery import logs

    verbosity = -1 if quiet else min(verbose, 2)
    logs.configure(verbosity)
    ctx.obj = Cli(config, actor, verbosity)
