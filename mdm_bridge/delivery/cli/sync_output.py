"""How synchronisations are told: a table, the differences, and JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Output,
    _,
    print_json,
    print_rows,
    translate,
)
from mdm_bridge.delivery.cli.labels import FIELD_LABELS, RUN_STATUS, VALUE_LABELS, written

if TYPE_CHECKING:
    from mdm_bridge.services.sync import RunReport

__all__ = ["print_reports"]

RUNS = (
    Column("server", N_("Distant server"), priority=9),
    Column("status", N_("Result"), "enum", priority=9, labels=RUN_STATUS),
    Column("seen", N_("Devices"), "count", priority=8),
    Column("new", N_("New"), "count", priority=8),
    Column("changed", N_("Changed"), "count", priority=8),
    Column("gone", N_("Absent"), "count", priority=7),
    Column("returned", N_("Returned"), "count", priority=5),
    Column("rejected", N_("Rejected"), "count", priority=6),
    Column("apps_installed", N_("Apps installed"), "count", priority=5),
    Column("apps_removed", N_("Apps removed"), "count", priority=5),
    Column("apps_updated", N_("Apps updated"), "count", priority=5),
    Column("requests", N_("Requests"), "count", priority=3),
)

CHANGES = (
    Column("server", N_("Distant server"), priority=3),
    Column("serial", N_("Serial number"), priority=9),
    Column("field", N_("Field"), "enum", priority=8, labels=FIELD_LABELS),
    Column("old", N_("Before"), "enum", priority=7, labels=VALUE_LABELS, none="", shown=written("old")),
    Column("new", N_("After"), "enum", priority=7, labels=VALUE_LABELS, none="", shown=written("new")),
)

_WARNINGS_SHOWN = 20


def print_reports(cli: Cli, reports: Sequence[RunReport], output: Output) -> None:
    """Print the reports of a synchronisation."""
    if output.resolved(cli) == "json":
        print_json({"runs": [_as_json(report) for report in reports]}, output)
        _errors(reports)
        return
    print_rows(cli, [_row(report) for report in reports], RUNS, output)
    for report in reports:
        _remarks(cli, report)
        if report.status == "complete" and (report.dry_run or report.changes):
            _print_changes(cli, report, output)


def _errors(reports: Sequence[RunReport]) -> None:
    """Say on stderr why runs failed: the data on stdout may go to a file that nobody reads."""
    from mdm_bridge.delivery.cli.console import show_error

    for report in reports:
        if report.error is not None:
            show_error(report.error)


def _remarks(cli: Cli, report: RunReport) -> None:
    """Say on stderr what a person should know of a run."""
    for warning in report.warnings[:_WARNINGS_SHOWN]:
        text = translate(warning.message)
        place = f"{report.server} · {warning.serial}" if warning.serial else report.server
        cli.note(_("{place}: {problem}", place=place, problem=text))
    if len(report.warnings) > _WARNINGS_SHOWN:
        more = len(report.warnings) - _WARNINGS_SHOWN
        cli.note(_("… and {n} more warnings (--format json lists them all).", n=more))
    if report.devices.out_of_scope:
        cli.note(_("Devices outside the scope, not kept: {n}.", n=report.devices.out_of_scope))
    if report.devices.ignored:
        cli.note(_("Devices of another kind, left out: {n}.", n=report.devices.ignored))
    _errors([report])


def _print_changes(cli: Cli, report: RunReport, output: Output) -> None:
    """Print the differences below the table; a file or a CSV holds the runs alone."""
    if output.path is not None or output.resolved(cli) not in ("table", "list"):
        cli.note(
            _(
                "{server}: differences: {n} (--format json lists them).",
                server=report.server,
                n=len(report.changes),
            )
        )
        return
    if not report.changes:
        cli.note(_("{server}: nothing would change.", server=report.server))
        return
    if report.dry_run:
        cli.note(_("{server}: what would change (nothing was written):", server=report.server))
    else:
        cli.note(_("{server}: taken over from the file:", server=report.server))
    rows = [
        {"server": report.server, "serial": c.serial, "field": c.field, "old": c.old, "new": c.new}
        for c in report.changes
    ]
    print_rows(cli, rows, CHANGES, output)


def _row(report: RunReport) -> dict[str, Any]:
    devices, apps = report.devices, report.apps
    return {
        "server": report.server,
        "status": report.status,
        "seen": devices.seen,
        "new": devices.new,
        "changed": devices.changed,
        "gone": devices.gone,
        "returned": devices.returned,
        "rejected": devices.rejected,
        "apps_installed": apps.installed,
        "apps_removed": apps.removed,
        "apps_updated": apps.updated,
        "requests": report.requests,
    }


def _as_json(report: RunReport) -> dict[str, Any]:
    from dataclasses import asdict

    error = report.error
    found: dict[str, Any] = {
        "server": report.server,
        "status": report.status,
        "dry_run": report.dry_run,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "requests": report.requests,
        "devices": asdict(report.devices),
        "apps": asdict(report.apps),
        "warnings": [
            {"code": w.message.code, "serial": w.serial, "message": translate(w.message)}
            for w in report.warnings
        ],
        "error": None
        if error is None
        else {"code": error.code, "message": translate(error.message), "hint": translate(error.hint)},
    }
    if report.dry_run or report.changes:
        found["changes"] = [
            {"serial": c.serial, "field": c.field, "old": c.old, "new": c.new} for c in report.changes
        ]
    return found
