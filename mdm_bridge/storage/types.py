"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import DateTime, Identity, Integer, LargeBinary, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import mapped_column

__all__ = ["Count", "Digest", "Id", "Instant", "Word", "from_wire_instant", "instant_text"]


def instant_text(instant: datetime | None) -> str | None:
    """Return an aware instant as fixed-width UTC text, to the second.

    The same text is accepted by PostgreSQL for a ``timestamptz``, so rows written below SQLAlchemy
    need no second form.
    """
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def from_wire_instant(value: str | datetime | None) -> datetime | None:
    """Read an instant as either driver returns it."""
    if value is None or isinstance(value, datetime):
        return value.astimezone(UTC) if value is not None else None
    return datetime.fromisoformat(value)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, to the second: ``timestamptz``, or sortable text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Choose the column type of this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive time, cut to the second."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("an instant must be aware")
        if dialect.name == "sqlite":
            return instant_text(value)
        return value.astimezone(UTC).replace(microsecond=0)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return an aware UTC time."""
        return from_wire_instant(value)


Id = Annotated[int, mapped_column(Integer, Identity(), primary_key=True)]
Digest = Annotated[bytes, mapped_column(LargeBinary(32))]
Word = Annotated[str, mapped_column(Text())]
Count = Annotated[int, mapped_column(Integer())]
