"""``mdm-bridge device``: look at the devices, and change what people own of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import click

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Entry,
    Output,
    _,
    argument,
    group,
    option,
    output_options,
    pass_cli,
    print_json,
    print_rows,
    print_text,
)
from mdm_bridge.delivery.cli.labels import (
    ALIAS_KINDS,
    FIELD_LABELS,
    POOL_LABELS,
    POOL_NONE,
    STATE_LABELS,
    VALUE_LABELS,
    written,
)
from mdm_bridge.documents.columns import Row

__all__ = ["command", "contact"]

_HERE = "mdm_bridge.delivery.cli"
_CHANGES = f"{_HERE}.device_changes"


def _name(row: Row) -> str | None:
    """Return a device's name, or say that it has one that was not kept."""
    return _("name not kept") if row.get("name_masked") else row.get("name")


def contact(row: Row) -> date | None:
    """Return the last contact; where only the day is kept, as in the adapted pool, only it is shown."""
    seen: datetime | None = row.get("last_seen_at")
    if seen is None:
        return None
    # A device that has left that pool keeps its day until the next contact: midnight is no hour of it.
    day_only = row.get("pool") == "ash" or (seen.hour, seen.minute, seen.second) == (0, 0, 0)
    return seen.date() if day_only else seen


DEVICES = (
    Column("serial", N_("Serial number"), priority=9),
    Column("inventory_no", N_("Inventory number"), priority=8, none=""),
    Column("name", N_("Name"), priority=7, shown=_name),
    Column("pool", N_("Pool"), "enum", priority=8, labels=POOL_LABELS, none=POOL_NONE),
    Column("state", N_("State"), "enum", priority=7, labels=STATE_LABELS),
    Column("model", N_("Model"), priority=4),
    Column("os_version", "iPadOS", priority=6, min_width=6),
    Column("battery_percent", N_("Battery"), "percent", priority=5),
    Column("available_gb", N_("Free space (GB)"), "gb", priority=3),
    Column("apps", N_("Apps"), "count", priority=3),
    Column("last_seen_at", N_("Last contact"), "instant", priority=8, value=contact),
    Column("gone_at", N_("Absent since"), "instant", priority=6, none=""),
    Column("kit", N_("Case"), priority=3, none=""),
    Column("place", N_("Place"), priority=2, none=""),
    Column("server", N_("Distant server"), priority=2, none=""),
)

_DETAILS = (
    *DEVICES,
    Column("asset_tag", N_("Tag on the server")),
    Column("model_identifier", N_("Model identifier")),
    Column("udid", "UDID"),
    Column("supervised", N_("Supervision"), "bool"),
    Column("managed", N_("Managed by the server"), "bool"),
    Column("capacity_gb", N_("Capacity (GB)"), "gb"),
    Column("observed_at", N_("Reading of"), "instant"),
    Column("state_since", N_("State since"), "instant"),
    Column("place_since", N_("Place since"), "instant", none=""),
    Column("purchased_on", N_("Purchased on"), "date", none=""),
    Column("warranty_until", N_("Warranty until"), "date", none=""),
    Column("funding", N_("Funding"), none=""),
    Column("supplier_ref", N_("Supplier reference"), none=""),
    Column("groups", N_("Groups"), "list"),
)

APPS = (
    Column("name", N_("App"), priority=8),
    Column("version", N_("Version"), priority=7),
    Column("managed", N_("Managed"), "bool", priority=4),
    Column("bundle_id", N_("App identifier"), priority=6),
)

ALIASES = (
    Column("server", N_("Distant server"), priority=6),
    Column("kind", N_("Kind"), "enum", priority=5, labels=ALIAS_KINDS),
    Column("value", N_("Value"), priority=8),
    Column("from", N_("From"), "instant", priority=7),
    Column("to", N_("Until"), "instant", priority=7, none=""),
)

HISTORY = (
    Column("at", N_("When"), "instant", priority=9),
    Column("field", N_("Field"), "enum", priority=8, labels=FIELD_LABELS),
    Column("old", N_("Before"), "enum", priority=7, labels=VALUE_LABELS, none="", shown=written("old")),
    Column("new", N_("After"), "enum", priority=7, labels=VALUE_LABELS, none="", shown=written("new")),
    Column("reason", N_("Reason"), priority=4, none=""),
    Column("actor", N_("By"), priority=4, none=""),
    Column("run", N_("Run"), "int", priority=2, none=""),
)


@group(
    help=N_("Look at the devices and keep what we know of them."),
    examples=("mdm-bridge device list", "mdm-bridge device show K7Q2"),
    entries={
        "state": Entry(_CHANGES, N_("Change the state of a device."), "state"),
        "pool": Entry(_CHANGES, N_("Put a device in a pool by hand."), "pool"),
        "set": Entry(_CHANGES, N_("Set inventory number, purchase, case or place."), "set_"),
        "add": Entry(_CHANGES, N_("Add a device that no server manages."), "add"),
        "import": Entry(f"{_HERE}.device_import", N_("Take over inventory facts from a CSV file.")),
    },
)
def command() -> None:
    """Group of the device commands."""


@command.command(
    "list",
    help=N_("List the devices, those to be sorted first."),
    examples=(
        "mdm-bridge device list --pool training --os-below 18.0",
        "mdm-bridge device list --not-seen 30",
    ),
)
@option(
    "--pool", type=click.Choice(["training", "ash", "none"]), help=N_("Only this pool (none: to be sorted).")
)
@option(
    "--state",
    type=click.Choice(["in_service", "repair", "lost", "stolen", "retired"]),
    help=N_("Only this state."),
)
@option("--server", metavar=N_("NAME"), help=N_("Only devices of this distant server."))
@option("--kit", metavar=N_("NAME"), help=N_("Only this case."))
@option("--os-below", metavar="VERSION", help=N_("Only devices with an older iPadOS."))
@option(
    "--not-seen",
    type=click.IntRange(0, 36500),
    metavar=N_("DAYS"),
    help=N_("Not seen for so many days, or never."),
)
@option("--with-app", metavar="BUNDLE_ID", help=N_("Only devices that have this app."))
@option("--without-app", metavar="BUNDLE_ID", help=N_("Only devices that lack this app."))
@option("--gone/--present", "gone", default=None, help=N_("Only devices absent from every server, or not."))
@output_options
@pass_cli
def list_(
    cli: Cli,
    pool: str | None,
    state: str | None,
    server: str | None,
    kit: str | None,
    os_below: str | None,
    not_seen: int | None,
    with_app: str | None,
    without_app: str | None,
    gone: bool | None,
    output: Output,
) -> None:
    """List the devices."""
    from mdm_bridge.delivery.cli.fleet_notes import freshness_line, note_empty, note_to_sort, note_unsaid
    from mdm_bridge.domain.fleet import DeviceFilter
    from mdm_bridge.services.inventory import list_devices

    since = (
        None if not_seen is None else cli.app.clock.now().astimezone(cli.app.zone) - timedelta(days=not_seen)
    )
    wanted = DeviceFilter(pool, state, server, os_below, since, with_app, without_app, gone, kit)
    listing = list_devices(cli.app.store, wanted, cli.app.server_names())
    print_rows(cli, listing.rows, DEVICES, output, freshness=freshness_line(listing.freshness))
    if not listing.rows:
        note_empty(cli, listing.freshness, filtered=wanted != DeviceFilter())
    note_unsaid(cli, listing.unsaid)
    note_to_sort(cli, listing.rows, whole=wanted == DeviceFilter())


@command.command(
    "show",
    help=N_("Show one device: state, apps, groups, what servers call it."),
    examples=("mdm-bridge device show K7Q2",),
)
@argument("serial", metavar=N_("SERIAL"))
@output_options
@pass_cli
def show(cli: Cli, serial: str, output: Output) -> None:
    """Show one device."""
    from mdm_bridge.delivery.cli.fleet_notes import freshness_line
    from mdm_bridge.services.inventory import show_device

    device, freshness = show_device(cli.app.store, serial)
    fmt = output.resolved(cli)
    if fmt == "json":
        print_json(device, output)
        return
    by_line = output._replace(format="list") if fmt == "table" else output
    print_rows(cli, [device], _DETAILS, by_line, freshness=freshness_line(freshness))
    if fmt in ("table", "list") and output.path is None:
        _print_apps(cli, device, output)
        print_text("\n" + _("What servers call it") + "\n")
        print_rows(cli, device["aliases"], ALIASES, output)


def _print_apps(cli: Cli, device: Row, output: Output) -> None:
    apps = device["installed_apps"]
    if apps is None:
        cli.note(_("Installed apps: unknown."))
        return
    print_text("\n" + _("Installed apps") + "\n")
    print_rows(cli, apps, APPS, output)
    if device["other_apps"]:
        cli.note(_("Other apps, counted and not named: {n}.", n=device["other_apps"]))


@command.command(
    "history",
    help=N_("Show what happened to a device, the latest first."),
    examples=("mdm-bridge device history K7Q2 --format csv-fr --output history.csv",),
)
@argument("serial", metavar=N_("SERIAL"))
@output_options
@pass_cli
def history(cli: Cli, serial: str, output: Output) -> None:
    """Show a device's history."""
    from mdm_bridge.delivery.cli.fleet_notes import freshness_line
    from mdm_bridge.services.inventory import data_age, device_history

    store = cli.app.store
    rows = device_history(store, serial)
    keys = ("at", "field", "old", "new", "run", "actor", "reason")
    plain = [{key: row[key] for key in keys} for row in rows]
    print_rows(cli, plain, HISTORY, output, freshness=freshness_line(data_age(store)))
    if not rows:
        cli.note(_("Nothing has changed since this device was first seen."))
