"""The envelopes of Jamf School's answers, and how a success is told from a failure.

A status of 200 is not enough: the body may be a web page, broken JSON, or say that it failed.

Source: facts recovered from public clients of the API and their recorded answers (read 2026-11).
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from mdm_bridge.errors import BadAnswer, ServerError
from mdm_bridge.messages import Message
from mdm_bridge.net.failures import permission_missing, wrong_credentials
from mdm_bridge.net.http import HttpSession
from mdm_bridge.net.redaction import clip

__all__ = [
    "AppList",
    "DeviceList",
    "Envelope",
    "GroupList",
    "ProfileList",
    "bad_field",
    "bad_row",
    "count_of",
    "not_json",
    "read_envelope",
    "repeated_key",
    "rows_of",
]

#: Messages by which an answer says that it failed, whatever its status.
_FAILURES = frozenset(
    {
        "DeviceGroupNotFound",
        "DeviceNotActive",
        "DeviceNotFound",
        "DeviceNotMigratable",
        "GroupNotFound",
        "LocationNotFound",
        "LocationSame",
        "MigrationFailed",
        "MissingParameter",
        "TooManyDevices",
        "UDIDArrayEmpty",
        "UnlockFailed",
        "UserNotFound",
    }
)

_List = list[Raw] | None | UnsetType


class Envelope(msgspec.Struct):
    """What any answer may carry around its list; of any type, since a failure knows no types."""

    code: Any = None
    message: Any = None
    error: Any = None


class DeviceList(Envelope):
    """``GET /devices``."""

    count: Any = UNSET
    devices: _List = UNSET


class GroupList(Envelope):
    """``GET /devices/groups``; real answers and the printed documentation differ in one capital."""

    deviceGroups: _List = UNSET  # noqa: N815
    DeviceGroups: _List = UNSET


class AppList(Envelope):
    """``GET /apps``: neither code nor count."""

    apps: _List = UNSET


class ProfileList(Envelope):
    """``GET /profiles``."""

    profiles: _List = UNSET


AnyEnvelope = TypeVar("AnyEnvelope", bound=Envelope)


def read_envelope(body: bytearray, kind: type[AnyEnvelope], session: HttpSession) -> AnyEnvelope:
    """Split an answer into its envelope and rows that are still raw.

    Args:
        body: The whole body; the rows are views into it, nothing is copied.
        kind: The list that is expected.
        session: Names the host.

    Raises:
        BadAnswer: A web page, not JSON, another shape, or a body that says it failed.
        ServerRefused: A body that says that the key or a right is missing.
    """
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        raise _web_page(session.host)
    text = memoryview(body)[3:] if body.startswith(b"\xef\xbb\xbf") else memoryview(body)
    failure: BadAnswer | None = None
    try:
        envelope = msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        failure = bad_field(_place(str(error)))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        failure = not_json(session.host)
    # Outside the handlers: a decoding error may hold the body and must not travel as a context.
    if failure is not None:
        raise failure
    for name in ("code", *_extra_fields(kind)):
        if repeated_key(body, name):
            raise bad_field(name)
    _refuse_failure(envelope, session)
    return envelope


def rows_of(envelope: Envelope, *names: str) -> list[Raw]:
    """Return the list of an answer under the first of several names.

    Raises:
        BadAnswer: There is none.
    """
    for name in names:
        rows = getattr(envelope, name)
        if isinstance(rows, list):
            return rows
    raise bad_field(names[0])


def count_of(count: object) -> int | None:
    """Return how many devices the answer says it has; None when it does not say.

    Raises:
        BadAnswer: It says something that is not a number.
    """
    if count is UNSET or count is None:
        return None
    if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
        return count
    if isinstance(count, str) and count.isascii() and count.isdigit() and len(count) < 10:
        return int(count)
    raise bad_field("count")


def repeated_key(text: bytes | bytearray, name: str) -> bool:
    """Tell whether the outermost object has a key twice, of which readers keep either.

    The careful look is taken only when a cheap one finds the key's text more than once.
    """
    quoted = f'"{name}"'.encode()
    if text.count(quoted) < 2 or len(re.findall(re.escape(quoted) + rb"\s*:", text)) < 2:
        return False
    keys: list[str] = []

    def remember(pairs: list[tuple[str, object]]) -> None:
        # Called for inner objects first: the outermost one is what remains.
        keys[:] = [key for key, _ in pairs]

    try:
        json.loads(text, object_pairs_hook=remember)
    except (ValueError, RecursionError):
        return True
    return keys.count(name) > 1


def bad_field(field: str) -> BadAnswer:
    """Return the error of a field with a shape that cannot be read; its value is never quoted."""
    return BadAnswer(
        Message(
            "bad_field", "The server's answer has an unexpected shape at {field}.", field=clip(field, 60)
        ),
        hint=Message(
            "report_shape",
            "Nothing was taken from it. If it lasts, the server was updated: look for a newer mdm-bridge.",
        ),
    )


def bad_row(field: str) -> BadAnswer:
    """Return the error of one row of a list that cannot be read: it costs no other row."""
    return BadAnswer(
        Message(
            "bad_field",
            "A device was left out: its row has an unexpected shape at {field}. What was known of it stays.",
            field=clip(field, 60),
        ),
        hint=bad_field(field).hint,
    )


def not_json(host: str) -> BadAnswer:
    """Return the error of a body that is not JSON, or not all of it."""
    return BadAnswer(
        Message("not_json", "The answer of {host} is not valid JSON: damaged, or cut off.", host=host),
        hint=Message("try_again_then_url", "Try again; if it lasts, check the url of this server."),
    )


def _web_page(host: str) -> BadAnswer:
    return BadAnswer(
        Message("html_answer", "{host} answered with a web page instead of data.", host=host),
        hint=Message(
            "check_portal_or_url",
            "A guest network's log-in page may stand in between (open a browser), or the url is wrong:"
            " it usually ends in /api.",
        ),
    )


def _extra_fields(kind: type[Envelope]) -> list[str]:
    return [name for name in kind.__struct_fields__ if name not in Envelope.__struct_fields__]


def _place(sentence: str) -> str:
    found = re.search(r"at `\$\.?([\w.\[\]]*)`", sentence)
    return (found.group(1) if found else "") or "JSON"


def _refuse_failure(envelope: Envelope, session: HttpSession) -> None:
    """Raise when the body says that it failed, in one of the three ways it may."""
    code, message = _number(envelope.code), envelope.message
    nested = envelope.error
    if isinstance(nested, dict):
        code, message = _number(nested.get("code")) or code, nested.get("message") or message
    elif isinstance(nested, str) and nested:
        message = nested
    known = message if isinstance(message, str) and message in _FAILURES else ""
    silent = not any(isinstance(getattr(envelope, name), list) for name in _extra_fields(type(envelope)))
    if code >= 400 or nested or known or (silent and message):
        # A sentence of the server's own is not repeated: it may name whoever has the device.
        raise _failure(code, known, session.host)


def _number(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # No code is that long, and Python refuses to read the longest ones.
        return int(value) if len(value) < 10 else 10**9
    return value if isinstance(value, int) else 0


def _failure(code: int, said: str, host: str) -> ServerError:
    if code == 405:
        return permission_missing(host)
    if code in (401, 403):
        return wrong_credentials(host)
    return BadAnswer(
        Message(
            "failure_in_answer",
            "{host} accepted the question but answered with a failure ({code}): {said}",
            host=host,
            # What is too long for a code may be anything, somebody's telephone number as well.
            code=code if 0 <= code < 1000 else "?",
            said=said or "-",
        ),
        hint=Message("server_trouble", "Try again later; if it lasts, tell those who run the server."),
    )
