"""``mdm-bridge device state｜pool｜set｜add``: change what people own of a device."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import click

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Output,
    _,
    argument,
    option,
    output_options,
    pass_cli,
    print_rows,
    usage_error,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.delivery.cli.labels import FIELD_LABELS, STATE_LABELS, VALUE_LABELS, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdm_bridge.services.devices import DeviceChange

__all__ = ["CHANGES", "add", "pool", "set_", "show_change", "state"]

CHANGES = (
    Column("serial", N_("Serial number"), priority=9),
    Column("field", N_("Field"), "enum", priority=8, labels=FIELD_LABELS, none=""),
    Column("old", N_("Before"), "enum", priority=7, labels=VALUE_LABELS, none="", shown=written("old")),
    Column("new", N_("After"), "enum", priority=7, labels=VALUE_LABELS, none="", shown=written("new")),
)


class _Day(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.5 only
    """A day on the command line, as people and programs write it; an empty text erases."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> date | Literal[""]:
        """Return the day."""
        if isinstance(value, date) or not value.strip():
            return value or ""
        for form in ("%Y-%m-%d", "%d/%m/%Y"):
            with suppress(ValueError):
                return datetime.strptime(value.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        return self.fail(_("write a day as 2026-09-15 or 15/09/2026."), param, ctx)


DAY = _Day()


def show_change(cli: Cli, change: DeviceChange, output: Output) -> None:
    """Print what changed, or say that nothing did."""
    rows = [
        {"serial": change.serial, "field": one.field, "old": one.old, "new": one.new}
        for one in change.changes
    ]
    print_rows(cli, rows, CHANGES, output)
    if not rows:
        cli.note(_("{serial}: it was so already, nothing was changed.", serial=change.serial))


@make_command(
    "state",
    help=N_("Change the state of a device; the reason is kept in its history."),
    examples=('mdm-bridge device state K7Q2 repair --reason "Écran fendu"',),
)
@argument("serial", metavar=N_("SERIAL"))
@argument("state", type=click.Choice(list(STATE_LABELS)), metavar=N_("STATE"))
@option("--reason", required=True, metavar=N_("TEXT"), help=N_("Why; never a person's name."))
@output_options
@pass_cli
def state(cli: Cli, serial: str, state: str, reason: str, output: Output) -> None:
    """Change the state."""
    from mdm_bridge.services.devices import set_state

    show_change(cli, set_state(cli.app.store, cli.actor, serial, state, reason), output)


@make_command(
    "pool",
    help=N_("Put a device in a pool by hand; auto returns it to the rules of the settings."),
    examples=("mdm-bridge device pool K7Q2 ash", "mdm-bridge device pool K7Q2 auto"),
)
@argument("serial", metavar=N_("SERIAL"))
@argument("pool", type=click.Choice(["training", "ash", "none", "auto"]), metavar=N_("POOL"))
@option("--reason", metavar=N_("TEXT"), help=N_("Why; never a person's name."))
@output_options
@pass_cli
def pool(cli: Cli, serial: str, pool: str, reason: str | None, output: Output) -> None:
    """Choose the pool."""
    from mdm_bridge.services.devices import set_pool

    change = set_pool(cli.app.store, cli.actor, serial, pool, zone=cli.app.zone, reason=reason)
    show_change(cli, change, output)
    if change.changes and pool == "ash":
        cli.note(_("What was kept of it is reduced: apps we do not manage are counted, no longer named."))


def _facts_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of what people own of a device."""
    for decorate in (
        option("--inventory-no", metavar=N_("TEXT"), help=N_("Number in the inventory, one device each.")),
        option(
            "--purchased-on",
            type=DAY,
            metavar=N_("DATE"),
            help=N_("Day of the purchase: 2026-09-15 or 15/09/2026."),
        ),
        option("--funding", metavar=N_("TEXT"), help=N_("Who paid.")),
        option("--supplier-ref", metavar=N_("TEXT"), help=N_("Reference of the supplier or of the order.")),
        option("--warranty-until", type=DAY, metavar=N_("DATE"), help=N_("Last day of the warranty.")),
        option("--kit", metavar=N_("NAME"), help=N_("Case it belongs to.")),
        option("--place", metavar=N_("NAME"), help=N_("Where it is kept; the day it got there is noted.")),
    ):
        function = decorate(function)
    return function


def _given(facts: dict[str, Any]) -> dict[str, str | date | None]:
    """Return the facts that were given; an empty text erases."""
    return {name: value or None for name, value in facts.items() if value is not None}


@make_command(
    "set",
    help=N_("Set inventory number, purchase, warranty, case or place; an empty text erases."),
    examples=(
        'mdm-bridge device set K7Q2 --inventory-no 12-0042 --kit "Valise 1" --place "Bureau"',
        'mdm-bridge device set K7Q2 --kit ""',
    ),
)
@argument("serial", metavar=N_("SERIAL"))
@_facts_options
@output_options
@pass_cli
def set_(cli: Cli, /, serial: str, output: Output, **facts: Any) -> None:
    """Set facts."""
    from mdm_bridge.services.devices import set_facts

    given = _given(facts)
    if not given:
        raise usage_error(
            _("Nothing to set was given."), hint=_("For example: --inventory-no 12-0042 (see --help).")
        )
    show_change(cli, set_facts(cli.app.store, cli.actor, serial, given), output)


@make_command(
    "add",
    help=N_("Add a device that no server manages: a laptop, a keyboard, a scanner (for lending only)."),
    examples=('mdm-bridge device add PC0042XY --model "Portable 14 pouces" --pool ash',),
)
@argument("serial", metavar=N_("SERIAL"))
@option("--model", metavar=N_("TEXT"), help=N_("What it is."))
@option("--pool", type=click.Choice(["training", "ash"]), help=N_("Pool it belongs to."))
@_facts_options
@output_options
@pass_cli
def add(cli: Cli, /, serial: str, model: str | None, pool: str | None, output: Output, **facts: Any) -> None:
    """Add a device."""
    from mdm_bridge.domain.equipment import DeviceFacts
    from mdm_bridge.services.devices import add_device

    given: dict[str, Any] = {name: value for name, value in _given(facts).items() if value is not None}
    change = add_device(
        cli.app.store,
        cli.actor,
        DeviceFacts(serial=serial, model=model, pool=pool, **given),
        zone=cli.app.zone,
    )
    show_change(cli, change, output)
    cli.note(_("Added: {serial}.", serial=change.serial))
