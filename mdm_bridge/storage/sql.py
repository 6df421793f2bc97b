"""The few words in which the SQL of our two databases differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mdm_bridge.storage.types import instant_text

__all__ = ["KEPT_CONTACT", "Sql", "in_dialect"]

#: The contact that is kept, of the one known ({old}) and that of the staged row ``s``: the later;
#: an earlier one counts from two hours on (October's doubled hour, and a margin).
KEPT_CONTACT = (
    "CASE WHEN s.last_seen_at IS NULL THEN {old} "
    "WHEN s.last_seen_at < {old} AND <two_hours_later> > {old} THEN {old} ELSE s.last_seen_at END"
)

_SQLITE = {
    "differs": "IS NOT",
    "instant": "{0}",
    "number": "{0}",
    "two_hours_later": "strftime('%Y-%m-%dT%H:%M:%SZ', s.last_seen_at, '+2 hours')",
}
_POSTGRESQL = {
    "differs": "IS DISTINCT FROM",
    "instant": "CAST({0} AS TIMESTAMPTZ)",
    "number": "CAST({0} AS INTEGER)",
    "two_hours_later": "s.last_seen_at + INTERVAL '2 hours'",
}


#: ``:name``, but for the colons of a time of day.
_PARAMETER = re.compile(r"(?<!\w):(\w+)")


def in_dialect(connection: Connection, statement: str) -> str:
    """Return a statement with ``<differs>`` and ``<two_hours_later>`` in the words of its database."""
    words = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    for word in ("differs", "two_hours_later"):
        statement = statement.replace(f"<{word}>", words[word])
    return statement


class Sql:
    """Runs statements written once for both databases.

    A statement may hold ``<differs>`` (null-safe inequality), ``<two_hours_later>`` (than the contact
    of the staged row ``s``), and the parameters ``<now>``, ``<until>``, ``<run>``, ``<server>``,
    typed for the database.
    """

    def __init__(self, connection: Connection, *, now: datetime, run: int, server: int) -> None:
        self._connection = connection
        self._pyformat = connection.dialect.name == "postgresql"
        words = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
        self._words = {
            "<differs>": words["differs"],
            "<two_hours_later>": words["two_hours_later"],
            "<now>": words["instant"].format(":now"),
            "<until>": words["instant"].format(":until"),
            "<run>": words["number"].format(":run"),
            "<server>": words["number"].format(":server"),
        }
        self._params: dict[str, Any] = {"now": instant_text(now), "run": run, "server": server}

    def run(self, statement: str, params: Mapping[str, Any] | None = None) -> int:
        """Run one statement and return how many rows it changed."""
        return int(self._execute(statement, params).rowcount)

    def rows(self, statement: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Run one query and return its rows."""
        return list(self._execute(statement, params).all())

    def _execute(self, statement: str, params: Mapping[str, Any] | None) -> Any:
        for word, meaning in self._words.items():
            statement = statement.replace(word, meaning)
        if self._pyformat:
            statement = _PARAMETER.sub(r"%(\1)s", statement)
        # Some fifty statements a merge: written for the driver, they need no compiling.
        return self._connection.exec_driver_sql(statement, {**self._params, **(params or {})})
