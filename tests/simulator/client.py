"""A client made of the standard library alone: what it sees is what is on the wire."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mdm_bridge.simulator import Simulator


@dataclass(frozen=True)
class Seen:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Speaks to one simulator; ``key`` is the read key unless told otherwise."""

    def __init__(self, simulator: Simulator, key: str | None = None, timeout: float = 10) -> None:
        self.simulator = simulator
        self.timeout = timeout
        pair = f"{simulator.network_id}:{simulator.api_key if key is None else key}"
        self.authorization = "Basic " + base64.b64encode(pair.encode()).decode()

    @property
    def port(self) -> int:
        return urlsplit(self.simulator.url).port or 0

    def __call__(
        self, method: str, path: str, body: Any = None, *, form: bool = False, **headers: str
    ) -> Seen:
        base = urlsplit(self.simulator.url)
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=self.timeout)
        data = None
        sent = {"Authorization": self.authorization, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        try:
            connection.request(method, base.path + path, data, {k: v for k, v in sent.items() if v})
            answer = connection.getresponse()
            seen = {name.lower(): value for name, value in answer.getheaders()}
            return Seen(answer.status, seen, answer.read())
        finally:
            connection.close()

    def devices(self, query: str = "?includeApps=true") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("GET", f"/devices{query}").json["devices"]
        return found

    def control(self, method: str, path: str, body: Any = None) -> Seen:
        base = urlsplit(self.simulator.control)
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=self.timeout)
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, base.path + path, data)
            answer = connection.getresponse()
            return Seen(answer.status, {}, answer.read())
        finally:
            connection.close()

    def fault(self, name: str, **values: Any) -> dict[str, Any]:
        seen = self.control("POST", "/faults", {"fault": name, **values})
        assert seen.status == 200, seen.body
        found: dict[str, Any] = seen.json
        return found
