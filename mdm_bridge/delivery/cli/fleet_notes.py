"""Remarks that go with every list of devices: how old the data are, what is to be sorted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mdm_bridge.delivery.cli.base import Cli, _
from mdm_bridge.documents.columns import Row
from mdm_bridge.domain.fleet import Freshness, pool_rules_for

__all__ = ["freshness_line", "note_empty", "note_to_sort", "note_unsaid"]

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


def note_unsaid(cli: Cli, unsaid: int) -> None:
    """Say of how many devices a filter by app cannot speak."""
    if unsaid:
        cli.note(
            _(
                "Adapted pool: {n} devices have apps that are counted and not named: it cannot be said "
                "whether this one is among them.",
                n=unsaid,
            )
        )


def note_to_sort(cli: Cli, rows: Sequence[Row], *, whole: bool) -> None:
    """Name the devices that no rule takes, with a rule that would take them.

    A rule is proposed only where the whole fleet shows that it takes nobody of another pool.
    """
    loose = [
        row for row in rows if row["pool"] is None and row["gone_at"] is None and row["state"] != "retired"
    ]
    if not loose:
        return
    cli.note(_("To be sorted: {n} (they can neither be lent nor deployed to).", n=len(loose)))
    rules = pool_rules_for(rows) if whole else []
    for server, prefix in rules[:_SHOWN]:
        cli.note(
            _(
                "Rule that would take them, in [servers.{server}.pools], for training or ash: "
                'add tag_prefix = "{prefix}"',
                server=server,
                prefix=prefix,
            )
        )
    if not rules:
        cli.note(_("By hand: mdm-bridge device pool {serial} training (or ash)", serial=loose[0]["serial"]))
