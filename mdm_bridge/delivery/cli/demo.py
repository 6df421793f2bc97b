"""``mdm-bridge demo``: the whole story, on a simulated server, over real HTTP and a real database."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdm_bridge.delivery.cli.base import N_, Cli, _, option, pass_cli, print_text
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.delivery.i18n import language
from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message

if TYPE_CHECKING:
    from mdm_bridge.simulator import Simulator

__all__ = ["command"]

#: Time that passes at the simulated server between the two synchronisations. It begins in the past,
#: so that no contact lies in the future of this machine's clock.
_MEANWHILE = timedelta(days=3)

_DATABASE = "demo.db"

_SETTINGS = """\
# Settings of the demonstration: a simulated server on this machine.
[database]
url = "sqlite:///demo.db"

[organisation]
name = "DSDEN des Hautes-Pyrénées"
service = "Pôle numérique"

[servers.departement]
kind = {kind}
url = {url}
network_id = {network_id}
api_key_file = {api_key_file}
timezone = {timezone}

[servers.departement.pools]
training = {{ groups = ["Formation"] }}
ash = {{ groups = ["ASH"] }}
"""


@make_command(
    "demo",
    help=N_(
        "Show the whole story on a simulated distant server: two synchronisations, the inventory, and "
        "what changed in between. Nothing of yours is read or written."
    ),
    examples=("mdm-bridge demo", "mdm-bridge demo --keep demonstration"),
)
@option(
    "--kind",
    default="jamf-school",
    show_default=True,
    metavar=N_("KIND"),
    help=N_("Kind of server to simulate."),
)
@option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar=N_("FOLDER"),
    help=N_("Keep settings and database in this folder; otherwise they are removed at the end."),
)
@pass_cli
def command(cli: Cli, kind: str, keep: Path | None) -> int:
    """Tell the story."""
    from mdm_bridge.simulator import start_simulator

    begin = datetime.now(UTC) - _MEANWHILE
    _refuse_used_folder(keep)
    with _folder(keep) as folder, start_simulator(kind, devices=24, start=begin) as simulator:
        story = _Story(cli, folder, simulator)
        code = story.tell()
        if code == 0:
            _say(_("End of the demonstration."))
            if keep is not None:
                _say(_("Settings and database are in {folder}.", folder=folder))
        return code


def _refuse_used_folder(keep: Path | None) -> None:
    """Refuse a folder that holds somebody's settings or database."""
    for name in ("mdm-bridge.toml", _DATABASE):
        if keep is not None and (keep / name).exists():
            raise InputError(
                Message("folder_in_use", "{folder} already holds {name}.", folder=str(keep), name=name),
                hint=Message("choose_empty_folder", "Choose an empty or a new folder."),
            )


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide every setting of this machine's own: the demonstration must not touch what they name."""
    hidden = {
        name: os.environ.pop(name) for name in list(os.environ) if name.upper().startswith("MDM_BRIDGE_")
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    # The database may still be open on Windows when the folder goes.
    with tempfile.TemporaryDirectory(prefix="mdm-bridge-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made)


class _Story:
    """Runs the program's own commands, one after the other, and shows each before its output."""

    def __init__(self, cli: Cli, folder: Path, simulator: Simulator) -> None:
        self._simulator = simulator
        self._config = folder / "mdm-bridge.toml"
        settings = {key: json.dumps(value) for key, value in simulator.settings.items()}
        self._config.write_text(_SETTINGS.format_map(settings), encoding="utf-8")

    def tell(self) -> int:
        """Run every step; stop at the first that fails."""
        _say(
            _(
                "A simulated {kind} server answers on {url}.",
                kind=self._simulator.kind,
                url=self._simulator.url,
            )
        )
        steps: Sequence[tuple[str, Sequence[str]]] = (
            (_("First synchronisation: every device is new."), ("sync",)),
            (_("The training pool."), ("device", "list", "--pool", "training")),
            (_("The adapted tablets."), ("device", "list", "--pool", "ash")),
        )
        later: Sequence[tuple[str, Sequence[str]]] = (
            (_("What a second synchronisation would change; nothing is written."), ("sync", "--dry-run")),
            (_("Second synchronisation."), ("sync",)),
            (_("A third one, at once: nothing has changed, nothing is written."), ("sync",)),
            (_("What happened to one tablet."), ("device", "history", self._changing())),
            (_("Apps and licences."), ("report", "apps")),
            (_("What needs someone today."), ("today",)),
            (_("The audit trail holds together."), ("privacy", "audit", "verify")),
        )
        code = self._run(steps)
        if code == 0:
            self._days_pass()
            code = self._run(later)
        return code

    def _changing(self) -> str:
        """Return a tablet whose apps move: the one story that has something to tell."""
        return self._serials()[1]

    def _serials(self) -> list[str]:
        return [
            serial
            for serial, device in sorted(self._simulator.world.current.devices.items())
            if device.device_class == "ipad" and not device.in_trash
        ]

    def _days_pass(self) -> None:
        """Let three days pass at the server, and one tablet be enrolled anew."""
        _say("")
        _say(_("Three days pass: batteries empty, apps are updated, one tablet is wiped and enrolled anew."))
        self._simulator.world.advance(_MEANWHILE - timedelta(hours=1))
        self._simulator.world.re_enrol([self._changing()])

    def _run(self, steps: Sequence[tuple[str, Sequence[str]]]) -> int:
        from mdm_bridge.delivery.cli import cli as program

        for title, words in steps:
            _say("")
            _say(f"— {title}")
            _say("$ mdm-bridge " + " ".join(words))
            given = ["--config", str(self._config), "--lang", language(), *words]
            with _own_environment():
                code = program.main(given, standalone_mode=False)
            if code:
                return int(code)
        return 0


def _say(text: str) -> None:
    print_text(text)
