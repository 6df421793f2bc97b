"""``mdm-bridge init``: settings, starter files and an empty database, in a folder of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    _,
    argument,
    option,
    pass_cli,
    print_text,
    translate,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.delivery.cli.questions import ask, confirm
from mdm_bridge.delivery.settings_text import ORGANISATION, Answers, FirstServer, settings_text
from mdm_bridge.domain.identifiers import is_server_name
from mdm_bridge.errors import InputError, system_reason
from mdm_bridge.messages import Message

_GITIGNORE = "/secrets/\n*.db\n*.db-wal\n*.db-shm\n"


@make_command(
    "init",
    help=N_(
        "Write commented settings, a folder for secrets, starter catalogs and profiles, and an empty "
        "database. Nothing that exists is overwritten. On a terminal a few questions are asked; every one "
        "may be skipped."
    ),
    examples=("mdm-bridge init", "mdm-bridge init fleet --yes"),
)
@argument("directory", metavar=N_("FOLDER"), required=False, type=click.Path(file_okay=False, path_type=Path))
@option("--yes", "-y", is_flag=True, help=N_("Ask nothing."))
@pass_cli
def command(cli: Cli, directory: Path | None, yes: bool) -> None:
    """Write everything a new installation needs."""
    from mdm_bridge.wiring import check_settings_text

    file = _settings_file(cli, directory)
    folder = file.parent
    _refuse_overwriting(file)
    answers, key = (Answers(), "") if yes or not _terminal() else _ask(cli)
    text = settings_text(answers)
    check_settings_text(text, file, cli.environ)  # a wrong variable is told before anything is written
    made = _write(folder, file, text)
    if answers.server is not None and key:
        made.append(_write_key(folder / "secrets" / f"{answers.server.name}.key", key))
    for path in (*made, _create_database(cli, file)):
        print_text(str(path))
    if folder / ".gitignore" not in made:
        cli.note(_("The .gitignore there was left as it is: keep secrets/ and *.db out of version control."))
    _next_steps(cli, folder, answers.server, key)


def _settings_file(cli: Cli, directory: Path | None) -> Path:
    """Return where the settings go: the folder asked for, else what ``--config`` says, else here."""
    from mdm_bridge.wiring import DEFAULT_FILE

    if directory is None and cli.config_path is not None:
        return cli.config_path.expanduser().absolute()
    return (directory or Path()).expanduser().absolute() / DEFAULT_FILE


def _refuse_overwriting(file: Path) -> None:
    from mdm_bridge.files.starter import STARTER_FOLDERS

    wanted = [file, *(file.parent / name for name in (*STARTER_FOLDERS, "secrets", "mdm-bridge.db"))]
    there = [path.name for path in wanted if path.exists() or path.is_symlink()]
    if there:
        raise InputError(
            Message(
                "init_would_overwrite", "{folder} already holds: {names}. Nothing was written.",
                folder=str(file.parent), names=there,
            ),
            hint=Message(
                "init_elsewhere", "Name another folder (mdm-bridge init FOLDER), or move these away first."
            ),
        )  # fmt: skip


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(cli: Cli) -> tuple[Answers, str]:
    """Ask for the organisation and the first server; return the answers and the key."""
    cli.note(_("An empty answer skips a question; everything can be changed later in the settings file."))
    organisation = {key: answer for key, question in ORGANISATION.items() if (answer := ask(_(question)))}
    if not confirm(_("Describe a Jamf School server now?")):
        return Answers(organisation), ""
    name = _server_name(cli)
    url = _address(cli)
    network_id = ask(_("Network ID (in the console: Devices, Enroll Device(s))")) if url else ""
    if not url or not network_id:
        cli.note(_("The server stays switched off in the settings file until it is complete."))
        return Answers(organisation), ""
    key = ask(_("API key (not shown; empty: later)"), secret=True)
    return Answers(organisation, FirstServer(name, url, network_id)), key


def _server_name(cli: Cli) -> str:
    while True:
        name = ask(_("Short name for it (small letters and digits)"), "mdm")
        if is_server_name(name):
            return name
        cli.note(_("Small letters and digits, with single underscores: north_2."))


def _address(cli: Cli) -> str:
    from mdm_bridge.wiring import address_problem

    while True:
        url = ask(_("Base address (https://…/api)"))
        problem = address_problem(url) if url else None
        if problem is None:
            return url
        cli.note(" ".join(translate(sentence) for sentence in problem))


def _write(folder: Path, file: Path, text: str) -> list[Path]:
    """Write everything but the database; return what was made."""
    from mdm_bridge.files.starter import STARTER_FOLDERS

    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = [_secrets_folder(folder), *(_starter(folder, name) for name in STARTER_FOLDERS)]
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text(_GITIGNORE, encoding="utf-8")
            made.append(ignore)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise InputError(
            Message(
                "init_cannot_write", "{path} cannot be written: {reason}.",
                path=str(error.filename or folder), reason=system_reason(error),
            ),
            hint=Message("choose_own_folder", "Choose a folder that you may write to, on a disk with room."),
        ) from error  # fmt: skip
    return [file, *made]


def _secrets_folder(folder: Path) -> Path:
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    return secrets


def _starter(folder: Path, name: str) -> Path:
    """Copy one starter folder; an installation without it gets an empty one."""
    import shutil

    from mdm_bridge.files.starter import starter_dir

    source, target = starter_dir() / name, folder / name
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        target.mkdir()
    return target


def _write_key(path: Path, key: str) -> Path:
    """Write a secret into a file of its own, closed to others from its first byte on."""
    import os

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
        out.write(key + "\n")
    return path


def _create_database(cli: Cli, file: Path) -> str:
    from mdm_bridge.wiring import open_app

    app = open_app(file, cli.environ)
    try:
        app.store.upgrade()
        return app.database_shown
    finally:
        app.close()


def _next_steps(cli: Cli, folder: Path, server: FirstServer | None, key: str) -> None:
    steps = []
    if folder != Path.cwd():
        steps.append(_("Go there: cd {folder}", folder=str(folder)))
    if server is None:
        steps.append(_("Describe your server in mdm-bridge.toml, under [servers.…]."))
    if not key:
        path = f"secrets/{server.name if server else 'mdm'}.key"
        steps.append(_("Put its key alone into {path}, then: chmod 600 {path}", path=path))
    steps.append(_("Check everything: mdm-bridge doctor"))
    steps.append(_("Read the inventory: mdm-bridge sync"))
    cli.note(_("Next steps:"))
    for number, step in enumerate(steps, start=1):
        cli.note(f"{number}. {step}")
