"""No network but loopback, for the whole test process.

An audit hook sees every way to a socket, C extensions of Python's own socket module included. It
cannot be taken away again, so it asks a switch. A name under ``.invalid`` never exists (RFC 2606):
looking it up fails as it would on a real network, without asking one.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

__all__ = ["NetworkBlocked", "block"]

_installed = False


class NetworkBlocked(RuntimeError):
    """A test tried to leave the machine. Not an OSError: code under test must not swallow it."""


def block() -> None:
    """Refuse every connection and look-up that leaves the machine, until the process ends."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_judge)


def _judge(event: str, args: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        if isinstance(address, tuple):
            _judge_host(str(address[0]))
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        _judge_host(args[0])


def _judge_host(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host or ""
    if name in {"", "localhost", socket.gethostname()} or _is_loopback(name):
        return
    if name.rstrip(".").endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    raise NetworkBlocked(f"a test tried to reach {name!r}; only loopback is allowed")


def _is_loopback(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
