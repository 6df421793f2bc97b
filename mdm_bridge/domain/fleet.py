"""A device as people and programs read it, and the questions they ask of the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["DeviceFilter", "Freshness", "os_below", "pool_rules_for"]

#: A device as it is listed: the keys of ``device list --format json``, and a few more.
DeviceView = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices are wanted; None asks nothing.

    ``pool``: training, ash, or none (to be sorted); ``os_below``: a version, exclusive;
    ``not_seen_since``: last contact before this instant, or never; ``with_app`` and
    ``without_app``: bundle ids; ``gone``: absent from every server, or not.
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


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a server's data are. ``complete_at``: start of its last complete run, None = never.

    ``last_status`` and ``last_code``: how its latest run ended, and why; ``running_since``: a run is
    under way.
    """

    server: str
    complete_at: datetime | None
    last_status: str | None = None
    last_at: datetime | None = None
    last_code: str | None = None
    last_params: Mapping[str, Any] | None = None
    running_since: datetime | None = None


def os_below(version: str | None, limit: str) -> bool:
    """Tell whether a version is lower than a limit; an unknown version is not said to be.

    Versions compare number by number: 9.3 < 16, and 18.1 < 18.10.
    """
    if version is None:
        return False
    return _numbers(version) < _numbers(limit)


def _numbers(version: str) -> tuple[int, ...]:
    parts = []
    for part in version.split("."):
        digits = "".join(char for char in part if char.isdigit())
        parts.append(int(digits) if digits else 0)
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


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
