"""Which schema a database has: one cheap question at each start, without the migration library."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

__all__ = ["HEAD", "VERSION_TABLE", "current_revision", "database_file"]

#: Revision of the tables this program works with: the last one of ``migrations/versions``.
HEAD = "0001"

#: Not the library's own name: another program may share a PostgreSQL database with us.
VERSION_TABLE = "schema_version"

_QUERY = text(f"SELECT version_num FROM {VERSION_TABLE}")


def database_file(engine: Engine) -> str | None:
    """Return the path of a SQLite database, None for a server (or a database in memory)."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return None if file in (None, "", ":memory:") else file


def current_revision(connection: Connection) -> str | None:
    """Return the revision of a database, None when it was never upgraded.

    On PostgreSQL the transaction of ``connection`` can then only be rolled back.
    """
    try:
        found = connection.execute(_QUERY).scalar_one_or_none()
    except DBAPIError as error:
        if _says_no_table(error):
            return None
        raise
    return None if found is None else str(found)


def _says_no_table(error: DBAPIError) -> bool:
    return "no such table" in str(error.orig) or type(error.orig).__name__ == "UndefinedTable"
