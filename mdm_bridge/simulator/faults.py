"""Faults on request: their names and parameters, and the list of those that are active.

A fault is asked for as ``{"fault": NAME, "path": "/devices", "exact": false, "times": 2, …}``.
``path`` is the beginning of the addresses it spoils, below the product's prefix; faults of rows
take it as the whole address, and the device listing when it is left out. ``times`` is how many
answers it spoils; null or nothing: until it is cleared.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mdm_bridge.domain.identifiers import nearest

__all__ = ["FAULTS", "Fault", "FaultBook", "Kind", "read_fault"]

_NUMBER = (int, float)
_TEXT = (str,)
_SERIALS: Mapping[str, tuple[tuple[type, ...], Any]] = {"serials": ((list,), None), "n": ((int,), 1)}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Args:
        stage: ``instead`` of the answer, on its ``rows``, on its ``body``, an older state
            (``stale``), or an ``event`` that happens to devices at once and is never active.
        says: One line for people.
        params: Types and default of each parameter.
    """

    stage: str
    says: str
    params: Mapping[str, tuple[tuple[type, ...], Any]]


FAULTS: Mapping[str, Kind] = {
    "rate_limited": Kind(
        "instead",
        "429 with Retry-After in seconds, or as a date with form=date; retry_after=null: without",
        {"retry_after": ((*_NUMBER, str, type(None)), 1), "form": (_TEXT, "seconds")},
    ),
    "server_error": Kind("instead", "500, 502, 503 or 504", {"status": ((int,), 503)}),
    "html": Kind("instead", "a page of a portal instead of JSON", {"status": ((int,), 200)}),
    "failure_200": Kind(
        "instead",
        "HTTP 200 whose body says it failed",
        {"code": ((int,), 404), "message": (_TEXT, "DeviceNotFound")},
    ),
    "unauthorized": Kind("instead", "401", {}),
    "forbidden": Kind("instead", "405 with the nested error of a missing right", {}),
    "not_found": Kind("instead", "404 as plain text", {}),
    "redirect_other_host": Kind(
        "instead", "302 to another host name", {"location": (_TEXT, None), "status": ((int,), 302)}
    ),
    "gzip_bomb": Kind("instead", "a small gzip body that unpacks to size_mb", {"size_mb": ((int,), 300)}),
    "huge_body": Kind("instead", "a Content-Length of size_mb, then the end", {"size_mb": ((int,), 2048)}),
    "stale": Kind("stale", "reads answer the state before the last change", {}),
    "empty_list": Kind("rows", "no row, count 0", {}),
    "shrunken": Kind("rows", "only the first part of the rows", {"keep": (_NUMBER, 0.5)}),
    "wrong_count": Kind("rows", "the count does not agree", {"delta": ((int,), 1)}),
    "duplicate_rows": Kind("rows", "rows given twice", _SERIALS),
    "duplicate_serial": Kind(
        "rows",
        "another row with the same serial number, another UDID, an older contact (newer with newer=true)",
        {**_SERIALS, "newer": ((bool,), False)},
    ),
    "no_serial": Kind("rows", "n rows more without a serial number", {"n": ((int,), 1)}),
    "bad_row": Kind(
        "rows",
        "wrong types in a row, or one field with a value of yours",
        {**_SERIALS, "field": (_TEXT, None), "value": ((object,), None)},
    ),
    "apps_empty": Kind("rows", "app lists are empty", {**_SERIALS, "n": ((int, type(None)), None)}),
    "apps_missing": Kind("rows", "rows have no app list", {**_SERIALS, "n": ((int, type(None)), None)}),
    "vanished": Kind("rows", "devices are not listed", _SERIALS),
    "future_contact": Kind(
        "rows", "a last contact in the future", {**_SERIALS, "ahead": ((*_NUMBER, str), "2d")}
    ),
    "printed_docs": Kind(
        "rows", "shapes of the printed documentation: one-element lists, text numbers, capital names", {}
    ),
    "truncated_json": Kind("body", "JSON cut short, with a Content-Length that fits", {"at": (_NUMBER, 0.5)}),
    "short_body": Kind("body", "the connection ends before the declared length", {"at": (_NUMBER, 0.5)}),
    "invalid_utf8": Kind("body", "bytes that are not UTF-8", {}),
    "gzip": Kind("body", "a good answer, gzip-encoded", {}),
    "trickle": Kind("body", "a body that drips", {"bytes_per_s": (_NUMBER, 50)}),
    "hang": Kind("body", "silence before the answer", {"seconds": (_NUMBER, 30)}),
    "reset": Kind(
        "body", "the connection is reset, before the answer or midway", {"when": (_TEXT, "before")}
    ),
    "returned": Kind("event", "vanished devices are back", {}),
    "re_enrolled": Kind("event", "enrolled again: another UDID", _SERIALS),
    "wiped": Kind("event", "erased: same UDID, factory name, no app", _SERIALS),
    "renamed": Kind("event", "renamed", {**_SERIALS, "name": (_TEXT, "iPad de Léa Zzyzxova")}),
}
_CHOICES: Mapping[tuple[str, str], Collection[Any]] = {
    ("server_error", "status"): (500, 502, 503, 504),
    ("rate_limited", "form"): ("seconds", "date"),
    ("reset", "when"): ("before", "midway"),
}
_COMMON = ("fault", "path", "exact", "times")


@dataclass(slots=True)
class Fault:
    """A fault somebody asked for; ``times`` counts down, None means for ever."""

    name: str
    values: Mapping[str, Any]
    path: str | None = None
    exact: bool = False
    times: int | None = None

    def __getitem__(self, name: str) -> Any:
        """Return a parameter, or its default."""
        return self.values.get(name, FAULTS[self.name].params[name][1])

    def concerns(self, path: str, listing_path: str) -> bool:
        """Tell whether it spoils answers of an address."""
        if FAULTS[self.name].stage == "rows":
            return path.rstrip("/") == (self.path or listing_path).rstrip("/")
        if self.path is None:
            return True
        wanted = self.path.rstrip("/")
        return path.rstrip("/") == wanted or (not self.exact and path.startswith(f"{wanted}/"))

    def shown(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "fault": self.name,
            "path": self.path,
            "exact": self.exact,
            "times": self.times,
            **self.values,
        }


def read_fault(raw: object) -> Fault:
    """Read one fault from JSON values.

    Raises:
        ValueError: It is malformed; the text says how.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("fault"), str):
        raise ValueError('a fault is an object such as {"fault": "html", "times": 1}')
    name = raw["fault"]
    if name not in FAULTS:
        near = nearest(name, FAULTS)
        raise ValueError(f"unknown fault {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    path, times, exact = raw.get("path"), raw.get("times"), raw.get("exact", False)
    if path is not None and not (isinstance(path, str) and path.startswith("/")):
        raise ValueError("path begins with /")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise ValueError("times is a whole number from 1 up, or null")
    if not isinstance(exact, bool):
        raise ValueError("exact is true or false")
    values = {key: value for key, value in raw.items() if key not in _COMMON}
    for key, value in values.items():
        _check_value(name, key, value)
    return Fault(name, values, path, exact, times)


def _check_value(name: str, key: str, value: object) -> None:
    params = FAULTS[name].params
    if key not in params:
        raise ValueError(f"{name} has no parameter {key!r}; it has: {', '.join((*_COMMON[1:], *params))}")
    types = params[key][0]
    if not isinstance(value, types) or (
        isinstance(value, bool) and bool not in types and object not in types
    ):
        raise ValueError(f"{name}: {key} has the wrong type")
    if isinstance(value, _NUMBER) and value < 0 and key != "delta" and object not in types:
        raise ValueError(f"{name}: {key} is negative")
    if (name, key) in _CHOICES and value not in _CHOICES[name, key]:
        raise ValueError(f"{name}: {key} is one of {', '.join(map(str, _CHOICES[name, key]))}")
    if key == "serials" and not all(isinstance(one, str) for one in value):  # type: ignore[attr-defined]
        raise ValueError(f"{name}: serials is a list of texts")


class FaultBook:
    """The active faults, in the order they were asked for; safe to use from several threads.

    Args:
        listing_path: Address of the device listing, where faults of rows belong.
    """

    def __init__(self, listing_path: str) -> None:
        self._listing_path = listing_path
        self._lock = threading.Lock()
        self._active: list[Fault] = []

    def active(self) -> list[Fault]:
        """Return the active faults."""
        with self._lock:
            return list(self._active)

    def set(self, faults: Iterable[Fault]) -> None:
        """Replace all active faults."""
        with self._lock:
            self._active = list(faults)

    def add(self, fault: Fault) -> None:
        """Add a fault to the active ones."""
        with self._lock:
            self._active.append(fault)

    def remove(self, name: str) -> None:
        """Remove the active faults of a kind."""
        with self._lock:
            self._active = [fault for fault in self._active if fault.name != name]

    def take(self, stage: str, path: str, *, at_most: int | None = None) -> list[Fault]:
        """Return the faults of a stage that spoil this answer, counting each down."""
        with self._lock:
            found = [
                fault
                for fault in self._active
                if FAULTS[fault.name].stage == stage and fault.concerns(path, self._listing_path)
            ][:at_most]
            for fault in found:
                if fault.times is not None:
                    fault.times -= 1
            self._active = [fault for fault in self._active if fault.times != 0]
            return found
