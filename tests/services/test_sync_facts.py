"""What a server says beside its devices: a list that lost entries is not believed to be whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.inventory import ServerApp, ServerFacts, ServerProfile
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.messages import Message
from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage.store import Store
from tests.support.clock import FakeClock
from tests.support.listing import FakeSource, device
from tests.support.tables import contents, rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(
    zone=PARIS,
    rules=(
        PoolRule("training", Criteria(groups=("Formation",))),
        PoolRule("ash", Criteria(groups=("ASH",))),
    ),
)
SKIPPED = Message("entries_skipped", "Malformed entries left out of the server's lists: {count}.", count=1)

Sync = Callable[..., RunReport]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource([device(2)])


@pytest.fixture
def sync(store: Store, clock: FakeClock, source: FakeSource) -> Sync:
    def run(**options: Any) -> RunReport:
        return synchronise(store, source, POLICY, clock, SyncOptions(actor="ctdn", **options))

    return run


def apps(*numbers: int) -> ServerFacts:
    """The reader, and as many others."""
    reader = ServerApp("reader", "com.example.reader", "reader")
    others = [ServerApp(str(number), f"com.example.app{number}", None) for number in numbers]
    return ServerFacts(apps=(reader, *others))


def gone(store: Store) -> list[str]:
    return [row["remote_id"] for row in rows_of(store, "server_app") if row["gone_at"] is not None]


def named(store: Store) -> int:
    return len(rows_of(store, "installed"))


@pytest.mark.parametrize(
    ("before", "after", "skipped", "kept"),
    [
        (apps(*range(9)), apps(), False, True),
        (apps(*range(9)), apps(0, 1, 2, 3, 4, 5), False, False),
        (apps(*range(8)), apps(), False, False),
        (apps(1), ServerFacts(apps=()), False, True),
        (apps(1), apps(), True, True),
        (apps(1), apps(), False, False),
    ],
)
def test_a_list_that_lost_much_dates_nothing(
    sync: Sync, store: Store, source: FakeSource, before: ServerFacts, after: ServerFacts, skipped, kept: bool
) -> None:
    source.facts_told = before
    sync()
    source.facts_told = after
    source.warnings = (SKIPPED,) if skipped else ()
    report = sync()
    assert report.status == "complete"
    assert ("app_list_incomplete" in [w.message.code for w in report.warnings]) is kept
    assert (gone(store) == []) is kept
    settled = contents(store)
    sync()
    assert contents(store) == settled


def test_apps_named_on_adapted_tablets_stay_named(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    assert named(store) == 1
    source.facts_told = ServerFacts(apps=())
    source.devices[0]["os_version"] = "18.6"
    sync()
    assert named(store) == 1


def test_an_emptied_list_is_accepted_when_forced(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    source.facts_told = ServerFacts(apps=())
    report = sync(force=True)
    assert (gone(store), report.warnings) == (["1"], ())


def test_profiles_that_could_not_be_read_are_not_gone(sync: Sync, store: Store, source: FakeSource) -> None:
    source.facts_told = ServerFacts(profiles=(ServerProfile("7", "com.example.wifi"),))
    sync()
    skipped = Message(SKIPPED.code, SKIPPED.text, count=1, part="profiles")
    source.facts_told, source.warnings = ServerFacts(profiles=()), (skipped,)
    sync()
    assert rows_of(store, "server_profile")[0]["gone_at"] is None
    source.warnings = (Message(SKIPPED.code, SKIPPED.text, count=1, part="apps"),)
    sync()
    assert rows_of(store, "server_profile")[0]["gone_at"] is not None


def test_licences_are_those_of_all_entries_on_the_local_day(
    sync: Sync, store: Store, source: FakeSource, clock: FakeClock
) -> None:
    clock.set(datetime(2026, 11, 24, 23, 30, tzinfo=UTC))
    source.facts_told = ServerFacts(
        apps=(
            ServerApp("1", "com.example.reader", "reader", "123", 20, 7, 13),
            ServerApp("2", "com.example.reader", "reader", "123", 5, 1, None),
        )
    )
    sync()
    (row,) = rows_of(store, "licence_day")
    assert row["day"] == date(2026, 11, 25)
    assert (row["total"], row["used"], row["free"]) == (25, 8, 13)


def test_an_app_without_a_name_gets_the_first_one_told(sync: Sync, store: Store, source: FakeSource) -> None:
    for name in (None, "Reader", "Liseuse"):
        source.facts_told = ServerFacts(apps=(ServerApp("1", "com.example.writer", name),))
        sync()
    names = {row["bundle_id"]: row["name"] for row in rows_of(store, "app")}
    assert names["com.example.writer"] == "Reader"


def test_a_server_that_is_read_from_files_from_now_on(sync: Sync, store: Store, source: FakeSource) -> None:
    sync()
    source.kind = "file"
    sync()
    assert [row["kind"] for row in rows_of(store, "server")] == ["file"]
