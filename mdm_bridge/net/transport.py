"""Connections whose every read obeys the deadline of the call.

Timeouts of a socket count from byte to byte: a server that sends one byte a second defeats them,
in the headers as well as in the body. Here the socket's timeout is set to what is left of the call
before *each* receive, below every buffer, so that nothing above can block longer.
"""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.poolmanager import PoolManager, ProxyManager

from mdm_bridge.net.limits import current_deadline

__all__ = ["DeadlineAdapter"]


class _DeadlineReader(io.RawIOBase):
    """The read side of a socket, bounded by the deadline of the running call."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, silence_s: float | None) -> None:
        super().__init__()
        self._sock = sock
        self._raw = raw
        self._silence_s = silence_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        deadline = current_deadline()
        if deadline is not None:
            if deadline.over:
                raise TimeoutError("deadline of the call")
            silence = deadline.seconds if self._silence_s is None else self._silence_s
            self._sock.settimeout(deadline.bound(silence))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """A response that reads through :class:`_DeadlineReader`; also used for a proxy's CONNECT."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        silence_s = sock.gettimeout()
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach(), silence_s), 64 * 1024)


class _PlainConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _TlsConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _guard(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter on these connections; it never retries by itself."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _guard(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:
        """Return the pools of connections through one proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        # A SOCKS manager brings connection classes of its own; replacing them would skip the proxy.
        if type(manager) is ProxyManager:
            _guard(manager)
        return manager
