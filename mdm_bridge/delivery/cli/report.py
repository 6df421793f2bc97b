"""``mdm-bridge report``: figures and lists to print or to hand over."""

from __future__ import annotations

import click

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Output,
    _,
    group,
    option,
    output_options,
    pass_cli,
    print_rows,
)
from mdm_bridge.delivery.cli.device import contact
from mdm_bridge.delivery.cli.labels import POOL_LABELS, POOL_NONE, STATE_LABELS

__all__ = ["command"]

INVENTORY = (
    Column("inventory_no", N_("Inventory number"), priority=7),
    Column("serial", N_("Serial number"), priority=9),
    Column("model", N_("Model"), priority=8),
    Column("os_version", "iPadOS", priority=5, min_width=6),
    Column("capacity_gb", N_("Capacity (GB)"), "gb", priority=3),
    Column("pool", N_("Pool"), "enum", priority=7, labels=POOL_LABELS, none=POOL_NONE),
    Column("state", N_("State"), "enum", priority=8, labels=STATE_LABELS),
    Column("kit", N_("Case"), priority=4, none=""),
    Column("place", N_("Place"), priority=4, none=""),
    Column("purchased_on", N_("Purchased on"), "date", priority=4, none=""),
    Column("warranty_until", N_("Warranty until"), "date", priority=3, none=""),
    Column("funding", N_("Funding"), priority=2, none=""),
    Column("supplier_ref", N_("Supplier reference"), priority=1, none=""),
    Column("last_seen_at", N_("Last contact"), "instant", priority=5, value=contact),
    Column("gone_at", N_("Absent since"), "instant", priority=4, none=""),
    Column("server", N_("Distant server"), priority=1, none=""),
)

APPS = (
    Column("name", N_("App"), priority=9),
    Column("devices", N_("Devices"), "count", priority=8),
    Column("training", N_("Training pool"), "count", priority=7),
    Column("ash", N_("Adapted pool"), "count", priority=7),
    Column("versions", N_("Versions"), "list", priority=5),
    Column("licences_total", N_("Licences"), "count", priority=6),
    Column("licences_used", N_("Used"), "count", priority=6),
    Column("licences_free", N_("Free"), "count", priority=6),
    Column("distributed", N_("Offered by a server"), "bool", priority=3),
    Column("bundle_id", N_("App identifier"), priority=4),
)


@group(
    help=N_("Reports to print or to hand over."),
    examples=("mdm-bridge report inventory --format ods --output inventaire.ods",),
)
def command() -> None:
    """Group of the reports."""


@command.command(
    "inventory",
    help=N_("The whole inventory, with purchase, warranty, case and place."),
    examples=("mdm-bridge report inventory --pool ash --format csv-fr --output mpa.csv",),
)
@option(
    "--pool", type=click.Choice(["training", "ash", "none"]), help=N_("Only this pool (none: to be sorted).")
)
@output_options
@pass_cli
def inventory(cli: Cli, pool: str | None, output: Output) -> None:
    """Print the inventory."""
    from mdm_bridge.delivery.cli.fleet_notes import freshness_line, note_empty, note_to_sort
    from mdm_bridge.domain.fleet import DeviceFilter
    from mdm_bridge.services.inventory import list_devices

    listing = list_devices(cli.app.store, DeviceFilter(pool=pool))
    keys = [column.key for column in INVENTORY]
    rows = [{key: row[key] for key in keys} for row in listing.rows]
    print_rows(
        cli,
        rows,
        INVENTORY,
        output,
        title=_("Inventory"),
        freshness=freshness_line(listing.freshness),
    )
    if not rows:
        note_empty(cli, listing.freshness, filtered=pool is not None)
    note_to_sort(cli, listing.rows, whole=pool is None)


@command.command(
    "apps",
    help=N_("Every app: on how many devices, in which versions, how many licences are left."),
    examples=("mdm-bridge report apps", "mdm-bridge report apps --all --format json"),
)
@option("--all", "everything", is_flag=True, help=N_("Also apps that are offered and installed nowhere."))
@output_options
@pass_cli
def apps(cli: Cli, everything: bool, output: Output) -> None:
    """Print the apps of the fleet."""
    from mdm_bridge.delivery.cli.fleet_notes import freshness_line
    from mdm_bridge.services.inventory import app_report

    listing = app_report(cli.app.store)
    rows = [row for row in listing.rows if everything or row["devices"]]
    print_rows(cli, rows, APPS, output, title=_("Apps"), freshness=freshness_line(listing.freshness))
    if len(rows) < len(listing.rows):
        cli.note(_("Offered and installed nowhere: {n} (--all).", n=len(listing.rows) - len(rows)))
    if not listing.rows:
        cli.note(_("No app is known yet. Synchronise first: mdm-bridge sync"))
