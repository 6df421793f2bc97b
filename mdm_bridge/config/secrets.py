"""Secrets of a server: from the environment, a file of their own, or the keyring of the system."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from mdm_bridge.config.acl import readers_beside_owner
from mdm_bridge.config.models import Settings
from mdm_bridge.config.problems import settings_error
from mdm_bridge.config.servers import SECRET_NAMES, Server
from mdm_bridge.errors import SettingProblem, SettingsError, system_reason
from mdm_bridge.messages import Message

__all__ = ["KEYRING_SERVICE", "check_secrets", "read_secret", "uses_keyring"]

#: Name of our entries in the keyring of the system.
KEYRING_SERVICE = "mdm-bridge"

_MAX_BYTES = 64 * 1024


def read_secret(settings: Settings, server: str, name: str) -> SecretStr:
    """Return a secret of a server: the variable first, then its file, then the keyring.

    Args:
        settings: The settings.
        server: Name of the server.
        name: One of ``SECRET_NAMES``.

    Raises:
        SettingsError: There is none, or its file is missing, empty or open to others.
    """
    table = settings.servers[server]
    given: SecretStr | None = getattr(table, name)
    if given is not None and given.get_secret_value().strip():
        return SecretStr(given.get_secret_value().strip())
    file: Path | None = getattr(table, f"{name}_file")
    shown = str(settings.file) if settings.file else None
    if file is not None:
        return read_secret_file(file, f"servers.{server}.{name}_file", shown)
    return _from_keyring(server, name, shown)


def check_secrets(settings: Settings) -> Iterator[tuple[str, SettingProblem | None]]:
    """Look at every secret the settings speak of, and the key each listing server needs.

    Yields:
        Key of the setting, and what is wrong with it or None.
    """
    for server, table in settings.servers.items():
        for name in SECRET_NAMES:
            needed = name == "api_key" and table.kind != "file"
            if not needed and not _mentioned(table, name):
                continue
            try:
                read_secret(settings, server, name)
            except SettingsError as error:
                yield f"servers.{server}.{name}", error.problems[0]
            else:
                yield f"servers.{server}.{name}", None


def uses_keyring(settings: Settings) -> bool:
    """Tell whether a server's key has to come from the keyring of the system."""
    return any(
        table.kind != "file" and not _mentioned(table, "api_key") for table in settings.servers.values()
    )


def _mentioned(table: Server, name: str) -> bool:
    return getattr(table, name) is not None or getattr(table, f"{name}_file") is not None


def read_secret_file(file: Path, key: str, settings_file: str | None = None) -> SecretStr:
    """Return the secret that a file holds, without the end of its line.

    Args:
        file: Where it is.
        key: Setting that names it, for the error.
        settings_file: File that setting stands in.

    Raises:
        SettingsError: Missing, unreadable, open to others, empty, or not a single line of text.
    """
    try:
        _refuse_open_rights(file, key, settings_file)
        text = file.read_bytes()[:_MAX_BYTES].decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise _unreadable(file, key, settings_file, error) from error
    if len(text.splitlines()) == 1:
        return SecretStr(text)
    hint = Message("fill_key_file", "Write the key into it, as its only line.")
    if text:
        several = Message("key_file_many_lines", "The file {path} holds more than one line.", path=file)
        raise _wrong(settings_file, key, several, hint)
    raise _wrong(
        settings_file, key, Message("key_file_empty", "The file {path} holds no text.", path=file), hint
    )


def _unreadable(file: Path, key: str, settings_file: str | None, error: OSError) -> SettingsError:
    if isinstance(error, FileNotFoundError):
        return _wrong(
            settings_file,
            key,
            Message("key_file_missing", "The file {path} does not exist.", path=file),
            Message(
                "make_key_file",
                "Create it with the key as its only line, then: chmod 600 {path}",
                path=file,
            ),
        )
    return _wrong(
        settings_file,
        key,
        Message(
            "key_file_unreadable",
            "The file {path} cannot be read: {reason}.",
            path=file,
            reason=system_reason(error),
        ),
        Message("own_key_file", "It must be a file that belongs to the account that runs mdm-bridge."),
    )


def _refuse_open_rights(file: Path, key: str, settings_file: str | None) -> None:
    """Refuse a file that others may read: mode bits, or the access list on Windows."""
    mode = file.stat().st_mode
    if os.name == "nt":
        others = ", ".join(readers_beside_owner(file))
        if others:
            raise _wrong(
                settings_file,
                key,
                Message(
                    "key_file_open_acl",
                    "Others may read the file {path}: {others}.",
                    path=file,
                    others=others,
                ),
                Message(
                    "close_acl", 'Run: icacls "{path}" /inheritance:r /grant:r "%USERNAME%:F"', path=file
                ),
            )
    elif stat.S_IMODE(mode) & 0o077:
        raise _wrong(
            settings_file,
            key,
            Message(
                "key_file_open",
                "Others may read or change the file {path} (mode {mode}).",
                path=file,
                mode=f"{stat.S_IMODE(mode):o}",
            ),
            Message("close_key_file", "Run: chmod 600 {path}", path=file),
        )


def _from_keyring(server: str, name: str, settings_file: str | None) -> SecretStr:
    entry = f"{server}.{name}"
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise _no_secret(
            settings_file,
            server,
            name,
            Message(
                "give_secret_no_keyring",
                "Name its file in {name}_file, or set {variable}, or keep it in the keyring of the system "
                'after: pip install "mdm-bridge[keyring]"',
                name=name,
                variable=_variable(server, name),
            ),
        ) from None
    try:
        found = keyring.get_password(KEYRING_SERVICE, entry)
    except KeyringError:
        found = None
    if not found:
        raise _no_secret(
            settings_file,
            server,
            name,
            Message(
                "give_secret",
                "Name its file in {name}_file, or set {variable}, or run: keyring set {service} {entry}",
                name=name,
                variable=_variable(server, name),
                service=KEYRING_SERVICE,
                entry=entry,
            ),
        )
    return SecretStr(found.strip())


def _variable(server: str, name: str) -> str:
    return f"MDM_BRIDGE_SERVERS__{server}__{name}".upper()


def _no_secret(settings_file: str | None, server: str, name: str, hint: Message) -> SettingsError:
    return _wrong(
        settings_file,
        f"servers.{server}.{name}_file",
        Message("no_secret", "There is no {name} for the server {server}.", name=name, server=server),
        hint,
    )


def _wrong(settings_file: str | None, key: str, message: Message, hint: Message) -> SettingsError:
    return settings_error([SettingProblem(settings_file, key, message, hint)])
