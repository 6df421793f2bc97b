"""A request as a product sees it, and an answer before it is sent.

A list answer stays a :class:`Listing` (rows already encoded, one by one) until the last moment:
faults can drop, repeat or spoil rows, and a large body never exists twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["Answer", "Delivery", "Listing", "Request", "encode", "failure", "json_answer", "text_answer"]

_CHUNK = 1 << 20


def encode(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``path`` is below the product's prefix; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_form(self) -> bool:
        """Tell whether the body is a web form."""
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    def values(self) -> dict[str, Any]:
        """Return the body's values, from JSON or a form; an empty body has none.

        Raises:
            ValueError: The body is neither.
        """
        if not self.body.strip():
            return {}
        if self.is_form:
            return dict(parse_qsl(self.body.decode()))
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise ValueError("the body is not a JSON object")
        return found


@dataclass(slots=True)
class Listing:
    """The rows of a list answer, each encoded; ``keys`` are their serial numbers or ids.

    ``count`` None: the envelope has no count; ``code`` None: no code.
    """

    name: str
    keys: list[str]
    rows: list[bytes]
    count: int | None = None
    code: int | None = 200

    def chunks(self) -> Iterator[bytes]:
        """Yield the JSON text: the envelope, then rows by the megabyte."""
        head: dict[str, Any] = {} if self.code is None else {"code": self.code}
        if self.count is not None:
            head["count"] = self.count
        start = encode(head)[:-1] + (b"," if head else b"") + encode(self.name) + b":["
        pending, size = [start], len(start)
        for place, row in enumerate(self.rows):
            if place:
                pending.append(b",")
            pending.append(row)
            size += len(row) + 1
            if size > _CHUNK:
                yield b"".join(pending)
                pending, size = [], 0
        pending.append(b"]}")
        yield b"".join(pending)

    def length(self) -> int:
        """Return the size of the text in bytes, without making it."""
        envelope = Listing(self.name, [], [], self.count, self.code)
        return len(b"".join(envelope.chunks())) + sum(map(len, self.rows)) + max(0, len(self.rows) - 1)


@dataclass(slots=True)
class Delivery:
    """How an answer goes over the wire; each default is the honest way.

    Args:
        wait_s: Silence before the first byte.
        bytes_per_s: Trickle.
        declared: Content-Length to declare instead of the true one.
        cut_at: Share of the body, 0 to 1, after which the connection ends.
        reset: End the connection with a reset rather than a close; at 0 nothing is sent at all.
    """

    wait_s: float = 0.0
    bytes_per_s: float | None = None
    declared: int | None = None
    cut_at: float | None = None
    reset: bool = False


@dataclass(slots=True)
class Answer:
    """An answer: either ``body`` or, for lists, ``listing``. ``afterwards`` runs once it is sent."""

    status: int = 200
    body: bytes = b""
    listing: Listing | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    delivery: Delivery = field(default_factory=Delivery)
    afterwards: Callable[[], None] | None = None

    def length(self) -> int:
        """Return the size of the body in bytes."""
        return len(self.body) if self.listing is None else self.listing.length()

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces."""
        if self.listing is None:
            yield self.body
        else:
            yield from self.listing.chunks()

    def flatten(self) -> bytes:
        """Turn a listing into a plain body, to be altered byte by byte; return it."""
        if self.listing is not None:
            self.body, self.listing = b"".join(self.listing.chunks()), None
        return self.body


def json_answer(value: Any, status: int = 200) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, encode(value))


def text_answer(text: str, status: int, content_type: str = "text/plain; charset=utf-8") -> Answer:
    """Return an answer with a text body."""
    return Answer(status, text.encode(), content_type=content_type)


def failure(code: int, message: str, status: int | None = None) -> Answer:
    """Return a failure in the usual shape, ``{"code", "message"}``."""
    return json_answer({"code": code, "message": message}, status or code)
