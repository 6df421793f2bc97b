"""The simulated server on the wire: HTTP/1.1 on loopback, real sockets, real faults."""

from __future__ import annotations

import os
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from mdm_bridge.simulator.answers import Answer, Request, text_answer
from mdm_bridge.simulator.control import Control
from mdm_bridge.simulator.fault_effects import BODY, INSTEAD, ROWS
from mdm_bridge.simulator.faults import FaultBook
from mdm_bridge.simulator.models import Snapshot
from mdm_bridge.simulator.requests_seen import RequestLog
from mdm_bridge.simulator.world import World

__all__ = ["Product", "Server"]

_HOST = "127.0.0.1"
_CONTROL = "/control"
_LONGEST_BODY = 32 << 20
_IDLE_S = 120
_DRIPS_PER_S = 10


class Product(Protocol):
    """One kind of distant server: routes and shapes, nothing of sockets or faults."""

    kind: str
    prefix: str
    listing_path: str

    def answer(self, request: Request, snapshot: Snapshot) -> Answer:
        """Answer a request; reads come from ``snapshot``, which may be an earlier state."""
        ...


class Server(ThreadingHTTPServer):
    """Listens on loopback from its making until :meth:`stop`.

    Args:
        product: What it pretends to be.
        world: The state.
        port: 0 for any free one.
        on_kill: Called when ``POST control/kill`` asks for the end.

    Raises:
        OSError: The port cannot be had.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, product: Product, world: World, *, port: int, on_kill: Any) -> None:
        self.product = product
        self.world = world
        self.book = FaultBook(product.listing_path)
        self.log = RequestLog()
        self.control = Control(world, self.book, self.log, on_kill)
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((_HOST, port), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), daemon=True, name="simulator"
        )
        self._thread.start()

    def server_bind(self) -> None:
        """Bind without asking anyone for the machine's full name, which can take seconds."""
        if os.name == "nt":  # there, reusing an address lets two servers share a port
            self.allow_reuse_address = False
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it, so that the end of the server closes it."""
        connection, address = super().get_request()
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left; anything else is a bug and is shown."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening and close every connection; may be called twice."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # its client was quicker
        self.server_close()

    def answered(self, request: Request) -> Answer:
        """Answer a request to the product, with the faults that concern it."""
        instead = self.book.take("instead", request.path, at_most=1)
        if instead:
            answer = INSTEAD[instead[0].name](instead[0], request)
        else:
            answer = self.product.answer(request, self._snapshot_for(request))
            self._spoil_rows(request, answer)
        for fault in self.book.take("body", request.path):
            BODY[fault.name](fault, answer)
        return answer

    def _snapshot_for(self, request: Request) -> Snapshot:
        if request.method == "GET" and self.book.take("stale", request.path):
            return self.world.previous
        return self.world.current

    def _spoil_rows(self, request: Request, answer: Answer) -> None:
        listing = answer.listing
        if listing is None:
            return
        faults = self.book.take("rows", request.path)
        for fault in faults:
            ROWS[fault.name](fault, listing, self.world)
        if faults and listing.count is not None:
            wrong = sum(fault["delta"] for fault in faults if fault.name == "wrong_count")
            listing.count = len(listing.rows) + wrong


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, finds who answers it, and sends the answer the way it wants to be sent."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_S

    def version_string(self) -> str:
        """Return what the Server header says."""
        return "nginx"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the library's)
        """Log nothing: addresses and queries are not ours to write down."""

    def do_GET(self) -> None:
        """Serve a request, whatever its method."""
        parts = urlsplit(self.path)
        body = self._body()
        if body is None:
            return
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(parts.path)
        if path == _CONTROL or path.startswith(f"{_CONTROL}/"):
            asked = Request(self.command, path[len(_CONTROL) :], query, headers, body)
            self._send(self.server.control.answer(asked))
            return
        self._send(self._product_answer(path, query, headers, body))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 (names are the library's)

    def _product_answer(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        prefix = self.server.product.prefix
        if prefix and not path.startswith(f"{prefix}/"):
            asked = Request(self.command, path, query, headers, body)
            answer = text_answer("404 page not found", 404)
        else:
            asked = Request(self.command, path[len(prefix) :], query, headers, body)
            answer = self.server.answered(asked)
        silent = answer.delivery.reset and answer.delivery.cut_at == 0
        self.server.log.note(asked, 0 if silent else answer.status)
        return answer

    def _body(self) -> bytes | None:
        """Return the request's body; None when it was refused."""
        declared = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not declared.isdigit():
            self._send(text_answer("length required", 411))
        elif int(declared) > _LONGEST_BODY:
            self._send(text_answer("too large", 413))
        else:
            return self.rfile.read(int(declared))
        self.close_connection = True
        return None

    def _send(self, answer: Answer) -> None:
        delivery = answer.delivery
        if delivery.wait_s and self.server.stopping.wait(delivery.wait_s):
            self.close_connection = True
            return
        try:
            if not (delivery.reset and delivery.cut_at == 0):
                self._send_all(answer)
        except OSError:
            self.close_connection = True  # the client left, which is its right
        if delivery.cut_at is not None or delivery.declared is not None:
            self.close_connection = True
        if delivery.reset:
            self._reset()
        if answer.afterwards is not None:
            answer.afterwards()

    def _send_all(self, answer: Answer) -> None:
        delivery, length = answer.delivery, answer.length()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(delivery.declared or length))
        self.end_headers()
        left = length if delivery.cut_at is None else int(length * delivery.cut_at)
        for chunk in answer.chunks():
            piece = memoryview(chunk)[:left]
            left -= len(piece)
            if delivery.bytes_per_s is None:
                self.wfile.write(piece)
            elif not self._drip(piece, delivery.bytes_per_s):
                return
            if left <= 0:
                return

    def _drip(self, piece: memoryview, bytes_per_s: float) -> bool:
        """Send bytes slowly; False when the server ends meanwhile."""
        size = max(1, int(bytes_per_s / _DRIPS_PER_S))
        for start in range(0, len(piece), size):
            drop = piece[start : start + size]
            self.wfile.write(drop)
            if self.server.stopping.wait(len(drop) / bytes_per_s):
                self.close_connection = True
                return False
        return True

    def _reset(self) -> None:
        """End the connection the hard way: the client sees a reset, not an end."""
        self.close_connection = True
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.rfile.close()
        self.connection.close()
