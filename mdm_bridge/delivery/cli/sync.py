"""``mdm-bridge sync``: synchronise the distant servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Output,
    _,
    argument,
    option,
    output_options,
    pass_cli,
    usage_error,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.delivery.cli.mappings import check_new_mapping, keep_mapping, mapping_options
from mdm_bridge.delivery.cli.sync_output import print_reports
from mdm_bridge.errors import InputError, SettingsError

if TYPE_CHECKING:
    from mdm_bridge.domain.columns import MappedTable
    from mdm_bridge.services.sync import RunReport, SyncOptions
    from mdm_bridge.storage.store import Store

__all__ = ["command"]


@make_command(
    "sync",
    help=N_("Synchronise the inventory of the distant servers, all of them or those named."),
    examples=(
        "mdm-bridge sync",
        "mdm-bridge sync departement --dry-run",
        "mdm-bridge sync departement --from-file export.csv",
    ),
)
@argument("servers", nargs=-1, metavar=N_("SERVER"))
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
    from mdm_bridge.services.from_file import take_over
    from mdm_bridge.services.sync import SyncOptions
    from mdm_bridge.services.sync_all import exit_code, side_by_side

    given = _Given(servers, file, mapping, save_mapping)
    names = given.names(cli)
    for name in names:
        cli.app.server(name)  # an unknown name stops everything, before anything begins
    check_new_mapping(cli, save_mapping)
    table = None if file is None else cli.app.read_list(names[0], file, mapping)
    options = SyncOptions(
        actor=cli.actor, force=force, dry_run=dry_run, mode="file" if file is not None else "listing"
    )
    with _store(cli, dry_run) as store:
        with cli.progress(_("Reading devices")) as advance:
            reports = side_by_side([_job(cli, store, name, table, options, advance) for name in names])
        code = exit_code(reports)
        if table is not None:
            facts = cli.app.facts_in(table)
            reports[0], whole = take_over(store, cli.actor, reports[0], facts, zone=cli.app.zone)
            code = code or (0 if whole else 4)
    print_reports(cli, reports, output)
    if table is not None and reports[0].status == "complete":
        keep_mapping(cli, save_mapping, table, dry_run=dry_run)
    return code


command = sync


@contextmanager
def _store(cli: Cli, dry_run: bool) -> Iterator[Store]:
    """Give the database; to a dry run one that it need not make."""
    if not dry_run:
        yield cli.app.store
        return
    with cli.app.rehearsal() as store:
        yield store


class _Given(NamedTuple):
    """What was said on the command line of where to read."""

    servers: Sequence[str]
    file: Path | None
    mapping: str | None
    save_mapping: str | None

    def names(self, cli: Cli) -> Sequence[str]:
        """Return the servers meant; with a file it is one."""
        if self.file is not None:
            return [self._of_file(cli, self.file)]
        if self.mapping is not None or self.save_mapping is not None:
            raise usage_error(
                _("--mapping and --save-mapping go with --from-file."), hint=_("Name the file to read.")
            )
        if self.servers:
            return list(dict.fromkeys(self.servers))
        return _askable(cli, cli.app.server_names())

    def _of_file(self, cli: Cli, file: Path) -> str:
        from mdm_bridge.wiring import LIST_SERVER

        known = self.servers or cli.app.server_names() or (LIST_SERVER,)
        if len(known) > 1:
            raise usage_error(
                _("A file is the list of one server."),
                hint=_(
                    "Name that server: mdm-bridge sync {server} --from-file {file}",
                    server=known[0],
                    file=file,
                ),
            )
        return known[0]


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
    store: Store,
    name: str,
    table: MappedTable | None,
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
            source = app.source(name) if table is None else app.file_source(name, table)
            policy = app.policy(name)
        except (SettingsError, InputError) as error:
            return not_begun(name, app.clock, options, error)
        return synchronise(store, source, policy, app.clock, replace(options, stopping=stopping), progress)

    return job
