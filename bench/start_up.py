"""What starting costs: ``python -m bench.start_up``.

``mdm-bridge --help`` beside ``python -c "import click"`` (goal: 3 times its CPU), and
``mdm-bridge device list`` on a filled database (goal: under one second of CPU).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import machine, table, write_section
from bench.simulated import simulator, write_settings

__all__ = ["main"]

_RUNS = 15
_HELP_GOAL = 3.0
_LIST_GOAL_S = 1.0


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m bench.start_up", description="Cost of starting.")
    parser.add_argument("--devices", type=int, default=10_000, help="for device list; 0: leave it out")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args(arguments)
    click = _cpu_s(["-c", "import click"])
    asked = _cpu_s(["-m", "mdm_bridge", "--help"])
    rows = [
        ("python -c 'import click'", f"{click * 1000:.0f} ms", "", ""),
        ("mdm-bridge --help", f"{asked * 1000:.0f} ms", f"**{asked / click:.2f} ×**", f"{_HELP_GOAL:.0f} ×"),
    ]
    if options.devices:
        for form, spent in _listing(options.devices).items():
            name = f"device list, {options.devices} devices, {form}"
            rows.append((name, f"**{spent * 1000:.0f} ms**", "", f"{_LIST_GOAL_S * 1000:.0f} ms"))
    text = table(("command", "CPU", "ratio", "goal"), rows)
    print(text)
    if options.write:
        write_section("start-up", f"{machine()}\n\n{text}")


def _listing(devices: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="mdm-bridge-bench-") as folder:
        place = Path(folder)
        with simulator("--devices", str(devices), "--apps", "60") as ready:
            settings = ["-m", "mdm_bridge", "--config", str(write_settings(place, ready))]
            _cpu_s([*settings, "sync"], runs=1)
        return {
            form: _cpu_s([*settings, "device", "list", "--format", form], runs=3)
            for form in ("table", "json", "csv")
        }


def _cpu_s(arguments: list[str], *, runs: int = _RUNS) -> float:
    """Return the least CPU time of a Python process, compiled modules being there."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    least = float("inf")
    for _ in range(runs + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
            check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, spent)
    return least


if __name__ == "__main__":
    main()
