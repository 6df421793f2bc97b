"""Random histories of one or two servers: a plain model says after each run what must be known.

``MDM_TEST_DEEP=1`` runs thousands. A failure prints the steps; each bug found has a test of its own
in ``test_sync_corners.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mdm_bridge.services.sync import RunReport, SyncOptions, synchronise
from mdm_bridge.storage import open_store
from mdm_bridge.storage.store import Store
from tests.conftest import DEEP
from tests.support.databases import PgServer, SqliteFiles
from tests.support.sync_oracle import Oracle, Outcome
from tests.support.sync_picture import of_oracle, of_store
from tests.support.sync_world import EDITS, LISTINGS, PARIS, PRIVATE, SERVERS, Listing, World
from tests.support.tables import contents, rows_of

#: A run that failed leaves a trace of itself, and the name of a server never asked before.
_WORK = frozenset({"run", "lease", "server"})
_SHRUNKEN = ("shrunken_listing", "shrunken_app_lists", "empty_listing")

Made = Callable[[], tuple[str, Callable[[], None]]]


class Rig:
    """One world, the model of it, and databases that must agree with it.

    The first database reads listings in order, the others the same rows shuffled, in other pages.
    """

    def __init__(self, devices: int, databases: list[Made]) -> None:
        self.world = World(devices)
        self.oracle = Oracle()
        made = [make() for make in databases]
        self._drops = [drop for _, drop in made]
        self.stores = [open_store(url, clock=self.world.clock) for url, _ in made]

    def close(self) -> None:
        """Drop the databases."""
        for store, drop in zip(self.stores, self._drops, strict=True):
            store.close()
            drop()

    def edit(self, server: str, edit: tuple[Any, ...]) -> None:
        """Let something happen between two runs."""
        if edit[0] == "by_hand":
            self._by_hand(f"SERIAL{edit[1]:04}", edit[2])
        else:
            self.world.edit(server, *edit)

    def _by_hand(self, serial: str, pool: str | None) -> None:
        if serial not in self.oracle.devices:
            return
        self.oracle.choose_pool(serial, pool)
        for store in self.stores:
            with store.unit() as unit:
                owned = unit.devices.owned([serial], lock=True)[serial]
                unit.devices.set_pools([(owned, pool)], actor="ctdn", reason=None, zone=PARIS)
        self.compare()

    def synchronise(self, how: Listing) -> None:
        """Synchronise every database and judge what came of it."""
        self.world.clock.advance(hours=how.hours)
        rows = self.world.listing(how)
        expected = self._expected(how, rows)
        for place, store in enumerate(self.stores):
            self._check_run(store, how, rows, expected, shuffle=place > 0)
        self.compare()
        for store in self.stores:
            _check_privacy(store)

    def _expected(self, how: Listing, rows: list[dict[str, Any]]) -> Outcome:
        if how.fault == "page":
            return Outcome("failed", "server_unreachable")
        if how.fault == "count":
            return Outcome("failed", "count_mismatch")
        return self.oracle.synchronise(
            how.server,
            copy.deepcopy(rows),
            self.world.catalogues[how.server],
            self.world.rules[how.server],
            self.world.clock.now(),
            force=how.force,
        )

    def _run(
        self, store: Store, how: Listing, rows: list[dict[str, Any]], *, shuffle: bool, dry_run: bool = False
    ) -> RunReport:
        policy = self.world.rules[how.server].policy()
        source = self.world.source(how, rows, shuffle=shuffle)
        options = SyncOptions(actor="ctdn", force=how.force, dry_run=dry_run)
        return synchronise(store, source, policy, self.world.clock, options)

    def _check_run(
        self, store: Store, how: Listing, rows: list[dict[str, Any]], expected: Outcome, *, shuffle: bool
    ) -> None:
        owned = rows_of(store, "device")
        before, work = contents(store, without=_WORK), contents(store, without=frozenset())
        rehearsed = self._run(store, how, rows, shuffle=shuffle, dry_run=True)
        assert contents(store, without=frozenset()) == work, "a dry run wrote"
        report = self._run(store, how, rows, shuffle=shuffle)
        _compare_reports(rehearsed, report)
        assert rows_of(store, "device")[: len(owned)] == owned, "what people own was touched"
        assert report.status == expected.status, report.error
        if report.status != "complete":
            assert report.error is not None
            shrunken = report.error.code in _SHRUNKEN and expected.error in _SHRUNKEN
            assert report.error.code == expected.error or shrunken
            assert contents(store, without=_WORK) == before, "a run that failed changed something"
            return
        devices, apps = _counts(report)
        assert devices == expected.devices
        assert apps == expected.apps
        new = [row["serial"] for row in rows_of(store, "device")[len(owned) :]]
        assert _announced(store, new) == [(c.serial, c.field, c.old, c.new) for c in rehearsed.changes]
        self._check_again(store, how, rows, report, shuffle=shuffle)

    def _check_again(
        self, store: Store, how: Listing, rows: list[dict[str, Any]], first: RunReport, *, shuffle: bool
    ) -> None:
        """The same listing again, in order or not: nothing is written, nothing is reported."""
        before = contents(store)
        again = self._run(store, how, rows, shuffle=not shuffle)
        assert contents(store) == before, "an unchanged listing wrote"
        devices, apps = _counts(again)
        assert devices["unchanged"] == devices["seen"] == first.devices.seen
        assert apps == {"installed": 0, "removed": 0, "updated": 0}

    def compare(self) -> None:
        """Compare every database with the model."""
        expected = of_oracle(self.oracle)
        for store in self.stores:
            assert of_store(store) == expected


def _counts(report: RunReport) -> tuple[dict[str, int], dict[str, int]]:
    devices, apps = report.devices, report.apps
    return (
        {name: getattr(devices, name) for name in type(devices).__slots__},
        {name: getattr(apps, name) for name in type(apps).__slots__},
    )


def _compare_reports(rehearsed: RunReport, done: RunReport) -> None:
    assert (rehearsed.status, _counts(rehearsed)) == (done.status, _counts(done))
    assert rehearsed.warnings == done.warnings
    assert (rehearsed.error and rehearsed.error.code) == (done.error and done.error.code)


def _announced(store: Store, new: list[str]) -> list[tuple[str, str, str | None, str | None]]:
    """Return what the last run recorded, in the words a dry run announces it."""
    run = max(row["id"] for row in rows_of(store, "run"))
    serials = {row["id"]: row["serial"] for row in rows_of(store, "device")}
    apps = {row["id"]: row["bundle_id"] for row in rows_of(store, "app")}
    versions = {None: None} | {row["id"]: row["text"] for row in rows_of(store, "app_version")}
    told = [
        (serials[row["device_id"]], row["field"], row["old"], row["new"])
        for row in rows_of(store, "field_change")
        if row["run_id"] == run
    ]
    for row in rows_of(store, "app_event"):
        if row["run_id"] == run:
            app, before, after = apps[row["app_id"]], row["old_version_id"], row["new_version_id"]
            told.append((serials[row["device_id"]], f"app:{app}", versions[before], versions[after]))
    told += [(serial, "device", None, "new") for serial in new]
    return sorted(told, key=lambda change: (change[0], change[1], change[3] or ""))


def _check_privacy(store: Store) -> None:
    """Whatever the model says: no app nobody distributes is named on a device of the ash pool."""
    rules = {row["device_id"]: row["pool_by_rule"] for row in rows_of(store, "device_now")}
    ash = {
        row["id"]
        for row in rows_of(store, "device")
        if (row["pool_override"] or rules.get(row["id"])) == "ash"
    }
    private = {row["id"] for row in rows_of(store, "app") if row["bundle_id"] == PRIVATE}
    for table in ("installed", "app_event"):
        assert not [r for r in rows_of(store, table) if r["device_id"] in ash and r["app_id"] in private]
    for row in rows_of(store, "device_day"):
        if row["device_id"] in ash:
            assert (row["day"].weekday(), row["battery_percent"], row["os_version"]) == (0, None, None)
    everything = repr(contents(store, without=frozenset()))
    assert "Léa" not in everything
    assert "Malentendants" not in everything


@pytest.fixture
def sqlite(sqlite_files: SqliteFiles, tmp_path: Path) -> Made:
    """Makes databases of a file each."""

    def make() -> tuple[str, Callable[[], None]]:
        url = sqlite_files.make(tmp_path, migrated=True)
        path = Path(url.removeprefix("sqlite:///"))

        def drop() -> None:
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()

        return url, drop

    return make


@pytest.fixture
def postgresql(pg_server: PgServer) -> Made:
    """Makes databases on the server of this run."""

    def make() -> tuple[str, Callable[[], None]]:
        name = pg_server.make(migrated=True)
        return pg_server.url(name), lambda: pg_server.drop(name)

    return make


class Machine(RuleBasedStateMachine):
    """Any history; after each step the databases say what the model says."""

    databases: list[Made]

    @initialize(
        devices=st.sampled_from([4, 2, 3, 6, 12, 0]), first=st.lists(st.sampled_from(SERVERS), max_size=2)
    )
    def begin(self, devices: int, first: list[str]) -> None:
        """Begin with a fleet, known or not."""
        self.rig = Rig(devices, self.databases)
        for server in first:
            self.rig.synchronise(Listing(server))

    @rule(how=LISTINGS, edits=st.lists(EDITS, min_size=2, max_size=6))
    def turn(self, how: Listing, edits: list[tuple[Any, ...]]) -> None:
        """Something happens on a server, then it is read."""
        for edit in edits:
            self.rig.edit(how.server, edit)
        self.rig.synchronise(how)

    @rule(how=LISTINGS, server=st.sampled_from(SERVERS), edit=EDITS)
    def elsewhere(self, how: Listing, server: str, edit: tuple[Any, ...]) -> None:
        """Something happens, perhaps on another server than the one that is read."""
        self.rig.edit(server, edit)
        self.rig.synchronise(how)

    def teardown(self) -> None:
        """Drop the databases."""
        if hasattr(self, "rig"):
            self.rig.close()


def test_any_history(sqlite: Made) -> None:
    machine = type("AnyHistory", (Machine,), {"databases": [sqlite, sqlite]})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=3000 if DEEP else 8, stateful_step_count=30 if DEEP else 15)
    )


HISTORIES = st.lists(
    st.tuples(st.sampled_from(SERVERS), st.lists(EDITS, min_size=2, max_size=6), LISTINGS),
    min_size=4,
    max_size=10,
)


@pytest.fixture
def both(sqlite: Made, postgresql: Made) -> list[Made]:
    """One database of each kind."""
    return [sqlite, postgresql]


@settings(max_examples=100 if DEEP else 4)
@given(devices=st.sampled_from([1, 4, 12]), history=HISTORIES)
def test_both_databases_agree(both: list[Made], devices: int, history: list[Any]) -> None:
    rig = Rig(devices, both)
    try:
        rig.synchronise(Listing("school"))
        for server, edits, how in history:
            for edit in edits:
                rig.edit(server, edit)
            rig.synchronise(how)
    finally:
        rig.close()
