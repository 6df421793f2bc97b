"""What the program's log says of a run: events and figures, never a name nor an answer of the server."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdm_bridge.services.sync import RunReport, SyncOptions

__all__ = ["log_begun", "log_ended", "log_page", "timed"]

log = logging.getLogger(__name__)


def log_begun(server: str, kind: str, options: SyncOptions) -> None:
    """Say that a run begins."""
    extra = {"server": server, "kind": kind, "mode": options.mode, "dry_run": options.dry_run}
    log.info("run begun", extra=extra)


def log_ended(report: RunReport, seconds: float) -> None:
    """Say how a run ended, with its counts."""
    devices, apps = report.devices, report.apps
    figures = {
        "server": report.server,
        "devices": devices.seen,
        "new": devices.new,
        "changed": devices.changed,
        "gone": devices.gone,
        "rejected": devices.rejected,
        "apps_installed": apps.installed,
        "apps_removed": apps.removed,
        "apps_updated": apps.updated,
        "requests": report.requests,
        "warnings": len(report.warnings),
        "seconds": round(seconds, 3),
    }
    if report.error is not None:
        figures["code"] = report.error.code
    log.info(f"run {report.status}", extra=figures)


def log_page(server: str, listed: int, total: int | None) -> None:
    """Say how far the reading is."""
    log.debug("page read", extra={"server": server, "rows": listed, "total": total})


@contextmanager
def timed(event: str, server: str) -> Iterator[None]:
    """Say how long a part of a run took, when it ends well."""
    started = time.perf_counter()
    yield
    log.info(event, extra={"server": server, "seconds": round(time.perf_counter() - started, 3)})
