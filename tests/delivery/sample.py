"""A group of commands that use everything ``base`` offers; runs as a program of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from mdm_bridge.delivery.cli.base import (
    Cli,
    Column,
    Output,
    _,
    command,
    group,
    option,
    output_options,
    pass_cli,
    print_json,
    print_rows,
    print_text,
    usage_error,
)
from mdm_bridge.errors import UnsafeRefused
from mdm_bridge.messages import Message

COLUMNS = (
    Column("serial", "Serial number", priority=9),
    Column("model", "Model"),
    Column("battery_percent", "Battery", "percent"),
    Column("capacity_gb", "Capacity", "gb", priority=2),
    Column("apps", "Apps", "count", priority=1),
    Column("supervised", "Supervised", "bool", priority=1),
    Column("last_seen_at", "Last contact", "instant", priority=6),
    Column("groups", "Groups", "list", priority=3),
)


def rows(n: int) -> Iterator[dict[str, Any]]:
    """Make ``n`` rows; the third knows nothing."""
    start = datetime(2027, 3, 12, 13, 30, tzinfo=UTC)
    for at in range(n):
        known = at != 2
        yield {
            "serial": f"DMPX{at:08}",
            "model": "iPad (9e génération) Wi-Fi",
            "battery_percent": 87 if known else None,
            "capacity_gb": 63.999 if known else None,
            "apps": 1740 if known else None,
            "supervised": at % 2 == 0 if known else None,
            "last_seen_at": start - timedelta(days=at) if known else None,
            "groups": ["Formation", "Été"] if known else None,
            "assignment": {"id": at, "start": start},
        }


@group("sample", help="Samples.", examples=("mdm-bridge sample rows",))
def sample() -> None:
    """Hold the samples."""


@sample.command("rows")
@option("--count", type=int, default=4)
@output_options(progress=True)
@pass_cli
def _rows(cli: Cli, count: int, output: Output) -> None:
    assert cli.settings.calendar.timezone
    age = Message("data_age", "Data of {at}", at=datetime(2027, 3, 12, 6, 2, tzinfo=UTC))
    print_rows(cli, rows(count), COLUMNS, output, title="Samples", freshness=age)


@sample.command("json")
@output_options
@pass_cli
def _json(cli: Cli, output: Output) -> None:
    print_json({"at": datetime(2027, 3, 12, tzinfo=UTC), "name": "Été", "pool": None}, output)


@sample.command("fail")
@pass_cli
def _fail(cli: Cli) -> None:
    raise UnsafeRefused(
        Message("list_shrunk", "The list lost {count} devices.\x1b[31m", count=1740),
        hint=Message("check_list", "Check it at {at}.", at=datetime(2027, 3, 1, 13, 5, tzinfo=UTC)),
    )


@sample.command("code")
@option("--code", type=int)
@pass_cli
def _code(cli: Cli, code: int | None) -> int | None:
    print_text("done\x1b[2J")
    cli.note("remark")
    return code


@sample.command("who")
@pass_cli
def _who(cli: Cli) -> None:
    print_text(f"{cli.actor} {cli.config_path} {cli.verbosity}")


@sample.command("usage")
@pass_cli
def _usage(cli: Cli) -> None:
    raise usage_error("Two of them.", hint="Give one.")


@sample.command("ask")
@pass_cli
def _ask(cli: Cli) -> None:
    click.confirm(_("Data"), abort=True)


@sample.command("wait")
@pass_cli
def _wait(cli: Cli) -> None:
    print_text("ready")
    sys.stdout.flush()
    time.sleep(30)


@sample.command("socket")
@pass_cli
def _socket(cli: Cli) -> None:
    raise BrokenPipeError(32, "a socket of ours, not the reader")


@sample.command("work")
@option("--total", type=int)
@output_options(progress=True)
@pass_cli
def _work(cli: Cli, total: int | None, output: Output) -> None:
    with cli.progress("Lecture", total) as advance:
        for _step in range(3):
            advance(1)
            if os.environ.get("SAMPLE_SLOW"):
                time.sleep(float(os.environ["SAMPLE_SLOW"]))
    print_text("done")


@command("alone", help="Alone.", examples=("mdm-bridge alone",))
def alone() -> None:
    """Do nothing."""


if __name__ == "__main__":
    from mdm_bridge.delivery.cli import cli

    cli.add_command(sample)
    cli.main()
