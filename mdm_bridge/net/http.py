"""One session to one distant server: bounded in time, in size, in attempts and in where it goes."""

from __future__ import annotations

import email.utils
import http.cookiejar
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3.exceptions as u3
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies, select_proxy, should_bypass_proxies

from mdm_bridge import __version__
from mdm_bridge.errors import ServerError, SettingsError
from mdm_bridge.messages import Message
from mdm_bridge.net.body import BodyCut, BodyTooLarge, UnknownEncoding, read_body
from mdm_bridge.net.failures import (
    Setback,
    after_exception,
    after_status,
    bad_redirect,
    chain_of,
    deadline_exceeded,
)
from mdm_bridge.net.limits import Deadline, TokenBucket, running
from mdm_bridge.net.redaction import forms_of, redact, without_credentials
from mdm_bridge.net.retry import PASSING_STATUSES, backoff_s, retry_after_s
from mdm_bridge.net.settings import HttpSettings, bundle_is_readable, is_loopback
from mdm_bridge.net.transport import DeadlineAdapter
from mdm_bridge.ports.clock import Clock, SystemClock

__all__ = ["HttpSession", "HttpSettings"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 3

log = logging.getLogger(__name__)
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_LIBRARY_ERRORS = (
    requests.RequestException,
    u3.HTTPError,
    OSError,
    BodyCut,
    BodyTooLarge,
    UnknownEncoding,
)


class _Session(requests.Session):
    """A session that looks at no redirect by itself: requests would read its whole body first."""

    def get_redirect_target(self, _resp: requests.Response) -> None:
        return None


class _Onward(NamedTuple):
    """Where a redirect leads."""

    url: str


class HttpSession:
    """Speaks to one server. Methods may be called from several threads; the limits are shared.

    Args:
        settings: Where to and within which limits.
        clock: Monotonic seconds.
        sleep: Waits so many seconds.
        calendar: The time of day, for ``Retry-After`` as a date.
        chance: Source of the jitter.

    Raises:
        SettingsError: An environment variable names certificates that cannot be read.

    Name resolution is the one step the deadline does not cover: the operating system bounds it.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        calendar: Clock | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._calendar = calendar or SystemClock()
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._lock = threading.Lock()
        self._requests_sent = 0
        self._date_header: str | None = None
        self._told = threading.local()  # several threads may ask at once
        self._bucket = TokenBucket(settings.requests_per_s, clock) if settings.requests_per_s else None
        password = settings.password.get_secret_value() if settings.password is not None else None
        self._secrets = forms_of(settings.user, password) if password else frozenset()
        self._session = _make_session(settings, password)

    @property
    def host(self) -> str:
        """Host and port as people know them."""
        return urlsplit(self._settings.base).netloc

    @property
    def requests_sent(self) -> int:
        """Requests sent so far; retries and redirects count."""
        return self._requests_sent

    @property
    def server_date(self) -> datetime | None:
        """The server's own time (aware, to the second) when it last answered, if it told."""
        try:
            told = email.utils.parsedate_to_datetime(self._date_header or "")
        except (ValueError, OverflowError):
            return None
        return told if told.tzinfo is not None else None

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> bytearray:
        """Fetch a body, trying again where that is harmless and promising.

        Args:
            path: Below the base address.
            params: Query parameters.
            headers: Added to those of the settings.

        Returns:
            The whole body, decompressed, in one buffer.

        Raises:
            ServerUnreachable: No connection (``server_unreachable``, ``name_not_found``, ``tls_failed``,
                ``proxy_failed``).
            ServerTimeout: Too slow (``server_timeout``, ``deadline_exceeded``).
            ServerRefused: ``wrong_credentials`` or ``permission_missing``.
            BadAnswer: Anything else that is not a whole, successful answer (``not_found``,
                ``rate_limited``, ``server_error``, ``body_too_large``, ``body_truncated``,
                ``bad_redirect``, ``not_http`` …).
        """
        url = f"{self._settings.base}/{path.lstrip('/')}"
        deadline = Deadline(self._settings.deadline_s, self._clock)
        attempt = 0
        while True:
            attempt += 1
            with running(deadline):
                outcome = self._attempt(url, params or {}, headers or {}, deadline, attempt)
            if isinstance(outcome, bytearray):
                return outcome
            wait_s = self._next_wait(outcome, attempt, deadline)
            if wait_s is None:
                raise self._final(outcome, deadline) from self._harmless(outcome.cause)
            log.info("request again", extra={"code": outcome.error.code, "wait_s": round(wait_s, 3)})
            self._sleep(wait_s)

    def proxy_for(self, url: str | None = None) -> str | None:
        """Return the proxy used for an address (default: the server's), without credentials."""
        proxies = self._proxies(url or self._settings.base)
        proxy = select_proxy(url or self._settings.base, proxies)
        return without_credentials(proxy) if proxy else None

    def close(self) -> None:
        """Close the connections; may be called twice."""
        self._session.close()

    def __repr__(self) -> str:
        return f"HttpSession({self.host!r})"

    def _next_wait(self, setback: Setback, attempt: int, deadline: Deadline) -> float | None:
        """Return the seconds until the next attempt, None if there is to be none."""
        if not setback.passing or attempt >= self._settings.max_attempts:
            return None
        wait_s = max(backoff_s(attempt, self._chance), setback.wait_s or 0.0)
        return wait_s if wait_s < deadline.left() else None

    def _final(self, setback: Setback, deadline: Deadline) -> ServerError:
        """Return the error to raise; it names the wait when that is what stops us."""
        if setback.wait_s is None or setback.wait_s < deadline.left():
            return setback.error
        return type(setback.error)(
            Message(
                setback.error.code,
                "{host} asks to wait {wait_s} s before the next request; a call may last {seconds} s.",
                host=self.host,
                wait_s=round(setback.wait_s),
                seconds=round(deadline.seconds, 1),
            ),
            hint=Message(
                "try_again_in", "Try again in {minutes} min.", minutes=max(1, -int(-setback.wait_s // 60))
            ),
        )

    def _attempt(
        self,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        deadline: Deadline,
        number: int = 1,
    ) -> bytearray | Setback:
        target, query = url, params
        for _ in range(_MAX_REDIRECTS + 1):
            started, self._told.status = self._clock(), None
            outcome = self._exchange(target, query, headers, deadline)
            self._log(url, query, outcome, number, self._clock() - started)
            if not isinstance(outcome, _Onward):
                return outcome
            # The new address carries its own query.
            target, query = outcome.url, {}
        return Setback(bad_redirect(self.host))

    def _log(
        self,
        url: str,
        query: Mapping[str, str],
        outcome: bytearray | Setback | _Onward,
        number: int,
        seconds: float,
    ) -> None:
        """Say what was asked and how it went; of an address the path we chose, of a query its keys."""
        extra = {
            "method": "GET",
            "path": urlsplit(url).path,
            "status": self._told.status,
            "bytes": len(outcome) if isinstance(outcome, bytearray) else 0,
            "seconds": round(seconds, 3),
            "attempt": number,
        }
        log.info("request", extra=extra)
        more = {"host": self.host, "query": ",".join(query), "requests": self._requests_sent}
        if isinstance(outcome, Setback):
            more["code"] = outcome.error.code
        log.debug("request detail", extra=more)

    def _exchange(
        self, url: str, params: Mapping[str, str], headers: Mapping[str, str], deadline: Deadline
    ) -> bytearray | Setback | _Onward:
        """Send one request and read its answer."""
        if not self._take_turn(deadline):
            return Setback(deadline_exceeded(self.host, deadline))
        try:
            with self._session.get(
                url,
                params=dict(params),
                headers=dict(headers),
                stream=True,
                allow_redirects=False,
                timeout=(
                    deadline.bound(self._settings.connect_timeout_s),
                    deadline.bound(self._settings.read_timeout_s),
                ),
                proxies=self._proxies(url),
            ) as response:
                return self._judge(response, deadline)
        except _LIBRARY_ERRORS as error:
            return after_exception(error, self.host, deadline, self._settings.max_body_bytes)

    def _judge(self, response: requests.Response, deadline: Deadline) -> bytearray | Setback | _Onward:
        status = self._told.status = response.status_code
        self._date_header = response.headers.get("Date")
        if status in _REDIRECTS:
            return self._onward(response)
        if not 200 <= status < 300 or status == 206:
            passing = status in PASSING_STATUSES
            asked = response.headers.get("Retry-After") if passing else None
            return after_status(status, self.host, retry_after_s(asked, self._calendar.now()), passing)
        body = read_body(response.raw, self._settings.max_body_bytes)
        # A fake clock or a slow last step: late is late even when every byte came.
        return Setback(deadline_exceeded(self.host, deadline)) if deadline.over else body

    def _onward(self, response: requests.Response) -> _Onward | Setback:
        """Judge a redirect: the same host and port, or the same host from http up to https."""
        location = response.headers.get("Location") or ""
        try:
            here = urlsplit(response.url)
            # requests reads headers as Latin-1; an address is ASCII or UTF-8.
            there = urlsplit(urljoin(response.url, location.encode("latin-1").decode("utf-8")))
            allowed = bool(location) and _may_follow(here, there)
        except ValueError:
            allowed = False
        return _Onward(there.geturl()) if allowed else Setback(bad_redirect(self.host))

    def _take_turn(self, deadline: Deadline) -> bool:
        """Wait for our own limit, count the request; False when the deadline comes first."""
        if self._bucket is not None:
            wait_s = self._bucket.reserve()
            if wait_s >= deadline.left():
                return False
            if wait_s > 0:
                self._sleep(wait_s)
        if deadline.over:
            return False
        with self._lock:
            self._requests_sent += 1
        return True

    def _proxies(self, url: str) -> dict[str, str]:
        """Return the proxies for an address, by scheme: the settings first, then the environment."""
        listed = ",".join(self._settings.no_proxy) or None
        if self._settings.proxy:
            # An empty text would make requests look into the environment.
            if listed and should_bypass_proxies(url, no_proxy=listed):
                return {}
            return {"http": self._settings.proxy.strip(), "https": self._settings.proxy.strip()}
        if listed and should_bypass_proxies(url, no_proxy=listed):
            return {}
        if is_loopback(urlsplit(url).hostname or ""):
            # A proxy of the environment cannot mean this very machine: a simulated server is here.
            return {}
        return {str(key): str(value) for key, value in get_environ_proxies(url, no_proxy=None).items()}

    def _harmless(self, cause: BaseException | None) -> BaseException | None:
        """Return the cause if showing it shows no secret; its request and answer are taken out."""
        if cause is None:
            return None
        for part in chain_of(cause):
            # Objects that hold the address with its query, or the headers.
            for attribute in ("request", "response", "url", "pool", "conn"):
                if attribute in getattr(part, "__dict__", {}):
                    setattr(part, attribute, None)
            shown = repr(part)
            if redact(shown, self._secrets) != shown:
                return None
        return cause


def _may_follow(here: SplitResult, there: SplitResult) -> bool:
    if "@" in there.netloc or (here.hostname or "") != (there.hostname or ""):
        return False
    ports = (_port(here), _port(there))
    if here.scheme == there.scheme:
        return ports[0] == ports[1]
    return (here.scheme, there.scheme) == ("http", "https") and ports == (80, 443)


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _make_session(settings: HttpSettings, password: str | None) -> requests.Session:
    session = _Session()
    # Proxies and certificates are looked up by us: trust_env would also read credentials from netrc.
    session.trust_env = False
    session.verify = _certificates(settings)
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"Accept-Encoding": "gzip", "Accept": "application/json"})
    session.headers["User-Agent"] = f"mdm-bridge/{__version__}"
    session.headers.update(settings.headers)
    if settings.user is not None or password is not None:
        # As bytes: requests would encode a text as Latin-1, and fail on a key pasted with a stray sign.
        session.auth = HTTPBasicAuth((settings.user or "").encode(), (password or "").encode())
    for scheme in ("https://", "http://"):
        session.mount(scheme, DeadlineAdapter(max_retries=0, pool_connections=2, pool_maxsize=4))
    return session


def _certificates(settings: HttpSettings) -> str | bool:
    if settings.ca_bundle is not None:
        return str(settings.ca_bundle)
    for variable in _CA_VARIABLES:
        path = os.environ.get(variable)
        if not path:
            continue
        if settings.base.startswith("https:") and not bundle_is_readable(Path(path)):
            raise _bad_variable(variable, path)
        return path
    return True


def _bad_variable(variable: str, path: str) -> SettingsError:
    return SettingsError(
        Message(
            "ca_variable_unreadable",
            "The environment variable {variable} names certificates that cannot be read: {path}.",
            variable=variable,
            path=path,
        ),
        hint=Message(
            "correct_ca_variable",
            "Correct or remove {variable}, or set ca_bundle in [network], which goes first.",
            variable=variable,
        ),
    )
