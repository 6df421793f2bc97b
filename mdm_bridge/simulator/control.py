"""The control panel of a simulated server: ``/control/…``, JSON in and out, no password.

It listens on loopback alone, like the rest. A request it does not understand is answered 400 with
the reason and what is possible.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mdm_bridge.simulator.answers import Answer, Request, json_answer
from mdm_bridge.simulator.by_hand import FIELDS, change_device
from mdm_bridge.simulator.dice import parse_span
from mdm_bridge.simulator.fault_effects import EVENTS
from mdm_bridge.simulator.faults import FAULTS, Fault, FaultBook, read_fault
from mdm_bridge.simulator.requests_seen import RequestLog
from mdm_bridge.simulator.world import World, stamp

__all__ = ["Control"]


class Control:
    """Answers what is asked of the simulator itself.

    Args:
        world: The state it shows and changes.
        book: The active faults.
        log: The requests the product received.
        stop: Called after ``POST control/kill`` is answered.
    """

    def __init__(self, world: World, book: FaultBook, log: RequestLog, stop: Callable[[], None]) -> None:
        self._world = world
        self._book = book
        self._log = log
        self._stop = stop
        self._routes: Mapping[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/faults"): self._faults,
            ("POST", "/faults"): self._set_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/clock"): self._clock,
            ("POST", "/clock"): self._move_clock,
            ("GET", "/requests"): lambda _: self._log.entries(),
            ("DELETE", "/requests"): self._clear_requests,
            ("POST", "/requests/clear"): self._clear_requests,
            ("GET", "/state"): self._state,
            ("POST", "/device"): self._device,
            ("POST", "/kill"): lambda _: {"stopping": True},
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request whose path is below ``/control``."""
        path = request.path.rstrip("/")
        if not path:
            return json_answer(self._index())
        route = self._routes.get((request.method, path))
        if route is None:
            return json_answer({"error": f"no {request.method} /control{path}", **self._index()}, 404)
        try:
            answer = json_answer(route(request))
        except (ValueError, OverflowError) as error:
            return json_answer({"error": str(error), **_possible(path)}, 400)
        if path == "/kill":
            answer.afterwards = self._stop
        return answer

    def _index(self) -> dict[str, Any]:
        return {"routes": [f"{method} /control{path}" for method, path in self._routes]}

    def _faults(self, _: Request) -> list[dict[str, Any]]:
        return [fault.shown() for fault in self._book.active()]

    def _clear_faults(self, _: Request) -> dict[str, Any]:
        self._book.set([])
        return {"active": [], "applied": []}

    def _set_faults(self, request: Request) -> dict[str, Any]:
        """A list replaces what is active, one object is added; events happen at once."""
        raw = _json(request)
        faults = [read_fault(one) for one in raw] if isinstance(raw, list) else [read_fault(raw)]
        lasting = [fault for fault in faults if fault.name not in EVENTS]
        applied = []
        for fault in faults:
            if fault.name in EVENTS:
                serials = EVENTS[fault.name](fault, self._world, self._book)
                applied.append({"fault": fault.name, "serials": serials})
        self._activate(lasting, replacing=isinstance(raw, list) and (bool(lasting) or not raw))
        return {"active": [fault.shown() for fault in self._book.active()], "applied": applied}

    def _activate(self, lasting: list[Fault], *, replacing: bool) -> None:
        if replacing:
            self._book.set(lasting)
            return
        for fault in lasting:
            self._book.add(fault)

    def _clock(self, _: Request) -> dict[str, Any]:
        return {"now": stamp(self._world.now), "timezone": self._world.zone.key}

    def _move_clock(self, request: Request) -> dict[str, Any]:
        values = _object(request)
        if set(values) == {"advance"}:
            self._world.advance(parse_span(values["advance"]))
        elif set(values) == {"set"}:
            self._world.set_clock(_instant(values["set"]))
        else:
            raise ValueError(
                'the clock takes {"advance": "1d"}, {"advance": 3600} or {"set": "2026-11-25T08:00:00Z"}'
            )
        return self._clock(request)

    def _clear_requests(self, _: Request) -> dict[str, Any]:
        self._log.clear()
        return {"cleared": True}

    def _state(self, request: Request) -> Mapping[str, Any]:
        return self._world.state(with_apps=request.query.get("apps") != "false")

    def _device(self, request: Request) -> Mapping[str, Any]:
        return change_device(self._world, _object(request))


def _possible(path: str) -> dict[str, Any]:
    if path == "/faults":
        return {
            "faults": sorted(FAULTS),
            "parameters": {name: sorted(kind.params) for name, kind in FAULTS.items()},
        }
    return {"fields": sorted(FIELDS)} if path == "/device" else {}


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise ValueError("the body is not JSON") from None


def _object(request: Request) -> dict[str, Any]:
    found = _json(request)
    if not isinstance(found, dict):
        raise ValueError("the body is not a JSON object")
    return found


def _instant(text: object) -> datetime:
    if not isinstance(text, str):
        raise ValueError("an instant is a text such as 2026-11-25T08:00:00Z")
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant has an offset or ends in Z")
    return instant
