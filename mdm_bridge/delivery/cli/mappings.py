"""The options of commands that read somebody's CSV file: which columns mean what."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import N_, Cli, _, option, translate, usage_error

if TYPE_CHECKING:
    from mdm_bridge.domain.columns import MappedTable

__all__ = ["check_new_mapping", "keep_mapping", "mapping_options", "tell_guess"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")


def mapping_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--mapping`` and ``--save-mapping``."""
    saved = option(
        "--save-mapping",
        metavar=N_("NAME"),
        help=N_("Keep what the columns mean under this name, for --mapping."),
    )(function)
    return option(
        "--mapping",
        metavar=N_("NAME"),
        help=N_("Which columns of the file mean what; guessed if not given."),
    )(saved)


def tell_guess(cli: Cli, table: MappedTable) -> None:
    """Say how each column was read when nobody said what it means."""
    if table.guessed:
        for sentence in table.described():
            cli.note(translate(sentence))


def check_new_mapping(cli: Cli, name: str | None) -> None:
    """Refuse a name that no mapping can be given, before anything else is done."""
    if name is None:
        return
    if not _NAME.fullmatch(name):
        raise usage_error(
            _("This name cannot be given to a mapping."), hint=_("Letters, digits, - and _ are possible.")
        )
    if name in cli.app.mapping_names():
        raise usage_error(
            _("There is a mapping of this name already."), hint=_("Choose another name for --save-mapping.")
        )


def keep_mapping(cli: Cli, name: str | None, table: MappedTable, *, dry_run: bool) -> None:
    """Save what the columns of a file mean, if asked to; a dry run saves nothing."""
    if name is None or dry_run:
        return
    cli.note(_("Mapping saved: {file}.", file=cli.app.save_mapping(name, table.mapping)))
