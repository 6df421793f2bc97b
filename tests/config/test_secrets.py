"""Secrets: where they come from, and the files that hold them."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from mdm_bridge.config import Settings, load_settings
from mdm_bridge.config.acl import readers_in_sddl
from mdm_bridge.config.secrets import check_secrets, read_secret, uses_keyring
from mdm_bridge.errors import SettingsError

TEXT = """
[servers.north]
kind = "jamf-school"
url = "https://school.example.org/api"
network_id = "1"
"""
posix_only = pytest.mark.skipif(os.name == "nt", reason="mode bits")


def settings(folder: Path, more: str = 'api_key_file = "north.key"\n', **environ: str) -> Settings:
    file = folder / "mdm-bridge.toml"
    file.write_text(TEXT + more)
    return load_settings(file, environ)


def key_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "north.key"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def refused(loaded: Settings) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_secret(loaded, "north", "api_key")
    return caught.value


@pytest.mark.parametrize("content", [b"K3Y", b"K3Y\n", b"K3Y\r\n", b"\xef\xbb\xbfK3Y\n", b"  K3Y  \n\n"])
def test_a_file_holds_the_key_and_the_end_of_its_line(tmp_path: Path, content: bytes) -> None:
    key_file(tmp_path, content)
    assert read_secret(settings(tmp_path), "north", "api_key").get_secret_value() == "K3Y"


def test_the_variable_comes_before_the_file(tmp_path: Path) -> None:
    key_file(tmp_path, b"file")
    loaded = settings(tmp_path, MDM_BRIDGE_SERVERS__NORTH__API_KEY=" variable\n")
    assert read_secret(loaded, "north", "api_key").get_secret_value() == "variable"


def test_a_missing_file(tmp_path: Path) -> None:
    error = refused(settings(tmp_path))
    assert error.problems[0].message.code == "key_file_missing"
    assert str(tmp_path / "north.key") in str(error)
    assert "chmod 600" in str(error.hint)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    key_file(tmp_path, content)
    assert refused(settings(tmp_path)).problems[0].message.code == "key_file_empty"


def test_a_file_of_several_lines_is_not_a_key(tmp_path: Path) -> None:
    key_file(tmp_path, b"K3Y\nmore\n")
    error = refused(settings(tmp_path))
    assert error.problems[0].message.code == "key_file_many_lines"
    assert "K3Y" not in str(error)


def test_a_folder_is_not_a_key(tmp_path: Path) -> None:
    (tmp_path / "north.key").mkdir(mode=0o700)
    assert refused(settings(tmp_path)).problems[0].message.code == "key_file_unreadable"


@posix_only
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_file_open_to_others(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path, b"K3Y\n", mode)
    error = refused(settings(tmp_path))
    assert error.problems[0].message.code == "key_file_open"
    assert str(error.hint) == f"Run: chmod 600 {file}"


class TestKeyring:
    def test_a_missing_extra_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        loaded = settings(tmp_path, "")
        assert uses_keyring(loaded)
        assert "mdm-bridge[keyring]" in str(refused(loaded).hint)

    def test_the_keyring_answers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        entries = {("mdm-bridge", "north.api_key"): "K3Y"}
        fake = types.ModuleType("keyring")
        fake.get_password = lambda service, entry: entries.get((service, entry))  # type: ignore[attr-defined]
        errors = types.ModuleType("keyring.errors")
        errors.KeyringError = RuntimeError  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "keyring", fake)
        monkeypatch.setitem(sys.modules, "keyring.errors", errors)
        loaded = settings(tmp_path, "")
        assert read_secret(loaded, "north", "api_key").get_secret_value() == "K3Y"
        entries.clear()
        assert "keyring set mdm-bridge north.api_key" in str(refused(loaded).hint)


def test_every_secret_spoken_of_is_checked(tmp_path: Path) -> None:
    key_file(tmp_path, b"K3Y\n")
    loaded = settings(tmp_path, 'api_key_file = "north.key"\nwebhook_secret_file = "hook.key"\n')
    found = {key: problem and problem.message.code for key, problem in check_secrets(loaded)}
    assert found == {"servers.north.api_key": None, "servers.north.webhook_secret": "key_file_missing"}


@pytest.mark.parametrize(
    ("sddl", "readers"),
    [
        ("D:P(A;;FA;;;SY)(A;;FA;;;S-1-5-21-1-2-3-1001)", []),
        ("D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", ["Users"]),
        ("D:(A;;FR;;;WD)(A;;FR;;;AU)(A;;FA;;;WD)", ["Everyone", "Authenticated Users"]),
        ("D:(D;;FA;;;WD)", []),
        ("D:(A;OICIIO;FA;;;WD)", []),
        ("D:(A;;0x100000;;;WD)", []),
        ("D:NO_ACCESS_CONTROL", ["Everyone"]),
        ("", ["Everyone"]),
    ],
)
def test_who_may_read_by_an_access_list(sddl: str, readers: list[str]) -> None:
    assert readers_in_sddl(sddl) == readers
