"""The two output streams: any encoding, a reader that left, and lines for people on stderr."""

from __future__ import annotations

import codecs
import errno
import os
import select
import sys
from collections.abc import Container
from contextlib import suppress
from typing import TextIO

import click
from click.exceptions import NoArgsIsHelpError

from mdm_bridge.delivery.i18n import _, translate
from mdm_bridge.documents.cells import harmless
from mdm_bridge.errors import BridgeError, InputError, system_reason
from mdm_bridge.messages import Message

__all__ = [
    "is_closed_pipe",
    "is_output_lost",
    "note",
    "output_lost",
    "prepare_streams",
    "quiet_exit",
    "reader_left",
    "show_error",
    "show_usage_error",
]

#: What to write instead of a character the console lacks (cp1252 has no narrow no-break space).
_LIKENESS = {
    "\u202f": "\u00a0",
    "\u2009": " ",
    "\u2010": "-",
    "\u2011": "-",
    "\u2212": "-",
    "\u2192": "->",
    "\u2264": "<=",
    "\u2265": ">=",
}
_PLAIN = {**_LIKENESS, "\u00a0": " ", "\u202f": " ", "\u00ab": '"', "\u00bb": '"', "\u2019": "'"}
#: Numbers of a write that finds no room, or a disk with a fault.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)})
_HANDLER = "mdm_bridge.likeness"


def _likeness(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    table = _PLAIN if error.encoding.lower().replace("-", "") in ("ascii", "usascii") else _LIKENESS
    wrong = error.object[error.start : error.end]
    written = []
    for char in wrong:
        like = table.get(char, "?")
        try:
            like.encode(error.encoding)
        except UnicodeEncodeError:
            like = _PLAIN.get(char, "?")
        written.append(like)
    return "".join(written), error.end


def prepare_streams() -> None:
    """Let stdout and stderr write any text, whatever their encoding."""
    codecs.register_error(_HANDLER, _likeness)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)


def _open_closed_streams() -> None:
    """Give a stream that was closed from outside (``>&-``) a place where nothing is kept.

    Its number is taken too: the database file would get it otherwise.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for the whole run


def is_closed_pipe(error: OSError) -> bool:
    """Tell whether the reader of our output left (Windows says « invalid argument »)."""
    return error.errno == errno.EPIPE or (os.name == "nt" and error.errno == errno.EINVAL)


def reader_left() -> bool:
    """Tell whether stdout or stderr is closed at the other end (sockets break with the same number)."""
    return any(map(_lost, (sys.stdout, sys.stderr)))


def _lost(stream: TextIO) -> bool:
    """Ask the system: what could not be written is forgotten, so that flushing again would tell nothing."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return False
    if not hasattr(select, "poll"):  # Windows knows no way to ask
        return not stream.isatty()
    poll = select.poll()
    poll.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _number, event in poll.poll(0))


def quiet_exit() -> OSError | None:
    """Flush both streams; give the interpreter nothing more to flush when that fails.

    Returns:
        Why what was printed did not arrive, when it is not that its reader left.
    """
    lost = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:
            continue  # already closed
        except OSError as error:
            _point_to_nowhere(stream)
            if not is_closed_pipe(error):
                lost = error
    return lost


def is_output_lost(error: OSError) -> bool:
    """Tell whether a write to one of our streams failed: those name no file."""
    return error.filename is None and error.errno in _NO_ROOM


def output_lost(error: OSError) -> InputError:
    """Return the error of data that could not be printed."""
    return InputError(
        Message("output_lost", "The output cannot be written: {reason}.", reason=system_reason(error)),
        hint=Message("output_elsewhere", "Make room on that disk, or send the output elsewhere."),
    )


def _point_to_nowhere(stream: TextIO) -> None:
    """Make the interpreter's own flush at exit succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):
        pass  # a stream without a descriptor has nothing to flush to
    finally:
        os.close(nowhere)


def note(text: str) -> None:
    """Print one line for the person on stderr, after what was printed on stdout before it."""
    with suppress(OSError, ValueError):  # a reader that left is told elsewhere
        sys.stdout.flush()
    click.echo(harmless(text), err=True)


def show_error(error: BridgeError) -> None:
    """Print the sentence of an error, then what to do."""
    note(_("Error: {message}", message=translate(error.message)))
    note(_("Hint: {hint}", hint=translate(error.hint)))


def show_usage_error(error: click.ClickException, before_command: Container[str] = ()) -> None:
    """Print click's own sentence in our form, with a hint line.

    Args:
        error: What click refused.
        before_command: Options that exist, but only before the command.
    """
    if isinstance(error, NoArgsIsHelpError):
        error.show()
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        note(context.get_usage())
    note(_("Error: {message}", message=error.format_message()))
    note(_("Hint: {hint}", hint=_usage_hint(error, context, before_command)))


def _usage_hint(
    error: click.ClickException, context: click.Context | None, before_command: Container[str]
) -> str:
    own: str | None = getattr(error, "bridge_hint", None)
    if own is not None:
        return own
    if isinstance(error, click.NoSuchOption) and error.option_name in before_command:
        return _("Put {option} before the command: mdm-bridge {option} …", option=error.option_name)
    path = context.command_path if context is not None else "mdm-bridge"
    return _("{command} shows what is possible.", command=f"{path} --help")
