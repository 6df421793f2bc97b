"""``mdm-bridge db``: upgrade, check, back up and restore the database."""

from __future__ import annotations

from pathlib import Path

import click

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Output,
    _,
    argument,
    group,
    option,
    output_options,
    pass_cli,
    print_text,
    usage_error,
)

__all__ = ["command"]

_FILE = click.Path(path_type=Path)


@group(
    help=N_("Look after the database."),
    examples=("mdm-bridge db check", "mdm-bridge db backup mdm-bridge-2026-11-24.zip"),
)
def command() -> None:
    """Group of the database commands."""


@command.command(
    "upgrade",
    help=N_(
        "Bring the database to the schema of this version of the program. SQLite files are upgraded by "
        "themselves when nothing would be lost; PostgreSQL waits for this command."
    ),
    examples=("mdm-bridge db upgrade",),
)
@pass_cli
def upgrade(cli: Cli) -> None:
    """Upgrade, and say from where."""
    before = cli.app.store.upgrade()
    if before.status == "current":
        print_text(_("The database is up to date already (revision {head}).", head=before.head))
    elif before.current is None:
        print_text(_("The database was made (revision {head}).", head=before.head))
    else:
        print_text(
            _("The database was upgraded from {current} to {head}.", current=before.current, head=before.head)
        )


@command.command(
    "check",
    help=N_(
        "Look at the database thoroughly: schema, integrity, rows that point at nothing, audit trail, disk. "
        "Ends with 1 when there is an error."
    ),
    examples=("mdm-bridge db check", "mdm-bridge db check --format json"),
)
@output_options
@pass_cli
def check(cli: Cli, output: Output) -> int:
    """Print each finding."""
    from mdm_bridge.delivery.cli.findings import print_findings
    from mdm_bridge.services.database import check_database

    wanted = Output(output.resolved(cli), output.path)
    return print_findings(cli, check_database(cli.app.store), wanted)


@command.command(
    "backup",
    help=N_(
        "Write one consistent copy of everything into FILE, while others work. It can be restored into "
        "SQLite and PostgreSQL alike; it holds all personal data: keep it as safe as the database."
    ),
    examples=("mdm-bridge db backup mdm-bridge-2026-11-24.zip",),
)
@argument("file", type=_FILE, metavar=N_("FILE"))
@pass_cli
def backup(cli: Cli, file: Path) -> None:
    """Write the copy, and say what is in it."""
    made = cli.app.store.backup(file)
    print_text(
        _(
            "{file}: {rows} rows, {size_mb} MB.",
            file=str(made.path),
            rows=sum(made.counts.values()),
            size_mb=round(made.size_bytes / 1e6, 2),
        )
    )
    print_text(_("Head of the audit trail: {head}", head=str(made.audit_head)))
    cli.note(_("Note this head elsewhere; later: mdm-bridge privacy audit verify --head SEQ:HASH"))


@command.command(
    "restore",
    help=N_(
        "Fill an empty database from a backup; nothing is written unless all of it is whole. A backup of an "
        "earlier version is brought up to date."
    ),
    examples=("mdm-bridge db restore mdm-bridge-2026-11-24.zip --yes",),
)
@argument("file", type=_FILE, metavar=N_("FILE"))
@option("--yes", is_flag=True, help=N_("Do it: the database must be empty."))
@pass_cli
def restore(cli: Cli, file: Path, yes: bool) -> None:
    """Restore, and say what came back."""
    if not yes:
        raise usage_error(
            _("Nothing was restored: --yes is missing."),
            hint=_("Make sure that [database] url names an empty database, then add --yes."),
        )
    made = cli.app.store.restore(file, cli.actor)
    print_text(
        _(
            "Restored: {rows} rows of {made_at}, from version {program}.",
            rows=sum(made.counts.values()),
            made_at=made.made_at,
            program=made.program,
        )
    )
