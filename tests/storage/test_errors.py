"""What the database refuses is told in our words, whichever way it was asked."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from mdm_bridge.errors import StorageError
from mdm_bridge.storage.bulk import insert_rows, rows_of
from mdm_bridge.storage.errors import storage_errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (psycopg.errors.DiskFull("plus d'espace"), "disk_full"),
        (psycopg.errors.DeadlockDetected("deadlock detected"), "database_conflict"),
        (psycopg.errors.SerializationFailure("could not serialize access"), "database_conflict"),
        (psycopg.errors.LockNotAvailable("annulation"), "database_locked"),
        (psycopg.OperationalError("the connection is lost"), "database_unavailable"),
        (psycopg.InterfaceError("the connection is closed"), "database_unavailable"),
    ],
)
def test_errors_of_the_driver(error: psycopg.Error, code: str) -> None:
    with pytest.raises(StorageError) as below, storage_errors():
        raise error
    with pytest.raises(StorageError) as through, storage_errors():
        raise OperationalError("SELECT", {}, error)
    assert below.value.code == through.value.code == code


def test_a_broken_constraint_is_not_hidden() -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), storage_errors():
        raise psycopg.errors.UniqueViolation("twice")


@pytest.mark.parametrize("way", ["read", "written"])
def test_a_lost_connection(store, database_kind: str, way: str) -> None:
    if database_kind != "postgresql":
        pytest.skip("nobody ends a connection to SQLite")
    with pytest.raises(StorageError) as failed:
        use_lost_connection(store, way)
    assert failed.value.code == "database_unavailable"


def use_lost_connection(store, way: str) -> None:
    with store.unit() as unit:
        pid = unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with store.reading() as other:
            other.connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        if way == "read":
            list(rows_of(unit.connection, "SELECT pg_sleep(1)"))
        else:
            insert_rows(unit.connection, "installed", ("device_id",), [(1,)])
