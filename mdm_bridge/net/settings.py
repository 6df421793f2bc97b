"""What one HTTP session may do: where to, with which rights, how long and how much."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from mdm_bridge.errors import SettingsError
from mdm_bridge.messages import Message
from mdm_bridge.net.redaction import Secret, without_credentials

__all__ = ["HttpSettings", "bundle_is_readable", "is_loopback", "split_address"]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where a session goes and its limits; checked when built.

    Args:
        url: Base address, path prefix included; a trailing slash does not matter.
        user: Name for HTTP Basic; None = no authentication.
        password: Password for HTTP Basic, anything with ``get_secret_value()``.
        headers: Sent with every request.
        connect_timeout_s: Until the connection stands.
        read_timeout_s: Longest silence while reading.
        deadline_s: For a whole call: waiting, retries and the body's last byte included.
        max_body_bytes: Largest body, as sent and after decompression.
        max_attempts: Attempts of one call, the first included.
        requests_per_s: Own limit for this server; None = none.
        proxy: Address of a proxy; None = the usual environment variables decide.
        no_proxy: Hosts reached without any proxy (names, suffixes, networks).
        ca_bundle: File (or folder) of certification authorities, in PEM.
        allow_http: Whether plain ``http://`` may leave this machine.

    Raises:
        SettingsError: An address is unusable or unsafe, or the bundle cannot be read.
    """

    url: str
    user: str | None = None
    password: Secret | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_timeout_s: float = 10
    read_timeout_s: float = 60
    deadline_s: float = 300
    max_body_bytes: int = 256 * 1024 * 1024
    max_attempts: int = 4
    requests_per_s: float | None = None
    proxy: str | None = field(default=None, repr=False)
    no_proxy: Sequence[str] = ()
    ca_bundle: str | Path | None = None
    allow_http: bool = False

    def __post_init__(self) -> None:
        parts = split_address(self.url)
        if parts.query or parts.fragment:
            raise SettingsError(
                Message(
                    "url_has_query",
                    "The address {url} has a part after ? or #.",
                    url=without_credentials(self.url),
                ),
                hint=Message("write_bare_url", "Write only the base address, for example https://host/api."),
            )
        if parts.scheme == "http" and not self.allow_http and not is_loopback(parts.hostname or ""):
            raise SettingsError(
                Message("http_not_allowed", "{url} is not encrypted.", url=without_credentials(self.url)),
                hint=Message(
                    "use_https",
                    "Write https://, or set allow_http = true if the network itself is protected.",
                ),
            )
        if self.proxy:
            _check_proxy(self.proxy)
        if self.ca_bundle is not None:
            _check_bundle(Path(self.ca_bundle))

    @property
    def base(self) -> str:
        """The base address without its trailing slashes."""
        return self.url.strip().rstrip("/")


def split_address(url: str) -> SplitResult:
    """Return the parts of an ``http(s)`` address.

    Raises:
        SettingsError: It is not one, or it carries a user or a password.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() or not char.isprintable() for char in text):
        raise SettingsError(
            Message("bad_url", "{url} is not a web address.", url=without_credentials(url)),
            hint=Message("write_full_url", "Write the whole address, for example https://host/api."),
        )
    if "@" in parts.netloc:
        raise SettingsError(
            Message(
                "credentials_in_url",
                "The address {url} carries a user or a password.",
                url=without_credentials(url),
            ),
            hint=Message(
                "move_credentials", "Take them out of the address; the key belongs in its own file."
            ),
        )
    return parts


def is_loopback(host: str) -> bool:
    """Tell whether a host name can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_proxy(proxy: str) -> None:
    try:
        parts = urlsplit(proxy.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            Message(
                "bad_proxy",
                "The address of the proxy cannot be used: {proxy}.",
                proxy=without_credentials(proxy),
            ),
            hint=Message("write_proxy_url", "Write it as http://proxy:3128."),
        )


def bundle_is_readable(path: Path) -> bool:
    """Tell whether a file (or folder) of certification authorities can be read."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if path.is_dir():
            context.load_verify_locations(capath=str(path))
        else:
            context.load_verify_locations(cafile=str(path))
    except (OSError, ValueError):
        # ssl.SSLError (not PEM) is an OSError as well; ValueError: no path at all.
        return False
    return True


def _check_bundle(path: Path) -> None:
    if not bundle_is_readable(path):
        raise SettingsError(
            Message("ca_bundle_unreadable", "The certificates in {path} cannot be read.", path=str(path)),
            hint=Message(
                "give_pem_bundle",
                "Give a readable file of certificates in PEM form (BEGIN CERTIFICATE) as ca_bundle.",
            ),
        )
