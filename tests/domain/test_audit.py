"""The chain of the audit trail: what is altered, missing or cut is seen; an erasure is not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.domain.audit import (
    GENESIS,
    AuditEntry,
    Head,
    canonical_json,
    detail_body,
    detail_digest,
    entry_hash,
    parse_head,
    verify_chain,
)
from mdm_bridge.errors import InputError

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def chain(length: int, start: Head = GENESIS) -> list[AuditEntry]:
    made, prev = [], start
    for seq in range(start.seq + 1, start.seq + length + 1):
        body = detail_body({"n": seq}, f"salt{seq}")
        entry = AuditEntry(
            seq, AT, "me", "set", "device", f"S{seq}", detail_digest(body), prev.hash, "", body
        )
        entry = entry._replace(hash=entry_hash(entry))
        made.append(entry)
        prev = Head(seq, entry.hash)
    return made


def head_of(entries: list[AuditEntry]) -> Head:
    return Head(entries[-1].seq, entries[-1].hash)


def test_a_whole_chain() -> None:
    entries = chain(5)
    report = verify_chain(entries, outside=head_of(entries[:3]))
    assert report.ok
    assert (report.entries, report.head) == (5, head_of(entries))
    assert verify_chain([]).ok


def test_an_erased_detail_is_no_break() -> None:
    entries = chain(4)
    entries[1] = entries[1]._replace(body=None)
    report = verify_chain(entries)
    assert (report.ok, report.erased) == (True, 1)


CHANGES = {
    "at": datetime(2026, 11, 24, 8, 0, 1, tzinfo=UTC),
    "actor": "you",
    "verb": "other",
    "kind": "other",
    "object_id": None,
    "detail_digest": "0" * 64,
    "prev": "1" * 64,
    "hash": "2" * 64,
    "body": detail_body({"n": 99}, "salt2"),
    "detached": True,
    "seq": 12,
}


@pytest.mark.parametrize("column", sorted(CHANGES))
def test_every_column_counts(column: str) -> None:
    entries = chain(4)
    entries[1] = entries[1]._replace(**{column: CHANGES[column]})
    report = verify_chain(entries)
    assert (report.ok, report.bad_seq, report.entries) == (False, 2, 1)


def test_an_altered_entry_with_a_matching_hash_breaks_at_the_next() -> None:
    entries = chain(4)
    forged = entries[1]._replace(actor="you")
    entries[1] = forged._replace(hash=entry_hash(forged))
    assert verify_chain(entries).bad_seq == 3


@given(st.integers(0, 5), st.integers(0, 5))
def test_missing_and_swapped_entries(first: int, second: int) -> None:
    entries = chain(7)
    without = entries[:first] + entries[first + 1 :]
    assert verify_chain(without).bad_seq == first + 1
    if first != second:
        entries[first], entries[second] = entries[second], entries[first]
        assert verify_chain(entries).bad_seq == min(first, second) + 1


def test_a_cut_tail_is_seen_only_from_outside() -> None:
    entries = chain(5)
    assert verify_chain(entries[:3]).ok
    report = verify_chain(entries[:3], outside=head_of(entries))
    assert report.problem is not None
    assert (report.problem.code, report.bad_seq) == ("audit_tail_cut", 4)
    assert verify_chain([], outside=head_of(entries)).bad_seq == 1


def test_a_rewritten_chain_is_seen_from_outside() -> None:
    rewritten = chain(5, Head(0, "f" * 64))
    assert verify_chain(rewritten, start=Head(0, "f" * 64)).ok
    report = verify_chain(rewritten, start=Head(0, "f" * 64), outside=head_of(chain(4)))
    assert (report.bad_seq, report.problem and report.problem.code) == (4, "audit_rewritten")


def test_after_retention() -> None:
    entries = chain(6)
    start = head_of(entries[:2])
    assert verify_chain(entries[2:], start=start).ok
    assert verify_chain(entries[2:], start=start, outside=start).ok
    assert verify_chain(entries[3:], start=start).bad_seq == 3
    assert verify_chain(entries[2:], start=start, outside=Head(2, "0" * 64)).bad_seq == 2
    with pytest.raises(InputError):
        verify_chain(entries[2:], start=start, outside=head_of(entries[:1]))


def test_one_text_for_one_value() -> None:
    value = {"b": [1, None, True], "a": {"z": "é", "day": date(2026, 1, 2), "at": AT, "set": {"y", "x"}}}
    assert canonical_json(value) == (
        '{"a":{"at":"2026-11-24T08:00:00Z","day":"2026-01-02","set":["x","y"],"z":"é"},"b":[1,null,true]}'
    )
    with pytest.raises(TypeError):
        canonical_json({"x": object()})


def test_heads_are_read_as_they_are_written() -> None:
    head = Head(12, "a" * 64)
    assert parse_head(f" {head}\n") == head
    for wrong in ("", "12", "12:abc", f"x:{'a' * 64}", f"12:{'g' * 64}"):
        with pytest.raises(InputError):
            parse_head(wrong)
