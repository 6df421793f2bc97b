"""Leases with fencing tokens, and who on this machine is still alive."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mdm_bridge.errors import AlreadyRunning, LeaseLost
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.leases import Holder, Lease
from mdm_bridge.storage.tables import LeaseRow

__all__ = ["Leases", "this_process"]

#: Two readings of a process's start differ by less than this (the system clock may be corrected).
_SAME_START_S = 2

_NOBODY: dict[str, Any] = {
    "holder": None,
    "host": None,
    "pid": None,
    "process_started": None,
    "acquired_at": None,
    "expires_at": None,
}


class Leases:
    """Role: who does what right now."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def acquire(self, name: str, ttl_s: int, holder: Holder | None = None) -> Lease:
        """Take a lease (see ``ports.leases.LeasesRole.acquire``)."""
        taker = holder or this_process()
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        # The row exists before it is read, so that two takers wait for each other on it.
        self._connection.execute(dialect.insert(LeaseRow).values(name=name, token=0).on_conflict_do_nothing())
        row = self._connection.execute(
            select(LeaseRow.__table__).where(LeaseRow.name == name).with_for_update()
        ).one()
        if self._is_held(row):
            raise _already_running(row)
        now = self._clock.now()
        self._connection.execute(
            update(LeaseRow)
            .where(LeaseRow.name == name)
            .values(
                token=row.token + 1,
                holder=taker.id,
                host=taker.host,
                pid=taker.pid,
                process_started=taker.process_started,
                acquired_at=now,
                expires_at=now + timedelta(seconds=ttl_s),
            )
        )
        return Lease(name, row.token + 1, ttl_s)

    def _is_held(self, row: Any) -> bool:
        if row.holder is None or row.expires_at <= self._clock.now():
            return False
        return row.host != _host() or _is_alive(row.pid, row.process_started)

    def is_held(self, name: str) -> bool:
        """Tell whether a living process holds a lease."""
        row = self._connection.execute(select(LeaseRow.__table__).where(LeaseRow.name == name)).one_or_none()
        return row is not None and self._is_held(row)

    def renew(self, lease: Lease) -> None:
        """Hold it for another ``ttl_s`` (see ``ports.leases.LeasesRole.renew``)."""
        expires = self._clock.now() + timedelta(seconds=lease.ttl_s)
        if not self._update(lease, {"expires_at": expires}):
            raise _lost(lease)

    def check(self, lease: Lease) -> None:
        """Make sure that it is ours until this transaction ends (see ``LeasesRole.check``)."""
        found = self._connection.execute(
            select(LeaseRow.token)
            .where(LeaseRow.name == lease.name, LeaseRow.holder.is_not(None))
            .with_for_update()
        ).scalar_one_or_none()
        if found != lease.token:
            raise _lost(lease)

    def release(self, lease: Lease) -> None:
        """Give it back; the row stays, so that tokens never restart."""
        self._update(lease, _NOBODY)

    def _update(self, lease: Lease, values: dict[str, Any]) -> bool:
        result = self._connection.execute(
            update(LeaseRow)
            .where(
                LeaseRow.name == lease.name,
                LeaseRow.token == lease.token,
                LeaseRow.holder.is_not(None),
            )
            .values(values)
        )
        assert isinstance(result, CursorResult)
        return bool(result.rowcount)


def this_process() -> Holder:
    """Return this process as a holder."""
    import psutil

    started = int(psutil.Process().create_time())
    return Holder(uuid.uuid4().hex, _host(), os.getpid(), started)


@cache
def _host() -> str:
    """Return the name of the space in which our process numbers mean something.

    Two containers may have one host name: their process numbers are not ours.
    """
    try:
        return f"{socket.gethostname()}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def _is_alive(pid: int, started: int) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - started) <= _SAME_START_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it exists, and is somebody else's
        return True


def _task(name: str) -> Message | str:
    """Return what a lease guards, as people call it."""
    kind, _colon, server = name.partition(":")
    return Message("task_sync", "The synchronisation of {server}", server=server) if kind == "sync" else name


def _already_running(row: Any) -> AlreadyRunning:
    return AlreadyRunning(
        Message(
            "already_running",
            "{task} is already running since {since}, on {host} (process {pid}).",
            task=_task(row.name),
            since=row.acquired_at,
            host=row.host.partition("/")[0],
            pid=row.pid,
        ),
        hint=Message(
            "wait_until_it_ends",
            "Wait until it ends. If that machine is gone, it may be replaced after {until}.",
            until=row.expires_at,
        ),
    )


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        Message(
            "lease_lost",
            "{task} was taken over by another process while this one was working: nothing was written.",
            task=_task(lease.name),
        ),
        hint=Message("let_other_finish", "Let the other one finish, then run the command again if needed."),
    )
