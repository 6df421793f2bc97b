"""A server with the shapes of Jamf Pro and of Snipe-IT, for the peers; faults on request.

Only what the peers ask for: tokens, pages of mobile devices, pages of computers, and an asset list
that can be searched and written. Device ``n`` of the fleet is the same in both listings.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["FAULTS", "ProServer", "running"]

#: What can be wrong, and what of it.
FAULTS = (
    "none", "one_page_500", "rate_limited", "token_lapses", "duplicate_serial", "bad_row", "failure_200",
)  # fmt: skip

_MOBILE = "/api/v2/mobile-devices/detail"
_COMPUTERS = "/api/v1/computers-inventory"
_TOKENS = ("/api/oauth/token", "/api/v1/oauth/token")
_BAD_PAGE = 4
_ODD_DEVICE = 456


class ProServer:
    """The state of the server.

    Args:
        devices: How many devices each listing holds.
        apps: Apps on each mobile device.
    """

    def __init__(self, devices: int, apps: int) -> None:
        self.devices = devices
        self.apps = [_app(number) for number in range(apps)]
        self.fault = "none"
        self.requests = 0
        self.writes = 0
        self.assets: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self._pages = 0
        self._spoiled = False
        self._token = 0

    def start_over(self, fault: str, *, keep_assets: bool = False) -> None:
        """Forget what was counted, and begin to do one thing wrong."""
        self.fault, self.requests, self.writes = fault, 0, 0
        self._pages, self._spoiled, self._token = 0, False, 0
        if not keep_assets:
            self.assets.clear()

    def truth(self) -> dict[str, str]:
        """Return the version of the system of every device, by serial number."""
        first = 1 if self.fault == "duplicate_serial" else 0
        return {_serial(number): _version(number) for number in range(first, self.devices)}

    def token(self) -> dict[str, Any]:
        """Give a new token."""
        self._token += 1
        return {"access_token": f"t{self._token}", "expires_in": 1200, "token_type": "Bearer", "scope": "r"}

    def listing(self, kind: str, query: dict[str, list[str]], token: str) -> tuple[int, Any]:
        """Return status and body of one page."""
        number, size = int(query.get("page", ["0"])[0]), int(query.get("page-size", ["100"])[0])
        with self.lock:
            self._pages += 1
            spoil = self._refuse(number, token)
        if spoil is not None:
            return spoil
        make = self._mobile if kind == _MOBILE else _computer
        rows = [make(n) for n in range(number * size, min((number + 1) * size, self.devices))]
        if self.fault == "bad_row":
            rows = [_spoiled(row) if row["id"] == str(_ODD_DEVICE) else row for row in rows]
        if self.fault == "duplicate_serial" and rows and rows[0]["id"] == "0":
            # An older record of a device that comes later: enrolled anew, the first never removed.
            rows[0] = _older(make(_ODD_DEVICE))
        return 200, {"totalCount": self.devices, "results": rows}

    def _refuse(self, number: int, token: str) -> tuple[int, Any] | None:
        if self.fault == "one_page_500" and number == _BAD_PAGE:
            return 500, {"httpStatus": 500, "errors": []}
        if self.fault == "rate_limited" and number == _BAD_PAGE and not self._spoiled:
            self._spoiled = True
            return 429, {"httpStatus": 429, "errors": []}
        if self.fault == "token_lapses" and self._pages > _BAD_PAGE and token == "t1":
            return 401, {"httpStatus": 401, "errors": [{"code": "INVALID_TOKEN"}]}
        if self.fault == "failure_200":
            return 200, {"httpStatus": 500, "errors": [{"code": "FAILED"}]}
        return None

    def _mobile(self, number: int) -> dict[str, Any]:
        return {
            "id": str(number),
            "mobileDeviceId": str(number),
            "deviceType": "iOS",
            "hardware": {
                "serialNumber": _serial(number),
                "model": "iPad (10th generation)",
                "modelIdentifier": "iPad13,18",
                "capacityMb": 64_000,
                "availableSpaceMb": 30_000 + number,
                "batteryLevel": number % 101,
            },
            "general": {
                "udid": f"00008020-{number:016X}",
                "displayName": f"FORM-{number:04}",
                "osVersion": _version(number),
                "managed": True,
                "supervised": True,
                "lastInventoryUpdateDate": "2026-11-24T08:00:00Z",
            },
            "applications": self.apps,
        }

    def search(self, serial: str) -> dict[str, Any]:
        """Return the assets of a serial number."""
        found = [asset for asset in (self.assets.get(serial),) if asset is not None]
        return {"total": len(found), "rows": found}

    def write(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an asset, or change one."""
        with self.lock:
            self.writes += 1
            if path.endswith("/hardware"):
                asset = {**body, "id": len(self.assets) + 1}
                self.assets[body["serial"]] = asset
            else:
                number = int(path.rsplit("/", 1)[1])
                asset = next(one for one in self.assets.values() if one["id"] == number)
                asset.update(body)
        return {"status": "success", "payload": asset}


def _serial(number: int) -> str:
    return f"PEER{number:08}"


def _version(number: int) -> str:
    return f"18.{number % 7}"


def _app(number: int) -> dict[str, Any]:
    return {
        "identifier": f"org.example.studio.application{number:03}",
        "name": f"Application {number:03}",
        "version": f"{number}.1.{number * 7}",
        "shortVersion": f"{number}.1",
        "managementStatus": "Managed",
        "validationStatus": True,
        "bundleSize": "123456789",
        "dynamicSize": "1234",
    }


def _computer(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "general": {"name": f"FORM-{number:04}", "lastContactTime": "2026-11-24T08:00:00Z"},
        "hardware": {"serialNumber": _serial(number), "model": "MacBook Air", "macAddress": None},
        "operatingSystem": {"name": "macOS", "version": _version(number), "build": "23F79"},
        "userAndLocation": {},
    }


def _older(row: dict[str, Any]) -> dict[str, Any]:
    old = json.loads(json.dumps(row))
    old["id"] = old["mobileDeviceId"] = "0"
    old["general"]["lastInventoryUpdateDate"] = old["general"]["lastContactTime"] = "2026-01-05T08:00:00Z"
    old["general"]["osVersion"] = "15.0"
    old.get("operatingSystem", {})["version"] = "15.0"
    return old


def _spoiled(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "general": "not an object"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: ProServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path in (_MOBILE, _COMPUTERS):
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._send(*self.state.listing(url.path, query, token))
        elif url.path.endswith("/hardware"):
            self._send(200, self.state.search(query.get("search", [""])[0]))
        else:
            self._send(200, {"total": 1, "rows": [{"id": 1, "name": "any"}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urlsplit(self.path).path in _TOKENS:
            self._send(200, self.state.token())
        else:
            self._send(200, self.state.write(urlsplit(self.path).path, json.loads(body)))

    do_PUT = do_PATCH = do_POST  # noqa: N815

    def _send(self, status: int, body: Any) -> None:
        with self.state.lock:
            self.state.requests += 1
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running(state: ProServer) -> Iterator[int]:
    """Serve a state on the loopback, and give the port."""
    _Handler.state = state
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
