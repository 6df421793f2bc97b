"""What a date in a cell means, written by a person, a spreadsheet or a console."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo

from mdm_bridge.domain.cells import BadCell
from mdm_bridge.messages import Message

__all__ = ["DATE_ORDERS", "FIRST_CONTACT_YEAR", "instant", "local_day"]

#: How a date whose order cannot be seen is to be read.
DATE_ORDERS = ("day-first", "month-first")

_ISO = re.compile(
    r"([0-9]{4}[-/][0-9]{2}[-/][0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)\s*(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})"
    r"(?:(?:,|\sà)?\s*([0-9]{1,2})\s?[:h]\s?([0-9]{2})(?::([0-9]{2}))?\s*([ap]\.?m\.?)?)?",
    re.IGNORECASE,
)
_NO_DATE = re.compile(r"(?:0000[-/]00[-/]00|0001[-/]01[-/]01|00/00/0000|01/01/0001)(?:[T ].*)?")

#: No tablet was managed before: an older contact stands for "never".
FIRST_CONTACT_YEAR = 2010
_PURCHASE_YEARS = range(1990, 2101)


def instant(raw: str, zone: tzinfo, order: str | None = None) -> datetime | None:
    """Return an instant in UTC, to the second; None when it means "never".

    Args:
        raw: ISO with or without offset, dd/mm/yyyy, dd/mm/yyyy HH:MM.
        zone: Zone of a date without offset; a day alone begins at its midnight. The doubled hour of
            October is taken as the first one.
        order: One of :data:`DATE_ORDERS` for dates with slashes; day first when None.

    Raises:
        BadCell: Not a date.
    """
    moment = _moment(raw, order)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise _bad_date(order) from None
    return moment if moment.year >= FIRST_CONTACT_YEAR else None


def local_day(raw: str, zone: tzinfo, order: str | None = None) -> date | None:
    """Return a day; None for the zeroes that some programs write for "no date".

    Args:
        raw: As for :func:`instant`.
        zone: Zone in which an instant with an offset falls on a day.
        order: As for :func:`instant`.

    Raises:
        BadCell: Not a date, or of another century.
    """
    moment = _moment(raw, order)
    if moment is None:
        return None
    try:
        day = (moment if moment.tzinfo is None else moment.astimezone(zone)).date()
    except OverflowError:
        raise _bad_date(order) from None
    if day.year not in _PURCHASE_YEARS:
        raise _bad_date(order)
    return day


def _moment(raw: str, order: str | None) -> datetime | None:
    found = raw.strip()
    if _NO_DATE.fullmatch(found):
        return None
    iso, written = _ISO.fullmatch(found), _WRITTEN.fullmatch(found)
    try:
        if iso:
            return _from_iso(iso)
        if written:
            return _from_written(written, order)
    except ValueError:
        pass
    raise _bad_date(order)


def _from_iso(match: re.Match[str]) -> datetime:
    day, hour, offset = match[1].replace("/", "-"), match[2] or "00:00", (match[3] or "").upper()
    if offset in ("UTC", "GMT"):
        offset = "Z"
    return datetime.fromisoformat(f"{day}T{hour.replace(',', '.')}{offset}")


def _from_written(match: re.Match[str], order: str | None) -> datetime:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    day, month = (second, first) if order == "month-first" else (first, second)
    hour, minute, second_ = int(match[4] or 0), int(match[5] or 0), int(match[6] or 0)
    half = (match[7] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("hour")
        hour = hour % 12 + (12 if half == "p" else 0)
    when = date(year if year > 99 else 2000 + year, month, day)
    return datetime.combine(when, time(hour, minute, second_))


def _bad_date(order: str | None) -> BadCell:
    if order == "month-first":
        return BadCell(
            Message(
                "expected_date_month_first", "a date was expected (2026-09-01, 09/01/2026, 09/01/2026 14:30)"
            )
        )
    return BadCell(Message("expected_date", "a date was expected (2026-09-01, 01/09/2026, 01/09/2026 14:30)"))
