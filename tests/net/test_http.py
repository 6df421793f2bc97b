"""The session against a server that misbehaves in every way we know of."""

from __future__ import annotations

import gzip
import http.client
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from mdm_bridge.errors import BadAnswer, ServerError, ServerRefused, ServerUnreachable
from mdm_bridge.net.http import HttpSession, HttpSettings
from tests.net.scripted import SecretText, answer, reset

NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)


class Calendar:
    def now(self):
        return NOW


# -- What is sent


def test_address_keeps_its_prefix_without_doubled_slash(serve, make_session):
    server = serve(answer(body=b"[1]"))
    assert make_session(server.url + "/").get("/devices", {"includeApps": "true"}) == b"[1]"
    assert server.requests[0].startswith("GET /api/devices?includeApps=true HTTP/1.1\r\n")


def test_basic_auth_and_headers(serve, make_session):
    server = serve(answer())
    session = make_session(server.url, user="1234567", password=SecretText("clé"), headers={"X-One": "1"})
    session.get("x", headers={"X-Two": "2"})
    head = server.requests[0]
    assert "Authorization: Basic MTIzNDU2NzpjbMOp\r\n" in head  # UTF-8, not Latin-1
    assert "X-One: 1\r\n" in head
    assert "X-Two: 2\r\n" in head
    assert "Accept-Encoding: gzip\r\n" in head


def test_netrc_is_never_used(serve, make_session, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password leaked\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(answer())
    make_session(server.url).get("x")
    assert "authorization" not in server.requests[0].lower()


def test_cookies_are_not_kept(serve, make_session):
    server = serve(answer(200, b"{}", "Set-Cookie: a=b; Path=/"))
    session = make_session(server.url)
    session.get("x")
    session.get("x")
    assert "cookie" not in server.requests[1].lower()


# -- Trying again


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_failure_is_tried_again(serve, make_session, fake_time, status):
    server = serve(answer(status), answer(status), answer(body=b"ok"))
    session = make_session(server.url)
    assert session.get("x") == b"ok"
    assert session.requests_sent == 3
    assert len(fake_time.slept) == 2
    assert 0.25 <= fake_time.slept[0] <= 0.5
    assert 0.5 <= fake_time.slept[1] <= 1.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500, 501])
def test_lasting_failure_is_not(serve, make_session, status):
    server = serve(answer(status))
    session = make_session(server.url)
    with pytest.raises((BadAnswer, ServerRefused)):
        session.get("x")
    assert session.requests_sent == 1


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, ServerRefused, "wrong_credentials"),
        (403, ServerRefused, "wrong_credentials"),
        (405, ServerRefused, "permission_missing"),
        (404, BadAnswer, "not_found"),
        (500, BadAnswer, "server_error"),
        (503, BadAnswer, "server_error"),
        (429, BadAnswer, "rate_limited"),
        (407, ServerUnreachable, "proxy_failed"),
        (418, BadAnswer, "unexpected_status"),
        (206, BadAnswer, "unexpected_status"),
    ],
)
def test_status_has_its_error(serve, make_session, status, kind, code):
    session = make_session(serve(answer(status)).url)
    with pytest.raises(kind) as caught:
        session.get("x")
    assert caught.value.code == code
    assert str(caught.value.hint)


def test_attempts_are_limited(serve, make_session):
    session = make_session(serve(answer(503)).url, max_attempts=3)
    with pytest.raises(BadAnswer):
        session.get("x")
    assert session.requests_sent == 3


def test_retry_after_in_seconds(serve, make_session, fake_time):
    server = serve(answer(429, b"", "Retry-After: 7"), answer(body=b"ok"))
    assert make_session(server.url).get("x") == b"ok"
    assert fake_time.slept == [7.0]


def test_retry_after_as_a_date(serve, fake_time):
    date = (NOW + timedelta(seconds=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server = serve(answer(503, b"", f"Retry-After: {date}"), answer(body=b"ok"))
    session = HttpSession(
        HttpSettings(url=server.url), clock=fake_time.clock, sleep=fake_time.sleep, calendar=Calendar()
    )
    assert session.get("x") == b"ok"
    assert fake_time.slept == [9.0]


def test_wait_beyond_the_deadline_gives_up_and_names_it(serve, make_session, fake_time):
    session = make_session(serve(answer(429, b"", "Retry-After: 3600")).url)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "rate_limited"
    assert "3600 s" in str(caught.value)
    assert "60 min" in str(caught.value.hint)
    assert session.requests_sent == 1
    assert fake_time.slept == []


@pytest.mark.parametrize("text", ["-5", "soon", "1e3", "", "²", "Mon, 99 Foo 2027"])
def test_senseless_retry_after_is_ignored(serve, make_session, fake_time, text):
    server = serve(answer(429, b"", f"Retry-After: {text}"), answer(body=b"ok"))
    assert make_session(server.url).get("x") == b"ok"
    assert fake_time.slept[0] <= 0.5


def test_dropped_connection_is_tried_again(serve, make_session):
    server = serve(reset, lambda connection: connection.close(), answer(body=b"ok"))
    session = make_session(server.url)
    assert session.get("x") == b"ok"
    assert session.requests_sent == 3


def test_refused_connection_is_unreachable_after_all_attempts(make_session):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    session = make_session(f"http://127.0.0.1:{port}/api")
    with pytest.raises(ServerUnreachable) as caught:
        session.get("x")
    assert caught.value.code == "server_unreachable"
    assert session.requests_sent == 4


def test_unknown_name(make_session):
    session = make_session("http://nowhere.invalid/api", allow_http=True)
    with pytest.raises(ServerUnreachable) as caught:
        session.get("x")
    assert caught.value.code == "name_not_found"


CUT = [
    answer(body=b"12345", length=10),
    answer(200, gzip.compress(b"hello world")[:-5], "Content-Encoding: gzip"),
    answer(200, gzip.compress(b"hello world")[:-1] + b"\x77", "Content-Encoding: gzip"),
    b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n12345\r\n5\r\n12",
]


@pytest.mark.parametrize("cut", CUT)
def test_body_cut_half_way_is_tried_again(serve, make_session, cut):
    server = serve(cut, answer(body=b"whole"))
    assert make_session(server.url).get("x") == b"whole"


@pytest.mark.parametrize("cut", CUT)
def test_body_always_cut_is_an_error(serve, make_session, cut):
    session = make_session(serve(cut).url)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "body_truncated"
    assert session.requests_sent == 4


def test_not_http(serve, make_session):
    session = make_session(serve(b"SSH-2.0-OpenSSH_9.2\r\n").url)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "not_http"
    assert session.requests_sent == 1


# -- Size


def test_declared_size_is_refused_before_reading(serve, make_session):
    session = make_session(serve(answer(length=2_000_000)).url, max_body_bytes=1_000_000)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "body_too_large"
    assert session.requests_sent == 1


def test_actual_size_is_refused(serve, make_session):
    body = b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + b"x" * 300_000
    session = make_session(serve(body).url, max_body_bytes=200_000)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "body_too_large"


def test_gzip_bomb_is_refused(serve, make_session):
    bomb = gzip.compress(b"\0" * 50_000_000)
    session = make_session(serve(answer(200, bomb, "Content-Encoding: gzip")).url, max_body_bytes=1_000_000)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "body_too_large"


def test_gzip_of_any_length_comes_out_whole(serve, make_session):
    plain = bytes(range(256)) * 5000
    twice = gzip.compress(plain[:700_000]) + gzip.compress(plain[700_000:])
    for packed in (gzip.compress(plain), twice):
        assert make_session(serve(answer(200, packed, "Content-Encoding: gzip")).url).get("x") == plain


def test_unasked_compression_is_an_error(serve, make_session):
    session = make_session(serve(answer(200, b"??", "Content-Encoding: br")).url)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "unknown_encoding"


# -- Redirects


def test_redirect_on_the_same_host_is_followed(serve, make_session):
    server = serve(answer(302, b"", "Location: /api/y?z=1"), answer(body=b"ok"))
    session = make_session(server.url, user="u", password=SecretText("pass"))
    assert session.get("x", {"a": "b"}) == b"ok"
    assert server.requests[1].startswith("GET /api/y?z=1 ")
    assert "Authorization" in server.requests[1]
    assert session.requests_sent == 2


def test_redirects_are_limited(serve, make_session):
    session = make_session(serve(answer(302, b"", "Location: /again")).url)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "bad_redirect"
    assert session.requests_sent == 4


def test_redirect_to_another_host_gets_nothing(serve, make_session):
    other = serve(answer(body=b"stolen"))
    for place in (
        f"http://localhost:{other.port}/",
        f"http://127.0.0.1:{other.port}/",
        "",
        "http://[",
        "\xff",
    ):
        session = make_session(
            serve(answer(301, b"", f"Location: {place}")).url, user="u", password=SecretText("pass")
        )
        with pytest.raises(BadAnswer) as caught:
            session.get("x")
        assert caught.value.code == "bad_redirect"
    assert other.requests == []


def test_body_of_a_redirect_is_not_read(serve, make_session):
    bomb = gzip.compress(b"\0" * 50_000_000)
    server = serve(answer(302, bomb, "Location: /y", "Content-Encoding: gzip"), answer(body=b"ok"))
    assert make_session(server.url, max_body_bytes=10_000).get("x") == b"ok"


# -- Connections


def test_close_twice(serve, make_session):
    session = make_session(serve(answer()).url)
    session.get("x")
    session.close()
    session.close()


def test_keep_alive_connection_dropped_by_the_server_in_between(serve, make_session):
    # No "Connection: close": the pool keeps the connection, the server ends it.
    keep = b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok"
    session = make_session(serve(keep).url)
    for _ in range(3):
        assert session.get("x") == b"ok"
        time.sleep(0.02)


def test_many_headers_are_not_a_crash(serve, make_session):
    head = b"HTTP/1.1 200 X\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(http.client._MAXHEADERS + 5))
    session = make_session(serve(head + b"\r\n").url)
    with pytest.raises(BadAnswer) as caught:
        session.get("x")
    assert caught.value.code == "not_http"


@pytest.mark.parametrize(
    ("told", "date"),
    [
        ("Date: Mon, 01 Mar 2027 08:00:00 GMT", NOW),
        ("Date: yesterday", None),
        ("Date: Mon, 01 Mar 2027 08:00:00 +99999999", None),
        ("X-Date: no", None),
    ],
)
def test_time_of_the_server(serve, make_session, told, date):
    session = make_session(serve(answer(200, b"{}", told)).url)
    assert session.server_date is None
    session.get("x")
    assert session.server_date == date


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 500 Zorglubine\r\nContent-Length: 10\r\n\r\nZorglubine",
        b"HTTP/1.1 404 Zorglubine\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: Zorglubine\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 X\r\nLocation: https://Zorglubine.example/Zorglubine\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 X\r\nRetry-After: Zorglubine\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: Zorglubine\r\nContent-Encoding: gzip\r\n\r\nZorglubine",
        b"HTTP/9.9 Zorglubine\r\n\r\n",
        b"Zorglubine says hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nZorglubine\r\nX\xff: Zorglubine\r\n\r\n{}",
    ],
)
def test_nothing_a_server_says_is_repeated(serve, make_session, said, caplog):
    with pytest.raises(ServerError) as caught:
        make_session(serve(said).url, max_attempts=1).get("x")
    error = caught.value
    assert "orglubine" not in f"{error} {error.hint} {error.message.params} {error.hint.params}"
    assert not [
        r for r in caplog.records if r.name.startswith("mdm_bridge") and "orglubine" in r.getMessage()
    ]
