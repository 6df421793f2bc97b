"""``db`` and ``privacy audit verify``: what they say and how they end, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mdm_bridge.delivery.cli import cli
from mdm_bridge.domain.equipment import DeviceFacts
from mdm_bridge.services.devices import add_device, set_state
from mdm_bridge.storage import open_store

Run = Callable[..., tuple[int, str, str]]


def caller(folder: Path, url: str, capfd: pytest.CaptureFixture[str]) -> Run:
    settings = folder / f"settings-{abs(hash(url))}.toml"
    settings.write_text(f"[database]\nurl = {json.dumps(url)}\n")

    def call(*words: str, lang: str = "en") -> tuple[int, str, str]:
        code = cli.main(
            ["--config", str(settings), "--lang", lang, "--as", "ctdn", *words], standalone_mode=False
        )
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def run(tmp_path, database_url, capfd) -> Run:
    store = open_store(database_url)
    add_device(store, "ctdn", DeviceFacts("ABCD1111"), zone=ZoneInfo("Europe/Paris"))
    set_state(store, "ctdn", "1111", "repair", "broken")
    store.close()
    return caller(tmp_path, database_url, capfd)


@pytest.fixture
def empty(tmp_path, empty_database_url, capfd) -> Run:
    return caller(tmp_path, empty_database_url, capfd)


def execute(url: str, statement: str) -> None:
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.execute(text(statement))
    store.close()


def test_upgrade_says_from_where(empty) -> None:
    assert "was made" in empty("db", "upgrade")[1]
    assert "up to date already" in empty("db", "upgrade")[1]


def test_a_command_on_an_empty_database(empty, database_kind) -> None:
    code, _, err = empty("device", "list")
    if database_kind == "sqlite":
        assert code == 0
    else:
        assert code == 1
        assert "mdm-bridge db upgrade" in err


def test_check_a_good_database(run, database_kind) -> None:
    code, out, err = run("db", "check")
    lines = out.splitlines()
    assert code == 0
    assert all(line.startswith(("OK ", " ")) or "WARNING" in line for line in lines)
    assert any("Audit trail" in line and "2 entries" in line for line in lines)
    assert "Errors: 0" in err
    found = json.loads(run("db", "check", "--format", "json")[1])
    expected = {"schema_current", "database_whole", "references_whole", "audit_whole"}
    assert expected <= {row["code"] for row in found}


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("INSERT INTO installed VALUES (99, 98, 97, 0)", "references_broken"),
        ("UPDATE audit SET actor = 'x' WHERE seq = 2", "audit_entry_altered"),
        ("UPDATE schema_version SET version_num = '9999'", "schema_newer"),
    ],
)
def test_check_names_what_is_wrong(run, database_url, damage: str, code: str) -> None:
    execute(database_url, damage)
    status, out, _ = run("db", "check", "--format", "json")
    assert status == 1
    wrong = [row for row in json.loads(out) if row["severity"] == "error"]
    assert {row["code"] for row in wrong} == {code}
    assert all(row["hint"] for row in wrong)


def test_check_sees_broken_references_on_sqlite(run, database_url, database_kind) -> None:
    if database_kind == "postgresql":
        pytest.skip("PostgreSQL lets none exist")
    import sqlite3

    with sqlite3.connect(database_url.removeprefix("sqlite:///")) as raw:
        raw.execute("UPDATE device SET kit_id = 77")
    raw.close()
    status, out, _ = run("db", "check", "--format", "json")
    assert status == 1
    assert "device → kit" in out


def test_check_a_damaged_file(run, database_url, database_kind) -> None:
    if database_kind == "postgresql":
        pytest.skip("no file of ours")
    path = Path(database_url.removeprefix("sqlite:///"))
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\x55" * (4096 * 3)
    path.write_bytes(data)
    status, out, err = run("db", "check")
    assert status == 1
    assert "restore" in out + err
    path.write_bytes(b"not a database at all, whatever its name may be" * 40)
    status, out, err = run("db", "check")
    assert status == 1
    assert "damaged" in err


def test_check_does_not_make_a_file(tmp_path, capfd) -> None:
    call = caller(tmp_path, f"sqlite:///{tmp_path / 'none.db'}", capfd)
    status, _, err = call("db", "check")
    assert status == 1
    assert "db upgrade" in err
    assert not (tmp_path / "none.db").exists()


def test_backup_and_restore(run, empty, tmp_path) -> None:
    code, out, err = run("db", "backup", str(tmp_path / "a.zip"))
    assert code == 0
    head = out.splitlines()[1].rpartition(" ")[2]
    assert head.startswith("2:")
    assert "--head" in err

    code, _, err = empty("db", "restore", str(tmp_path / "a.zip"))
    assert code == 2
    assert "--yes" in err
    code, out, _ = empty("db", "restore", str(tmp_path / "a.zip"), "--yes")
    assert code == 0
    assert "Restored" in out
    code, out, _ = empty("privacy", "audit", "verify", "--head", head)
    assert code == 0
    assert "3 entries" in out
    assert json.loads(empty("device", "list", "--format", "json")[1])[0]["state"] == "repair"

    code, _, err = empty("db", "restore", str(tmp_path / "a.zip"), "--yes")
    assert code == 1
    assert "holds data already" in err


def test_verify_names_the_first_bad_entry(run, database_url) -> None:
    assert run("privacy", "audit", "verify")[0] == 0
    execute(database_url, "UPDATE audit SET verb = 'x' WHERE seq = 1")
    code, out, err = run("privacy", "audit", "verify")
    assert code == 1
    assert "Entry 1 was altered" in out
    assert err


def test_verify_against_a_head(run, database_url) -> None:
    head = run("privacy", "audit", "verify")[1].splitlines()[1].rpartition(" ")[2]
    execute(database_url, "DELETE FROM audit WHERE seq = 2")
    execute(database_url, "DELETE FROM audit_detail WHERE seq = 2")
    assert run("privacy", "audit", "verify")[0] == 0
    code, out, _ = run("privacy", "audit", "verify", "--head", head)
    assert code == 1
    assert "2" in out
    code, _, err = run("privacy", "audit", "verify", "--head", "nonsense")
    assert code == 1
    assert "64" in err
