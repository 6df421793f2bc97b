"""``mdm-bridge today``: what needs a person, in one screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Output,
    _,
    option,
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


#: How many devices with one trouble stand on lines of their own, and how many a joint line names.
_ALONE, _NAMED = 2, 5

#: What is said of several devices at once.
_TOGETHER = {
    "not_seen": N_("Switched off or without network for a month or more: {n} devices."),
    "battery_low": N_("Battery low: {n} devices."),
    "storage_full": N_("Not enough free space: {n} devices."),
    "warranty_ends": N_("The warranty ends soon: {n} devices."),
    "no_pool": N_("No rule takes {n} devices: they can neither be lent nor deployed to."),
}


@make_command(
    "today",
    help=N_("What is late, failing, not ready, under way or expiring, in one screen."),
    examples=("mdm-bridge today", "mdm-bridge today --format json"),
)
@option("--all", "everything", is_flag=True, help=N_("Every device on a line of its own."))
@output_options
@pass_cli
def command(cli: Cli, everything: bool, output: Output) -> None:
    """Print what needs a person."""
    from mdm_bridge.delivery.cli.fleet_notes import freshness_line
    from mdm_bridge.services.inventory import data_age
    from mdm_bridge.services.today import today

    app = cli.app
    asked = [name for name in app.server_names() if app.kind(name) != "file"]
    matters = today(app.store, app.clock, app.zone, asked, _dates(app.settings.expiries))
    age = freshness_line(data_age(app.store))
    for_people = not everything and output.resolved(cli) in ("table", "list")
    rows = _grouped(matters) if for_people else [_row(matter) for matter in matters]
    print_rows(cli, rows, MATTERS, output, title=_("Today"), freshness=age)
    if not matters:
        cli.note(_("Nothing needs you today."))


def _grouped(matters: Sequence[Matter]) -> list[dict[str, Any]]:
    """Put many devices with one trouble on one line, so that the whole stays one screen."""
    rows: list[dict[str, Any]] = []
    for _key, group in groupby(matters, key=lambda m: (m.section, m.message.code)):
        alike = list(group)
        code = alike[0].message.code
        if len(alike) <= _ALONE or code not in _TOGETHER:
            rows.extend(_row(matter) for matter in alike)
            continue
        serials = [matter.serial or "" for matter in alike]
        more = f" … (+{len(serials) - _NAMED})" if len(serials) > _NAMED else ""
        rows.append(
            {
                "section": alike[0].section,
                "about": ", ".join(serials[:_NAMED]) + more,
                "message": _(_TOGETHER[code], n=len(alike)),
                "hint": translate(alike[0].hint),
            }
        )
    return rows


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
