"""What each fault does to an answer."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from mdm_bridge.simulator.answers import (
    Answer,
    Delivery,
    Listing,
    Request,
    encode,
    failure,
    json_answer,
    text_answer,
)
from mdm_bridge.simulator.dice import parse_span
from mdm_bridge.simulator.faults import Fault, FaultBook
from mdm_bridge.simulator.world import World

__all__ = ["BODY", "EVENTS", "INSTEAD", "ROWS"]

_MEGABYTE = 1 << 20
_PORTAL = (
    "<!DOCTYPE html><html lang='fr'><head><title>Portail</title></head>"
    "<body><h1>Authentification requise</h1><p>Merci de vous identifier.</p></body></html>"
)
_DATE = "%Y-%m-%d %H:%M:%S"


def _rate_limited(fault: Fault, _: Request) -> Answer:
    answer = failure(429, "TooManyRequests")
    after = fault["retry_after"]
    if after is None:
        return answer
    if fault["form"] == "date" and not isinstance(after, str):
        when = datetime.now(UTC) + timedelta(seconds=math.ceil(after))
        after = format_datetime(when, usegmt=True)
    answer.headers["Retry-After"] = str(after)
    return answer


def _redirect(fault: Fault, request: Request) -> Answer:
    # "localhost" is another host name for the same listener: a client that follows is seen in the log.
    port = request.headers.get("host", "").rpartition(":")[2]
    answer = text_answer("", fault["status"])
    answer.headers["Location"] = fault["location"] or f"http://localhost:{port}/elsewhere{request.path}"
    return answer


def _gzip_bomb(fault: Fault, _: Request) -> Answer:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"code":200,"count":1,"devices":[')]
    blank = b" " * _MEGABYTE
    parts += [packer.compress(blank) for _ in range(fault["size_mb"])]
    parts += [packer.compress(b"]}"), packer.flush()]
    return Answer(body=b"".join(parts), headers={"Content-Encoding": "gzip"})


def _huge_body(fault: Fault, _: Request) -> Answer:
    body = b'{"code":200,"count":1,"devices":[' + b" " * 65_536
    return Answer(body=body, delivery=Delivery(declared=fault["size_mb"] * _MEGABYTE))


def _unauthorized(_: Fault, __: Request) -> Answer:
    return text_answer("Unauthorized", 401)


def _forbidden(_: Fault, request: Request) -> Answer:
    message = f"Requested method ({request.method}) not allowed using this API key"
    return json_answer({"error": {"code": 405, "message": message}}, 405)


INSTEAD: Mapping[str, Callable[[Fault, Request], Answer]] = {
    "rate_limited": _rate_limited,
    "server_error": lambda fault, _: text_answer("upstream error", fault["status"]),
    "html": lambda fault, _: text_answer(_PORTAL, fault["status"], "text/html; charset=utf-8"),
    "failure_200": lambda fault, _: failure(fault["code"], fault["message"], 200),
    "unauthorized": _unauthorized,
    "forbidden": _forbidden,
    "not_found": lambda _, __: text_answer("404 page not found", 404),
    "redirect_other_host": _redirect,
    "gzip_bomb": _gzip_bomb,
    "huge_body": _huge_body,
}


def _targets(fault: Fault, listing: Listing) -> list[int]:
    """Return the places of the rows a fault is about: by serial number, else the first ones."""
    if fault["serials"] is not None:
        wanted = {serial.upper() for serial in fault["serials"]}
        return [place for place, key in enumerate(listing.keys) if key.upper() in wanted]
    count = fault["n"]
    return list(range(len(listing.rows) if count is None else min(count, len(listing.rows))))


def _each(fault: Fault, listing: Listing, alter: Callable[[dict[str, Any]], object]) -> None:
    for place in _targets(fault, listing):
        row = json.loads(listing.rows[place])
        alter(row)
        listing.rows[place] = encode(row)


def _insert(listing: Listing, place: int, key: str, row: bytes) -> None:
    listing.keys.insert(place, key)
    listing.rows.insert(place, row)


def _shrunken(fault: Fault, listing: Listing, _: World) -> None:
    kept = math.ceil(len(listing.rows) * min(1, fault["keep"]))
    del listing.rows[kept:], listing.keys[kept:]


def _vanished(fault: Fault, listing: Listing, _: World) -> None:
    gone = set(_targets(fault, listing))
    listing.rows = [row for place, row in enumerate(listing.rows) if place not in gone]
    listing.keys = [key for place, key in enumerate(listing.keys) if place not in gone]


def _duplicate_rows(fault: Fault, listing: Listing, _: World) -> None:
    for place in _targets(fault, listing):
        _insert(listing, len(listing.rows), listing.keys[place], listing.rows[place])


def _duplicate_serial(fault: Fault, listing: Listing, _: World) -> None:
    days = 1 if fault["newer"] else -30
    for place in _targets(fault, listing):
        row = json.loads(listing.rows[place])
        row["UDID"] = f"00008020-{row['UDID'][::-1].replace('-', '')[:16]}"
        seen = datetime.fromisoformat(row["lastCheckin"]) + timedelta(days=days)
        row["lastCheckin"] = row["modified"] = seen.strftime(_DATE)
        _insert(listing, len(listing.rows), listing.keys[place], encode(row))


def _no_serial(fault: Fault, listing: Listing, _: World) -> None:
    for place in range(min(fault["n"], len(listing.rows))):
        row = json.loads(listing.rows[place])
        row.update(serialNumber="", UDID=f"00008030-{place:016X}", name="iPad", assetTag="")
        _insert(listing, len(listing.rows), "", encode(row))


def _bad_row(fault: Fault, listing: Listing, _: World) -> None:
    wrong: dict[str, Any] = {
        "model": 5,
        "os": "dix-huit",
        "groups": 7,
        "batteryLevel": {"level": 1},
        "isSupervised": ["yes"],
        "lastCheckin": ["hier"],
        "apps": "beaucoup",
    }
    if fault["field"] is not None:
        wrong = {fault["field"]: fault["value"]}
    _each(fault, listing, lambda row: row.update(wrong))


def _future_contact(fault: Fault, listing: Listing, world: World) -> None:
    ahead = max(world.now, datetime.now(UTC)) + parse_span(fault["ahead"])
    text = ahead.astimezone(world.zone).strftime(_DATE)
    _each(fault, listing, lambda row: row.update(lastCheckin=text, modified=text))


def _printed_docs(_: Fault, listing: Listing, __: World) -> None:
    def alter(row: dict[str, Any]) -> None:
        for key in ("model", "os"):
            if isinstance(row.get(key), dict):
                row[key] = [row[key]]
        if "availableCapacity" in row:
            row["availableCapacity"] = str(row["availableCapacity"])

    if listing.name == "deviceGroups":
        listing.name = "DeviceGroups"
    for place, text in enumerate(listing.rows):
        row = json.loads(text)
        alter(row)
        listing.rows[place] = encode(row)


def _empty(_: Fault, listing: Listing, __: World) -> None:
    listing.rows, listing.keys = [], []


ROWS: Mapping[str, Callable[[Fault, Listing, World], None]] = {
    "empty_list": _empty,
    "shrunken": _shrunken,
    "wrong_count": lambda *_: None,  # applied last, when the true count is known
    "duplicate_rows": _duplicate_rows,
    "duplicate_serial": _duplicate_serial,
    "no_serial": _no_serial,
    "bad_row": _bad_row,
    "apps_empty": lambda fault, listing, _: _each(fault, listing, lambda row: row.update(apps=[])),
    "apps_missing": lambda fault, listing, _: _each(fault, listing, lambda row: row.pop("apps", None)),
    "vanished": _vanished,
    "future_contact": _future_contact,
    "printed_docs": _printed_docs,
}


def _truncated(fault: Fault, answer: Answer) -> None:
    body = answer.flatten()
    answer.body = body[: max(1, int(len(body) * min(0.99, fault["at"])))]


def _invalid_utf8(_: Fault, answer: Answer) -> None:
    body = answer.flatten()
    place = body.find(b'"name":"') + len(b'"name":"') if b'"name":"' in body else len(body) // 2
    answer.body = body[:place] + b"\xff\xfe" + body[place:]


def _gzip(_: Fault, answer: Answer) -> None:
    answer.body = gzip.compress(answer.flatten(), 1, mtime=0)
    answer.headers["Content-Encoding"] = "gzip"


def _reset(fault: Fault, answer: Answer) -> None:
    answer.delivery = replace(answer.delivery, reset=True, cut_at=0.0 if fault["when"] == "before" else 0.5)


BODY: Mapping[str, Callable[[Fault, Answer], None]] = {
    "truncated_json": _truncated,
    "short_body": lambda fault, answer: setattr(answer.delivery, "cut_at", min(0.99, fault["at"])),
    "invalid_utf8": _invalid_utf8,
    "gzip": _gzip,
    "trickle": lambda fault, answer: setattr(answer.delivery, "bytes_per_s", max(1, fault["bytes_per_s"])),
    "hang": lambda fault, answer: setattr(answer.delivery, "wait_s", fault["seconds"]),
    "reset": _reset,
}


def _chosen(fault: Fault, world: World) -> list[str]:
    listed = [device.serial for device in world.current.listed]
    if fault["serials"] is None:
        return listed[: fault["n"]]
    wanted = [serial.upper() for serial in fault["serials"]]
    for serial in wanted:
        if serial not in world.current.devices:
            raise ValueError(f"no device has the serial number {serial!r}")
    return wanted


def _returned(_: Fault, __: World, book: FaultBook) -> list[str]:
    book.remove("vanished")
    return []


def _re_enrolled(fault: Fault, world: World, _: FaultBook) -> list[str]:
    serials = _chosen(fault, world)
    world.re_enrol(serials)
    return serials


def _wiped(fault: Fault, world: World, _: FaultBook) -> list[str]:
    serials = _chosen(fault, world)
    world.wipe(serials)
    return serials


def _renamed(fault: Fault, world: World, _: FaultBook) -> list[str]:
    serials = _chosen(fault, world)
    world.put([replace(world.current.devices[serial], name=fault["name"]) for serial in serials])
    return serials


EVENTS: Mapping[str, Callable[[Fault, World, FaultBook], list[str]]] = {
    "returned": _returned,
    "re_enrolled": _re_enrolled,
    "wiped": _wiped,
    "renamed": _renamed,
}
