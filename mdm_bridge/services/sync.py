"""Synchronise one server: all or nothing, compared once, visible at once.

Three units, no network call inside any: open the run; read what is known; merge. Between the last
two the whole listing is downloaded into a staging place that nobody else sees. An unchanged row
costs one hash. Whatever goes wrong, the inventory stays as it was and the run says why.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial

from mdm_bridge.domain.inventory import Covers, ServerFacts
from mdm_bridge.domain.policy import ServerPolicy
from mdm_bridge.domain.privacy import may_stay
from mdm_bridge.domain.shrink import apps_vanished, catalogue_shrunken, devices_vanished
from mdm_bridge.errors import AlreadyRunning, BridgeError, Interrupted, UnsafeRefused
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.inventory import ListingSource
from mdm_bridge.ports.sync import (
    AppCounts,
    DeviceCounts,
    FieldDifference,
    Intake,
    Known,
    MergeOrder,
    MergeResult,
    RunHead,
    SyncStore,
    SyncUnit,
)
from mdm_bridge.services.leases import Held, held
from mdm_bridge.services.reading import Reading, ServerWarning, rules_digest
from mdm_bridge.services.run_log import log_begun, log_ended, log_page, timed

__all__ = ["Progress", "RunReport", "SyncOptions", "not_begun", "synchronise"]

log = logging.getLogger(__name__)

#: Called with (rows read so far, rows in all or None).
Progress = Callable[[int, "int | None"], None]

_LEASE_TTL_S = 900
_WARNINGS_KEPT = 200


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How to run.

    ``force`` accepts a shrunken answer; ``dry_run`` writes nothing, here or there, and reports the
    differences; ``stopping`` is asked between pages.
    """

    actor: str
    force: bool = False
    dry_run: bool = False
    mode: str = "listing"
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class RunReport:
    """How one run ended. ``status``: complete, refused or failed."""

    server: str
    status: str
    dry_run: bool
    started_at: datetime
    finished_at: datetime
    requests: int
    devices: DeviceCounts = field(default_factory=DeviceCounts)
    apps: AppCounts = field(default_factory=AppCounts)
    warnings: tuple[ServerWarning, ...] = ()
    error: BridgeError | None = None
    changes: tuple[FieldDifference, ...] = ()


def synchronise(
    store: SyncStore,
    source: ListingSource,
    policy: ServerPolicy,
    clock: Clock,
    options: SyncOptions,
    progress: Progress | None = None,
) -> RunReport:
    """Synchronise one server and report; never raises a ``BridgeError``.

    Args:
        store: The database.
        source: The distant server.
        policy: What the settings say of it.
        clock: The time.
        options: Who asks, and how.
        progress: Told how far the reading is.
    """
    started = time.perf_counter()
    log_begun(source.name, source.kind, options)
    report = _Sync(store, source, policy, clock, options, progress).run()
    log_ended(report, time.perf_counter() - started)
    return report


def not_begun(server: str, clock: Clock, options: SyncOptions, error: BridgeError) -> RunReport:
    """Return the report of a run that could not even begin (a missing key, an unreadable file)."""
    now = clock.now().replace(microsecond=0)
    return RunReport(server, "failed", options.dry_run, now, now, 0, error=error)


class _Sync:
    """One run, from the first question to the report."""

    def __init__(
        self,
        store: SyncStore,
        source: ListingSource,
        policy: ServerPolicy,
        clock: Clock,
        options: SyncOptions,
        progress: Progress | None,
    ) -> None:
        self._store = store
        self._source = source
        covers = source.capabilities.covers
        self._whole_policy = policy
        self._policy = policy.for_listing(covers)
        self._judges_pools = policy.judges_pools(covers)
        self._clock = clock
        self._options = options
        self._progress = progress or (lambda done, total: None)
        self._started_at = clock.now().replace(microsecond=0)
        self._reading: Reading | None = None
        self._chosen: Mapping[str, str | None] = {}
        self._vanishing = 0
        self._warnings: list[ServerWarning] = []
        self._requests_before = source.requests

    def run(self) -> RunReport:
        """Run, and turn every error of ours into a report."""
        try:
            if self._options.dry_run:
                return self._carry_out(None, None)
            with held(self._store, f"sync:{self._source.name}", _LEASE_TTL_S) as lease:
                return self._guarded(lease)
        except BridgeError as error:
            return self._report("refused" if isinstance(error, UnsafeRefused) else "failed", error=error)

    def _guarded(self, lease: Held) -> RunReport:
        """Run under the lease; whatever happens the run is closed."""
        with self._store.unit() as unit:
            server_id = unit.runs.server_id(self._source.name, self._source.kind)
            head = unit.runs.open(
                server_id,
                mode=self._options.mode,
                actor=self._options.actor,
                forced=self._options.force,
            )
        try:
            return self._carry_out(head, lease)
        except BridgeError as error:
            status = "refused" if isinstance(error, UnsafeRefused) else "failed"
            report = self._report(status, error=error)
            self._close(head, report)
            return report
        except BaseException as error:
            ours = _interrupted() if isinstance(error, KeyboardInterrupt) else _internal_error()
            self._close(head, self._report("failed", error=ours))
            raise

    def _close(self, head: RunHead, report: RunReport) -> None:
        """Record how a run failed; if even that fails, the next run will say it was interrupted."""
        try:
            with self._store.unit() as unit:
                _close_run(unit, head, report)
        except BridgeError as error:
            log.error("run_not_closed server=%s code=%s", self._source.name, error.code)

    def _carry_out(self, head: RunHead | None, lease: Held | None) -> RunReport:
        """Read everything, judge it, and merge it."""
        with self._store.reading() as unit:
            known = unit.inventory.known(self._source.name)
            self._chosen = known.overrides
            if not self._judges_pools:
                # The rules cannot be judged by what this listing shows: what they said before stays.
                known = replace(known, overrides={**unit.inventory.pools(), **known.overrides})
        facts = self._believed(self._source.facts(), known)
        with self._store.intake() as intake:
            reading = self._read(known, facts, intake, lease)
            self._judge(known, reading, intake)
            with timed("merge", self._source.name), intake.unit(dry_run=head is None) as merging:
                return self._merge(merging, head, lease, known, facts, reading)

    def _believed(self, facts: ServerFacts, known: Known) -> ServerFacts:
        """Mark the lists that lack entries: an app must not cease to be ours because one was lost."""
        told = {app.bundle_id for app in facts.apps or ()}
        lost = len(known.ours - told)
        doubted = catalogue_shrunken(len(known.ours), lost, len(told), self._policy.shrink_percent)
        incomplete = facts.incomplete | self._parts_with_gaps()
        if doubted and not self._options.force:
            incomplete |= {"apps"}
        facts = replace(facts, incomplete=incomplete)
        if lost and facts.apps is not None and "apps" in facts.incomplete:
            kept = Message(
                "app_list_incomplete",
                "The server's app list lacks {lost} of {known} apps: they are kept as they were.",
                lost=lost,
                known=len(known.ours),
            )
            self._warnings.append(ServerWarning(None, kept))
        return facts

    def _parts_with_gaps(self) -> set[str]:
        gaps = (w.params.get("part") for w in self._source.warnings if w.code == "entries_skipped")
        return set().union(*({part} if part else {"apps", "groups", "profiles"} for part in gaps))

    def _read(self, known: Known, facts: ServerFacts, intake: Intake, lease: Held | None) -> Reading:
        reading = Reading(known, facts, self._policy, intake, self._clock.now())
        self._reading = reading
        for page in self._source.pages():
            if self._options.stopping():
                raise _interrupted()
            reading.take(page)
            self._progress(reading.listed, page.total)
            log_page(self._source.name, reading.listed, page.total)
            if lease is not None:
                lease.keep()
        reading.finish()
        if Covers.APPS in self._source.capabilities.covers:
            reading.tell_missing_lists()
        return reading

    def _judge(self, known: Known, reading: Reading, intake: Intake) -> None:
        """Refuse a shrunken answer, or with ``force`` take it as far as it can be believed."""
        self._vanishing, devices_known = intake.leave(reading.absent())
        percent = self._policy.shrink_percent
        refusal = devices_vanished(devices_known, self._vanishing, reading.present, percent)
        emptied = apps_vanished(known.apps_known, len(reading.emptied), percent)
        doubted = reading.still_doubted | (set() if emptied is None else reading.emptied)
        if doubted:
            intake.disbelieve_apps(doubted)
        self._refuse(refusal or emptied)

    def _refuse(self, refusal: Message | None) -> None:
        if refusal is not None and not self._options.force:
            raise UnsafeRefused(
                refusal,
                hint=Message(
                    "check_then_force",
                    "Check the console first; if the answer is right, run the command again with --force.",
                ),
            )

    def _merge(
        self,
        unit: SyncUnit,
        head: RunHead | None,
        lease: Held | None,
        known: Known,
        facts: ServerFacts,
        reading: Reading,
    ) -> RunReport:
        run = head or self._rehearsal(unit)
        if lease is not None:
            unit.leases.check(lease.lease)
        elif unit.inventory.last_complete_run(run.server_id) != known.last_complete_run:
            raise _overtaken(self._source.name)
        fact_rows = unit.inventory.record_facts(run, facts, self._policy.kept_groups(), self._policy.zone)
        result = unit.inventory.merge(
            MergeOrder(
                run=run,
                covers=self._source.capabilities.covers,
                judges_pools=self._judges_pools,
                unread=frozenset(reading.unread),
                unobserved=frozenset(reading.unread | reading.not_judged),
                may_stay=partial(may_stay, policy=self._whole_policy),
                overrides=self._chosen,
                zone=self._policy.zone,
                ours_before=reading.ours_before,
                ours_now=reading.ours,
                observed_until=known.last_complete_at,
                rules_digest=rules_digest(self._policy, reading.ours),
            )
        )
        if result.swapped:
            vanishing = self._vanishing + result.swapped
            percent = self._policy.shrink_percent
            self._refuse(devices_vanished(len(known.records), vanishing, reading.present, percent))
        reading.duplicated(result.duplicate_serials)
        report = self._report("complete", result=result)
        if head is None:
            return replace(report, changes=tuple(unit.inventory.differences(run)))
        _close_run(unit, head, report)
        if _matters(result):
            detail = {**_audit_detail(report, fact_rows), "forced": self._options.force}
            unit.audit.append(self._options.actor, "sync", "server", self._source.name, detail)
        return report

    def _rehearsal(self, unit: SyncUnit) -> RunHead:
        """Open a run that the rollback of a dry run will take back with the rest."""
        server_id = unit.runs.server_id(self._source.name, self._source.kind)
        return unit.runs.open(server_id, mode="dry-run", actor=self._options.actor, forced=False)

    def _report(
        self, status: str, *, result: MergeResult | None = None, error: BridgeError | None = None
    ) -> RunReport:
        reading = self._reading
        return RunReport(
            server=self._source.name,
            status=status,
            dry_run=self._options.dry_run,
            started_at=self._started_at,
            finished_at=self._clock.now().replace(microsecond=0),
            requests=self._source.requests - self._requests_before,
            devices=reading.counts(result) if reading else DeviceCounts(),
            apps=result.apps if result else AppCounts(),
            warnings=(
                *(ServerWarning(None, message) for message in self._source.warnings),
                *self._warnings,
                *(reading.warnings if reading else ()),
            ),
            error=error,
        )


def _close_run(unit: SyncUnit, head: RunHead, report: RunReport) -> None:
    error = report.error
    unit.runs.close(
        head,
        status=report.status,
        requests=report.requests,
        counts={"devices": asdict(report.devices), "apps": asdict(report.apps)},
        warnings=[
            {"code": w.message.code, "serial": w.serial, "params": _plain(w.message)}
            for w in report.warnings[:_WARNINGS_KEPT]
        ],
        error=None if error is None else {"code": error.code, "params": _plain(error.message)},
    )


def _plain(message: Message) -> dict[str, object]:
    """Return parameters as they are stored: a sentence among them stays one that can be translated."""
    return {key: _plain_value(value) for key, value in message.params.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Message):
        return {"code": value.code, "params": _plain(value)}
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    return str(value)


def _matters(result: MergeResult) -> bool:
    """Tell whether a run changed more than batteries and dates."""
    apps = result.apps
    events = apps.installed + apps.removed + apps.updated
    return bool(result.new or result.gone or result.returned or result.stable_changes or events)


def _audit_detail(report: RunReport, fact_rows: int) -> dict[str, object]:
    return {
        "devices": asdict(report.devices),
        "apps": asdict(report.apps),
        "facts": fact_rows,
        "started_at": report.started_at.isoformat(),
    }


def _interrupted() -> Interrupted:
    return Interrupted(
        Message("interrupted", "The synchronisation was interrupted: nothing was changed."),
        hint=Message("run_again", "Run the command again."),
    )


def _internal_error() -> BridgeError:
    return BridgeError(
        Message("internal_error", "The program itself failed: nothing was changed."),
        hint=Message("report_bug", "Report it with what the program printed."),
    )


def _overtaken(server: str) -> AlreadyRunning:
    return AlreadyRunning(
        Message(
            "overtaken",
            "Another synchronisation of {server} ended meanwhile: what this one saw is out of date.",
            server=server,
        ),
        hint=Message("run_again", "Run the command again."),
    )
