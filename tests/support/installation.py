"""An installation as a person has one: a settings file, a database, the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from mdm_bridge.delivery.cli import cli
from mdm_bridge.simulator import Simulator
from mdm_bridge.storage import open_store
from mdm_bridge.storage.store import Store

__all__ = ["Installation", "Ran"]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The runs of a ``sync --format json``."""
        found: list[dict[str, Any]] = json.loads(self.out)["runs"]
        return found

    @property
    def run(self) -> dict[str, Any]:
        """The only run of a ``sync --format json``."""
        (found,) = self.runs
        return found


class Installation:
    """A settings file in ``folder``, a database, and the simulated servers it reads.

    Args:
        folder: Where the settings file goes.
        database_url: The database.
        servers: Simulated servers by name.
        more: Further settings of every server.
    """

    def __init__(
        self, folder: Path, database_url: str, servers: Mapping[str, Simulator], **more: float | str
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        self.servers = servers
        self.config = folder / "mdm-bridge.toml"
        self.config.write_text("\n".join(self._settings({"requests_per_s": 1000, **more})), encoding="utf-8")

    def _settings(self, more: Mapping[str, float | str]) -> Iterator[str]:
        yield f"[database]\nurl = {json.dumps(self.database_url)}\n"
        for name, simulator in self.servers.items():
            settings = {**simulator.settings, **more}
            pools = settings.pop("pools")
            yield f"[servers.{name}]"
            yield from (f"{key} = {json.dumps(value)}" for key, value in settings.items())
            yield f"[servers.{name}.pools]"
            for pool, rule in pools.items():
                yield f"{pool} = {{ groups = {json.dumps(rule['groups'])} }}"
            yield ""

    def __call__(self, *words: str, lang: str = "en", **options: Any) -> Ran:
        """Run a command in this process."""
        done = CliRunner().invoke(cli, self.arguments(*words, lang=lang), catch_exceptions=False, **options)
        return Ran(done.exit_code, done.stdout, done.stderr)

    def sync(self, *words: str, environ: Mapping[str, str] | None = None) -> Ran:
        """Synchronise, with the report as JSON."""
        return self("sync", *words, "--format", "json", env=environ)

    def arguments(self, *words: str, lang: str = "en") -> list[str]:
        """Return the words of a command line, with this installation's settings."""
        return ["--config", str(self.config), "--lang", lang, *words]

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "mdm_bridge", *self.arguments(*words)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def process(self, *words: str, timeout: float = 60, **environ: str) -> Ran:
        """Run a command in a process of its own."""
        return finish(self.start(*words, **environ), timeout)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the database beside the program."""
        opened = open_store(self.database_url)
        try:
            yield opened
        finally:
            opened.close()


def finish(process: subprocess.Popen[str], timeout: float = 60) -> Ran:
    """Wait for a process; one that does not end is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        process.communicate()
        raise
    return Ran(process.returncode, out, err)
