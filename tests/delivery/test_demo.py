"""The demonstration: the whole story, and nothing of the person who looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdm_bridge.delivery.cli import cli


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_story_is_told_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], language: str
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.db"
    monkeypatch.setenv("MDM_BRIDGE_DATABASE__URL", f"sqlite:///{mine}")
    code = cli.main(["--lang", language, "demo"], standalone_mode=False)
    out, err = capfd.readouterr()
    assert code == 0, err
    assert out.count("$ mdm-bridge ") == 10
    assert "Traceback" not in err
    assert "FORM-01" in out
    assert "PRET-" in out
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mdm-bridge.toml").write_text("[organisation]\n")
    code = cli.main(["--lang", "en", "demo", "--keep", "."], standalone_mode=False)
    _, err = capfd.readouterr()
    assert code == 1
    assert "Hint: Choose an empty or a new folder." in err
    assert (tmp_path / "mdm-bridge.toml").read_text() == "[organisation]\n"


def test_what_is_kept_can_be_used_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["--lang", "en", "demo", "--keep", "kept"], standalone_mode=False) == 0
    capfd.readouterr()
    given = ["--config", "kept/mdm-bridge.toml", "device", "list", "--format", "csv"]
    assert cli.main(given, standalone_mode=False) == 0
    assert capfd.readouterr().out.count("\n") == 25
