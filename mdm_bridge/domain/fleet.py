"""A device as people and programs read it, and the questions they ask of the fleet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message

__all__ = ["STALE_AFTER", "DeviceFilter", "Freshness", "os_below", "pool_rules_for"]

#: A server not read for so long: its data are late.
STALE_AFTER = timedelta(days=7)

_VERSION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)*)")


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices are wanted; None asks nothing.

    ``pool``: training, ash, or none (to be sorted); ``os_below``: a version, exclusive;
    ``not_seen_since``: last contact before this instant, or never; where only the day of a contact is
    kept, before the day that it says in its own zone; ``with_app`` and ``without_app``: bundle ids;
    ``gone``: absent from every server, or not.

    Raises:
        InputError: ``os_below`` is not a version.
    """

    pool: str | None = None
    state: str | None = None
    server: str | None = None
    os_below: str | None = None
    not_seen_since: datetime | None = None
    with_app: str | None = None
    without_app: str | None = None
    gone: bool | None = None
    kit: str | None = None

    def __post_init__(self) -> None:
        if self.os_below is not None and not _numbers(self.os_below):
            raise InputError(
                Message("not_a_version", "{text} is not a version of iPadOS.", text=self.os_below[:40]),
                hint=Message("version_form", "Write it as numbers and dots: 18 or 17.7.1"),
            )


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a server's data are. ``complete_at``: start of its last complete run, None = never.

    ``last_status`` and ``last_code``: how its latest run ended, and why; ``running_since``: a run is
    under way.
    """

    server: str
    complete_at: datetime | None
    last_status: str | None = None
    last_code: str | None = None
    running_since: datetime | None = None


def os_below(version: str | None, limit: str) -> bool:
    """Tell whether a version is lower than a limit; an unknown version is not said to be.

    Versions compare number by number: 9.3 < 16, and 18.1 < 18.10.
    """
    numbers = _numbers(version or "")
    return bool(numbers) and _without_zeros(numbers) < _without_zeros(_numbers(limit))


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers a version begins with; what follows, a build or a beta, does not count."""
    found = _VERSION.match(version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _without_zeros(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return the same version in its shortest form: 18.0 is 18."""
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers


def pool_rules_for(devices: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return rules that would take devices no rule takes: (server, beginning of the asset tag).

    Args:
        devices: The whole fleet, with ``pool``, ``server`` and ``asset_tag``.

    Returns:
        Only beginnings that no device of a pool on that server shares: a rule that moves tablets from
        one pool to the other is worse than none.
    """
    loose: dict[tuple[str, str], None] = {}
    taken: list[tuple[str, str]] = []
    for device in devices:
        server, tag = device["server"], device["asset_tag"]
        if server is None or tag is None:
            continue
        prefix = tag.rstrip("0123456789")
        if device["pool"] is not None:
            taken.append((server, tag))
        elif prefix and prefix != tag:
            loose[server, prefix] = None
    return sorted(
        (server, prefix)
        for server, prefix in loose
        if not any(other == server and tag.startswith(prefix) for other, tag in taken)
    )
