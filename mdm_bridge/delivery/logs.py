"""The program's own log: on stderr, for people or for a collector, without secrets.

Records are written as ``getLogger(__name__).info("run complete", extra={"server": name, "devices": n})``: an
event, then the same keys everywhere. Configured once here; nothing below delivery touches handlers.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

__all__ = ["ConsoleFormatter", "JsonFormatter", "configure"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LONGEST = 500  # characters of a value; text from outside is data, and a log is read by people

#: What every record has; anything else came with ``extra``.
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def configure(
    verbosity: int = 0, level: str = "warning", form: str = "console", stream: TextIO | None = None
) -> None:
    """Send the log of ``mdm_bridge`` to stderr; calling it again replaces what was.

    Args:
        verbosity: -1 errors only, 1 what is being done, 2 everything; 0 = as ``level`` says.
        level: ``debug``, ``info``, ``warning`` or ``error`` (``[logging] level``).
        form: ``console`` or ``json`` (``[logging] format``).
        stream: Where to; default stderr as it is when a record comes.
    """
    handler = _Handler() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else ConsoleFormatter())
    handler.addFilter(_redact)
    logger = logging.getLogger("mdm_bridge")
    logger.handlers[:] = [handler]
    logger.propagate = False
    chosen = {-1: logging.ERROR, 1: logging.INFO, 2: logging.DEBUG}.get(verbosity)
    logger.setLevel(_LEVELS.get(level, logging.WARNING) if chosen is None else chosen)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is now (it is replaced in tests, and by progress bars)."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """The present stderr."""
        return sys.stderr


_redactor: logging.Filter | None = None


def _redact(record: logging.LogRecord) -> bool:
    """Mask secrets; the patterns are compiled at the first record, not at the start of every command."""
    global _redactor
    if _redactor is None:
        from mdm_bridge.net.redaction import RedactingFilter

        _redactor = RedactingFilter()
    for key, value in _extra(record).items():
        if isinstance(value, str):
            setattr(record, key, _masked(value))
    return bool(_redactor.filter(record))


def _masked(text: str) -> str:
    from mdm_bridge.net.redaction import clip, redact

    return clip(redact(text), _LONGEST)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _OWN}


def _event(record: logging.LogRecord) -> str:
    """Return the event on one line: text from outside could hold a line feed and forge a record."""
    from mdm_bridge.net.redaction import clip

    return clip(record.getMessage(), _LONGEST)


class ConsoleFormatter(logging.Formatter):
    """``12:30:05 warning run refused server=departement``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in _extra(record).items())
        line = f"{at} {record.levelname.lower()} {_event(record)}{pairs}"
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        return f"{line}\n{trace}" if trace else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:23] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
            **_extra(record),
        }
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        if trace:
            entry["traceback"] = trace
        return json.dumps(entry, ensure_ascii=False, default=str)


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=\n') else text
