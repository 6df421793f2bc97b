"""What was asked of the simulated server; never with which password."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from typing import Any

from mdm_bridge.simulator.answers import Request
from mdm_bridge.simulator.world import stamp

__all__ = ["RequestLog"]

_LONGEST = 100_000


class RequestLog:
    """The last hundred thousand requests, in the order they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LONGEST)

    def note(self, request: Request, status: int) -> None:
        """Note a request and the status it gets (0: none, the connection was cut)."""
        entry = {
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "at": stamp(datetime.now(UTC)),
            "status": status,
            "protocol": request.headers.get("x-server-protocol-version"),
            "credentials": "authorization" in request.headers,
        }
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Return what was noted."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forget it."""
        with self._lock:
            self._entries.clear()
