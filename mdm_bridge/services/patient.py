"""What ``doctor`` looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mdm_bridge.errors import SettingProblem
from mdm_bridge.messages import Message
from mdm_bridge.ports.health import DatabaseHealth
from mdm_bridge.ports.inventory import Probe

__all__ = ["Finding", "Installation", "Patient", "ServerSeen", "Severity"]

Severity = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``label`` what was checked; ``hint`` what to do when it is not well."""

    severity: Severity
    code: str
    label: Message
    detail: Message
    hint: Message | None = None


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """What one cheap question to a server gave; ``server_date`` its own time, when it told."""

    probe: Probe
    seconds: float
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """What every installation has, whatever its settings.

    ``languages``: catalog present, by language; ``zone_error``: why time zones cannot be read.
    """

    languages: Mapping[str, bool] = field(default_factory=dict)
    zone_error: str | None = None


@dataclass(frozen=True)
class Patient:
    """An installation whose settings are valid.

    Args:
        settings_file: None when defaults and environment alone hold.
        secrets: What is wrong with each secret the settings speak of, by key; None = nothing.
        folders: Whether each folder or file of the settings exists, by key and path.
        organisation: ``[organisation]``, field by field.
        retention: ``[privacy.retention]``, period by period.
        pools: Pools with a rule, by server that lists devices.
        servers: Kind by server, in file order.
        database_at: Where the database is, without a password.
        database: Look at the database; raises a ``BridgeError`` when it cannot be used.
        last_complete: Start of the last complete run, by server that has one.
        ask: Ask a server one cheap question; raises a ``BridgeError`` when it cannot be asked.
        password_in_file: Whether the settings file holds a password of the database or of a proxy.
        keyring: Whether a key comes from the keyring of the system.
    """

    settings_file: str | None
    secrets: Sequence[tuple[str, SettingProblem | None]]
    folders: Sequence[tuple[str, str, bool]]
    organisation: Mapping[str, str | None]
    retention: Mapping[str, str | None]
    pools: Mapping[str, Sequence[str]]
    servers: Mapping[str, str]
    database_at: str
    database: Callable[[], DatabaseHealth]
    last_complete: Callable[[], Mapping[str, datetime]]
    ask: Callable[[str], ServerSeen]
    password_in_file: bool = False
    keyring: bool = False
