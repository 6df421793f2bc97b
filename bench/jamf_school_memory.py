"""Memory and time of the real Jamf School reading: ``python -m bench.jamf_school_memory``.

The simulated server runs in a process of its own and answers the whole fleet in one body, as the
product does. First load, then an unchanged second run, each in a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.report import machine, table, write_section
from bench.simulated import fetch, simulator, write_settings

__all__ = ["main"]

_GOAL_MB = 300


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.jamf_school_memory", description="Memory of Jamf School."
    )
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="mdm-bridge-bench-") as folder,
        simulator("--devices", str(options.devices), "--apps", "60") as ready,
    ):
        settings = write_settings(Path(folder), ready)
        body_mb = len(fetch(ready, "devices?includeApps=true")) / 1e6
        rows = [_row(case, body_mb, _call(settings)) for case in ("first load", "unchanged")]
    text = table(("case", "devices", "listing MB", "requests", "s", "CPU s", "peak MB", "goal MB"), rows)
    print(text)
    if options.write:
        write_section("jamf-school", f"{machine()}\n\n{text}")


def _row(case: str, body_mb: float, found: dict[str, Any]) -> tuple[str, ...]:
    return (
        case,
        str(found["devices"]),
        f"{body_mb:.0f}",
        str(found["requests"]),
        f"{found['wall_s']:.2f}",
        f"{found['cpu_s']:.2f}",
        f"**{found['peak_mb']:.0f}**",
        str(_GOAL_MB),
    )


def _call(settings: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.jamf_school_memory", "--child", str(settings)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(settings: Path) -> None:
    from mdm_bridge.ports.clock import SystemClock
    from mdm_bridge.services.sync import SyncOptions, synchronise
    from mdm_bridge.wiring import open_app

    wall, cpu = time.perf_counter(), time.process_time()
    app = open_app(settings, os.environ)
    name = app.server_names()[0]
    report = synchronise(
        app.store, app.source(name), app.policy(name), SystemClock(), SyncOptions(actor="bench")
    )
    app.close()
    if report.error is not None:
        raise report.error
    print(
        json.dumps(
            {
                "wall_s": time.perf_counter() - wall,
                "cpu_s": time.process_time() - cpu,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "devices": report.devices.seen,
                "requests": report.requests,
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(Path(sys.argv[2]))
    else:
        main()
