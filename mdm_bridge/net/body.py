"""Reading a body into one buffer, no larger than allowed, and certain to be whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from urllib3.response import BaseHTTPResponse

__all__ = ["BodyCut", "BodyTooLarge", "UnknownEncoding", "read_body"]

_CHUNK = 256 * 1024


class BodyTooLarge(Exception):
    """The body is, or says it is, larger than allowed."""


class BodyCut(Exception):
    """The body ended before its end."""


class UnknownEncoding(Exception):
    """The body is compressed in a way that was not asked for."""


def read_body(raw: BaseHTTPResponse, limit: int) -> bytearray:
    """Read a body into one buffer.

    Args:
        raw: An answer whose body was not read yet.
        limit: Largest size in bytes, as sent and after decompression.

    Raises:
        BodyTooLarge: It is larger than ``limit``.
        BodyCut: Its compressed form has no end, or is damaged.
        UnknownEncoding: It is neither plain nor gzip.
        urllib3.exceptions.HTTPError: The connection failed, or fewer bytes came than announced.
    """
    if _declared(raw) > limit:
        raise BodyTooLarge
    encoding = (raw.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding in ("", "identity"):
        return _collect(_chunks(raw), limit)
    if encoding in ("gzip", "x-gzip"):
        return _collect(_gunzip(_bounded(_chunks(raw), limit)), limit)
    raise UnknownEncoding


def _declared(raw: BaseHTTPResponse) -> int:
    text = raw.headers.get("Content-Length") or ""
    return int(text) if text.isascii() and text.isdigit() else 0


def _chunks(raw: BaseHTTPResponse) -> Iterator[bytes]:
    while chunk := raw.read(_CHUNK, decode_content=False):
        yield chunk


def _bounded(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        yield chunk


def _collect(chunks: Iterator[bytes], limit: int) -> bytearray:
    # One buffer that grows in place: joining a list of chunks would need the body twice.
    body = bytearray()
    for chunk in _bounded(chunks, limit):
        body += chunk
    return body


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress piece by piece: a small body must not unfold into gigabytes before it is counted."""
    inflate = zlib.decompressobj(wbits=31)
    begun = False
    for chunk in chunks:
        data = chunk
        while data:
            if inflate.eof:
                # Several members in a row are one body; anything else after the end is damage.
                inflate = zlib.decompressobj(wbits=31)
            begun = True
            try:
                yield inflate.decompress(data, _CHUNK)
            except zlib.error as error:
                raise BodyCut from error
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        # What the last call left inside (output limit reached exactly) comes out without new input.
        while not inflate.eof and (rest := _pending(inflate)):
            yield rest
    if begun and not inflate.eof:
        raise BodyCut


def _pending(inflate: zlib._Decompress) -> bytes:
    try:
        return inflate.decompress(b"", _CHUNK)
    except zlib.error as error:
        raise BodyCut from error
