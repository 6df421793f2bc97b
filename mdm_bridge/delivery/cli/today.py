"""``mdm-bridge today``: what needs a person, in one screen."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Output,
    _,
    output_options,
    pass_cli,
    print_rows,
    translate,
)
from mdm_bridge.delivery.cli.base import command as make_command

if TYPE_CHECKING:
    from mdm_bridge.services.today import Matter

SECTIONS = {
    "late": N_("Late"),
    "failing": N_("Failing"),
    "not_ready": N_("To prepare"),
    "running": N_("Under way"),
    "expiring": N_("Expiring"),
    "to_sort": N_("To be sorted"),
}

MATTERS = (
    Column("section", N_("Subject"), "enum", priority=9, labels=SECTIONS),
    Column("about", N_("About"), priority=8, none=""),
    Column("message", N_("What"), priority=9, min_width=24),
    Column("hint", N_("To do"), priority=7, min_width=24),
)


@make_command(
    "today",
    help=N_("What is late, failing, not ready, under way or expiring, in one screen."),
    examples=("mdm-bridge today", "mdm-bridge today --format json"),
)
@output_options
@pass_cli
def command(cli: Cli, output: Output) -> None:
    """Print what needs a person."""
    from mdm_bridge.services.today import today

    app = cli.app
    asked = [name for name in app.server_names() if app.kind(name) != "file"]
    matters = today(app.store, app.clock, app.zone, asked, _dates(app.settings.expiries))
    print_rows(cli, [_row(matter) for matter in matters], MATTERS, output, title=_("Today"))
    if not matters:
        cli.note(_("Nothing needs you today."))


def _row(matter: Matter) -> dict[str, Any]:
    return {
        "section": matter.section,
        "code": matter.message.code,
        "about": matter.serial or matter.server,
        "serial": matter.serial,
        "server": matter.server,
        "on": matter.on,
        "message": translate(matter.message),
        "hint": translate(matter.hint),
    }


def _dates(expiries: dict[str, Any]) -> dict[str, date]:
    """Return the dates typed in the settings; what is not a date is not one of ours to judge."""
    found = {}
    for name, value in expiries.items():
        if isinstance(value, datetime):
            found[name] = value.date()
        elif isinstance(value, date):
            found[name] = value
    return found
