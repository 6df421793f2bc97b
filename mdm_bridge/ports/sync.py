"""What a synchronisation asks of the store: known hashes, a staging place, one short merge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from mdm_bridge.domain.inventory import Covers, InstalledApp, Observation, ServerFacts
from mdm_bridge.ports.audit import AuditRole
from mdm_bridge.ports.leases import LeasesRole

__all__ = [
    "DOUBTED",
    "AppCounts",
    "DeviceCounts",
    "FieldDifference",
    "Intake",
    "Known",
    "KnownRecord",
    "MayStay",
    "MergeOrder",
    "MergeResult",
    "RunHead",
    "SyncStore",
    "SyncUnit",
]


#: Asked of a stored text: (field, value or single group, serial number) → may it still be kept?
MayStay = Callable[[str, str, str], bool]

#: Remembered instead of the hash of an app list that was not believed.
DOUBTED = b"?"


class KnownRecord(NamedTuple):
    """A live record as we last stored it. A hash of None: read the row again whatever it holds.

    ``apps_hash`` is :data:`DOUBTED` from an empty list that was not believed to the next list that
    is not empty.
    """

    record_id: int
    device_id: int
    whole_hash: bytes | None
    apps_hash: bytes | None
    has_apps: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a server before asking it.

    ``records`` by remote id; ``overrides``: pools chosen by hand, by serial; ``ours``: bundle ids
    the server distributes; ``rules_digest``: the rules the hashes were remembered under;
    ``apps_known``: devices of this server whose app list is known and not empty;
    ``last_complete_at`` and ``last_complete_run``: start and id of its last complete run;
    ``ours_elsewhere``: what other servers distribute.
    """

    server_id: int
    records: Mapping[str, KnownRecord]
    overrides: Mapping[str, str | None]
    ours: frozenset[str]
    rules_digest: str | None
    apps_known: int
    last_complete_at: datetime | None
    ours_elsewhere: frozenset[str] = frozenset()
    last_complete_run: int | None = None


@dataclass(frozen=True, slots=True)
class RunHead:
    """A run that has begun."""

    run_id: int
    server_id: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field of one device, before and after."""

    serial: str
    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class DeviceCounts:
    """Devices of one run; ``seen`` = new + changed + unchanged (returned ones are among them)."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    returned: int = 0
    rejected: int = 0
    out_of_scope: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class AppCounts:
    """App events of one run; a first sight makes none."""

    installed: int = 0
    removed: int = 0
    updated: int = 0


@dataclass(frozen=True, slots=True)
class MergeOrder:
    """What a merge needs beside the staged rows.

    ``judges_pools``: the listing shows all that the pool rules look at (else they stay);
    ``may_stay``: what the present rules say of text stored by earlier ones;
    ``unread``: records whose rows came and could not be read; ``unobserved``: these, and the absent
    ones that are not declared gone; ``overrides``: pools chosen by hand,
    as the rows were judged by them; ``zone``: whose days contacts are cut to.
    ``ours_before`` and ``ours_now``: what servers distribute, before and by this answer;
    ``observed_until``: when the records that leave were last seen; ``rules_digest``: the rules the
    rows were judged by.
    """

    run: RunHead
    covers: Covers
    zone: ZoneInfo
    may_stay: MayStay
    judges_pools: bool = True
    unread: frozenset[int] = frozenset()
    unobserved: frozenset[int] = frozenset()
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    ours_before: frozenset[str] = frozenset()
    ours_now: frozenset[str] = frozenset()
    observed_until: datetime | None = None
    rules_digest: str = ""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge did.

    ``listed``: devices among the staged rows, but for those an unchanged row of the listing was
    counted for; ``new`` … count devices; ``swapped``: devices whose record is another device now;
    ``stable_changes`` the history rows written; ``duplicate_serials``: serials this server lists
    more than once.
    """

    listed: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    returned: int = 0
    swapped: int = 0
    stable_changes: int = 0
    apps: AppCounts = field(default_factory=AppCounts)
    duplicate_serials: tuple[str, ...] = ()


class Intake(Protocol):
    """Rows on their way in, seen by nobody until the merge."""

    def add(
        self,
        observation: Observation,
        *,
        record_id: int | None,
        device_id: int | None,
        whole_hash: bytes | None,
        apps_hash: bytes | None,
        apps: Sequence[InstalledApp] | None,
        other_apps: int,
        day: date | None,
    ) -> None:
        """Stage one device.

        Args:
            observation: What may be kept.
            record_id: The live record it updates, None for a new one.
            device_id: The device this record stands for until now.
            whole_hash: Hash to remember, None to read the row again next time.
            apps_hash: Hash of the app list to remember.
            apps: Apps that may be named; None: unchanged, or the row speaks of none.
            other_apps: Apps counted and not named.
            day: Activity day of the contact.
        """
        ...

    def choose(self, contested: Mapping[str, bool]) -> int:
        """Keep one row of each of these remote ids: the one with the latest contact.

        Args:
            contested: Remote ids with several rows; True: one more came unchanged and is not staged.

        Returns:
            How many of those unchanged rows lost.
        """
        ...

    def leave(self, record_ids: Iterable[int]) -> tuple[int, int]:
        """Note the records no longer listed.

        Returns:
            How many devices vanish with them, and how many of their server are known; (0, 0) when
            no record leaves.
        """
        ...

    def disbelieve_apps(self, record_ids: Iterable[int]) -> None:
        """Mark the app lists of these records unknown: nothing is removed for them."""
        ...

    def unit(self, *, dry_run: bool = False) -> AbstractContextManager[SyncUnit]:
        """Open the one writing unit that sees the staged rows; a dry run is rolled back."""
        ...


class InventoryRole(Protocol):
    """Records what servers say."""

    def known(self, server: str) -> Known:
        """Return what we know of a server before asking it (nothing of an unknown one)."""
        ...

    def last_complete_run(self, server_id: int) -> int | None:
        """Return the id of a server's last complete run."""
        ...

    def pools(self) -> dict[str, str | None]:
        """Return the pool the rules last gave each device, by serial."""
        ...

    def record_facts(
        self, run: RunHead, facts: ServerFacts, kept_groups: frozenset[str], zone: ZoneInfo
    ) -> int:
        """Record apps, groups and profiles where they differ; return how many rows were written."""
        ...

    def merge(self, order: MergeOrder) -> MergeResult:
        """Make the staged rows the current state."""
        ...

    def differences(self, run: RunHead) -> list[FieldDifference]:
        """Return what a run changed, field by field."""
        ...


class RunsRole(Protocol):
    """Records runs."""

    def server_id(self, name: str, kind: str) -> int:
        """Return the id of a server, recorded at its first run."""
        ...

    def open(self, server_id: int, *, mode: str, actor: str, forced: bool) -> RunHead:
        """Record that a run has begun."""
        ...

    def close(
        self,
        run: RunHead,
        *,
        status: str,
        requests: int,
        counts: Mapping[str, Any] | None,
        warnings: Sequence[Mapping[str, Any]],
        error: Mapping[str, Any] | None,
    ) -> datetime:
        """Record how a run ended and return when."""
        ...


class SyncUnit(Protocol):
    """The transaction of a synchronisation, with the roles it uses."""

    @property
    def inventory(self) -> InventoryRole:
        """Role: what servers say."""
        ...

    @property
    def runs(self) -> RunsRole:
        """Role: runs."""
        ...

    @property
    def leases(self) -> LeasesRole:
        """Role: who does what right now."""
        ...

    @property
    def audit(self) -> AuditRole:
        """Role: the audit trail."""
        ...


class SyncStore(Protocol):
    """The store, as a synchronisation uses it."""

    def unit(self) -> AbstractContextManager[SyncUnit]:
        """Open a writing unit."""
        ...

    def reading(self) -> AbstractContextManager[SyncUnit]:
        """Open a reading unit."""
        ...

    def intake(self) -> AbstractContextManager[Intake]:
        """Open a staging place of its own connection; dropped at the end."""
        ...
