"""Every error this program raises on purpose.

.. code-block:: text

    BridgeError                     exit 1
    ├── SettingsError               a setting is wrong or missing
    ├── InputError                  a file or a value given by a person is wrong
    ├── UnknownObject               no such serial, code or id
    ├── TransitionRefused           a rule of the domain forbids this change
    ├── AlreadyRunning              another process holds the lease
    ├── Interrupted                 it was told to stop; nothing was changed
    ├── LeaseLost                   our lease was taken over; nothing was written
    ├── StorageError                the database cannot do it (locked, full, too new, damaged)
    ├── ServerError                 the distant server
    │   ├── ServerUnreachable       no connection, name not found, TLS failure, dropped
    │   ├── ServerTimeout           no answer in time, or an answer that trickles
    │   ├── ServerRefused           credentials or permission
    │   └── BadAnswer               an answer that cannot be understood, or is incomplete
    ├── PartlyFailed                exit 4: some of it worked
    └── UnsafeRefused               exit 5: refused because it looks dangerous

An error carries its exit code and a ``hint``: what a person can do next. Anything else that
reaches the command line is a bug and keeps its traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from mdm_bridge.messages import Message

__all__ = [
    "AlreadyRunning",
    "BadAnswer",
    "BridgeError",
    "InputError",
    "Interrupted",
    "LeaseLost",
    "PartlyFailed",
    "ServerError",
    "ServerRefused",
    "ServerTimeout",
    "ServerUnreachable",
    "SettingProblem",
    "SettingsError",
    "StorageError",
    "TransitionRefused",
    "UnknownObject",
    "UnsafeRefused",
    "system_reason",
]


class BridgeError(Exception):
    """An error with a sentence, a stable code, a hint and an exit code.

    Args:
        message: What happened, one sentence of fact.
        hint: What to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: Message, *, hint: Message) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """Stable code of the sentence."""
        return self.message.code

    def __str__(self) -> str:
        return str(self.message)


class SettingProblem(NamedTuple):
    """One wrong setting: ``file`` it stands in (None: the environment, or no file), ``key`` in full."""

    file: str | None
    key: str
    message: Message
    hint: Message


class SettingsError(BridgeError):
    """A setting is wrong or missing; ``problems`` holds each one when several are told at once."""

    def __init__(self, message: Message, *, hint: Message, problems: Sequence[SettingProblem] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class InputError(BridgeError):
    """A file or a value given by a person is wrong; nothing was changed."""


class UnknownObject(BridgeError):
    """No such serial, code or id."""


class TransitionRefused(BridgeError):
    """A rule of the domain forbids this change."""


class AlreadyRunning(BridgeError):
    """Another living process does this very thing."""


class Interrupted(BridgeError):
    """The work was told to stop before its end; nothing was changed."""


class LeaseLost(BridgeError):
    """Our lease was taken over while we worked; nothing was written."""


class StorageError(BridgeError):
    """The database cannot do it: locked, full, too new, damaged, on a network share."""


class ServerError(BridgeError):
    """The distant server did not do its part."""


class ServerUnreachable(ServerError):
    """No connection: refused, name not found, TLS failure, or dropped half-way."""


class ServerTimeout(ServerError):
    """No answer in time, or an answer that came too slowly."""


class ServerRefused(ServerError):
    """The distant server refused the credentials or the permission."""


class BadAnswer(ServerError):
    """An answer that cannot be understood, says it failed, or is incomplete."""


class PartlyFailed(BridgeError):
    """Some of it worked and some did not."""

    exit_code = 4


class UnsafeRefused(BridgeError):
    """Refused because it looks dangerous; ``--force`` accepts it where a command has it."""

    exit_code = 5


_SYSTEM_REASONS = {
    errno.ENOENT: Message("no_such_path", "the file or its folder does not exist"),
    errno.EACCES: Message("access_refused", "access is refused"),
    errno.EPERM: Message("access_refused", "access is refused"),
    errno.EISDIR: Message("is_a_folder", "it is a folder"),
    errno.ENOTDIR: Message("folder_is_a_file", "a folder of its path is a file"),
    errno.EEXIST: Message("name_taken", "something of that name is there already"),
    errno.ENOSPC: Message("disk_full", "the disk is full"),
    errno.EROFS: Message("disk_read_only", "that disk can only be read"),
    errno.ENAMETOOLONG: Message("name_too_long", "the name is too long"),
}


def system_reason(error: OSError) -> Message:
    """Return why the system refused a file, in our own words: its sentences come in its own language."""
    known = _SYSTEM_REASONS.get(error.errno or 0)
    return known or Message("system_refused", "the system refused it (code {code})", code=error.errno or 0)
