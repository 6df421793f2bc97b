"""A list kept by hand, or a console's export, from the command line: preview, result, saved mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mdm_bridge.delivery.cli import cli

LIST = """\
N° de série;Modèle;N° inventaire;Date achat;Valise
AAAA0001;iPad 9;12-0042;15/09/2025;Valise 1
AAAA0002;iPad 9;12-0043;15/09/2025;Valise 1
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "liste.csv").write_text(LIST, encoding="cp1252")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main(["--lang", "en", *words], standalone_mode=False)
    said = capsys.readouterr()
    return code, said.out, said.err


def changes(out: str) -> list[tuple[Any, ...]]:
    (report,) = json.loads(out)["runs"]
    return [(c["serial"], c["field"], c["new"]) for c in report.get("changes", [])]


def test_a_list_without_any_settings_preview_then_result(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("sync", "--from-file", "liste.csv", "--format", "json")
    code, preview, _ = run(capsys, *given, "--dry-run")
    assert code == 0
    assert run(capsys, "device", "list", "--format", "json")[1].strip() == "[]"
    code, done, _ = run(capsys, *given)
    assert code == 0
    announced = [change for change in changes(preview) if change[1] != "device"]
    assert announced == changes(done)
    assert len(announced) == 6
    devices = json.loads(run(capsys, "device", "list", "--format", "json")[1])
    assert [(d["serial"], d["inventory_no"], d["model"], d["battery_percent"]) for d in devices] == [
        ("AAAA0001", "12-0042", "iPad 9", None),
        ("AAAA0002", "12-0043", "iPad 9", None),
    ]


def test_what_people_own_is_not_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "sync", "--from-file", "liste.csv")
    run(capsys, "device", "set", "0001", "--kit", "Valise 9")
    code, out, _ = run(capsys, "sync", "--from-file", "liste.csv", "--format", "json")
    assert (code, changes(out)) == (0, [])
    assert json.loads(run(capsys, "device", "show", "0001", "--format", "json")[1])["kit"] == "Valise 9"


def test_a_guessed_mapping_can_be_saved_and_used(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "sync", "--from-file", "liste.csv", "--save-mapping", "main")
    assert code == 0
    assert "Mapping saved" in err
    code, _, err = run(capsys, "sync", "--from-file", "liste.csv", "--mapping", "main")
    assert code == 0
    assert "guessed" not in err


def test_import_tells_every_line_and_its_exit_code(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "device", "add", "AAAA0001", "--model", "Portable")
    code, out, err = run(capsys, "device", "import", "liste.csv", "--dry-run", "--format", "json")
    assert code == 4
    assert [(row["line"], row["outcome"]) for row in json.loads(out)] == [(2, "changed")] * 4 + [
        (3, "refused")
    ]
    assert "Nothing was written." in err
    code, out, _ = run(capsys, "device", "import", "liste.csv", "--add", "--format", "json")
    assert code == 0
    assert {row["outcome"] for row in json.loads(out)} == {"changed", "new"}
    code, out, _ = run(capsys, "device", "import", "liste.csv", "--format", "json")
    assert (code, json.loads(out)) == (0, [])


def test_a_file_of_several_servers_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mdm-bridge.toml").write_text('[servers.one]\nkind = "file"\n[servers.two]\nkind = "file"\n')
    code, out, err = run(capsys, "sync", "--from-file", "liste.csv")
    assert (code, out) == (2, "")
    assert "mdm-bridge sync one --from-file liste.csv" in err
    code, _, err = run(capsys, "sync", "nowhere", "--from-file", "liste.csv")
    assert code == 1
    assert "Hint:" in err


def test_servers_read_from_files_cannot_be_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mdm-bridge.toml").write_text('[servers.one]\nkind = "file"\n')
    code, _, err = run(capsys, "sync")
    assert code == 2
    assert "--from-file" in err


@pytest.mark.parametrize("words", [["--mapping", "x"], []])
def test_sync_without_anything_to_read(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    code, _, err = run(capsys, "sync", *words)
    assert code == 2
    assert "Hint:" in err


def test_what_could_not_be_taken_over_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "liste.csv").write_text(LIST.replace("12-0043", "12-0042"), encoding="utf-8")
    code, out, _ = run(capsys, "sync", "--from-file", "liste.csv", "--format", "json")
    (report,) = json.loads(out)["runs"]
    assert (code, report["status"], report["devices"]["new"]) == (4, "complete", 2)
    assert "line_not_taken" in [warning["code"] for warning in report["warnings"]]


def test_the_preview_names_no_device_that_the_synchronisation_leaves_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = "Serial Number;Model;Class;Inventory number\nAAAA0001;iPad;ipad;1\nMMMM0002;MacBook;mac;2\n"
    (here / "liste.csv").write_text(export)
    (here / "m.toml").write_text(
        '[columns]\nserial = "Serial Number"\nmodel = "Model"\ninventory_no = "Inventory number"\n'
    )
    given = ("sync", "--from-file", "liste.csv", "--mapping", "m.toml", "--format", "json")
    preview, done = run(capsys, *given, "--dry-run")[1], run(capsys, *given)[1]
    assert [change for change in changes(preview) if change[1] != "device"] == changes(done)


def test_a_dry_run_makes_no_database_and_saves_no_mapping(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in here.iterdir())
    code, out, _ = run(
        capsys, "sync", "--from-file", "liste.csv", "--dry-run", "--save-mapping", "m", "--format", "json"
    )
    assert code == 0
    assert len(changes(out)) == 8
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.mark.parametrize("name", ["jamf-school", "../x", "a b"])
def test_a_mapping_cannot_be_given_every_name(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, _, err = run(capsys, "sync", "--from-file", "liste.csv", "--save-mapping", name)
    assert code == 2
    assert "Hint:" in err
    assert run(capsys, "device", "list", "--format", "json")[1].strip() == "[]"


def test_several_servers_and_a_file_without_any_settings(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "sync", "a", "b", "--from-file", "liste.csv")
    assert code == 2
    assert "mdm-bridge sync a --from-file liste.csv" in err


def test_differences_are_counted_where_a_table_cannot_follow(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "sync", "--from-file", "liste.csv", "--dry-run", "--format", "csv")
    assert code == 0
    assert out.count("\n") == 2
    assert "differences: 8" in err
