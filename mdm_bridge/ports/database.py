"""The database as something to look after: its schema, its health, its copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from mdm_bridge.domain.audit import AuditReport, Head

__all__ = ["BackupMade", "DatabaseAdmin", "DatabaseExam", "Restored", "SchemaState"]

SchemaStatus = Literal["empty", "current", "behind", "newer"]


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which schema a database has. ``current`` None: none; ``loses_data``: upgrading it would."""

    current: str | None
    head: str
    status: SchemaStatus
    loses_data: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseExam:
    """What a thorough look at a database found.

    ``damage``: what its own check of integrity says; ``broken_references``: rows that point at
    nothing, by table and target; ``audit`` None: not looked at, the tables are not the present ones.
    """

    schema: SchemaState
    damage: tuple[str, ...] = ()
    broken_references: Mapping[str, int] = field(default_factory=dict)
    audit: AuditReport | None = None
    size_bytes: int | None = None
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A copy that was written. ``counts``: rows by table."""

    path: Path
    size_bytes: int
    counts: Mapping[str, int]
    audit_head: Head


@dataclass(frozen=True, slots=True)
class Restored:
    """A copy that was read back. ``made_at``: when it was taken, by which version of the program."""

    counts: Mapping[str, int]
    made_at: datetime
    program: str


class DatabaseAdmin(Protocol):
    """Looks after one database."""

    def schema_state(self) -> SchemaState:
        """Compare its schema with the program's.

        Raises:
            StorageError: It holds something else, or does not answer.
        """
        ...

    def upgrade(self) -> SchemaState:
        """Bring it to the present schema and return the state it was in.

        Raises:
            StorageError: It is newer than the program, or cannot be written.
        """
        ...

    def examine(self) -> DatabaseExam:
        """Look at it thoroughly; takes as long as reading it.

        Raises:
            StorageError: It does not answer.
        """
        ...

    def backup(self, path: Path) -> BackupMade:
        """Write a portable copy of one consistent picture; the file appears only when whole.

        Raises:
            InputError: The file cannot be written there.
            StorageError: The database is not of the present schema, or does not answer.
        """
        ...

    def restore(self, path: Path, actor: str) -> Restored:
        """Fill this empty database from a copy, all or nothing.

        Raises:
            InputError: The file is damaged, or not a copy.
            StorageError: The database is not empty, or the copy is of a later program.
        """
        ...
