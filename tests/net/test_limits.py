"""Deadline, token bucket and back-off, without a network."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from mdm_bridge.net.limits import Deadline, TokenBucket, current_deadline, running
from mdm_bridge.net.retry import RETRY_AFTER_CAP_S, backoff_s, retry_after_s

NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)


def test_deadline(fake_time):
    deadline = Deadline(10, fake_time.clock)
    assert deadline.bound(60) == 10
    assert deadline.bound(3) == 3
    fake_time.sleep(10)
    assert deadline.over
    assert deadline.bound(3) > 0


def test_running_deadline_is_that_of_the_block(fake_time):
    assert current_deadline() is None
    deadline = Deadline(10, fake_time.clock)
    with running(deadline):
        assert current_deadline() is deadline
    assert current_deadline() is None


def test_bucket_fills_again(fake_time):
    bucket = TokenBucket(4, fake_time.clock)
    assert [bucket.reserve() for _ in range(6)] == [0, 0, 0, 0, 0.25, 0.5]
    fake_time.sleep(100)
    assert [bucket.reserve() for _ in range(5)] == [0, 0, 0, 0, 0.25]


def test_slow_bucket_lets_one_pass(fake_time):
    bucket = TokenBucket(0.5, fake_time.clock)
    assert [bucket.reserve() for _ in range(2)] == [0, 2]


def test_backoff_doubles_and_stays_bounded():
    chance = random.Random(3)
    for attempt in range(1, 60):
        longest = min(0.5 * 2 ** (attempt - 1), 20)
        assert longest / 2 <= backoff_s(attempt, chance) <= longest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("9" * 5000, RETRY_AFTER_CAP_S),
        ("Mon, 01 Mar 2027 08:00:30 GMT", 30),
        ("Monday, 01-Mar-27 08:00:30 GMT", 30),
        ("Mon, 01 Mar 2027 07:00:00 GMT", 0),
        ("Mon, 01 Mar 2100 07:00:00 GMT", RETRY_AFTER_CAP_S),
        ("Mon, 01 Mar 2027 08:00:30 -0000", 30),
        (None, None),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after(text, seconds):
    assert retry_after_s(text, NOW) == seconds
