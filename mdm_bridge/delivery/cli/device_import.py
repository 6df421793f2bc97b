"""``mdm-bridge device import``: take over what people own of their devices from a list of theirs."""

from __future__ import annotations

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
    print_rows,
    translate,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.delivery.cli.device_changes import CHANGES
from mdm_bridge.delivery.cli.mappings import check_new_mapping, keep_mapping, mapping_options, tell_guess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdm_bridge.files.device_import import DeviceImport
    from mdm_bridge.services.device_import import ImportReport

__all__ = ["command"]

_OUTCOMES = {
    "new": N_("new"),
    "changed": N_("changed"),
    "unchanged": N_("unchanged"),
    "refused": N_("refused"),
}

_LINES = (
    Column("line", N_("Line"), "int", priority=7),
    Column("outcome", N_("Result"), "enum", priority=8, labels=_OUTCOMES),
    *CHANGES,
    Column("problem", N_("Why"), priority=6, none=""),
)


@make_command(
    "import",
    help=N_(
        "Take over inventory numbers, purchases, warranties, cases and places from a CSV file. No "
        "synchronisation overwrites them. Look first with --dry-run: it shows exactly what will be done."
    ),
    examples=(
        "mdm-bridge device import inventaire.csv --dry-run",
        "mdm-bridge device import inventaire.csv --mapping inventaire --add",
    ),
)
@argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar=N_("FILE"))
@mapping_options
@option("--add", "add_missing", is_flag=True, help=N_("Also add devices that are not known yet."))
@option("--dry-run", is_flag=True, help=N_("Only show what would change."))
@output_options
@pass_cli
def command(
    cli: Cli,
    file: Path,
    mapping: str | None,
    save_mapping: str | None,
    add_missing: bool,
    dry_run: bool,
    output: Output,
) -> int:
    """Import a list."""
    from mdm_bridge.services.device_import import import_facts

    check_new_mapping(cli, save_mapping)
    given = cli.app.device_list(file, mapping)
    tell_guess(cli, given.table)
    keep_mapping(cli, save_mapping, given.table, dry_run=dry_run)
    report = import_facts(
        cli.app.store, cli.actor, given.lines, zone=cli.app.zone, add_missing=add_missing, dry_run=dry_run
    )
    print_rows(cli, list(_rows(given, report)), _LINES, output)
    refused = report.count("refused") + len(given.problems)
    applied = len(report.lines) - report.count("refused")
    cli.note(
        _(
            "Lines: {n}. New: {new}. Changed: {changed}. Unchanged: {same}. Refused: {refused}.",
            n=len(report.lines) + len(given.problems),
            new=report.count("new"),
            changed=report.count("changed"),
            same=report.count("unchanged"),
            refused=refused,
        )
    )
    if dry_run:
        cli.note(_("Nothing was written."))
    if not refused:
        return 0
    return 4 if applied else 1


def _rows(given: DeviceImport, report: ImportReport) -> Iterator[dict[str, Any]]:
    """Yield one row a changed field, and one a line that is refused; unchanged lines are only counted."""
    found: list[dict[str, Any]] = [
        _row(problem.line, "refused", serial=problem.serial, problem=translate(problem.message))
        for problem in given.problems
    ]
    for line in report.lines:
        if line.problem is not None:
            found.append(_row(line.line, "refused", serial=line.serial, problem=translate(line.problem)))
        found.extend(
            _row(line.line, line.outcome, serial=line.serial, field=one.field, old=one.old, new=one.new)
            for one in line.changes
        )
        if line.outcome == "new" and not line.changes:
            found.append(_row(line.line, "new", serial=line.serial))
    yield from sorted(found, key=lambda row: row["line"])


def _row(line: int, outcome: str, **fields: Any) -> dict[str, Any]:
    keys = ("serial", "field", "old", "new", "problem")
    return {"line": line, "outcome": outcome, **{key: fields.get(key) for key in keys}}
