"""Filling an empty database from a copy: everything verified, all or nothing, in one transaction.

A copy of an earlier schema is filled in at that schema and then brought up to date by the
migrations, as the database it was taken from would have been.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, func, inspect, select, text

from mdm_bridge.domain.audit import Head
from mdm_bridge.errors import InputError, StorageError, system_reason
from mdm_bridge.messages import Message
from mdm_bridge.ports.database import Restored
from mdm_bridge.storage.audit import AuditTrail
from mdm_bridge.storage.backup import FORMAT, FORMAT_VERSION, MANIFEST, Manifest, Member
from mdm_bridge.storage.bulk import insert_rows
from mdm_bridge.storage.portable import decoder
from mdm_bridge.storage.schema import HEAD, VERSION_TABLE, current_revision
from mdm_bridge.storage.tables import Base
from mdm_bridge.storage.upgrade import is_known, migrate, migrating, too_new

if TYPE_CHECKING:
    from mdm_bridge.storage.store import Store

__all__ = ["restore"]

_MANIFEST_MAX = 4 * 1024 * 1024
_BLOCK = 1024 * 1024


def restore(store: Store, path: Path, actor: str) -> Restored:
    """Fill an empty database from a copy (see ``ports.database.DatabaseAdmin.restore``)."""
    with _opened(path) as archive:
        manifest = _manifest(archive, path)
        for member in manifest.tables:
            _verify(archive, member, path)
        state = store.schema_state()
        if state.status == "newer":
            raise too_new(state)
        with migrating(store.engine) as connection, _damaged_as_ours(path, connection):
            _make_tables(connection, manifest.revision)
            for member in manifest.tables:
                _fill(connection, archive, member, path)
            _refuse_loose_ends(connection, path)
            _restart_identities(connection)
            migrate(connection, HEAD)
            _verify_trail(AuditTrail(connection, store.clock), manifest, path)
            AuditTrail(connection, store.clock).append(
                actor,
                "restore",
                "database",
                None,
                {"made_at": manifest.made_at, "head": str(Head(*manifest.audit_head))},
            )
    counts = {member.table: member.rows for member in manifest.tables}
    return Restored(counts, manifest.made_at, manifest.program)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise InputError(
            Message("file_missing", "There is no file {path}.", path=str(path)),
            hint=Message("check_path", "Check its name and folder."),
        ) from error
    except OSError as error:
        raise InputError(
            Message(
                "cannot_read_file",
                "{path} cannot be read: {reason}.",
                path=str(path),
                reason=system_reason(error),
            ),
            hint=Message("check_rights", "Check that it is a file you may read."),
        ) from error
    except zipfile.BadZipFile as error:
        raise _damaged(path) from error
    with archive:
        yield archive


@contextmanager
def _damaged_as_ours(path: Path, connection: Connection | None = None) -> Iterator[None]:
    """Call whatever reading a damaged archive raises, or rows that cannot be, by its name."""
    unreadable: tuple[type[Exception], ...] = (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        ValueError,
        msgspec.MsgspecError,
    )
    if connection is None:
        unreadable = (*unreadable, RuntimeError)  # « encrypted », or a compression nobody knows
    else:
        driver = connection.dialect.loaded_dbapi
        unreadable = (*unreadable, driver.IntegrityError, driver.DataError)
    try:
        yield
    except unreadable as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> InputError:
    return InputError(
        Message(
            "backup_damaged", "{path} is damaged, or not a backup: nothing was restored.", path=str(path)
        ),
        hint=Message("use_other_backup", "Copy it again from where it was saved, or use an earlier one."),
    )


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """Read what a copy says of itself.

    Raises:
        InputError: It is damaged, or not a copy.
        StorageError: It is of a later version of the program.
    """
    with _damaged_as_ours(path):
        data = archive.open(MANIFEST).read(_MANIFEST_MAX)
        head = msgspec.json.decode(data, type=dict)
        if head.get("format") != FORMAT:
            raise _damaged(path)
        if head.get("version") != FORMAT_VERSION or not is_known(str(head.get("revision"))):
            raise StorageError(
                Message(
                    "backup_newer",
                    "This backup was made by a later version of the program ({program}).",
                    program=str(head.get("program"))[:40],
                ),
                hint=Message("install_that_version", "Install that version of mdm-bridge, then restore."),
            )
        return msgspec.json.decode(data, type=Manifest)


def _not_empty() -> StorageError:
    return StorageError(
        Message("database_not_empty", "The database holds data already: a backup goes into an empty one."),
        hint=Message(
            "restore_into_empty",
            "Name a new database in [database] url (or move this file away), then restore.",
        ),
    )


def _make_tables(connection: Connection, revision: str) -> None:
    """Make the tables of a revision; those that are there must be empty.

    Raises:
        StorageError: They are not.
    """
    marked = VERSION_TABLE in inspect(connection).get_table_names()
    current = current_revision(connection) if marked else None
    if current == revision:
        _refuse_rows(connection)
        return
    if current is not None:
        _refuse_rows(connection)
        Base.metadata.drop_all(connection)
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    migrate(connection, revision)


def _refuse_rows(connection: Connection) -> None:
    there = set(inspect(connection).get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name in there and connection.execute(select(1).select_from(table).limit(1)).first():
            raise _not_empty()


def _verify(archive: zipfile.ZipFile, member: Member, path: Path) -> None:
    """Compare one table of a copy with what its manifest says, before anything is written.

    Raises:
        InputError: It is damaged.
    """
    digest, count = hashlib.sha256(), 0
    with _damaged_as_ours(path), archive.open(f"tables/{member.table}.jsonl") as file:
        while data := file.read(_BLOCK):
            digest.update(data)
            count += data.count(b"\n")
    if (count, digest.hexdigest()) != (member.rows, member.sha256):
        raise _damaged(path)


def _fill(connection: Connection, archive: zipfile.ZipFile, member: Member, path: Path) -> None:
    """Insert the rows of one table."""
    known = inspect(connection)
    # Names come from a file: only those of our tables go into a statement.
    if member.table not in known.get_table_names() or member.table == VERSION_TABLE:
        raise _damaged(path)
    if list(member.columns) != [column["name"] for column in known.get_columns(member.table)]:
        raise _damaged(path)
    with archive.open(f"tables/{member.table}.jsonl") as lines:
        insert_rows(connection, member.table, tuple(member.columns), map(decoder(member.columns), lines))


def _refuse_loose_ends(connection: Connection, path: Path) -> None:
    """Refuse rows that point at nothing; SQLite does not look while tables are being made."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise _damaged(path)


def _restart_identities(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that were filled in; SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or column.identity is None:
            continue
        last = connection.execute(select(func.max(column))).scalar_one()
        if last is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(select(func.setval(sequence, last)))


def _verify_trail(trail: AuditTrail, manifest: Manifest, path: Path) -> None:
    head = Head(*manifest.audit_head)
    if trail.head() != head or not trail.verify(head).ok:
        raise InputError(
            Message("backup_trail_broken", "The audit trail in {path} is not whole.", path=str(path)),
            hint=Message("use_other_backup", "Copy it again from where it was saved, or use an earlier one."),
        )
