"""Types of single settings: text, lists, paths, zones, spans, addresses.

A check that fails raises :class:`BadSetting`, which carries our sentence and its cure through
pydantic. No sentence quotes a value that may be a secret.
"""

from __future__ import annotations

import importlib.util
import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path, PurePath
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo

from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.messages import Message

__all__ = [
    "BadSetting",
    "DatabaseUrl",
    "DeviceNamePattern",
    "Located",
    "Proxy",
    "QuietHours",
    "Retention",
    "Span",
    "Text",
    "Words",
    "Zone",
    "http_address",
    "is_loopback",
]


class BadSetting(ValueError):
    """A value that a setting does not accept."""

    def __init__(self, message: Message, hint: Message) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint


def _text(value: Any) -> Any:
    """Strip a text; an empty one counts as not set."""
    return (value.strip() or None) if isinstance(value, str) else value


def _words(value: Any) -> Any:
    if isinstance(value, str):
        return [word for part in value.split(",") if (word := part.strip())]
    return value


def _located(path: Path, info: ValidationInfo) -> Path:
    """Make a path absolute: from the folder of the settings file, or the current one."""
    base = (info.context or {}).get("base", Path())
    return Path(base, path.expanduser()).absolute()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, available_timezones())
        raise BadSetting(
            Message("unknown_time_zone", 'There is no time zone called "{zone}".', zone=name),
            Message("time_zone_nearest", 'Did you mean "{nearest}"?', nearest=near)
            if near
            else Message(
                "time_zone_form", 'Write the name of an IANA zone, a continent and a city: "Europe/Paris".'
            ),
        ) from None
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise BadSetting(
            Message(
                "bad_pattern",
                "This is not a regular expression, from character {n} on.",
                n=(error.pos or 0) + 1,
            ),
            Message(
                "pattern_form", "In TOML write it between single quotes, for example '{example}'.",
                example="FORM-[0-9]{2}",
            ),
        ) from None  # fmt: skip
    return text


_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _span(value: Any) -> Any:
    """Turn "3d" into a duration: min minutes, h hours, d days, w weeks."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d{1,4})\s*(min|[hdw])", str(value).strip())
    if found is None:
        raise BadSetting(
            Message("bad_span", "This is not a duration."),
            Message("span_form", 'Write a number and a unit: "90min", "12h", "3d" or "2w".'),
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _retention(text: str) -> str:
    if re.fullmatch(r"\d{1,4}[dwmy]", text) is None:
        raise BadSetting(
            Message("bad_retention", "This is not a retention period."),
            Message(
                "retention_form",
                'Write a number and a unit (days, weeks, months, years): "30d", "12m", "5y".',
            ),
        )
    return text


def _quiet_hours(text: str) -> str:
    hour = r"([01]\d|2[0-3]):[0-5]\d"
    if text and re.fullmatch(f"{hour}-{hour}", text) is None:
        raise BadSetting(
            Message("bad_quiet_hours", "This is not a range of hours."),
            Message("quiet_hours_form", 'Write two times of day: "20:00-07:00", or "" for none.'),
        )
    return text


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this very machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def http_address(text: str, *, allow_http: bool) -> str:
    """Check the base address of a web service and return it without its last slash.

    Raises:
        BadSetting: No scheme or host, credentials inside, a query, or http to another machine.
    """
    form = Message(
        "address_form", 'Write the whole base address, prefix included: "https://school.example.org/api".'
    )
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadSetting(Message("bad_address", "This is not a web address."), form) from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", text):
        raise BadSetting(
            Message("bad_address_scheme", "A web address begins with https:// and a host name."), form
        )
    if "@" in parts.netloc:
        raise BadSetting(
            Message("address_with_credentials", "A web address may not hold a user name or a password."),
            Message("use_key_file", "Put the key into a file and name it in api_key_file."),
        )
    if parts.query or parts.fragment:
        raise BadSetting(Message("address_with_query", "A base address ends before any ? or #."), form)
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise BadSetting(
            Message("address_not_encrypted", "Over http:// the key would travel unencrypted."),
            Message(
                "use_https",
                "Write https://, or allow_http = true beside it if this network may be trusted with it.",
            ),
        )
    return text.rstrip("/")


def _proxy(value: SecretStr) -> SecretStr:
    """Check a proxy address; it may hold credentials, hence the secret."""
    text = value.get_secret_value().strip()
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        good = False
    if not good:
        raise BadSetting(
            Message("bad_proxy", "This is not the address of a proxy."),
            Message("proxy_form", 'Write "http://proxy.example.org:3128".'),
        )
    return SecretStr(text)


_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def _database_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Accept SQLite files and PostgreSQL through psycopg; a relative file becomes absolute."""
    text = value.get_secret_value().strip()
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "sqlite":
        return SecretStr(_sqlite_url(rest, info))
    if not separator or scheme not in _POSTGRESQL:
        raise BadSetting(
            Message("bad_database_url", "This database is not supported."),
            Message(
                "database_url_form",
                'Write "sqlite:///mdm-bridge.db" for a file, or "postgresql+psycopg://host/name".',
            ),
        )
    if importlib.util.find_spec("psycopg") is None:
        raise BadSetting(
            Message("no_postgresql_driver", "The driver for PostgreSQL is not installed."),
            Message("install_extra", 'Run: pip install "mdm-bridge[{extra}]"', extra="postgresql"),
        )
    return SecretStr(f"postgresql+psycopg://{rest}")


def _sqlite_url(rest: str, info: ValidationInfo) -> str:
    name, mark, query = rest.partition("?")
    if not name.startswith("/") or name in ("/", "/:memory:"):
        raise BadSetting(
            Message("database_without_file", "A SQLite database needs a file."),
            Message("sqlite_form", 'Write "sqlite:///mdm-bridge.db", with three slashes.'),
        )
    path: PurePath = _located(Path(name[1:]), info)
    return f"sqlite:///{path.as_posix()}{mark}{query}"


Text = Annotated[str | None, BeforeValidator(_text)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Located = Annotated[Path, AfterValidator(_located)]
Zone = Annotated[str, AfterValidator(_zone)]
DeviceNamePattern = Annotated[str, AfterValidator(_pattern)]
Span = Annotated[timedelta, BeforeValidator(_span)]
Retention = Annotated[str, AfterValidator(_retention)]
QuietHours = Annotated[str, AfterValidator(_quiet_hours)]
Proxy = Annotated[SecretStr, AfterValidator(_proxy)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
