"""Synchronise several servers side by side, each on its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mdm_bridge.services.sync import RunReport

__all__ = ["exit_code", "side_by_side"]

_POLL_S = 0.2

#: A job: one server's synchronisation, asked between pages whether to stop.
Job = Callable[[Callable[[], bool]], RunReport]


def side_by_side(jobs: Sequence[Job]) -> list[RunReport]:
    """Run every job and return their reports in order; one server's failure costs no other.

    A single job runs in the present thread. Several get a thread each; on Ctrl-C they are told to
    stop at their next page, and their threads do not keep the program alive.

    Raises:
        KeyboardInterrupt: Ctrl-C; every run not yet merged has changed nothing.
    """
    if len(jobs) == 1:
        return [jobs[0](lambda: False)]
    stop = threading.Event()
    results: list[RunReport | BaseException | None] = [None] * len(jobs)

    def work(index: int, job: Job) -> None:
        try:
            results[index] = job(stop.is_set)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            results[index] = error

    threads = [
        threading.Thread(target=work, args=(index, job), daemon=True, name=f"sync-{index}")
        for index, job in enumerate(jobs)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL_S)
    except KeyboardInterrupt:
        stop.set()
        raise
    return [_result(result) for result in results]


def _result(result: RunReport | BaseException | None) -> RunReport:
    if isinstance(result, RunReport):
        return result
    assert isinstance(result, BaseException)
    raise result


def exit_code(reports: Sequence[RunReport]) -> int:
    """Return how a synchronisation ended: 0 all complete, 4 partly, 5 refused, 1 failed."""
    complete = [report for report in reports if report.status == "complete"]
    if len(complete) == len(reports):
        return 4 if any(report.devices.rejected for report in reports) else 0
    if complete:
        return 4
    return 5 if any(report.status == "refused" for report in reports) else 1
