"""Who speaks for a device that several records describe, decided before anything is overwritten.

The record with the latest contact, as it is kept; at equal contacts the one that speaks already, so
that the same listing read again, in any order, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, bindparam, text

from mdm_bridge.domain.privacy import day_of_contact
from mdm_bridge.ports.sync import MergeOrder
from mdm_bridge.storage.sql import KEPT_CONTACT, Sql, in_dialect
from mdm_bridge.storage.types import from_wire_instant, instant_text

__all__ = ["Election", "choose_rows"]

#: Names asked for in one statement.
_CHUNK = 1000

#: Devices with two staged rows, or with a row beside the record that speaks now.
_CONTESTED = (
    "SELECT device_id FROM staged GROUP BY device_id HAVING count(*) > 1 "
    "UNION SELECT s.device_id FROM staged s JOIN device_now n ON n.device_id = s.device_id "
    "JOIN record v ON v.id = n.record_id "
    "WHERE s.fresh = 0 AND v.gone_at IS NULL AND (s.record_id IS NULL OR v.id <> s.record_id)"
)

_CANDIDATES = (
    f"WITH contested AS ({_CONTESTED}) "
    "SELECT s.device_id, s.ord, s.record_id, s.remote_id, s.contact_at AS exact, "
    f"{KEPT_CONTACT.format(old='r.last_contact_at')} AS contact, "
    "CASE WHEN s.apps IS NULL AND s.apps_hash IS NOT NULL THEN 1 ELSE 0 END AS apps_passed_over, "
    "s.pool, v.id AS voice, v.last_contact_at AS voice_contact, v.server_id AS voice_server, "
    "COALESCE(d.pool_override, n.pool_by_rule) AS voice_pool "
    "FROM contested c JOIN staged s ON s.device_id = c.device_id "
    "JOIN device d ON d.id = s.device_id LEFT JOIN record r ON r.id = s.record_id "
    "LEFT JOIN device_now n ON n.device_id = s.device_id "
    "LEFT JOIN record v ON v.id = n.record_id AND v.gone_at IS NULL ORDER BY s.device_id"
)

_ROWS = (
    "SELECT s.*, r.last_contact_at AS kept, "
    f"CASE WHEN d.id IS NULL THEN s.last_seen_at ELSE {KEPT_CONTACT.format(old='r.last_contact_at')} END "
    "AS contact, CASE WHEN r.whole_hash = s.whole_hash THEN 1 ELSE 0 END AS known "
    "FROM staged s LEFT JOIN record r ON r.id = s.record_id "
    "LEFT JOIN device d ON d.id = r.device_id AND d.serial = s.serial "
    "WHERE s.remote_id IN :ids ORDER BY s.remote_id"
)


class _Candidate(NamedTuple):
    """A staged row, and the record that speaks for its device until now (``voice`` None: none does)."""

    device_id: int
    ord: int
    record_id: int | None
    remote_id: str
    exact: Any
    contact: Any
    apps_passed_over: int
    pool: str | None
    voice: int | None
    voice_contact: Any
    voice_server: int | None
    voice_pool: str | None

    def rank(self) -> tuple[Any, ...]:
        """Return what the greatest of wins."""
        speaks = self.voice is not None and self.record_id == self.voice
        return (*_known(self.contact), speaks, *_known(self.exact), self.remote_id)


class Election:
    """Marks the staged rows that do not speak for their device.

    Args:
        order: Of this merge.
    """

    def __init__(self, connection: Connection, sql: Sql, order: MergeOrder) -> None:
        self._connection = connection
        self._sql = sql
        self._order = order
        self._instant = instant_text if connection.dialect.name == "sqlite" else from_wire_instant
        self._silent: list[dict[str, Any]] = []
        self._to_read_again: list[dict[str, Any]] = []
        self._to_cut: list[dict[str, Any]] = []
        #: Devices of which an unchanged row of this listing came beside the staged ones.
        self.unchanged_too = 0

    def hold(self) -> None:
        """Do it: ``speaks`` is 0 for every staged row that lost."""
        rows = [_Candidate(*row) for row in self._sql.rows(_CANDIDATES)]
        for _, group in groupby(rows, key=attrgetter("device_id")):
            self._decide(list(group))
        self._many("UPDATE staged SET speaks = 0, fresh = 0 WHERE ord = :ord", self._silent)
        self._many("UPDATE staged SET last_seen_at = :day WHERE ord = :ord", self._to_cut)
        self._many(
            "UPDATE staged SET whole_hash = NULL, apps_hash = NULL WHERE ord = :ord", self._to_read_again
        )

    def _decide(self, rows: list[_Candidate]) -> None:
        best = max(rows, key=_Candidate.rank)
        sits = best.voice is not None and all(row.record_id != best.voice for row in rows)
        if sits and best.voice_server == self._order.run.server_id and best.voice not in self._order.unread:
            self.unchanged_too += 1
        wins = not sits or _known(best.contact) > _known(best.voice_contact)
        silent = [row for row in rows if row is not best or not wins]
        self._silent += [{"ord": row.ord} for row in silent]
        if (best.pool if wins else best.voice_pool) == "ash":
            self._to_cut += [{"ord": row.ord, "day": self._day(row.exact)} for row in silent if row.exact]
        if wins and best.record_id != best.voice and best.apps_passed_over:
            # Its apps were known when it was read; another record has spoken since.
            self._to_read_again.append({"ord": best.ord})

    def _day(self, exact: str | datetime) -> str | datetime | None:
        """Cut the contact of a record that does not speak: by its own groups it may be of another pool."""
        contact = from_wire_instant(exact)
        return None if contact is None else self._instant(day_of_contact(contact, self._order.zone))

    def _many(self, statement: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(text(statement), rows)


def _known(contact: Any) -> tuple[bool, Any]:
    """Return something to compare by: an unknown contact is earlier than any."""
    return contact is not None, contact


def choose_rows(connection: Connection, contested: Mapping[str, bool]) -> int:
    """Keep one staged row of each remote id (see ``ports.sync.Intake.choose``).

    The row that is known already wins at equal contacts; else what it says decides, never its place.
    """
    query = text(in_dialect(connection, _ROWS)).bindparams(bindparam("ids", expanding=True))
    losing: list[dict[str, int]] = []
    lost = 0
    ids = sorted(contested)
    for start in range(0, len(ids), _CHUNK):
        found = connection.execute(query, {"ids": ids[start : start + _CHUNK]}).mappings()
        for remote_id, group in groupby(found, key=itemgetter("remote_id")):
            rows = sorted(group, key=_row_rank)
            best = rows[-1]
            if contested[remote_id] and _known(best["contact"]) > _known(best["kept"]):
                lost += 1
            elif contested[remote_id]:
                losing.append({"ord": best["ord"]})
            losing += [{"ord": row["ord"]} for row in rows[:-1]]
    if losing:
        connection.execute(text("DELETE FROM staged WHERE ord = :ord"), losing)
    return lost


def _row_rank(row: RowMapping) -> tuple[Any, ...]:
    said = {name: value for name, value in row.items() if name not in ("ord", "apps")}
    return (*_known(row["contact"]), row["known"], *_known(row["contact_at"]), repr(said))
