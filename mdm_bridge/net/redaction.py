"""Keeping secrets out of logs and errors, and text from outside short and harmless.

Two nets, one behind the other: values known to be secret are replaced wherever they stand, and
what merely looks like a credential (an ``Authorization`` header, ``?token=``, ``user:pass@``) is
replaced by its shape.
"""

from __future__ import annotations

import base64
import logging
import re
import unicodedata
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

__all__ = ["RedactingFilter", "Secret", "clip", "forms_of", "redact", "without_credentials"]

#: What stands in place of a secret.
MASK = "***"

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A header, in a dump ("Authorization: Basic x"), a dict repr or JSON ("'authorization': 'Basic x'").
    (
        re.compile(r"(?i)((?:proxy-)?authorization['\"]?\s*[:=]\s*b?['\"]?)(?:[a-z]+\s+)?[^\s'\",;}]+"),
        rf"\g<1>{MASK}",
    ),
    # Not "basic questions": a token has a digit, a padding sign or a capital in its middle.
    (
        re.compile(r"\b((?i:basic|bearer))\s+(?=[\w+/.~-]*(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9+/=._~-]{8,}"),
        rf"\1 {MASK}",
    ),
    (
        re.compile(
            r"(?i)([a-z0-9_-]*(?:api[_-]?key|password|passwd|passphrase|secret|token)['\"]?\s*[:=]\s*b?)"
            r"(\"[^\"]*\"|'[^']*'|[^\s'\",;&}]+)"
        ),
        rf"\g<1>{MASK}",
    ),
    (re.compile(r"(?i)([?&](?:key|auth|sig|signature|code)=)[^&\s'\"]+"), rf"\g<1>{MASK}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@'\"]+@"), rf"\g<1>{MASK}@"),
)

#: Values shorter than this are not searched for: masking every "a" would hide the log, not the secret.
_SHORTEST_SECRET = 4


class Secret(Protocol):
    """A value that shows itself only when asked (pydantic's ``SecretStr`` is one)."""

    def get_secret_value(self) -> str:
        """Return the value itself."""
        ...


def forms_of(user: str | None, password: str) -> frozenset[str]:
    """Return every form in which a password may turn up: plain, quoted for an address, Basic token."""
    forms = {password, quote(password, safe="")}
    if user is not None:
        forms.add(base64.b64encode(f"{user}:{password}".encode()).decode("ascii"))
    return frozenset(form for form in forms if len(form) >= _SHORTEST_SECRET)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` with the known secrets and everything that looks like a credential masked."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


def clip(text: str, limit: int = 120) -> str:
    """Return text from outside on one line, without control characters, at most ``limit`` long."""
    # Cut first: a body of megabytes must not be walked character by character.
    head = text[: limit * 4]
    # "C" takes control, format (bidi overrides), private and unassigned ones; "Z" every kind of space.
    plain = "".join(_harmless(char) for char in head)
    line = " ".join(plain.split())
    if len(line) <= limit and len(text) <= limit * 4:
        return line
    return line[: limit - 1].rstrip() + "…"


def _harmless(char: str) -> str:
    kind = unicodedata.category(char)
    if kind[0] == "Z" or char in "\t\r\n":
        return " "
    return "" if kind[0] == "C" else char


def without_credentials(url: str) -> str:
    """Return an address without user, password, query and fragment."""
    if "://" not in url:
        # "user:pass@host:3128": the address of a proxy may come without its scheme.
        return url.rpartition("@")[2]
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return MASK


class RedactingFilter(logging.Filter):
    """Masks secrets in every record of the handler it is put on.

    Args:
        secrets: Values known to be secret; more can be added while the program runs.

    The traceback is rendered here, masked, so that a formatter that uses ``exc_text`` (as the
    standard one does) never sees the raw one.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = frozenset(secrets)

    def add(self, *secrets: str) -> None:
        """Add values to mask."""
        self._secrets |= {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the message and the traceback; always lets the record pass."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)
        record.msg, record.args = redact(message, self._secrets), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text, self._secrets)
        if record.stack_info:
            record.stack_info = redact(record.stack_info, self._secrets)
        return True

    def __repr__(self) -> str:
        return f"RedactingFilter({len(self._secrets)} secrets)"
