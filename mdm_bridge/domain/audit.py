"""The audit trail as a chain: each entry's hash covers the entry and the hash before it.

The detail of an entry is kept apart and only its digest is in the chain, so that a detail can be
erased and the chain still verifies. A random salt inside the detail keeps an erased one from being
guessed back from its digest. A tail cut off can be seen only against a head that was copied
elsewhere (a backup, a mail).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message

__all__ = [
    "GENESIS",
    "AuditEntry",
    "AuditReport",
    "Head",
    "canonical_json",
    "detail_body",
    "detail_digest",
    "entry_hash",
    "parse_head",
    "verify_chain",
]

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


class Head(NamedTuple):
    """Where a chain stands: its last entry. Written ``SEQ:HASH``."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


#: The head of a chain without entries.
GENESIS = Head(0, "0" * 64)


class AuditEntry(NamedTuple):
    """One entry, as stored. ``body``: its detail; None = erased. ``detached``: the detail row is missing."""

    seq: int
    at: datetime
    actor: str
    verb: str
    kind: str
    object_id: str | None
    detail_digest: str
    prev: str
    hash: str
    body: str | None = None
    detached: bool = False


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What verifying found. ``bad_seq`` and ``problem``: the first entry that is not as it was."""

    entries: int
    erased: int
    head: Head
    bad_seq: int | None = None
    problem: Message | None = None

    @property
    def ok(self) -> bool:
        """Whether the trail is whole."""
        return self.problem is None


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no blanks, times in UTC to the second.

    Raises:
        TypeError: It holds something that JSON has no form for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def detail_body(detail: Mapping[str, Any], salt: str) -> str:
    """Return what is stored of a detail; ``salt`` is random text."""
    return canonical_json({"detail": detail, "salt": salt})


def detail_digest(body: str) -> str:
    """Return what the chain keeps of a detail."""
    return hashlib.sha256(body.encode()).hexdigest()


def entry_hash(entry: AuditEntry) -> str:
    """Return the hash an entry must carry: over all it says but its own hash and its detail."""
    said = [
        entry.seq,
        _instant(entry.at),
        entry.actor,
        entry.verb,
        entry.kind,
        entry.object_id,
        entry.detail_digest,
        entry.prev,
    ]
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def parse_head(text: str) -> Head:
    """Read a head written ``SEQ:HASH``.

    Raises:
        InputError: It is not one.
    """
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise InputError(
            Message("not_a_head", "This is not the head of an audit trail: {text}.", text=text[:80]),
            hint=Message(
                "head_form", "Write it as the backup's manifest does: number, colon, 64 hexadecimal digits."
            ),
        )
    return Head(int(found[1]), found[2])


def verify_chain(
    entries: Iterable[AuditEntry], *, start: Head = GENESIS, outside: Head | None = None
) -> AuditReport:
    """Verify a whole trail, in memory that does not grow with it.

    Args:
        entries: Every entry, by ``seq``.
        start: Last entry removed by retention; entries begin after it.
        outside: A head copied elsewhere at an earlier time.

    Returns:
        The report; it stops at the first entry that is not as it was.

    Raises:
        InputError: ``outside`` is older than what retention kept.
    """
    if outside is not None and outside.seq < start.seq:
        raise _too_old(outside)
    head, count, erased = start, 0, 0
    problem = _against(outside, head)
    if problem is not None:
        return AuditReport(count, erased, head, head.seq, problem)
    for entry in entries:
        problem = _judge(entry, head) or _against(outside, Head(entry.seq, entry.hash))
        if problem is not None:
            return AuditReport(count, erased, head, min(entry.seq, head.seq + 1), problem)
        head = Head(entry.seq, entry.hash)
        count += 1
        erased += entry.body is None
    if outside is not None and outside.seq > head.seq:
        missing = Message(
            "audit_tail_cut",
            "The trail ends at entry {last}, and the copy of its head says {expected}: its end is missing.",
            last=head.seq,
            expected=outside.seq,
        )
        return AuditReport(count, erased, head, head.seq + 1, missing)
    return AuditReport(count, erased, head)


def _too_old(outside: Head) -> InputError:
    return InputError(
        Message(
            "head_too_old",
            "Entry {number} was removed by retention: this head cannot be compared any more.",
            number=outside.seq,
        ),
        hint=Message("newer_head", "Compare with the head of a more recent backup."),
    )


def _judge(entry: AuditEntry, head: Head) -> Message | None:
    """Return what is wrong with an entry that follows ``head``."""
    if entry.seq != head.seq + 1:
        return Message("audit_entry_missing", "Entry {number} is missing.", number=head.seq + 1)
    if entry.prev != head.hash:
        return Message(
            "audit_chain_broken", "Entry {number} does not follow the one before it.", number=entry.seq
        )
    if entry.hash != entry_hash(entry):
        return Message("audit_entry_altered", "Entry {number} was altered.", number=entry.seq)
    if entry.detached or (entry.body is not None and detail_digest(entry.body) != entry.detail_digest):
        return Message("audit_detail_altered", "The detail of entry {number} was altered.", number=entry.seq)
    return None


def _against(outside: Head | None, here: Head) -> Message | None:
    if outside is None or outside.seq != here.seq or outside.hash == here.hash:
        return None
    return Message(
        "audit_rewritten",
        "Entry {number} is not the one the copy of the head speaks of: the trail was rewritten.",
        number=here.seq,
    )
