"""``init``: everything a new installation needs, and nothing overwritten."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mdm_bridge.config import load_settings
from mdm_bridge.delivery.i18n import using_language
from mdm_bridge.delivery.settings_text import ORGANISATION, Answers, FirstServer, settings_text
from mdm_bridge.wiring import open_app
from tests.delivery.conftest import Run, environment

MADE = {".gitignore", "app_catalog", "mdm-bridge.db", "mdm-bridge.toml", "profiles", "secrets"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")


def test_an_empty_folder_becomes_an_installation(run: Run, tmp_path: Path) -> None:
    result = run("--lang", "en", "init", "--yes")
    assert result.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == MADE
    assert str(tmp_path / "mdm-bridge.toml") in result.stdout.splitlines()
    assert "mdm-bridge doctor" in result.stderr
    assert (tmp_path / "app_catalog" / "formation.toml").is_file()
    assert (tmp_path / "profiles" / "formation-restrictions.mobileconfig").is_file()
    assert "/secrets/" in (tmp_path / ".gitignore").read_text()
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    app = open_app(tmp_path / "mdm-bridge.toml", {})
    assert app.store.schema_state().status == "current"
    app.close()
    assert run("doctor").exit_code == 0


def test_a_folder_of_its_own(run: Run, tmp_path: Path) -> None:
    result = run("--lang", "en", "init", "new/fleet", "--yes")
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "new" / "fleet").iterdir()} == MADE
    assert f"cd {tmp_path / 'new' / 'fleet'}" in result.stderr


def test_the_settings_go_where_config_says(run: Run, tmp_path: Path) -> None:
    assert run("--config", "elsewhere/own.toml", "init", "--yes").exit_code == 0
    assert load_settings(tmp_path / "elsewhere" / "own.toml", {}).file is not None


@pytest.mark.parametrize("there", ["mdm-bridge.toml", "secrets", "app_catalog", "profiles", "mdm-bridge.db"])
def test_nothing_is_overwritten(run: Run, tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    result = run("--lang", "en", "init", "--yes")
    assert result.exit_code == 1
    assert there in result.stderr
    assert "Hint:" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_gitignore_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    result = run("--lang", "en", "init", "--yes")
    assert result.exit_code == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert "keep secrets/" in result.stderr


def test_a_wrong_variable_is_told_before_anything_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MDM_BRIDGE_OUTPUT__FORMT", "csv")
    result = run("--lang", "en", "init", "--yes")
    assert result.exit_code == 1
    assert "MDM_BRIDGE_OUTPUT__FORMAT" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = run("--lang", "en", "init", "file/inside", "--yes")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("switched_on", [False, True])
def test_the_text_loads_as_it_is_and_with_every_line_switched_on(
    tmp_path: Path, language: str, switched_on: bool
) -> None:
    with using_language(language):
        text = settings_text(Answers())
    if switched_on:
        kept = []
        for line in text.splitlines():
            bare = line.removeprefix("# ")
            is_setting = bare.startswith("[") or " = " in bare
            kept.append(bare if is_setting else line)
        text = "\n".join(kept)
    file = tmp_path / "mdm-bridge.toml"
    file.write_text(text, encoding="utf-8")
    settings = load_settings(file, {})
    assert list(settings.servers) == (["mdm"] if switched_on else [])
    assert (settings.privacy.retention.audit == "12m") is switched_on


def test_answers_are_kept_whatever_they_hold(tmp_path: Path) -> None:
    odd = 'Pôle "numérique" \\ n° 1 # x\x7f'
    organisation = {key: odd for key in ORGANISATION if key != "logo"}
    answers = Answers(organisation, FirstServer("north", "https://h.example.org/api", "007"))
    file = tmp_path / "mdm-bridge.toml"
    file.write_text(settings_text(answers), encoding="utf-8")
    settings = load_settings(file, {})
    assert settings.organisation.name == odd
    assert settings.servers["north"].network_id == "007"
    assert settings.servers["north"].api_key_file == tmp_path / "secrets" / "north.key"


@posix
def test_the_questions_of_a_terminal(tmp_path: Path) -> None:
    answers = ["My service", *[""] * (len(ORGANISATION) - 1), "y", "North!", "north", "ftp://x"]
    answers += ["https://school.example.org/api", "1234567", "S3CRET"]
    code, shown, output = _answering(tmp_path, answers, "en")
    assert code == 0, shown
    assert b"Name of the organisation" in shown
    assert b"S3CRET" not in output
    key = tmp_path / "secrets" / "north.key"
    assert key.read_text() == "S3CRET\n"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    settings = load_settings(tmp_path / "mdm-bridge.toml", {})
    assert settings.organisation.name == "My service"
    assert settings.servers["north"].url == "https://school.example.org/api"


@posix
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("answer", "meant"), [
    ("o", True), ("Oui", True), ("y", True), ("yes", True), ("n", False), ("non", False), ("", False),
])  # fmt: skip
def test_yes_and_no_are_understood_in_either_language(
    tmp_path: Path, language: str, answer: str, meant: bool
) -> None:
    answers = [*[""] * len(ORGANISATION), answer, *(["", ""] if meant else [])]
    code, seen, _output = _answering(tmp_path, answers, language)
    shown = seen.decode()
    assert code == 0, shown
    if language == "fr":
        assert "[o/N]\u00a0: " in shown
        assert not re.search(r"[^\u00a0/s]: ?(?:\r|$)", shown.split("[o/N]")[0], re.MULTILINE), shown
    else:
        assert "[y/N]: " in shown
    assert (("Adresse de base" in shown) or ("Base address" in shown)) is meant


def _answering(folder: Path, answers: list[str], language: str) -> tuple[int, bytes, bytes]:
    """Run ``init`` on a terminal; return its exit code, what the terminal showed, and stdout."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mdm_bridge", "--lang", language, "init"],
        cwd=folder, env=environment(), stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        for answer in answers:
            shown += _until_a_question(ours)
            os.write(ours, answer.encode() + b"\n")
        output = process.communicate(timeout=30)[0]
    finally:
        process.kill()
        os.close(ours)
    return process.returncode, shown, output


def _until_a_question(terminal: int, patience_s: float = 20) -> bytes:
    """Read what the program shows until it waits for an answer."""
    import select

    shown, end = b"", time.monotonic() + patience_s
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 4096)
        elif shown.rstrip(b"\r\n").endswith(b": "):
            return shown
    raise AssertionError(f"no question within {patience_s} s: {shown!r}")
