"""One portable copy for both databases: whole, exact, verified; anything less is refused."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mdm_bridge.domain.equipment import DeviceFacts
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.errors import InputError, StorageError
from mdm_bridge.services.devices import add_device, set_pool, set_state
from mdm_bridge.services.sync import SyncOptions, synchronise
from mdm_bridge.storage import open_store
from mdm_bridge.storage.schema import VERSION_TABLE
from mdm_bridge.storage.tables import Base
from tests.support.listing import CONTACT, FakeSource, device
from tests.support.tables import rows_of

PARIS = ZoneInfo("Europe/Paris")
POLICY = ServerPolicy(zone=PARIS, rules=(PoolRule("training", Criteria(groups=("Formation",))),))


def picture(store) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as Python sees it, but what restoring itself writes."""
    found = {}
    with store.reading() as unit:
        for table in Base.metadata.sorted_tables:
            rows = unit.connection.execute(table.select().order_by(*table.primary_key.columns))
            found[table.name] = [dict(row._mapping) for row in rows]
    restored = {row["seq"] for row in found["audit"] if row["verb"] == "restore"}
    for name in ("audit", "audit_detail"):
        found[name] = [row for row in found[name] if row["seq"] not in restored]
    return found


@pytest.fixture
def full(store, clock):
    """A database with something in most tables."""
    source = FakeSource([device(1), device(2), device(3, battery_percent=None)])
    synchronise(store, source, POLICY, clock, SyncOptions(actor="ctdn"))
    clock.advance(days=1)
    for listed in source.devices:
        listed["contact_at"] = CONTACT + timedelta(days=1)
        listed["os_version"] = "18.6"
        listed["apps"] = {"com.example.reader": "1.1"}
    synchronise(store, source, POLICY, clock, SyncOptions(actor="ctdn"))
    add_device(store, "ctdn", DeviceFacts("SCAN-1", model="Scanner « é \n", kit="Case 1"), zone=PARIS)
    set_state(store, "ctdn", "SERIAL0001", "lost", "not found")
    set_pool(store, "ctdn", "SERIAL0003", "ash", zone=PARIS)
    return store


@pytest.fixture
def other_url(request, tmp_path, database_kind) -> Iterator[str]:
    """URL of an empty database of the other kind."""
    if database_kind == "postgresql":
        yield f"sqlite:///{tmp_path / 'other.db'}"
        return
    server = request.getfixturevalue("pg_server")
    name = server.make(migrated=False)
    yield server.url(name)
    server.drop(name)


def test_there_and_back_again(full, other_url, tmp_path, clock, database_url) -> None:
    before = picture(full)
    assert sum(bool(rows) for rows in before.values()) > 14
    made = full.backup(tmp_path / "a.zip")
    assert made.counts == {name: len(rows) for name, rows in before.items()}

    other = open_store(other_url, clock=clock)
    restored = other.restore(tmp_path / "a.zip", "ctdn")
    assert restored.counts == made.counts
    assert picture(other) == before
    with other.reading() as unit:
        assert unit.audit.verify(made.audit_head).ok
        assert [entry.verb for entry in unit.audit.entries()][-1] == "restore"

    other.backup(tmp_path / "b.zip")
    other.close()
    with full.unit() as unit:
        for table in reversed(Base.metadata.sorted_tables):
            unit.connection.execute(table.delete())
    full.restore(tmp_path / "b.zip", "ctdn")
    assert picture(full) == before


def test_new_rows_are_numbered_after_the_restored_ones(full, other_url, tmp_path, clock) -> None:
    full.backup(tmp_path / "a.zip")
    other = open_store(other_url, clock=clock)
    other.restore(tmp_path / "a.zip", "ctdn")
    add_device(other, "ctdn", DeviceFacts("NEW-1", kit="Case 2"), zone=PARIS)
    set_state(other, "ctdn", "NEW-1", "repair", "broken")
    source = FakeSource([device(1), device(2), device(3), device(4)])
    assert synchronise(other, source, POLICY, clock, SyncOptions(actor="ctdn")).status == "complete"
    other.close()


def test_a_copy_holds_no_lease(store, tmp_path, other_url, clock) -> None:
    with store.unit() as unit:
        lease = unit.leases.acquire("sync:a", 86_400)
    store.backup(tmp_path / "a.zip")
    other = open_store(other_url, clock=clock)
    other.restore(tmp_path / "a.zip", "ctdn")
    with other.unit() as unit:
        assert unit.leases.acquire("sync:a", 900).token == lease.token + 1
    other.close()


def test_the_file_is_closed_to_others_and_replaces_only_a_backup(full, tmp_path, database_kind) -> None:
    path = tmp_path / "a.zip"
    full.backup(path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    full.backup(path)
    settings = tmp_path / "settings.toml"
    settings.write_text("precious")
    with pytest.raises(InputError, match="not a backup"):
        full.backup(settings)
    assert settings.read_text() == "precious"
    with pytest.raises(InputError):
        full.backup(tmp_path / "nowhere" / "a.zip")
    if database_kind == "sqlite":
        with pytest.raises(InputError, match="the database itself"):
            full.backup(Path(full.engine.url.database))


def test_a_copy_that_fails_leaves_no_file(full, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mdm_bridge.storage.backup.os.fsync", fail)
    with pytest.raises(InputError, match="the disk is full"):
        full.backup(folder / "a.zip")
    assert list(folder.iterdir()) == []


def test_a_full_disk_while_writing(full, tmp_path, database_url) -> None:
    """A limit of the file's size stands for a full disk: the error comes in the middle of the archive."""
    pytest.importorskip("resource")
    program = (
        "import resource, sys, pathlib, os\n"
        "from mdm_bridge.errors import InputError\n"
        "from mdm_bridge.storage import open_store\n"
        "from mdm_bridge.storage import backup\n"
        "store = open_store(sys.argv[1])\n"
        "with store.reading(): pass\n"
        "write = backup._write_table\n"
        "def limited(connection, archive, table):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))\n"
        "    member = write(connection, archive, table); archive.fp.flush(); return member\n"
        "backup._write_table = limited\n"
        "try: store.backup(pathlib.Path(sys.argv[2]))\n"
        "except InputError as error: sys.exit(0 if error.code == 'cannot_write_file' else 3)\n"
        "sys.exit(4)\n"
    )
    folder = tmp_path / "out"
    folder.mkdir()
    arguments = [sys.executable, "-c", program, database_url, str(folder / "a.zip")]
    done = subprocess.run(arguments, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert list(folder.iterdir()) == []


Rewrite = Callable[[dict[str, bytes]], None]


def rewritten(source: Path, target: Path, change: Rewrite) -> Path:
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def manifest(change: Callable[[dict[str, Any]], None]) -> Rewrite:
    def apply(members: dict[str, bytes]) -> None:
        found = json.loads(members["manifest.json"])
        change(found)
        members["manifest.json"] = json.dumps(found).encode()

    return apply


def table(name: str, change: Callable[[bytes], bytes], *, honest: bool = False) -> Rewrite:
    """Change a member; ``honest``: and the manifest with it, as a forger would."""

    def apply(members: dict[str, bytes]) -> None:
        data = members[f"tables/{name}.jsonl"] = change(members[f"tables/{name}.jsonl"])
        if not honest:
            return
        found = json.loads(members["manifest.json"])
        entry = next(entry for entry in found["tables"] if entry["table"] == name)
        entry |= {"rows": data.count(b"\n"), "sha256": hashlib.sha256(data).hexdigest()}
        members["manifest.json"] = json.dumps(found).encode()

    return apply


def drop_member(members: dict[str, bytes]) -> None:
    del members["tables/device.jsonl"]


def drop_manifest(members: dict[str, bytes]) -> None:
    del members["manifest.json"]


def bad_name(found: dict[str, Any]) -> None:
    next(e for e in found["tables"] if e["table"] == "kit")["columns"] = {"id": "int", 'x"; DROP': "text"}


def first_row_twice(data: bytes) -> bytes:
    return data + data.split(b"\n")[0] + b"\n"


DAMAGES: dict[str, Rewrite] = {
    "a member is missing": drop_member,
    "the manifest is missing": drop_manifest,
    "the manifest is not one": lambda members: members.update({"manifest.json": b"[1]"}),
    "another format": manifest(lambda found: found.update(format="other")),
    "a field of the manifest is missing": manifest(lambda found: found.pop("tables")),
    "a row is missing": table("device", lambda data: data[data.index(b"\n") + 1 :]),
    "a letter is changed": table("device", lambda data: data.replace(b"SERIAL0001", b"SERIAL0009")),
    "a count is wrong": manifest(lambda found: found["tables"][0].update(rows=77)),
    "a forged row": table("device", first_row_twice, honest=True),
    "a forged reference": table("device", lambda data: b"", honest=True),
    "a forged trail": table("audit", lambda data: data.replace(b"ctdn", b"else"), honest=True),
    "a shortened trail": table("audit", lambda data: data[: data.rindex(b"\n", 0, -1) + 1], honest=True),
    "rows that are none": table("kit", lambda data: b"nonsense\n", honest=True),
    "rows too short": table("kit", lambda data: b"[1]\n", honest=True),
    "a value of another type": table("device_day", lambda data: b'["x", "y", 1, 2, "z"]\n', honest=True),
    "a name that is none": manifest(bad_name),
    "a table that is none": manifest(lambda found: found["tables"][0].update(table="sqlite_master")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_is_refused_and_changes_nothing(full, other_url, tmp_path, clock, damage: str) -> None:
    full.backup(tmp_path / "good.zip")
    bad = rewritten(tmp_path / "good.zip", tmp_path / "bad.zip", DAMAGES[damage])
    other = open_store(other_url, clock=clock)
    with pytest.raises(InputError) as error:
        other.restore(bad, "ctdn")
    assert error.value.code in {"backup_damaged", "backup_trail_broken"}
    assert other.schema_state().status == "empty"
    other.restore(tmp_path / "good.zip", "ctdn")
    other.close()


@pytest.mark.parametrize("length", [0, 10, -10, 0.5])
def test_a_truncated_file_is_refused(full, other_url, tmp_path, clock, length: float) -> None:
    full.backup(tmp_path / "good.zip")
    data = (tmp_path / "good.zip").read_bytes()
    (tmp_path / "bad.zip").write_bytes(data[: int(length) if abs(length) != 0.5 else len(data) // 2])
    other = open_store(other_url, clock=clock)
    with pytest.raises(InputError) as error:
        other.restore(tmp_path / "bad.zip", "ctdn")
    assert error.value.code == "backup_damaged"
    assert other.schema_state().status == "empty"
    other.close()


def test_a_flipped_byte_never_restores_something_else(full, tmp_path, clock) -> None:
    """Some bytes of an archive mean nothing (times, a second copy of a length); all others are seen."""
    before = picture(full)
    full.backup(tmp_path / "good.zip")
    data = (tmp_path / "good.zip").read_bytes()
    refused = 0
    for number, position in enumerate(range(0, len(data), len(data) // 80)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << (number % 8)
        (tmp_path / "bad.zip").write_bytes(flipped)
        other = open_store(f"sqlite:///{tmp_path / f'{number}.db'}", clock=clock)
        try:
            other.restore(tmp_path / "bad.zip", "ctdn")
        except (InputError, StorageError):
            refused += 1
            assert other.schema_state().status == "empty"
        else:
            assert picture(other) == before
        other.close()
    assert refused > 40


def test_a_database_with_rows_is_refused(full, tmp_path) -> None:
    full.backup(tmp_path / "a.zip")
    before = picture(full)
    with pytest.raises(StorageError) as error:
        full.restore(tmp_path / "a.zip", "ctdn")
    assert error.value.code == "database_not_empty"
    assert picture(full) == before


def test_a_copy_of_a_later_program_is_refused(full, other_url, tmp_path, clock) -> None:
    full.backup(tmp_path / "a.zip")
    other = open_store(other_url, clock=clock)
    for change in ({"revision": "9999"}, {"version": 2}):
        later = rewritten(
            tmp_path / "a.zip", tmp_path / "b.zip", manifest(lambda found, c=change: found.update(c))
        )
        with pytest.raises(StorageError) as error:
            other.restore(later, "ctdn")
        assert error.value.code == "backup_newer"
    other.close()


def test_no_such_file(store, tmp_path) -> None:
    with pytest.raises(InputError) as error:
        store.restore(tmp_path / "none.zip", "ctdn")
    assert error.value.code == "file_missing"
    with pytest.raises(InputError):
        store.restore(tmp_path, "ctdn")


@pytest.mark.parametrize("prepared", [False, True])
def test_a_copy_of_an_earlier_schema_is_brought_up_to_date(
    full, other_url, tmp_path, clock, two_migrations, prepared: bool
) -> None:
    full.backup(tmp_path / "a.zip")
    two_migrations("op.add_column('kit', sa.Column('note', sa.Text(), server_default='kept'))")
    other = open_store(other_url, clock=clock)
    if prepared:
        other.upgrade()
    other.restore(tmp_path / "a.zip", "ctdn")
    assert other.schema_state().status == "current"
    with other.engine.connect() as connection:
        assert connection.execute(text("SELECT name, note FROM kit")).all() == [("Case 1", "kept")]
        assert connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).all() == [("0002",)]
    other.close()


def test_memory_does_not_grow_with_the_rows(store, tmp_path, other_url, clock, now) -> None:
    import tracemalloc

    with store.unit() as unit:
        unit.connection.execute(
            text("INSERT INTO device (serial, state_since, first_seen_at) VALUES (:s, :n, :n)"),
            [{"s": f"S{number:06}", "n": now.isoformat()} for number in range(20_000)],
        )
    other = open_store(other_url, clock=clock)
    tracemalloc.start()
    store.backup(tmp_path / "a.zip")
    other.restore(tmp_path / "a.zip", "ctdn")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows_of(other, "device")) == 20_000
    assert peak < 8_000_000  # the rows themselves are some 20 MB as Python objects
    other.close()
