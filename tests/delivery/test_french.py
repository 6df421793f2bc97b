"""What a French person reads of the system's and of libraries' errors: our own words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.delivery.conftest import Run

ENGLISH = ("No such file", "directory", "Not a", "Expected", "Invalid", "unterminated", "Permission denied")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[output]\nformat = json\n", "La ligne 2 du fichier de paramètres n'est pas du TOML"),
        ('[output]\nformat = ["a"\n', "n'est pas"),
        (
            "[privacy]\ndevice_name_pattern = 'FORM-[0-9'\n",
            "pas une expression régulière, à partir du caractère 6",
        ),
    ],
)
def test_a_settings_file_that_cannot_be_read(run: Run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mdm-bridge.toml").write_text(text)
    result = run("--lang", "fr", "device", "list")
    assert result.exit_code == 1
    assert said in result.stderr
    assert not [word for word in ENGLISH if word in result.stderr], result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
@pytest.mark.parametrize(
    "words",
    [
        ("db", "backup", "nowhere/b.zip"),
        ("init", "file/inside", "--yes"),
        ("db", "restore", ".", "--yes"),
        ("device", "list", "--format", "csv", "--output", "nowhere/x.csv"),
    ],
)
def test_a_file_that_cannot_be_written_or_read(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("x")
    run("db", "upgrade")
    result = run("--lang", "fr", *words)
    assert result.exit_code == 1
    assert "Erreur\u00a0: " in result.stderr
    assert not [word for word in ENGLISH if word in result.stderr], result.stderr


def test_doctor_names_organisation_fields_by_their_label(run: Run) -> None:
    out = run("--lang", "fr", "doctor").stdout
    assert "Adresse postale" in out
    assert "dpd_contact" not in out
    assert "conservation" not in out


def test_the_cure_of_a_broken_trail_stands_behind_its_mark(run: Run, tmp_path: Path) -> None:
    import sqlite3

    run("db", "upgrade")
    run("device", "add", "PC0042XY", "--model", "x")
    whole = run("--lang", "fr", "privacy", "audit", "verify").stdout
    assert "intègre" in whole
    assert "effacé" not in whole
    with sqlite3.connect(tmp_path / "mdm-bridge.db") as database:
        database.execute("UPDATE audit SET actor = 'other'")
    result = run("--lang", "fr", "privacy", "audit", "verify")
    assert result.exit_code == 1
    assert any(line.startswith("À faire\u00a0: Gar") for line in result.stderr.splitlines()), result.stderr
