"""Bringing a database to the present schema: all of it or nothing, one process at a time.

The migrations are in this package and the library that runs them needs no settings file. On SQLite
they run inside one ``BEGIN IMMEDIATE``, whose definitions are rolled back like rows; on PostgreSQL in
one transaction under an advisory lock. A second process waits, then finds nothing left to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError, RevisionError
from sqlalchemy import Connection, Engine, func, inspect, select

from mdm_bridge.errors import StorageError
from mdm_bridge.messages import Message
from mdm_bridge.ports.database import SchemaState
from mdm_bridge.storage.engine import WRITE
from mdm_bridge.storage.errors import storage_errors
from mdm_bridge.storage.schema import HEAD, VERSION_TABLE, current_revision, database_file
from mdm_bridge.storage.tables import Base

__all__ = ["is_known", "make_ready", "migrate", "migrating", "schema_state", "scripts", "too_new", "upgrade"]

MIGRATIONS = Path(__file__).parent / "migrations"

#: Any number; the same for every process that migrates on PostgreSQL.
_UPGRADE_LOCK = 7_305_002


def scripts() -> ScriptDirectory:
    """Return the migrations of this program."""
    return ScriptDirectory(str(MIGRATIONS))


def schema_state(engine: Engine) -> SchemaState:
    """Compare the schema of a database with the program's; a file that does not exist is not made.

    Raises:
        StorageError: It holds something else, or does not answer.
    """
    file = database_file(engine)
    if file is not None and not os.path.exists(file):
        return SchemaState(None, HEAD, "empty")
    with storage_errors(), engine.connect() as connection:
        current = current_revision(connection)
    if current == HEAD:
        return SchemaState(current, HEAD, "current")
    if current is None:
        return _without_revision(engine)
    pending = _pending(scripts(), current)
    if pending is None:
        return SchemaState(current, HEAD, "newer")
    return SchemaState(current, HEAD, "behind", any(step.module.loses_data for step in pending))


def is_known(revision: str) -> bool:
    """Tell whether a revision of the schema is one this program knows."""
    return _pending(scripts(), revision) is not None


def _pending(directory: ScriptDirectory, current: str | None) -> list[Any] | None:
    """Return the migrations still to be run, oldest first; None: ``current`` is not one of ours."""
    try:
        if current is not None:
            directory.get_revision(current)
        return list(directory.iterate_revisions(HEAD, current or "base"))[::-1]
    except (ResolutionError, RevisionError):
        return None
    except Exception as error:
        if type(error).__name__ == "CommandError":  # how the library wraps the two above
            return None
        raise


def _without_revision(engine: Engine) -> SchemaState:
    """Tell an empty database from one that is in use by something else.

    Raises:
        StorageError: It is.
    """
    with storage_errors(), engine.connect() as connection:
        found = set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    # A PostgreSQL database may be shared; a file is ours or it is not.
    taken = found if engine.dialect.name == "sqlite" else found & set(Base.metadata.tables)
    if not taken:
        return SchemaState(None, HEAD, "empty")
    with storage_errors(), engine.connect() as connection:
        made_meanwhile = current_revision(connection) is not None
    if made_meanwhile:  # by another process, between our two questions
        return schema_state(engine)
    raise StorageError(
        Message("database_not_ours", "This database holds the tables of another program."),
        hint=Message("choose_other_database", "Give [database] url a file or a database of its own."),
    )


def upgrade(engine: Engine) -> SchemaState:
    """Bring a database to the present schema, whatever it costs, and return the state it was in.

    Raises:
        StorageError: It is newer than the program, holds something else, or does not answer.
    """
    before = schema_state(engine)
    if before.status == "newer":
        raise too_new(before)
    if before.status == "current":
        return before
    with migrating(engine) as connection:
        migrate(connection, HEAD)
    return before


def make_ready(engine: Engine) -> None:
    """Upgrade a SQLite database by itself when nothing can be lost; refuse any other that needs it.

    Raises:
        StorageError: A person has to decide; the hint says how.
    """
    state = schema_state(engine)
    if state.status == "current":
        return
    if state.status == "newer":
        raise too_new(state)
    if engine.dialect.name == "sqlite" and not state.loses_data:
        upgrade(engine)
        return
    hint = Message("run_db_upgrade", "Run: mdm-bridge db upgrade")
    if state.status == "empty":
        raise StorageError(Message("database_not_ready", "The database has no tables yet."), hint=hint)
    if state.loses_data:
        hint = Message(
            "backup_then_upgrade",
            "Some of it will be given up: save it first with the earlier version of the program "
            "(mdm-bridge db backup FILE), then run: mdm-bridge db upgrade",
        )
    raise StorageError(
        Message(
            "database_behind",
            "The database is of an earlier version of the program ({current}, this one needs {needed}).",
            current=state.current,
            needed=state.head,
        ),
        hint=hint,
    )


def too_new(state: SchemaState) -> StorageError:
    """Return the error of a database that a later version of the program has upgraded."""
    return StorageError(
        Message(
            "database_newer",
            "The database is of a later version of the program ({current}, this one knows up to {needed}).",
            current=state.current,
            needed=state.head,
        ),
        hint=Message(
            "upgrade_program",
            "Install the later version of mdm-bridge again, or restore a backup made with this one.",
        ),
    )


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """Open the one transaction that may change the schema; anyone else waits.

    Raises:
        StorageError: The database is locked, full or away.
    """
    file = database_file(engine)
    if file is not None and not os.path.exists(file) and os.path.isdir(os.path.dirname(file) or "."):
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))  # its journal will have the same rights
    with storage_errors(), engine.connect().execution_options(**{WRITE: True}) as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Tables are rebuilt under a new name; and inside a transaction this has no effect.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if not sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
            yield connection
            if sqlite:
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                assert broken is None, f"a migration broke a reference of {broken}"


def migrate(connection: Connection, target: str) -> None:
    """Run the migrations up to a revision, inside the transaction of :func:`migrating`."""
    directory = scripts()
    environment = EnvironmentContext(
        Config(),
        directory,
        fn=lambda revision, _context: directory._upgrade_revs(target, revision),
        destination_rev=target,
    )
    with environment:
        environment.configure(
            connection=connection,
            target_metadata=Base.metadata,
            version_table=VERSION_TABLE,
            render_as_batch=True,
        )
        environment.run_migrations()
