"""Look after the database: what a thorough look at it means."""

from __future__ import annotations

from collections.abc import Iterator

from mdm_bridge.domain.audit import AuditReport
from mdm_bridge.messages import Message
from mdm_bridge.ports.database import DatabaseAdmin, DatabaseExam
from mdm_bridge.services.doctor import FULL_DISK_BYTES, LOW_DISK_BYTES
from mdm_bridge.services.patient import Finding

__all__ = ["check_database"]

_SCHEMA = Message("check_schema", "Schema")
_INTEGRITY = Message("check_integrity", "Integrity")
_REFERENCES = Message("check_references", "References")
_AUDIT = Message("check_audit", "Audit trail")
_DISK = Message("check_disk", "Disk of the database")

_RESTORE = Message("restore_backup", "Restore the last backup: mdm-bridge db restore FILE --yes")


def check_database(database: DatabaseAdmin) -> Iterator[Finding]:
    """Look at a database thoroughly and say what was found, one finding a check.

    Raises:
        StorageError: It does not answer.
    """
    exam = database.examine()
    yield _schema(exam)
    yield from _integrity(exam)
    if not exam.damage:
        yield from _references(exam)
    if exam.audit is not None:
        yield _audit(exam.audit)
    if exam.free_bytes is not None:
        yield _disk(exam)


def _schema(exam: DatabaseExam) -> Finding:
    schema = exam.schema
    if schema.status == "current":
        detail = Message("schema_current", "Revision {current}, up to date.", current=schema.current)
        return Finding("ok", "schema_current", _SCHEMA, detail)
    if schema.status == "newer":
        detail = Message(
            "schema_newer", "Revision {current}, of a later version of the program.", current=schema.current
        )
        hint = Message("install_later_version", "Install the later version of mdm-bridge again.")
        return Finding("error", "schema_newer", _SCHEMA, detail, hint)
    hint = Message("run_db_upgrade", "Run: mdm-bridge db upgrade")
    if schema.status == "empty":
        return Finding("error", "schema_empty", _SCHEMA, Message("schema_empty", "No tables yet."), hint)
    detail = Message(
        "schema_behind", "Revision {current}; {needed} is needed.", current=schema.current, needed=schema.head
    )
    return Finding("error", "schema_behind", _SCHEMA, detail, hint)


def _integrity(exam: DatabaseExam) -> Iterator[Finding]:
    for line in exam.damage:
        detail = Message("database_damage", "{damage}", damage=line[:200])
        yield Finding("error", "database_damage", _INTEGRITY, detail, _RESTORE)
    if not exam.damage:
        whole = Message("database_whole", "The database is whole.")
        yield Finding("ok", "database_whole", _INTEGRITY, whole)


def _references(exam: DatabaseExam) -> Iterator[Finding]:
    for where, count in sorted(exam.broken_references.items()):
        detail = Message(
            "references_broken", "{count} rows point at nothing ({where}).", count=count, where=where
        )
        yield Finding("error", "references_broken", _REFERENCES, detail, _RESTORE)
    if not exam.broken_references:
        whole = Message("references_whole", "Every row points at something that exists.")
        yield Finding("ok", "references_whole", _REFERENCES, whole)


def _audit(report: AuditReport) -> Finding:
    if report.problem is not None:
        hint = Message(
            "keep_and_tell",
            "Keep this database as it is, tell your data protection officer, and compare with a backup.",
        )
        return Finding("error", report.problem.code, _AUDIT, report.problem, hint)
    detail = Message("audit_whole", "{entries} entries, unbroken.", entries=report.entries)
    return Finding("ok", "audit_whole", _AUDIT, detail)


def _disk(exam: DatabaseExam) -> Finding:
    free, size = exam.free_bytes or 0, exam.size_bytes or 0
    detail = Message(
        "disk_free_for",
        "{free_gb} GB free, the database takes {size_gb} GB.",
        free_gb=round(free / 1e9, 2),
        size_gb=round(size / 1e9, 2),
    )
    if free >= max(LOW_DISK_BYTES, 2 * size):
        return Finding("ok", "disk_free", _DISK, detail)
    hint = Message("free_disk", "Free some space on that disk.")
    return Finding("error" if free < FULL_DISK_BYTES else "warning", "disk_low", _DISK, detail, hint)
