"""``simulate``: run a distant server to practise on, until it is told to stop."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from mdm_bridge.delivery.cli.base import N_, Cli, _, argument, option, pass_cli, usage_error
from mdm_bridge.delivery.cli.base import command as make_command

__all__ = ["command"]


@make_command(
    "simulate",
    help=N_(
        "Run a simulated distant server on this machine, with invented devices and persons. One line of "
        "JSON says when it is ready: its address, and a settings section that reads it. Ctrl-C ends it."
    ),
    examples=(
        "mdm-bridge simulate jamf-school",
        "mdm-bridge simulate jamf-school --devices 200 --start -30d",
    ),
)
@argument("kind", metavar=N_("KIND"))
@option("--port", type=click.IntRange(0, 65535), default=0, help=N_("Port to listen on; 0 takes a free one."))
@option(
    "--devices", type=click.IntRange(0, 100_000), default=24, show_default=True, help=N_("Number of iPads.")
)
@option("--seed", type=int, default=1, show_default=True, help=N_("The same seed makes the same devices."))
@option("--apps", type=click.IntRange(0, 60), help=N_("Exact number of apps on each iPad."))
@option(
    "--start",
    help=N_("First instant of its clock: an ISO date, or a duration before now such as -30d. Default: now."),
)
@pass_cli
def command(
    cli: Cli, kind: str, port: int, devices: int, seed: int, apps: int | None, start: str | None
) -> int:
    """Start the server, say so in one line, wait, and clean up."""
    from mdm_bridge.simulator import start_simulator

    begin = _instant(start) if start else None
    made = start_simulator(kind, port=port, devices=devices, seed=seed, apps_per_device=apps, start=begin)
    with made as simulator, _on_terminate(simulator.finish):
        try:
            click.echo(json.dumps(simulator.ready_line(), ensure_ascii=False))
            cli.note(_("Ready. Ctrl-C ends it."))
            simulator.wait()
        except KeyboardInterrupt:
            return 130
    return 0


@contextmanager
def _on_terminate(finish: Callable[[], None]) -> Iterator[None]:
    """End as cleanly on a request to terminate as on Ctrl-C."""

    def ask(*_signal: Any) -> None:
        finish()

    before = None
    with suppress(ValueError):  # not the main thread: whoever started us ends us
        before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _instant(text: str) -> datetime:
    """Read the value of ``--start``."""
    from mdm_bridge.simulator.dice import parse_span

    with suppress(ValueError):
        return datetime.now(UTC) - abs(parse_span(text))
    with suppress(ValueError):
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.astimezone()
        if abs(datetime.now(UTC) - instant) < timedelta(days=36_500):
            return instant
    raise usage_error(
        _("{value} is neither a date nor a duration.", value=text),
        hint=_("Write for example 2026-11-02T08:00, or -30d."),
    )
