"""The guard itself: a test cannot leave the machine, and cannot be talked out of it."""

from __future__ import annotations

import os
import socket
import threading

import pytest
import requests

from tests.support.network import NetworkBlocked

OUTSIDE = ["192.0.2.1", "2001:db8::1", "198.51.100.7"]


@pytest.mark.parametrize("address", OUTSIDE)
def test_connection_to_another_machine_is_refused(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as plain, pytest.raises(NetworkBlocked):
        plain.connect((address, 80))
    with socket.socket(family) as plain, pytest.raises(NetworkBlocked):
        plain.connect_ex((address, 80))


def test_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as plain, pytest.raises(NetworkBlocked):
        plain.sendto(b"x", ("192.0.2.1", 53))


def test_name_of_another_machine_is_not_looked_up() -> None:
    with pytest.raises(NetworkBlocked):
        socket.getaddrinfo("example.org", 443)


def test_library_cannot_swallow_the_refusal() -> None:
    with pytest.raises(NetworkBlocked):
        requests.get("http://192.0.2.1/", timeout=1)


def test_name_that_never_exists_fails_as_on_a_real_network() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("server.invalid", 443), timeout=1)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = threading.Thread(target=lambda: server.accept()[0].close())
        answer.start()
        socket.create_connection(("localhost", port), timeout=5).close()
        answer.join(timeout=5)
    assert not answer.is_alive()


def test_environment_of_the_machine_is_hidden() -> None:
    names = {name.upper() for name in os.environ}
    assert not [name for name in names if name.startswith("MDM_BRIDGE_") or name.endswith("_PROXY")]
    assert os.environ["LANG"] == "fr_FR.UTF-8"
    assert os.path.isdir(os.environ["HOME"])
    assert "REQUESTS_CA_BUNDLE" not in names
