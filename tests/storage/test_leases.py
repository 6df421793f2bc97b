"""Leases: one holder at a time, a dead one replaced at once, a lost one fenced off."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from mdm_bridge.errors import AlreadyRunning, LeaseLost
from mdm_bridge.ports.leases import Holder, Lease
from mdm_bridge.services.leases import held
from mdm_bridge.storage import open_store
from mdm_bridge.storage.leases import this_process

ELSEWHERE = Holder("x", "another-machine", 1, 1_700_000_000)


def acquire(store, name: str = "sync:a", ttl_s: int = 900, holder: Holder | None = None) -> Lease:
    with store.unit() as unit:
        return unit.leases.acquire(name, ttl_s, holder)


def release(store, lease: Lease) -> None:
    with store.unit() as unit:
        unit.leases.release(lease)


def check(store, lease: Lease) -> None:
    with store.unit() as unit:
        unit.leases.check(lease)


def test_a_second_holder_is_told_who_holds_it(store, now) -> None:
    acquire(store)
    with pytest.raises(AlreadyRunning) as error:
        acquire(store)
    here = this_process()
    assert error.value.message.params["since"] == now
    assert error.value.message.params["pid"] == here.pid
    assert "/" not in error.value.message.params["host"]
    assert error.value.hint.params["until"] > now


def test_what_is_under_way_is_called_as_people_call_it(store) -> None:
    acquire(store, "sync:north")
    with pytest.raises(AlreadyRunning) as error:
        acquire(store, "sync:north")
    assert str(error.value).startswith("The synchronisation of north is already running since ")


def test_two_names_do_not_disturb_each_other(store) -> None:
    assert acquire(store, "sync:a").token == acquire(store, "sync:b").token == 1


def test_a_token_never_restarts(store) -> None:
    tokens = []
    for _ in range(3):
        lease = acquire(store)
        tokens.append(lease.token)
        release(store, lease)
    assert tokens == [1, 2, 3]


def test_a_holder_elsewhere_is_believed_until_it_expires(store, clock) -> None:
    first = acquire(store, holder=ELSEWHERE)
    clock.advance(seconds=899)
    with pytest.raises(AlreadyRunning):
        acquire(store)
    clock.advance(seconds=1)
    second = acquire(store)
    assert second.token == first.token + 1
    with pytest.raises(LeaseLost):
        check(store, first)
    check(store, second)


def test_renewing_keeps_it_and_a_lost_one_cannot_be_renewed(store, clock) -> None:
    first = acquire(store, holder=ELSEWHERE)
    clock.advance(seconds=600)
    with store.unit() as unit:
        unit.leases.renew(first)
    clock.advance(seconds=600)
    with pytest.raises(AlreadyRunning):
        acquire(store)
    clock.advance(seconds=300)
    acquire(store)
    with pytest.raises(LeaseLost), store.unit() as unit:
        unit.leases.renew(first)


def test_releasing_a_lost_lease_leaves_the_new_holder_alone(store, clock) -> None:
    first = acquire(store, holder=ELSEWHERE)
    clock.advance(hours=1)
    second = acquire(store)
    release(store, first)
    check(store, second)


def test_a_released_lease_is_not_ours_any_more(store) -> None:
    lease = acquire(store)
    release(store, lease)
    with pytest.raises(LeaseLost):
        check(store, lease)


def test_a_later_process_with_the_same_number_is_not_the_holder(store) -> None:
    here = this_process()
    dead = Holder("x", here.host, here.pid, here.process_started - 3600)
    assert acquire(store, holder=dead).token == 1
    assert acquire(store).token == 2


def test_a_process_that_does_not_exist_is_not_a_holder(store) -> None:
    here = this_process()
    acquire(store, holder=Holder("x", here.host, 2**30, here.process_started))
    assert acquire(store).token == 2


HOLDING = (
    "import sys, time; from mdm_bridge.storage import open_store\n"
    "with open_store(sys.argv[1]).unit() as unit: unit.leases.acquire('sync:a', 86400)\n"
    "print('held', flush=True); time.sleep(60)"
)


def test_a_killed_holder_is_replaced_at_once(database_url: str) -> None:
    store = open_store(database_url)
    process = subprocess.Popen([sys.executable, "-c", HOLDING, database_url], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning):
            acquire(store)
        process.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while True:  # not waited for: the dead process is still in the table of processes
            try:
                assert acquire(store).token == 2
                break
            except AlreadyRunning:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
        store.close()


RACING = (
    "import sys, time; from mdm_bridge.storage import open_store; from mdm_bridge.errors import AlreadyRunning\n"
    "store = open_store(sys.argv[1])\n"
    "with store.reading(): pass\n"
    "print('ready', flush=True); sys.stdin.readline()\n"
    "try:\n"
    "    with store.unit() as unit: unit.leases.acquire('sync:a', 900)\n"
    "    print('won', flush=True)\n"
    "except AlreadyRunning: print('lost', flush=True)\n"
    "sys.stdin.readline()"
)


def test_of_several_processes_one_wins(database_url: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACING, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("\n")
            racer.stdin.flush()
        assert sorted(racer.stdout.readline() for racer in racers) == ["lost\n", "lost\n", "won\n"]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_held_gives_back_whatever_happens(store, error) -> None:
    with pytest.raises(error), held(store, "sync:a", 900):
        raise error
    assert acquire(store).token == 2


def test_held_renews_when_a_third_is_over(store, clock) -> None:
    seconds = 0.0
    with held(store, "sync:a", 900, elapsed=lambda: seconds) as lease:
        clock.advance(seconds=299)
        seconds = 299.0
        lease.keep()
        clock.advance(seconds=2)
        seconds = 301.0
        lease.keep()
        with store.reading() as unit:
            from sqlalchemy import text

            expires = unit.connection.execute(text("SELECT expires_at FROM lease")).scalar_one()
        from mdm_bridge.storage.types import from_wire_instant

        assert (from_wire_instant(expires) - clock.now()).total_seconds() == 900


def test_held_notices_that_it_was_taken_over(store) -> None:
    seconds = 0.0
    with held(store, "sync:a", 900, elapsed=lambda: seconds) as lease:
        with store.unit() as unit:
            unit.leases.release(lease.lease)
        acquire(store)
        seconds = 301.0
        with pytest.raises(LeaseLost):
            lease.keep()
