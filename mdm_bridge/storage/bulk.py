"""Many rows at once, below SQLAlchemy: executemany on SQLite, COPY and binary rows on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection

__all__ = ["insert_rows", "quoted", "rows_of"]

_BATCH = 1000


def quoted(names: Iterable[str]) -> str:
    """Return column names, quoted and comma-separated."""
    return ", ".join(f'"{name}"' for name in names)


def insert_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of plain values, in one statement.

    Args:
        connection: Inside a transaction.
        table: Name of a table of ours (never text from outside).
        columns: Its columns, in the order of the values.
        rows: Values the driver takes as they are; instants as text.
    """
    raw = connection.connection.driver_connection
    assert raw is not None
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        raw.executemany(f"INSERT INTO {table} ({quoted(columns)}) VALUES ({marks})", rows)
        return
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted(columns)}) FROM STDIN") as copy:
        write = copy.write_row
        for row in rows:
            write(row)


def rows_of(connection: Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query as the driver gives them.

    Args:
        connection: Inside a transaction.
        query: SQL without parameters, of columns whose driver values need no conversion.
    """
    raw = connection.connection.driver_connection
    assert raw is not None
    cursor = raw.cursor() if connection.dialect.name == "sqlite" else raw.cursor(binary=True)
    with closing(cursor):
        cursor.execute(query)
        while rows := cursor.fetchmany(_BATCH):
            yield from rows
