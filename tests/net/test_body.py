"""A large body exists once."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.errors import BadAnswer
from mdm_bridge.providers.jamf_school import JamfSchoolSource
from tests.net.scripted import answer

ROW = {"UDID": "u", "serialNumber": "S1", "apps": [{"identifier": "com.example.a", "name": "x" * 9000}]}
ROWS = 2000
BODY = b'{"code":200,"count":2000,"devices":[' + b",".join([json.dumps(ROW).encode()] * ROWS) + b"]}"


def send_body(connection):
    # In two parts: joined with its head, the body would be counted twice here.
    connection.sendall(answer(body=b"", length=len(BODY)))
    connection.sendall(BODY)


@pytest.fixture
def peak():
    """Return the largest amount of memory Python held since the test began, in bodies."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1] / len(BODY)
    tracemalloc.stop()


def test_body_is_read_into_one_buffer(serve, make_session, peak):
    body = make_session(serve(send_body).url).get("x")
    assert body == BODY
    assert peak() < 1.3


def test_listing_is_split_without_copies(serve, make_session, peak):
    session = make_session(serve(send_body).url)
    source = JamfSchoolSource("x", session, zone=ZoneInfo("UTC"))
    seen = sum(bool(row.whole_hash and row.apps_hash) for page in source.pages() for row in page.rows)
    assert seen == ROWS
    assert peak() < 1.3


def test_bomb_is_not_unfolded_before_it_is_counted(serve, make_session, peak):
    bomb = gzip.compress(b"\0" * 100_000_000)
    tracemalloc.reset_peak()
    session = make_session(serve(answer(200, bomb, "Content-Encoding: gzip")).url, max_body_bytes=2_000_000)
    with pytest.raises(BadAnswer):
        session.get("x")
    assert peak() * len(BODY) < 8_000_000
