"""Starting and stopping a simulated server."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from mdm_bridge.errors import InputError
from mdm_bridge.messages import Message
from mdm_bridge.simulator.dice import Dice
from mdm_bridge.simulator.fleet import MAX_APPS
from mdm_bridge.simulator.http import Product, Server
from mdm_bridge.simulator.world import World

__all__ = ["Simulator", "kinds", "start_simulator"]

_ZONE = "Europe/Paris"
_MOST_DEVICES = 100_000
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def _jamf_school(world: World, credentials: Mapping[str, str]) -> Product:
    from mdm_bridge.simulator.jamf_school import JamfSchool

    return JamfSchool(world, **credentials)


#: How to make each kind of server; the values import only what they need.
_PRODUCTS: Mapping[str, Callable[[World, Mapping[str, str]], Product]] = {"jamf-school": _jamf_school}


def kinds() -> tuple[str, ...]:
    """Return the kinds of server that can be simulated."""
    return tuple(_PRODUCTS)


class Simulator:
    """A running simulated server; also a context manager that stops it.

    Attributes:
        kind: Its kind, as in the settings.
        url: Base address of the product, ``http://127.0.0.1:PORT/api``.
        control: Base address of the control panel, ``http://127.0.0.1:PORT/control``.
        network_id: User name of both keys.
        api_key: The key that may only read.
        write_api_key: The key that may also write.
        settings: A ``[servers.X]`` section that reads this server.
        world: The state.
    """

    def __init__(self, kind: str, world: World, port: int) -> None:
        self.kind = kind
        self.world = world
        # A key protects nothing here, but it is made like a real one and must leak as little.
        chance = os.urandom(16).hex()
        self.network_id = str(1_000_000 + Dice(world.seed, "network").number(0, 65_536))
        self.api_key = Dice(chance, "read").text(_LETTERS, 32)
        self.write_api_key = Dice(chance, "write").text(_LETTERS, 32)
        world.credentials = (self.api_key, self.write_api_key)
        self._finished = threading.Event()
        credentials = {
            "network_id": self.network_id,
            "api_key": self.api_key,
            "write_api_key": self.write_api_key,
        }
        product = _PRODUCTS[kind](world, credentials)
        try:
            self._server = Server(product, world, port=port, on_kill=self._killed)
        except (OSError, OverflowError) as error:
            raise InputError(
                Message("port_not_free", "The port {port} cannot be used.", port=port),
                hint=Message("choose_other_port", "Choose another port, or none: a free one is then taken."),
            ) from error
        base = f"http://127.0.0.1:{self._server.server_port}"
        self.url = base + product.prefix
        self.control = f"{base}/control"
        self._folder = Path(tempfile.mkdtemp(prefix="mdm-bridge-simulator-"))
        self.api_key_file = self._write_key("read.key", self.api_key)
        self.write_api_key_file = self._write_key("write.key", self.write_api_key)
        self.settings: dict[str, Any] = {
            "kind": kind,
            "url": self.url,
            "network_id": self.network_id,
            "api_key_file": str(self.api_key_file),
            "timezone": world.zone.key,
            "pools": {"training": {"groups": ["Formation"]}, "ash": {"groups": ["ASH"]}},
        }

    def __repr__(self) -> str:
        return f"Simulator({self.kind!r}, {self.url!r})"

    def _write_key(self, name: str, key: str) -> Path:
        path = self._folder / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
        return path

    def ready_line(self) -> dict[str, Any]:
        """Return what a program that starts this server needs to know, as JSON values."""
        return {
            "url": self.url,
            "kind": self.kind,
            "settings": self.settings,
            "control": self.control,
            "api_key": self.api_key,
            "write_api_key_file": str(self.write_api_key_file),
        }

    def _killed(self) -> None:
        self.finish()
        # Not from the thread that answers: it would wait for itself.
        threading.Thread(target=self.stop, daemon=True).start()

    def finish(self) -> None:
        """Let :meth:`wait` return; safe in a signal handler."""
        self._finished.set()

    def wait(self) -> None:
        """Wait until someone asks for the end."""
        while not self._finished.wait(0.2):  # a bounded wait lets Ctrl-C through on every system
            pass

    def stop(self) -> None:
        """Stop the server and remove its key files; may be called twice."""
        self._finished.set()
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start_simulator(
    kind: str,
    *,
    port: int = 0,
    devices: int = 24,
    seed: int = 1,
    apps_per_device: int | None = None,
    start: datetime | None = None,
    plain: bool = False,
) -> Simulator:
    """Start a simulated server on loopback and return it, ready to answer.

    Args:
        kind: One of :func:`kinds`.
        port: Port to listen on; 0 for any free one.
        devices: Number of iPads, 0 to 100 000. An iPhone, a Mac and a device in the trash come on top.
        seed: The same seed makes the same devices and the same future.
        apps_per_device: Exact number of apps of each iPad, 0 to 60; None: 5 to 13.
        start: First instant of the virtual clock, aware; None: now. Begin in the past to move the
            clock without running ahead of the real one.
        plain: No oddities in rows, and no device beside the iPads.

    Raises:
        InputError: An unknown kind, a number out of range, or a port that is taken.
    """
    if kind not in _PRODUCTS:
        raise _unknown_kind(kind)
    _check("devices", devices, _MOST_DEVICES)
    if apps_per_device is not None:
        _check("apps", apps_per_device, MAX_APPS)
    world = World(
        devices,
        seed=seed,
        start=start or datetime.now(UTC),
        zone=ZoneInfo(_ZONE),
        apps_per_device=apps_per_device,
        plain=plain,
    )
    return Simulator(kind, world, port)


def _unknown_kind(kind: str) -> InputError:
    built = ", ".join(kinds())
    return InputError(
        Message("kind_not_simulated", "No server of kind {kind} can be simulated.", kind=kind),
        hint=Message("choose_simulated_kind", "These can be simulated: {kinds}.", kinds=built),
    )


def _check(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise InputError(
            Message(
                "number_out_of_range",
                "{name}: {value} is not between 0 and {most}.",
                name=name,
                value=value,
                most=most,
            ),
            hint=Message("choose_number_in_range", "Choose a number between 0 and {most}.", most=most),
        )
