"""One portable copy of a database, for SQLite and PostgreSQL alike.

A zip of one ``tables/NAME.jsonl`` a table (a row is a JSON list) and ``manifest.json``: revision of
the schema, columns and their kinds, counts and SHA-256 of every member, head of the audit trail.
Rows are streamed in one reading unit: a consistent picture, in memory that does not grow.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Table, select

from mdm_bridge import __version__
from mdm_bridge.domain.audit import Head
from mdm_bridge.errors import InputError, system_reason
from mdm_bridge.messages import Message
from mdm_bridge.ports.database import BackupMade
from mdm_bridge.storage.portable import encoder, kinds_of
from mdm_bridge.storage.schema import HEAD, database_file
from mdm_bridge.storage.tables import Base

if TYPE_CHECKING:
    from mdm_bridge.storage.store import Store

__all__ = ["FORMAT", "MANIFEST", "Manifest", "Member", "backup"]

#: Name of the format, and its version: a later one may be read only by a later program.
FORMAT = "mdm-bridge-backup"
FORMAT_VERSION = 1

MANIFEST = "manifest.json"

#: Rows fetched at once.
_BATCH = 2000

#: A copy holds nothing: whoever restores it must not wait for a process of another time.
_FREED = frozenset({"holder", "host", "pid", "process_started", "acquired_at", "expires_at"})


class Member(msgspec.Struct, frozen=True):
    """One table of a copy: its columns with their kinds, its rows, the digest of its file."""

    table: str
    columns: dict[str, str]
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a copy says of itself. Tables come in an order in which they can be filled."""

    format: str
    version: int
    revision: str
    program: str
    made_at: datetime
    audit_head: tuple[int, str]
    tables: list[Member]


def backup(store: Store, path: Path) -> BackupMade:
    """Write a copy (see ``ports.database.DatabaseAdmin.backup``)."""
    _refuse_target(store, path)
    with (
        _appearing(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive,
        store.reading() as unit,
    ):
        members = [_write_table(unit.connection, archive, table) for table in Base.metadata.sorted_tables]
        head = unit.audit.head()
        manifest = Manifest(
            FORMAT,
            FORMAT_VERSION,
            HEAD,
            __version__,
            store.clock.now().replace(microsecond=0),
            (head.seq, head.hash),
            members,
        )
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    counts = {member.table: member.rows for member in members}
    return BackupMade(path, path.stat().st_size, counts, Head(*manifest.audit_head))


def _write_table(connection: Connection, archive: zipfile.ZipFile, table: Table) -> Member:
    kinds = kinds_of(table)
    line = encoder(kinds)
    freed = [i for i, name in enumerate(kinds) if table.name == "lease" and name in _FREED]
    digest, count = hashlib.sha256(), 0
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BATCH)
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as member:
        for rows in connection.execute(query).partitions():
            data = b"".join(map(line, (_without(row, freed) for row in rows) if freed else rows))
            member.write(data)
            digest.update(data)
            count += len(rows)
    return Member(str(table.name), kinds, count, digest.hexdigest())


def _without(row: Any, columns: list[int]) -> list[Any]:
    return [None if index in columns else value for index, value in enumerate(row)]


def _refuse_target(store: Store, path: Path) -> None:
    """Refuse to replace anything but an earlier copy."""
    if not path.exists() or (path.is_file() and zipfile.is_zipfile(path)):
        return
    database = database_file(store.engine)
    if database is not None and os.path.exists(database) and path.samefile(database):
        raise InputError(
            Message("backup_onto_database", "{path} is the database itself.", path=str(path)),
            hint=Message("choose_other_file", "Choose another file."),
        )
    raise InputError(
        Message("not_an_earlier_backup", "{path} exists and is not a backup.", path=str(path)),
        hint=Message("choose_other_file", "Choose another file."),
    )


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that gets its name only when it is whole and on the disk; closed to others."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        Message(
            "cannot_write_file",
            "{path} cannot be written: {reason}.",
            path=str(path),
            reason=system_reason(error),
        ),
        hint=Message("choose_own_folder", "Choose a folder that you may write to, on a disk with room."),
    )
