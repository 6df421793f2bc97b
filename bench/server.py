"""A page server on the loopback, in a process of its own: what it does is measured by nobody.

The pages are files written before; an answer is a header and a ``sendfile``.
"""

from __future__ import annotations

import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.fleet import STATES, pages

__all__ = ["page_files", "serving"]

_ROOT = Path(__file__).parent.parent


def page_files(folder: Path, devices: int) -> Path:
    """Write every page of a fleet, once; return their folder."""
    place = folder / f"pages-{devices}"
    for state in STATES:
        done = place / f"{state}.done"
        if done.exists():
            continue
        place.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages(devices, state)):
            (place / f"{state}-{number}.json").write_bytes(page)
        done.touch()
    return place


@contextmanager
def serving(place: Path) -> Iterator[int]:
    """Serve the pages of a folder, and give the port.

    ``GET /STATE/NUMBER``; a page beyond the last is 404.
    """
    command = [sys.executable, "-m", "bench.server", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class _Handler(socketserver.StreamRequestHandler):
    """Answers on one connection until the other side closes it."""

    disable_nagle_algorithm = True
    place: Path

    def handle(self) -> None:
        with suppress(ConnectionError):
            while self._answer():
                pass

    def _answer(self) -> bool:
        line = self.rfile.readline()
        if not line:
            return False
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        path = line.split()[1].decode().strip("/").replace("/", "-")
        page = self.place / f"{path}.json"
        if not page.is_file():
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {page.stat().st_size}\r\n\r\n"
        )
        self.wfile.write(head.encode())
        with page.open("rb") as body:
            self.connection.sendfile(body)
        return True


def _main(place: str) -> None:
    _Handler.place = Path(place)
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    _main(sys.argv[1])
