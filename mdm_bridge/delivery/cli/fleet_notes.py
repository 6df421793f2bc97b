"""Remarks that go with every list of devices: how old the data are, what is to be sorted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mdm_bridge.delivery.cli.base import Cli, _
from mdm_bridge.documents.columns import Row
from mdm_bridge.domain.fleet import Freshness, pool_rule_for

__all__ = ["freshness_line", "note_empty", "note_to_sort"]

_SHOWN = 5


def freshness_line(freshness: Iterable[Freshness]) -> str | None:
    """Return « data of … » for each server, or None when there is no server."""
    parts = []
    for server in freshness:
        if server.complete_at is None:
            parts.append(_("{server}: never synchronised", server=server.server))
        else:
            parts.append(_("{server}: data of {at}", server=server.server, at=server.complete_at))
    return " · ".join(parts) or None


def note_empty(cli: Cli, freshness: Sequence[Freshness], *, filtered: bool) -> None:
    """Say why a list is empty and what to do."""
    if filtered:
        cli.note(_("No device fits these criteria."))
    elif not freshness:
        cli.note(_("No device yet. Synchronise first: mdm-bridge sync"))
    else:
        cli.note(_("No device is known."))


def note_to_sort(cli: Cli, rows: Iterable[Row]) -> None:
    """Name the devices that no rule takes, with the rule that would take them."""
    loose = [row for row in rows if row["pool"] is None and row["gone_at"] is None and row["server"]]
    if not loose:
        return
    cli.note(_("To be sorted: {n} (they can neither be lent nor deployed to).", n=len(loose)))
    prefixes = {pool_rule_for(row["asset_tag"]): row["server"] for row in reversed(loose)}
    rules = [(prefix, server) for prefix, server in prefixes.items() if prefix is not None]
    for prefix, server in sorted(rules)[:_SHOWN]:
        cli.note(
            _(
                "Rule that would take them, in [servers.{server}.pools]: "
                'training = {{ tag_prefix = "{prefix}" }}',
                server=server,
                prefix=prefix,
            )
        )
    if not rules:
        cli.note(_("By hand: mdm-bridge device pool {serial} training", serial=loose[0]["serial"]))
