"""One measured case, in a process of its own: ``python -m bench.measure WHO URL PORT STATE``.

Prints seconds, CPU seconds and peak memory as JSON. Libraries are imported before the clock
starts, on both sides: a process that runs once a night pays them once, and ``bench.start_up``
measures them.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable

__all__ = ["measured"]


def _floor(url: str, port: int, state: str) -> Callable[[], dict[str, object]]:
    from bench.floor import run_floor

    if url.startswith("postgresql"):
        import psycopg  # noqa: F401

    return lambda: {"devices": run_floor(url, port, state)}


def _ours(url: str, port: int, state: str) -> Callable[[], dict[str, object]]:
    import importlib
    import pkgutil
    from zoneinfo import ZoneInfo

    import psutil  # noqa: F401

    from bench.source import PagedSource
    from mdm_bridge import storage
    from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
    from mdm_bridge.ports.clock import SystemClock
    from mdm_bridge.services.sync import SyncOptions, synchronise
    from mdm_bridge.storage import open_store

    # What a first use would import on the way.
    for module in pkgutil.iter_modules(storage.__path__):
        importlib.import_module(f"mdm_bridge.storage.{module.name}")
    importlib.import_module("sqlalchemy.orm").configure_mappers()
    if url.startswith("postgresql"):
        importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
        importlib.import_module("psycopg")
    rule = PoolRule("training", Criteria(groups=("Formation",)))
    policy = ServerPolicy(zone=ZoneInfo("Europe/Paris"), rules=(rule,))

    def run() -> dict[str, object]:
        store = open_store(url)
        source = PagedSource(port, state)
        report = synchronise(store, source, policy, SystemClock(), SyncOptions(actor="bench"))
        source.close()
        store.close()
        if report.error is not None:
            raise report.error
        counts = report.devices
        return {"devices": counts.seen, "new": counts.new, "changed": counts.changed}

    return run


def measured(who: str, url: str, port: int, state: str) -> Callable[[], dict[str, object]]:
    """Import what is needed, and return what is to be measured.

    Args:
        who: ``floor`` or ``ours``.
        url: Of a prepared database.
        port: Of the page server.
        state: State of the fleet to ask for.
    """
    return (_floor if who == "floor" else _ours)(url, port, state)


def _main(who: str, url: str, port: int, state: str) -> None:
    import resource  # not on Windows

    run = measured(who, url, port, state)
    # What the imports left behind is theirs as well.
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, **result}))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
