"""``mdm-bridge sync``: synchronise the distant servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    print_json,
    print_rows,
    translate,
    usage_error,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.delivery.cli.labels import FIELD_LABELS, RUN_STATUS, VALUE_LABELS
from mdm_bridge.delivery.cli.mappings import keep_mapping, mapping_options
from mdm_bridge.errors import InputError, SettingsError

if TYPE_CHECKING:
    from mdm_bridge.services.sync import RunReport, SyncOptions

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
    Column("old", N_("Before"), "enum", priority=7, labels=VALUE_LABELS, none=""),
    Column("new", N_("After"), "enum", priority=7, labels=VALUE_LABELS, none=""),
)

_WARNINGS_SHOWN = 20


@make_command(
    "sync",
    help=N_("Synchronise the inventory of the distant servers, all of them or those named."),
    examples=(
        "mdm-bridge sync",
        "mdm-bridge sync departement --dry-run",
        "mdm-bridge sync departement --from-file export.csv",
    ),
)
@argument("servers", nargs=-1, metavar=N_("[SERVER]..."))
@option(
    "--from-file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar=N_("FILE"),
    help=N_("Read this CSV, exported from a console or kept by hand, instead of asking the server."),
)
@mapping_options
@option("--dry-run", is_flag=True, help=N_("Show what would change; nothing is written, here or there."))
@option("--force", is_flag=True, help=N_("Accept a list that has become abnormally short."))
@output_options(progress=True)
@pass_cli
def sync(
    cli: Cli,
    servers: tuple[str, ...],
    file: Path | None,
    mapping: str | None,
    save_mapping: str | None,
    dry_run: bool,
    force: bool,
    output: Output,
) -> int:
    """Synchronise."""
    from mdm_bridge.services.sync import SyncOptions
    from mdm_bridge.services.sync_all import exit_code, side_by_side

    names = _names(cli, servers, file, mapping)
    for name in names:
        cli.app.server(name)  # an unknown name stops everything, before anything begins
    options = SyncOptions(
        actor=cli.actor, force=force, dry_run=dry_run, mode="file" if file is not None else "listing"
    )
    with cli.progress(_("Reading devices")) as advance:
        jobs = [_job(cli, name, file, mapping, options, advance) for name in names]
        reports = side_by_side(jobs)
    if file is not None and reports[0].status == "complete":
        reports = [_with_facts(cli, reports[0], file, mapping, save_mapping, dry_run)]
    _print(cli, reports, output)
    return exit_code(reports)


command = sync


def _names(cli: Cli, servers: Sequence[str], file: Path | None, mapping: str | None) -> Sequence[str]:
    """Return the servers meant; with a file it must be one."""
    from mdm_bridge.wiring import LIST_SERVER

    configured = cli.app.server_names()
    if mapping is not None and file is None:
        raise usage_error(_("--mapping goes with --from-file."), hint=_("Name the file to read."))
    if file is not None:
        if len(servers) > 1 or (not servers and len(configured) > 1):
            raise usage_error(
                _("A file is the list of one server."),
                hint=_("Name that server: mdm-bridge sync {server} --from-file {file}")
                .replace("{server}", configured[0])
                .replace("{file}", str(file)),
            )
        return servers or configured or (LIST_SERVER,)
    if servers:
        return list(dict.fromkeys(servers))
    return _askable(cli, configured)


def _askable(cli: Cli, configured: Sequence[str]) -> Sequence[str]:
    """Return the servers that can be asked; those read from files are named, and left out."""
    asked = [name for name in configured if cli.app.kind(name) != "file"]
    if not asked:
        raise usage_error(
            _("No distant server is configured."),
            hint=_("Add a [servers.NAME] section to the settings, or read a file: --from-file LIST.csv"),
        )
    for name in configured:
        if name not in asked:
            cli.note(_("{server} is read from files only: left out.", server=name))
    return asked


def _job(
    cli: Cli,
    name: str,
    file: Path | None,
    mapping: str | None,
    options: SyncOptions,
    advance: Callable[..., None],
) -> Callable[[Callable[[], bool]], RunReport]:
    """Return one server's synchronisation, ready to run in a thread of its own."""
    from dataclasses import replace

    from mdm_bridge.services.sync import not_begun, synchronise

    app = cli.app
    done = 0

    def progress(read: int, total: int | None) -> None:
        nonlocal done
        advance(read - done, total=total)
        done = read

    def job(stopping: Callable[[], bool]) -> RunReport:
        try:
            source = app.source(name) if file is None else app.file_source(name, file, mapping)
            policy = app.policy(name)
        except (SettingsError, InputError) as error:
            return not_begun(name, app.clock, options, error)
        return synchronise(
            app.store, source, policy, app.clock, replace(options, stopping=stopping), progress
        )

    return job


def _with_facts(
    cli: Cli, report: RunReport, file: Path, mapping: str | None, save_mapping: str | None, dry_run: bool
) -> RunReport:
    """Take over from the file what people own, where nothing is known of it yet.

    The list was given by a person: this is their doing, in a unit and an audit entry of its own.
    """
    from dataclasses import replace

    from mdm_bridge.ports.sync import FieldDifference
    from mdm_bridge.services.device_import import import_facts

    try:
        given = cli.app.device_list(file, mapping or cli.app.server(report.server).mapping)
    except InputError:  # no column of ours: nothing to take over
        return report
    keep_mapping(cli, save_mapping, given.table)
    facts = import_facts(
        cli.app.store,
        cli.actor,
        given.lines,
        zone=cli.app.zone,
        add_missing=dry_run,  # a rehearsal does not know the devices it would have added
        only_empty=True,
        dry_run=dry_run,
    )
    changes = tuple(
        FieldDifference(line.serial, change.field, None, None if change.new is None else str(change.new))
        for line in facts.lines
        for change in line.changes
    )
    return replace(report, changes=(*report.changes, *changes))


def _print(cli: Cli, reports: Sequence[RunReport], output: Output) -> None:
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
    if output.path is not None:
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
