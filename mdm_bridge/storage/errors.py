"""Library errors of the database, turned into ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from mdm_bridge.errors import StorageError
from mdm_bridge.messages import Message

__all__ = ["storage_errors"]

#: Two of us in each other's way: PostgreSQL ended one, whose work may simply be done again.
_CONFLICTS = frozenset({"DeadlockDetected", "SerializationFailure"})


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise a ``StorageError`` for whatever the database refuses inside the block.

    A broken constraint is not translated: it is a bug, or a race that the caller knows about.
    """
    try:
        yield
    except _driver_errors() as error:
        if _interrupted(error):
            raise KeyboardInterrupt from error
        if not _is_refusal(error):
            raise
        raise _translate(getattr(error, "orig", None) or error) from error


def _driver_errors() -> tuple[type[Exception], ...]:
    import sqlite3

    return DBAPIError, sqlite3.DatabaseError, *_psycopg_errors()


def _psycopg_errors(*names: str) -> tuple[type[Exception], ...]:
    """Return classes of the PostgreSQL driver, which is optional: not loaded, it raised nothing.

    Rows sent and read below SQLAlchemy fail with its errors as they are.
    """
    driver = sys.modules.get("psycopg")
    return () if driver is None else tuple(getattr(driver, name) for name in names or ("Error",))


def _interrupted(error: BaseException) -> bool:
    """Tell whether Ctrl-C came first: undoing a half-sent command may fail, and would hide it."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None


def _is_refusal(error: BaseException) -> bool:
    """Tell what the database refuses to do from what we should not have asked."""
    import sqlite3

    if isinstance(error, OperationalError | sqlite3.OperationalError):
        return True
    if not isinstance(error, DBAPIError):
        away = _psycopg_errors("OperationalError", "InterfaceError")
        return isinstance(error, away) or _is_damage(error)
    full = type(error.orig).__name__ in {"DiskFull", "OutOfMemory"}
    return error.connection_invalidated or full or _is_damage(error.orig)


def _is_damage(error: BaseException | None) -> bool:
    """Tell whether SQLite found its file damaged: it has no class of its own for that."""
    return str(error) == "file is not a database" or "malformed" in str(error)


def _translate(cause: BaseException) -> StorageError:
    text, kind = str(cause).lower(), type(cause).__name__
    if kind in _CONFLICTS:
        return _conflict()
    if "locked" in text or "busy" in text or kind == "LockNotAvailable":
        return StorageError(
            Message(
                "database_locked", "The database is busy: another program has been writing for too long."
            ),
            hint=Message("wait_and_retry", "Wait a moment and run the command again; nothing was changed."),
        )
    if "full" in text or "no space" in text or kind == "DiskFull":
        return StorageError(
            Message("disk_full", "The disk that holds the database is full: nothing was changed."),
            hint=Message("free_disk_space", "Free some space on that disk, then run the command again."),
        )
    if "disk i/o error" in text:
        return StorageError(
            Message("disk_failed", "The disk that holds the database refuses to work: nothing was changed."),
            hint=Message(
                "check_disk",
                "Check its free space, your quota and its state; then look at the data: mdm-bridge db check",
            ),
        )
    if "readonly" in text or "read-only" in text:
        return StorageError(
            Message("database_read_only", "The database cannot be written."),
            hint=Message("check_database_rights", "Check the rights of the database file and of its folder."),
        )
    if "unable to open" in text:
        return StorageError(
            Message("database_cannot_open", "The database file cannot be opened."),
            hint=Message(
                "check_database_url", "Check [database] url and that its folder exists and can be written."
            ),
        )
    if "no such table" in text or kind == "UndefinedTable":
        return StorageError(
            Message("database_not_ready", "The database has no tables yet."),
            hint=Message("run_db_upgrade", "Run: mdm-bridge db upgrade"),
        )
    if "malformed" in text or "not a database" in text:
        return StorageError(
            Message("database_damaged", "The database file is damaged."),
            hint=Message("restore_backup", "Restore the last backup: mdm-bridge db restore FILE --yes"),
        )
    return StorageError(
        Message("database_unavailable", "The database does not answer."),
        hint=Message("check_database", "Check [database] url and that the database server is running."),
    )


def _conflict() -> StorageError:
    return StorageError(
        Message(
            "database_conflict",
            "Another program was changing the same data at the same time: nothing was changed.",
        ),
        hint=Message("run_again", "Run the command again."),
    )
