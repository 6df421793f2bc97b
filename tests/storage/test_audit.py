"""The audit trail in both databases: nothing altered goes unseen, many writers fork nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from mdm_bridge.domain.audit import GENESIS, Head
from mdm_bridge.storage import open_store


def append(store, count: int = 1) -> None:
    for number in range(count):
        with store.unit() as unit:
            unit.audit.append("me", "set_state", "device", f"S{number}", {"new": "lost", "n": number})


def verify(store, outside: Head | None = None):
    with store.reading() as unit:
        return unit.audit.verify(outside)


def run(store, *statements: str) -> None:
    with store.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_entries_follow_each_other(store, now) -> None:
    append(store, 3)
    with store.reading() as unit:
        entries = list(unit.audit.entries())
        assert unit.audit.head() == Head(3, entries[-1].hash)
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[0].prev == GENESIS.hash
    assert entries[0].at == now
    assert '"new":"lost"' in (entries[0].body or "")
    assert verify(store).ok


def test_two_entries_of_one_unit(store) -> None:
    with store.unit() as unit:
        first = unit.audit.append("me", "a", "device", None, {})
        assert unit.audit.append("me", "b", "device", None, {}) == first + 1
    assert verify(store).entries == 2


def test_a_unit_that_fails_leaves_no_entry(store) -> None:
    def fail() -> None:
        with store.unit() as unit:
            unit.audit.append("me", "a", "device", None, {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert verify(store).entries == 0


def test_equal_details_have_different_digests(store) -> None:
    """Else an erased detail could be guessed back."""
    with store.unit() as unit:
        for _ in range(2):
            unit.audit.append("me", "a", "device", None, {"code": "X"})
    with store.reading() as unit:
        assert len({entry.detail_digest for entry in unit.audit.entries()}) == 2


def test_erasing_a_detail_is_no_break(store) -> None:
    append(store, 3)
    run(store, "UPDATE audit_detail SET body = NULL WHERE seq = 2")
    report = verify(store)
    assert (report.ok, report.erased) == (True, 1)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'you' WHERE seq = 3",
        "UPDATE audit SET verb = 'other' WHERE seq = 3",
        "UPDATE audit SET kind = 'other' WHERE seq = 3",
        "UPDATE audit SET object_id = NULL WHERE seq = 3",
        "UPDATE audit SET at = '2026-11-24T08:00:01Z' WHERE seq = 3",
        "UPDATE audit SET detail_digest = 'x' WHERE seq = 3",
        "UPDATE audit SET prev = 'x' WHERE seq = 3",
        "UPDATE audit SET hash = 'x' WHERE seq = 3",
        "UPDATE audit_detail SET body = '{}' WHERE seq = 3",
        "DELETE FROM audit_detail WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit SET seq = 30 WHERE seq = 3",
    ],
)
def test_tampering_is_seen(store, tampering: str) -> None:
    append(store, 5)
    run(store, tampering)
    report = verify(store)
    assert (report.ok, report.bad_seq) == (False, 3)


def test_swapped_entries_are_seen(store) -> None:
    append(store, 5)
    run(
        store,
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 99",
    )
    assert verify(store).bad_seq == 2


def test_a_cut_tail_is_seen_from_outside_or_by_its_details(store) -> None:
    append(store, 5)
    with store.reading() as unit:
        head = unit.audit.head()
    run(store, "DELETE FROM audit WHERE seq > 3")
    assert verify(store).bad_seq == 4
    run(store, "DELETE FROM audit_detail WHERE seq > 3")
    assert verify(store).ok
    assert verify(store, head).bad_seq == 4


def test_retention_closes_a_segment(store, now) -> None:
    append(store, 4)
    with store.reading() as unit:
        removed = next(entry for entry in unit.audit.entries() if entry.seq == 2)
    run(
        store,
        "DELETE FROM audit WHERE seq <= 2",
        "DELETE FROM audit_detail WHERE seq <= 2",
        f"INSERT INTO audit_checkpoint VALUES (2, '{removed.hash}', '{now.isoformat()}', 'retention')",
    )
    assert verify(store).ok
    run(store, "DELETE FROM audit", "DELETE FROM audit_detail")
    with store.unit() as unit:  # even after the last entry is gone the numbers go on
        assert unit.audit.head().seq == 2
        assert unit.audit.append("me", "a", "device", None, {}) == 3
    assert verify(store).ok


def test_many_entries_are_read_in_batches(store) -> None:
    with store.unit() as unit:
        for number in range(2100):
            unit.audit.append("me", "a", "device", str(number), {})
    report = verify(store)
    assert (report.ok, report.entries, report.head.seq) == (True, 2100, 2100)


def test_many_writers_fork_nothing(database_url: str) -> None:

    def write(_number: int) -> None:
        store = open_store(database_url)
        try:
            append(store, 10)
        finally:
            store.close()

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))  # raises what a writer raised
    store = open_store(database_url)
    report = verify(store)
    assert (report.ok, report.entries, report.head.seq) == (True, 80, 80)
    store.close()
