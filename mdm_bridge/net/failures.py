"""What requests, urllib3, ssl and sockets raise, in our own words."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions as u3

from mdm_bridge.errors import (
    BadAnswer,
    ServerError,
    ServerRefused,
    ServerTimeout,
    ServerUnreachable,
)
from mdm_bridge.messages import Message
from mdm_bridge.net.body import BodyCut, BodyTooLarge, UnknownEncoding
from mdm_bridge.net.limits import Deadline

__all__ = [
    "Setback",
    "after_exception",
    "after_status",
    "bad_redirect",
    "chain_of",
    "deadline_exceeded",
    "permission_missing",
    "wrong_credentials",
]

_DROPPED = (ConnectionError, http.client.RemoteDisconnected, u3.NewConnectionError)
_TLS = (ssl.SSLError, ssl.CertificateError, requests.exceptions.SSLError, u3.SSLError)
# InvalidSchema: a SOCKS proxy named by the environment, which we cannot use.
_PROXY = (
    u3.ProxyError,
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,
)
_TIMEOUTS = (TimeoutError, requests.exceptions.Timeout, u3.TimeoutError)


@dataclass(frozen=True, slots=True)
class Setback:
    """One attempt that failed.

    ``passing``: another attempt may succeed; ``wait_s``: what the server asks to wait before.
    """

    error: ServerError
    passing: bool = False
    wait_s: float | None = None
    cause: BaseException | None = None


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and every one inside it: arguments, reasons, causes and contexts."""
    queue: list[object] = [error]
    seen: set[int] = set()
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        queue += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]


def after_exception(error: BaseException, host: str, deadline: Deadline, limit: int) -> Setback:
    """Turn what a library raised into a setback.

    Args:
        error: Anything requests or urllib3 raised, or ``read_body``.
        host: Host as people know it, without credentials.
        deadline: Of the running call.
        limit: Largest body in bytes.
    """
    chain = list(chain_of(error))
    text = " ".join(str(item) for item in chain)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(item, kinds) for item in chain)

    if has(BodyTooLarge):
        return Setback(_too_large(host, limit), cause=error)
    if has(UnknownEncoding):
        return Setback(_unknown_encoding(host), cause=error)
    if deadline.over:
        return Setback(deadline_exceeded(host, deadline), cause=error)
    if has(*_PROXY) or "Tunnel connection failed" in text:
        refused = "Tunnel connection failed" in text
        return Setback(_proxy_failed(host), passing=has(*_DROPPED) and not refused, cause=error)
    if has(u3.NameResolutionError):
        return Setback(_name_not_found(host), cause=error)
    if has(*_TLS):
        return Setback(_tls_failed(host), cause=error)
    if has(*_TIMEOUTS) and not has(u3.NewConnectionError):
        return Setback(_timeout(host), cause=error)
    if has(BodyCut, u3.IncompleteRead, http.client.IncompleteRead):
        return Setback(_cut(host), passing=True, cause=error)
    if has(*_DROPPED):
        return Setback(_unreachable(host), passing=True, cause=error)
    if has(http.client.HTTPException, u3.ProtocolError, u3.DecodeError, requests.exceptions.InvalidHeader):
        return Setback(_not_http(host), cause=error)
    return Setback(_unreachable(host), cause=error)


def after_status(status: int, host: str, wait_s: float | None, passing: bool) -> Setback:
    """Turn an HTTP status that is not a success into a setback.

    Args:
        status: The status.
        host: Host as people know it.
        wait_s: What ``Retry-After`` asks for.
        passing: Whether this status may pass by itself.
    """
    return Setback(_status_error(status, host), passing=passing, wait_s=wait_s)


def deadline_exceeded(host: str, deadline: Deadline) -> ServerTimeout:
    """Return the error of a call that took too long."""
    return ServerTimeout(
        Message(
            "deadline_exceeded",
            "{host} did not give its whole answer within {seconds} s.",
            host=host,
            seconds=round(deadline.seconds, 1),
        ),
        hint=Message("raise_timeout", "Try again later, or raise timeout_s for this server."),
    )


def bad_redirect(host: str) -> BadAnswer:
    """Return the error of a redirect that is not followed."""
    return BadAnswer(
        Message(
            "bad_redirect", "{host} sends us on to another place; the key is not taken there.", host=host
        ),
        hint=Message(
            "check_redirect_address",
            "Write the final address as url; on a guest network, open a browser first (log-in page).",
        ),
    )


def wrong_credentials(host: str) -> ServerRefused:
    """Return the error of a refused user or key."""
    return ServerRefused(
        Message("wrong_credentials", "{host} refused the network id or the key.", host=host),
        hint=Message("check_credentials", "Check network_id and the key file; a key may have been revoked."),
    )


def permission_missing(host: str) -> ServerRefused:
    """Return the error of a key that lacks a right."""
    return ServerRefused(
        Message("permission_missing", "The key has no right to do this on {host}.", host=host),
        hint=Message("grant_permission", "Give the key this right in the server's console (at least Read)."),
    )


def _status_error(status: int, host: str) -> ServerError:
    if status in (401, 403):
        return wrong_credentials(host)
    if status == 405:
        return permission_missing(host)
    if status == 407:
        return _proxy_failed(host)
    if status in (404, 410):
        return BadAnswer(
            Message("not_found", "{host} knows no such address (error {status}).", host=host, status=status),
            hint=Message(
                "check_path_prefix",
                "Check the path at the end of url (such as /api): old addresses have none, new ones need it.",
            ),
        )
    if status == 429:
        return BadAnswer(
            Message("rate_limited", "{host} says that we ask too often.", host=host),
            hint=Message("try_later", "Try again later, or set requests_per_s lower for this server."),
        )
    if status >= 500:
        return BadAnswer(
            Message("server_error", "{host} failed (error {status}).", host=host, status=status),
            hint=Message("server_trouble", "Try again later; if it lasts, tell those who run the server."),
        )
    return BadAnswer(
        Message(
            "unexpected_status",
            "{host} answered with the unexpected status {status}.",
            host=host,
            status=status,
        ),
        hint=Message(
            "check_server_address", "Check the address and the kind of this server in the settings."
        ),
    )


def _too_large(host: str, limit: int) -> BadAnswer:
    return BadAnswer(
        Message(
            "body_too_large",
            "The answer of {host} is larger than {limit_mb} MB; it was not read.",
            host=host,
            limit_mb=round(limit / 1_048_576, 1),
        ),
        hint=Message(
            "check_server_address", "Check the address and the kind of this server in the settings."
        ),
    )


def _unknown_encoding(host: str) -> BadAnswer:
    return BadAnswer(
        Message("unknown_encoding", "{host} compressed its answer in a way we did not ask for.", host=host),
        hint=Message(
            "suspect_proxy", "A proxy between here and the server may change answers: ask about it."
        ),
    )


def _cut(host: str) -> BadAnswer:
    return BadAnswer(
        Message("body_truncated", "The answer of {host} broke off before its end.", host=host),
        hint=Message(
            "try_again_line", "Try again; if it lasts, a proxy or a slow line may cut long answers."
        ),
    )


def _timeout(host: str) -> ServerTimeout:
    return ServerTimeout(
        Message("server_timeout", "{host} did not answer in time.", host=host),
        hint=Message("raise_timeout", "Try again later, or raise timeout_s for this server."),
    )


def _name_not_found(host: str) -> ServerUnreachable:
    return ServerUnreachable(
        Message("name_not_found", "The name {host} cannot be found.", host=host),
        hint=Message(
            "check_name_or_proxy", "Check the address; behind a proxy, set [network] proxy in the settings."
        ),
    )


def _proxy_failed(host: str) -> ServerUnreachable:
    return ServerUnreachable(
        Message("proxy_failed", "The proxy did not let us through to {host}.", host=host),
        hint=Message(
            "check_proxy",
            "Check [network] proxy and no_proxy (or HTTPS_PROXY and NO_PROXY): address, user, allowed hosts.",
        ),
    )


def _tls_failed(host: str) -> ServerUnreachable:
    return ServerUnreachable(
        Message(
            "tls_failed",
            "The encrypted connection to {host} failed: its certificate is not one we trust."
            " The likely cause is the institution's proxy, which inspects encrypted traffic.",
            host=host,
        ),
        hint=Message(
            "set_ca_bundle",
            "Ask for the proxy's root certificate (PEM file) and set it as ca_bundle in [network].",
        ),
    )


def _unreachable(host: str) -> ServerUnreachable:
    return ServerUnreachable(
        Message("server_unreachable", "{host} cannot be reached, or dropped the connection.", host=host),
        hint=Message(
            "check_network", "Check the network and the address; behind a proxy, set [network] proxy."
        ),
    )


def _not_http(host: str) -> BadAnswer:
    return BadAnswer(
        Message("not_http", "What answers at {host} does not speak HTTP as it should.", host=host),
        hint=Message(
            "check_server_address", "Check the address and the kind of this server in the settings."
        ),
    )
