"""Speed and memory of a synchronisation beside the floor; fills in ``docs/performance.md``.

``python -m bench.run --devices 10000,100000 --db sqlite,postgresql --repeat 3 --json out.json``

Every case runs in a process of its own, floor and ours in turn. Of the repetitions the one with the
least CPU counts: what else the machine does can only add.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.databases import Database, opened
from bench.report import machine, table, write_section
from bench.server import page_files, serving

__all__ = ["main"]

#: What is measured, and the state of the fleet it reads.
CASES = {
    "first load": "first",
    "unchanged": "first",
    "all figures moved": "moved",
    "1 % changed": "changed",
}
_HEADINGS = (
    "case", "floor s", "ours s", "ratio", "floor CPU s", "ours CPU s", "CPU ratio", "floor MB", "ours MB",
)  # fmt: skip
_BIG = 50_000

Measure = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Measure what the arguments ask for and print Markdown tables."""
    options = _parser().parse_args(arguments)
    results: list[dict[str, Any]] = []
    with _workplace(options.keep) as folder:
        for devices in [int(count) for count in options.devices.split(",")]:
            pages = page_files(folder, devices)
            repeat = options.repeat if devices < _BIG else max(1, options.repeat // 3)
            with serving(pages) as port:
                for kind in options.db.split(","):
                    found = _measure(kind, folder, port, devices, repeat)
                    results.append({"devices": devices, "database": kind, "repeat": repeat, "cases": found})
                    print(_section(results[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"machine": machine(), "results": results}, indent=1))
    if options.write:
        text = "\n\n".join([machine(), *(_section(result) for result in results)])
        write_section("speed", text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Speed beside the floor.")
    parser.add_argument("--devices", default="10000,100000", help="sizes of the fleet")
    parser.add_argument("--db", default="sqlite,postgresql", help="databases")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each case (a third at 100 000)")
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--keep", help="folder for the pages, kept for the next time (35 MB a 1 000 devices)")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    return parser


@contextmanager
def _workplace(keep: str | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mdm-bridge-bench-") as folder:
        # The database server may run as another user.
        Path(folder).chmod(0o755)
        place = Path(folder)
        if keep:
            pages = Path(keep)
            pages.mkdir(parents=True, exist_ok=True)
            for found in pages.iterdir():
                (place / found.name).symlink_to(found.resolve())
        yield place


def _measure(kind: str, folder: Path, port: int, devices: int, repeat: int) -> dict[str, dict[str, Measure]]:
    """Return the best measure by case and side."""
    best: dict[str, dict[str, Measure]] = {case: {} for case in CASES}
    with opened(kind, folder) as database:
        for turn in range(repeat):
            urls = {who: database.make(f"{who}_{devices}_{turn}") for who in ("floor", "ours")}
            for who, url in urls.items():
                _call("bench.prepare", who, url)
            for case, state in CASES.items():
                for who, url in urls.items():
                    measure = _one(database, who, url, port, state)
                    database.settle(f"{who}_{devices}_{turn}")
                    if measure["devices"] != devices:
                        raise SystemExit(f"{who}, {case}: {measure['devices']} devices of {devices}")
                    least = best[case].get(who)
                    if least is None or measure["cpu_s"] < least["cpu_s"]:
                        best[case][who] = measure
            for who in urls:
                database.drop(f"{who}_{devices}_{turn}")
    return best


def _one(database: Database, who: str, url: str, port: int, state: str) -> Measure:
    before = database.cpu_s()
    measure: Measure = json.loads(_call("bench.measure", who, url, str(port), state))
    measure["server_cpu_s"] = database.cpu_s() - before
    measure["cpu_s"] += measure["server_cpu_s"]
    return measure


def _call(module: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def _section(result: dict[str, Any]) -> str:
    rows = []
    for case, sides in result["cases"].items():
        floor, ours = sides["floor"], sides["ours"]
        rows.append(
            (
                case,
                f"{floor['wall_s']:.2f}",
                f"{ours['wall_s']:.2f}",
                f"{ours['wall_s'] / floor['wall_s']:.2f}",
                f"{floor['cpu_s']:.2f}",
                f"{ours['cpu_s']:.2f}",
                f"**{ours['cpu_s'] / floor['cpu_s']:.2f}**",
                f"{floor['peak_mb']:.0f}",
                f"{ours['peak_mb']:.0f}",
            )
        )
    runs = "one run" if result["repeat"] == 1 else f"best of {result['repeat']} runs"
    title = f"### {result['devices']:,} devices, {result['database']} ({runs})".replace(",", " ", 1)
    return f"{title}\n\n{table(_HEADINGS, rows)}"


if __name__ == "__main__":
    main()
