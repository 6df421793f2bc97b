"""Time: deadline of a whole call, silence, and our own limit of requests."""

from __future__ import annotations

import time

import pytest

from mdm_bridge.errors import BadAnswer, ServerTimeout
from tests.net.scripted import answer


def trickle(head, piece=b"x", every_s=0.05, count=200):
    def send(connection):
        connection.sendall(head)
        for _ in range(count):
            connection.sendall(piece)
            time.sleep(every_s)

    return send


def measured(session):
    start = time.monotonic()
    with pytest.raises(ServerTimeout) as caught:
        session.get("x")
    return caught.value, time.monotonic() - start


def test_trickling_body_meets_the_deadline(serve, make_session):
    head = b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n"
    session = make_session(serve(trickle(head)).url, real=True, deadline_s=0.5)
    error, elapsed = measured(session)
    assert error.code == "deadline_exceeded"
    assert 0.4 < elapsed < 1.5


def test_fast_trickle_without_end_meets_the_deadline(serve, make_session):
    # No gap is long enough for any timeout of a socket.
    endless = trickle(b"HTTP/1.1 200 X\r\n\r\n", every_s=0.0002, count=40_000)
    session = make_session(serve(endless).url, real=True, deadline_s=0.5)
    error, elapsed = measured(session)
    assert error.code == "deadline_exceeded"
    assert elapsed < 1.5


def test_silence_after_a_trickle_ends_at_the_deadline(serve, make_session):
    def send(connection):
        trickle(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n", count=8)(connection)
        time.sleep(3)

    session = make_session(serve(send).url, real=True, deadline_s=0.7, read_timeout_s=60)
    error, elapsed = measured(session)
    assert error.code == "deadline_exceeded"
    assert elapsed < 1.0


def test_trickling_chunks_meet_the_deadline(serve, make_session):
    head = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    session = make_session(serve(trickle(head, b"1\r\nx\r\n")).url, real=True, deadline_s=0.5)
    error, elapsed = measured(session)
    assert error.code == "deadline_exceeded"
    assert elapsed < 1.5


def test_trickling_headers_meet_the_deadline(serve, make_session):
    session = make_session(serve(trickle(b"HTTP/1.1 200 X\r\nX-Slow: ")).url, real=True, deadline_s=0.5)
    error, elapsed = measured(session)
    assert error.code == "deadline_exceeded"
    assert elapsed < 1.5


def test_silence_is_a_timeout(serve, make_session):
    session = make_session(serve(lambda connection: time.sleep(2)).url, real=True, read_timeout_s=0.3)
    error, elapsed = measured(session)
    assert error.code == "server_timeout"
    assert elapsed < 1.5
    assert session.requests_sent == 1


def test_retries_stop_at_the_deadline(serve, make_session):
    session = make_session(serve(answer(503)).url, real=True, deadline_s=0.2)
    start = time.monotonic()
    with pytest.raises(BadAnswer):
        session.get("x")
    assert time.monotonic() - start < 1


def test_own_limit_of_requests(serve, make_session, fake_time):
    session = make_session(serve(answer()).url, requests_per_s=2)
    for _ in range(5):
        session.get("x")
    assert fake_time.slept == [0.5, 0.5, 0.5]


def test_own_limit_beyond_the_deadline(serve, make_session):
    session = make_session(serve(answer()).url, requests_per_s=0.001, deadline_s=10)
    session.get("x")
    with pytest.raises(ServerTimeout):
        session.get("x")
    assert session.requests_sent == 1
