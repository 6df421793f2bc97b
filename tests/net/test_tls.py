"""Encrypted connections: whom we trust, and what a failure says.

``data/loopback-*.pem`` is a self-signed certificate for 127.0.0.1 and its key, made for these tests.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from mdm_bridge.errors import ServerTimeout, ServerUnreachable, SettingsError
from tests.net.scripted import answer

DATA = Path(__file__).parent / "data"


@pytest.fixture
def tls_server():
    """Start a TLS server that gives one answer again and again; yields its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "loopback-server.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def one(raw):
        with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
            if b"/slow" in connection.recv(65536):
                connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n")
                for _ in range(100):
                    connection.sendall(b"x")
                    time.sleep(0.05)
            connection.sendall(answer(body=b"private"))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                threading.Thread(target=one, args=(raw,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/api"
    listener.close()


def test_unknown_certificate_names_the_inspecting_proxy_and_the_cure(tls_server, make_session):
    session = make_session(tls_server)
    with pytest.raises(ServerUnreachable) as caught:
        session.get("x")
    assert caught.value.code == "tls_failed"
    assert "proxy" in str(caught.value)
    assert "ca_bundle" in str(caught.value.hint)
    assert session.requests_sent == 1


def test_ca_bundle_is_the_cure(tls_server, make_session):
    assert make_session(tls_server, ca_bundle=DATA / "loopback-cert.pem").get("x") == b"private"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_bundle_of_the_environment(tls_server, make_session, monkeypatch, variable):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(DATA / "loopback-cert.pem"))
    assert make_session(tls_server).get("x") == b"private"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bad_bundle_of_the_environment_is_named(tmp_path, make_session, monkeypatch, variable, content):
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    with pytest.raises(SettingsError) as caught:
        make_session("https://127.0.0.1:9/api")
    assert caught.value.code == "ca_variable_unreadable"
    assert variable in str(caught.value)
    assert variable in str(caught.value.hint)
    assert str(file) in str(caught.value)
    make_session("https://127.0.0.1:9/api", ca_bundle=DATA / "loopback-cert.pem")
    make_session("http://127.0.0.1:9/api")


def test_trickle_under_tls_meets_the_deadline(tls_server, make_session):
    session = make_session(tls_server, real=True, deadline_s=0.6, ca_bundle=DATA / "loopback-cert.pem")
    start = time.monotonic()
    with pytest.raises(ServerTimeout) as caught:
        session.get("slow")
    assert caught.value.code == "deadline_exceeded"
    assert time.monotonic() - start < 2


def test_plain_server_behind_https(serve, make_session):
    server = serve(answer())
    with pytest.raises(ServerUnreachable) as caught:
        make_session(f"https://127.0.0.1:{server.port}/api").get("x")
    assert caught.value.code == "tls_failed"
