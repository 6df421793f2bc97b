"""What is remembered of a run that another one overtakes, that a bug ends, that waits for long."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.inventory import ServerFacts
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.errors import BadAnswer, LeaseLost
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import SystemClock
from mdm_bridge.ports.inventory import Page
from mdm_bridge.services import sync as module
from mdm_bridge.services.leases import Held, held
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage import open_store
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.listing import FakeSource, device
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(zone=PARIS, rules=(PoolRule("training", Criteria(groups=("Formation",))),))

Sync = Callable[..., RunReport]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([device(1), device(3)])


@pytest.fixture
def sync(store: Store, clock: FakeClock, source: FakeSource) -> Sync:
    def run(given: FakeSource | None = None, **options: Any) -> RunReport:
        return synchronise(store, given or source, POLICY, clock, SyncOptions(actor="ctdn", **options))

    return run


class Meanwhile(FakeSource):
    """Something happens while the first page is read."""

    happens: Callable[[], Any]

    def pages(self) -> Iterator[Page]:
        """Yield the devices."""
        for page in super().pages():
            self.happens()
            yield page


@pytest.mark.parametrize("known", [True, False])
def test_a_dry_run_overtaken_by_a_run_says_so(sync: Sync, store: Store, known: bool) -> None:
    if known:
        sync()
    slow = Meanwhile([device(1), device(3), device(5)])
    slow.happens = lambda: sync(FakeSource([device(1), device(3), device(5)]))
    report = sync(slow, dry_run=True)
    assert (report.status, report.error and report.error.code) == ("failed", "overtaken")
    assert [run["status"] for run in rows_of(store, "run")] == ["complete"] * (1 + known)


def test_a_dry_run_beside_a_run_that_failed_is_still_right(sync: Sync) -> None:
    sync()
    slow = Meanwhile([device(1), device(3), device(5)])
    failing = FakeSource([])
    slow.happens = lambda: sync(failing)
    assert sync(slow, dry_run=True).devices.new == 1


def test_a_bug_closes_the_run_and_is_not_hidden(sync: Sync, store: Store, source: FakeSource) -> None:
    source.fail = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        sync()
    (run,) = rows_of(store, "run")
    assert (run["status"], run["error"]["code"]) == ("failed", "internal_error")
    assert rows_of(store, "lease")[0]["holder"] is None


@pytest.mark.parametrize("forced", [True, False])
def test_the_audit_trail_says_whether_it_was_forced(sync: Sync, store: Store, forced: bool) -> None:
    sync(force=forced)
    with store.reading() as unit:
        (entry,) = unit.audit.entries()
    assert json.loads(entry.body)["detail"]["forced"] is forced


def test_sentences_within_sentences_are_kept_as_codes(sync: Sync, store: Store, source: FakeSource) -> None:
    inner = Message("no_answer", "No answer for {seconds} s.", seconds=3)
    source.fail = BadAnswer(
        Message("stopped", "{server}: {why}", server="school", why=inner, all=[inner]),
        hint=Message("retry_later", "Later."),
    )
    sync()
    stored = {"code": "no_answer", "params": {"seconds": "3"}}
    assert rows_of(store, "run")[0]["error"]["params"] == {"server": "school", "why": stored, "all": [stored]}


class Slow(FakeSource):
    """Its facts take a while."""

    seconds = 0.0

    def facts(self) -> ServerFacts:
        """Return them late."""
        time.sleep(self.seconds)
        return super().facts()


def test_a_lease_outlives_a_server_that_takes_its_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEASE_TTL_S", 2)
    slow = Slow([device(1)])
    slow.seconds = 3.2
    store = open_store(database_url)
    try:
        assert synchronise(store, slow, POLICY, SystemClock(), SyncOptions(actor="ctdn")).status == "complete"
        assert expiry_moved(store)
    finally:
        store.close()


def expiry_moved(store: Store) -> bool:
    """Tell whether a lease is renewed while nobody asks for it, and no more once it is given back."""

    def expires_at() -> Any:
        return rows_of(store, "lease")[0]["expires_at"]

    with held(store, "sync:school", 3):
        before = expires_at()
        deadline = time.monotonic() + 10
        while expires_at() == before and time.monotonic() < deadline:
            time.sleep(0.1)
        moved = bool(expires_at() > before)
    given_back = contents(store, without=frozenset())
    time.sleep(1.2)
    return moved and contents(store, without=frozenset()) == given_back


def test_a_heart_that_finds_the_lease_taken_says_so_at_the_next_page(database_url: str) -> None:
    store = open_store(database_url)
    try:
        with held(store, "sync:school", 1, elapsed=lambda: 0.0) as lease:
            with store.unit() as unit:
                unit.leases.release(lease.lease)
                unit.leases.acquire("sync:school", 900)
            with pytest.raises(LeaseLost):
                keep_for(lease, 10)
    finally:
        store.close()


def keep_for(lease: Held, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lease.keep()
        time.sleep(0.05)
