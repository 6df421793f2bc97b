"""A thorough look at a database: its own integrity, rows that point at nothing, the audit trail."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from mdm_bridge.errors import StorageError
from mdm_bridge.messages import Message
from mdm_bridge.ports.database import DatabaseExam
from mdm_bridge.storage.errors import storage_errors
from mdm_bridge.storage.schema import database_file
from mdm_bridge.storage.tables import AppRow, AppVersionRow, DeviceRow, InstalledRow

if TYPE_CHECKING:
    from mdm_bridge.storage.store import Store

__all__ = ["examine"]

#: Lines of damage kept: after these nobody reads on.
_DAMAGE_KEPT = 20


def examine(store: Store) -> DatabaseExam:
    """Look at a database (see ``ports.database.DatabaseAdmin.examine``)."""
    file = database_file(store.engine)
    if file is not None and not os.path.exists(file):  # asking would create it
        raise StorageError(
            Message("database_missing", "There is no database at {file}.", file=file),
            hint=Message("run_db_upgrade", "Run: mdm-bridge db upgrade"),
        )
    exam = DatabaseExam(store.schema_state(), size_bytes=_size(file), free_bytes=_free(file))
    with storage_errors(), store.engine.connect() as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            exam = replace(exam, damage=_damage(connection))
            if exam.damage:
                return exam  # whatever else could be asked would be guesswork
        else:
            size = func.pg_database_size(func.current_database())
            exam = replace(exam, size_bytes=connection.execute(select(size)).scalar_one())
        exam = replace(exam, broken_references=_broken_references(connection))
    if exam.schema.status != "current":
        return exam
    with store.reading() as unit:
        loose = {**exam.broken_references, **_loose_apps(unit.connection)}
        return replace(exam, broken_references=loose, audit=unit.audit.verify())


def _damage(connection: Connection) -> tuple[str, ...]:
    rows = connection.exec_driver_sql(f"PRAGMA integrity_check({_DAMAGE_KEPT})").scalars()
    return tuple(row for row in rows if row != "ok")


def _broken_references(connection: Connection) -> dict[str, int]:
    """Count rows that break a foreign key; PostgreSQL lets none exist."""
    if connection.dialect.name != "sqlite":
        return {}
    found = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return dict(Counter(f"{table} → {parent}" for table, _row, parent, _key in found))


def _loose_apps(connection: Connection) -> dict[str, int]:
    """Count rows of ``installed`` that point at nothing: it has no foreign keys."""
    found = {}
    for column, target in (
        (InstalledRow.device_id, DeviceRow),
        (InstalledRow.app_id, AppRow),
        (InstalledRow.version_id, AppVersionRow),
    ):
        missing = ~select(target.id).where(target.id == column).exists()
        count = connection.execute(select(func.count()).select_from(InstalledRow).where(missing)).scalar_one()
        if count:
            found[f"installed → {target.__tablename__}"] = count
    return found


def _size(file: str | None) -> int | None:
    return None if file is None else os.stat(file).st_size


def _free(file: str | None) -> int | None:
    try:
        return None if file is None else shutil.disk_usage(Path(file).absolute().parent).free
    except OSError:
        return None
