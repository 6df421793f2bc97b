"""A practice Jamf School server: its routes, rights and failure answers.

Written from facts about the Jamf School REST API (protocols 1, 3 and 4) and from nothing of our
own reader of it. What is not known of the real thing answers like an unknown address.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from mdm_bridge.simulator import jamf_reads as reads
from mdm_bridge.simulator import jamf_writes as writes
from mdm_bridge.simulator.answers import Answer, Listing, Request, failure, json_answer, text_answer
from mdm_bridge.simulator.jamf_call import Call
from mdm_bridge.simulator.jamf_filters import chosen
from mdm_bridge.simulator.jamf_rows import Rows
from mdm_bridge.simulator.models import Snapshot
from mdm_bridge.simulator.world import World

__all__ = ["JamfSchool"]

_WRITES = frozenset({"POST", "PUT", "DELETE"})
_Handler = Callable[[Call], Answer]


class JamfSchool:
    """Answers requests below ``/api`` from a world.

    Args:
        world: The state.
        network_id: User name of every key.
        api_key: The key that may only read.
        write_api_key: The key that may also add, edit and delete.
    """

    kind = "jamf-school"
    prefix = "/api"
    listing_path = "/devices"

    def __init__(self, world: World, *, network_id: str, api_key: str, write_api_key: str) -> None:
        self.world = world
        self._network_id = network_id
        self._read_key = api_key
        self._write_key = write_api_key
        self._rows = Rows(world.zone)
        self._answered = 0

    def answer(self, request: Request, snapshot: Snapshot) -> Answer:
        """Answer a request from a state, which may be an earlier one for reads."""
        self._answered += 1
        answer = self._refusal(request) or self._route(request, snapshot)
        # Several machines stand behind the real address; each answer says which one spoke.
        answer.headers["x-server-instance"] = f"web-{self._answered % 3 + 1}"
        return answer

    def _refusal(self, request: Request) -> Answer | None:
        key = self._key_of(request)
        if key not in (self._read_key, self._write_key):
            answer = text_answer("Unauthorized", 401)
            answer.headers["WWW-Authenticate"] = 'Basic realm="Jamf School"'
            return answer
        if request.method in _WRITES and key != self._write_key:
            return not_allowed(request.method)
        return None

    def _key_of(self, request: Request) -> str | None:
        scheme, _, code = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "basic":
            return None
        try:
            user, _, key = base64.b64decode(code, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return key if user == self._network_id else None

    def _route(self, request: Request, snapshot: Snapshot) -> Answer:
        parts = request.path.split("/")[1:]
        if parts == ["devices"] and request.method == "GET":
            return self._devices(request, snapshot)
        for method, pattern, protocol, handler in _ROUTES:
            if method == request.method and _fits(pattern, parts):
                if _protocol(request) < protocol:
                    break
                subject = parts[pattern.index("*")] if "*" in pattern else ""
                try:
                    return handler(Call(request, snapshot, self.world, subject, self._answered))
                except (ValueError, TypeError):
                    return failure(400, "MissingParameter")
        return text_answer("404 page not found", 404)

    def _devices(self, request: Request, snapshot: Snapshot) -> Answer:
        with self.world.lock:
            devices = chosen(snapshot, request.query)
            rows = self._rows.of(devices, snapshot, with_apps="includeApps" in request.query)
        keys = [device.serial for device in devices]
        return Answer(listing=Listing("devices", keys, rows, count=len(rows)))


def not_allowed(method: str) -> Answer:
    """Return what a key without the right for a method gets."""
    message = f"Requested method ({method}) not allowed using this API key"
    return json_answer({"error": {"code": 405, "message": message}}, 405)


def _fits(pattern: tuple[str, ...], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        part and wanted in ("*", part) for wanted, part in zip(pattern, parts, strict=True)
    )


def _protocol(request: Request) -> int:
    text = request.headers.get("x-server-protocol-version", "1").strip()
    return int(text) if text.isascii() and text.isdigit() else 1


#: Method, address, lowest protocol, handler; the first that fits is taken.
_ROUTES: tuple[tuple[str, tuple[str, ...], int, _Handler], ...] = (
    ("GET", ("devices", "groups"), 1, reads.list_groups),
    ("GET", ("devices", "groups", "*"), 1, reads.show_group),
    ("POST", ("devices", "groups"), 1, writes.add_group),
    ("POST", ("devices", "groups", "add"), 1, writes.edit_members),
    ("POST", ("devices", "groups", "remove"), 1, writes.edit_members),
    ("PUT", ("devices", "groups", "*"), 1, writes.edit_group),
    ("DELETE", ("devices", "groups", "*"), 1, writes.delete_group),
    ("GET", ("devices", "*"), 1, reads.show_device),
    ("DELETE", ("devices", "*"), 1, writes.trash_device),
    ("POST", ("devices", "*", "refresh"), 1, writes.send_command),
    ("POST", ("devices", "*", "restart"), 1, writes.send_command),
    ("POST", ("devices", "*", "wipe"), 1, writes.send_command),
    ("POST", ("devices", "*", "unenroll"), 1, writes.send_command),
    ("POST", ("devices", "*", "restore"), 1, writes.send_command),
    ("POST", ("devices", "*", "activationlock", "clear"), 1, writes.send_command),
    ("POST", ("devices", "*", "details"), 1, writes.edit_details),
    ("PUT", ("devices", "*", "owner"), 1, writes.edit_owner),
    ("GET", ("apps",), 1, reads.list_apps),
    ("GET", ("apps", "*"), 1, reads.show_app),
    ("POST", ("apps",), 4, writes.add_app),
    ("POST", ("apps", "*", "trash"), 4, writes.trash_app),
    ("GET", ("profiles",), 1, reads.list_profiles),
    ("GET", ("profiles", "*"), 1, reads.show_profile),
    ("GET", ("locations",), 1, reads.list_locations),
    ("GET", ("locations", "*"), 1, reads.show_location),
    ("GET", ("users",), 1, reads.list_users),
    ("GET", ("users", "*"), 1, reads.show_user),
)
