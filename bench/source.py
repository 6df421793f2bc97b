"""A server that lists its devices page by page, read the way the real adapters read theirs.

The page is split without being decoded; a row is known by the hash of its bytes; only a changed
row is decoded and validated (pydantic, device by device), its apps only when their own hash changed.
"""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import asdict
from pydantic import BaseModel, ConfigDict, ValidationError

from mdm_bridge.domain.identifiers import normalise_serial
from mdm_bridge.domain.inventory import Covers, InstalledApp, ServerFacts, Sighting
from mdm_bridge.errors import BadAnswer
from mdm_bridge.messages import Message
from mdm_bridge.ports.inventory import Capabilities, Page, Probe

__all__ = ["PagedSource"]


class _Answer(msgspec.Struct):
    total: int
    results: list[Raw]


class _Head(msgspec.Struct, rename="camel"):
    """A row in one pass over its bytes: values still unjudged, apps left as they are."""

    remote_id: Any = msgspec.field(default=None, name="id")
    serial: Any = msgspec.field(default=None, name="serialNumber")
    name: Any = None
    asset_tag: Any = None
    model: Any = None
    model_identifier: Any = None
    os_version: Any = None
    device_class: Any = msgspec.field(default=None, name="class")
    supervised: Any = None
    managed: Any = None
    battery_percent: Any = None
    capacity_gb: Any = None
    available_gb: Any = None
    contact_at: Any = msgspec.field(default=None, name="lastContact")
    enrolled_at: Any = None
    groups: Any = None
    location: Any = msgspec.field(default=None, name="locationId")
    apps: Raw = Raw(b"")


class _App(msgspec.Struct):
    identifier: str
    name: str | None = None
    version: str | None = None
    managed: bool | None = None


class _WireDevice(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    remote_id: str
    serial: str
    name: str | None
    asset_tag: str | None
    model: str | None
    model_identifier: str | None
    os_version: str | None
    device_class: str | None
    supervised: bool | None
    managed: bool | None
    battery_percent: int | None
    capacity_gb: float | None
    available_gb: float | None
    contact_at: datetime | None
    enrolled_at: datetime | None
    groups: tuple[str, ...] | None
    location: str | None


_HINT = Message("bench", "Start the bench again.")

_answers = msgspec.json.Decoder(_Answer)
_heads = msgspec.json.Decoder(_Head)
_app_lists = msgspec.json.Decoder(list[_App])


class _Row:
    """Implements ``ports.inventory.ListingRow``."""

    __slots__ = ("_apps_hash", "_head", "_raw", "_whole_hash")

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._head: _Head | None = None
        self._whole_hash: bytes | None = None
        self._apps_hash: bytes | None = None

    @property
    def whole_hash(self) -> bytes:
        if self._whole_hash is None:
            self._whole_hash = hashlib.sha256(self._raw).digest()[:16]
        return self._whole_hash

    def _decoded(self) -> _Head:
        if self._head is None:
            self._head = _heads.decode(self._raw)
        return self._head

    @property
    def remote_id(self) -> str:
        remote_id = self._decoded().remote_id
        return remote_id if isinstance(remote_id, str) else ""

    @property
    def serial(self) -> str:
        serial = self._decoded().serial
        return (normalise_serial(serial) or "") if isinstance(serial, str) else ""

    @property
    def apps_hash(self) -> bytes | None:
        if self._apps_hash is None:
            self._apps_hash = hashlib.sha256(self._decoded().apps).digest()[:16]
        return self._apps_hash

    def sighting(self) -> Sighting:
        try:
            wire = vars(_WireDevice.model_validate(asdict(self._decoded())))
        except ValidationError as error:
            raise BadAnswer(Message("bad_row", "A row is malformed."), hint=_HINT) from error
        return Sighting(**(wire | {"serial": self.serial, "udid": wire["remote_id"]}))

    def outline(self) -> None:
        return None

    def apps(self) -> list[InstalledApp]:
        apps = _app_lists.decode(self._decoded().apps)
        return [InstalledApp(app.identifier, app.name, app.version, app.managed) for app in apps]


class PagedSource:
    """Implements ``ports.inventory.ListingSource`` on the server of ``bench.server``.

    Args:
        port: Where it listens.
        state: Which state of the fleet to ask for.
    """

    name = "bench"
    kind = "paged"
    capabilities = Capabilities(covers=Covers.everything() & ~Covers.PROFILES)
    warnings: Sequence[Message] = ()

    def __init__(self, port: int, state: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._state = state
        self.requests = 0

    def probe(self) -> Probe:
        """Say nothing of interest."""
        return Probe(True, Message("server_answers", "It answers."))

    def facts(self) -> ServerFacts:
        """Return no facts: this server knows devices only."""
        return ServerFacts()

    def pages(self) -> Iterator[Page]:
        """Ask for page after page until every device came."""
        came = 0
        while True:
            answer = _answers.decode(self._get(self.requests))
            came += len(answer.results)
            yield Page([_Row(raw) for raw in answer.results], answer.total)
            if came >= answer.total or not answer.results:
                return

    def _get(self, page: int) -> bytes:
        self._connection.request("GET", f"/{self._state}/{page}")
        self.requests += 1
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise BadAnswer(Message("bad_status", "Status {status}.", status=response.status), hint=_HINT)
        return body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
