"""Find, read and check the settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mdm_bridge.config.checks import holds_password, take_bad_names, take_missing, take_secrets
from mdm_bridge.config.environment import apply_environment
from mdm_bridge.config.models import Settings
from mdm_bridge.config.problems import from_pydantic, settings_error
from mdm_bridge.errors import SettingProblem, SettingsError, system_reason
from mdm_bridge.messages import Message

__all__ = ["DEFAULT_FILE", "check_settings_text", "find_settings", "load_settings"]

DEFAULT_FILE = "mdm-bridge.toml"


def find_settings(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the settings file to read: as asked, as ``MDM_BRIDGE_CONFIG`` says, or the one here.

    None when nothing was asked and there is none here: defaults and environment then hold.
    """
    asked = path or (Path(environ["MDM_BRIDGE_CONFIG"]) if environ.get("MDM_BRIDGE_CONFIG") else None)
    if asked is not None:
        return asked.expanduser().absolute()
    here = Path(DEFAULT_FILE).absolute()
    return here if here.is_file() else None


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and check the settings.

    Args:
        path: What ``--config`` said, or None.
        environ: Environment variables; every ``MDM_BRIDGE_*`` must be known.

    Returns:
        Checked settings; every path in them is absolute.

    Raises:
        SettingsError: Something is wrong; ``problems`` holds everything that is.
    """
    file = find_settings(path, environ)
    data = {} if file is None else _parse(file, _read(file))
    return _checked(data, file, environ)


def check_settings_text(text: str, file: Path, environ: Mapping[str, str]) -> Settings:
    """Check settings that are not yet written, as if they stood in ``file``.

    Raises:
        SettingsError: As :func:`load_settings`.
    """
    return _checked(_parse(file, text), file, environ)


def _checked(data: dict[str, Any], file: Path | None, environ: Mapping[str, str]) -> Settings:
    shown = None if file is None else str(file)
    base = Path.cwd() if file is None else file.parent
    with_password = holds_password(data)
    problems = [*take_secrets(data, shown), *take_bad_names(data, shown)]
    overrides = apply_environment(data, environ, Settings)
    problems += overrides.problems
    problems += take_bad_names(data, None)
    problems += take_missing(data, shown)
    try:
        settings = Settings.model_validate(data, context={"base": base})
    except ValidationError as error:
        problems += from_pydantic(error, Settings, shown, overrides.variables)
    if problems:
        raise settings_error(problems)
    settings._file, settings._base, settings._password_in_file = file, base, with_password
    return settings


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _file_error(
            file,
            Message(
                "settings_not_utf8",
                "The settings file is not in UTF-8 (byte {offset}).",
                offset=str(error.start),
            ),
            Message("save_as_utf8", "Open it in your editor and save it with the encoding UTF-8."),
        ) from None
    except OSError as error:
        raise _unreadable(file, error) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _file_error(file, _toml_message(error), _toml_hint(text, error)) from None


def _unreadable(file: Path, error: OSError) -> SettingsError:
    if isinstance(error, FileNotFoundError):
        return _file_error(
            file,
            Message("settings_missing", "There is no settings file here."),
            Message("run_init", "Check the path, or create one with: mdm-bridge init"),
        )
    return _file_error(
        file,
        Message(
            "settings_unreadable", "The settings file cannot be read: {reason}.", reason=system_reason(error)
        ),
        Message("check_rights", "Check that it is a file and that you may read it."),
    )


def _file_error(file: Path, message: Message, hint: Message) -> SettingsError:
    return settings_error([SettingProblem(str(file), "", message, hint)])


_POSITION = re.compile(r"line (\d+), column (\d+)")


def _toml_message(error: tomllib.TOMLDecodeError) -> Message:
    found = _POSITION.search(str(error))
    if found is None:
        return Message(
            "settings_not_toml_end", "The settings file ends too early: a mark or bracket is not closed."
        )
    return Message(
        "settings_not_toml",
        "Line {line} of the settings file is not TOML, from character {n} on.",
        line=int(found[1]),
        n=int(found[2]),
    )


def _toml_hint(text: str, error: tomllib.TOMLDecodeError) -> Message:
    found = _POSITION.search(str(error))
    lines = text.splitlines()
    line = lines[int(found[1]) - 1] if found and int(found[1]) <= len(lines) else ""
    if "\\" in line:
        return Message("toml_backslash", "Write paths with / or between single quotes: 'C:\\folder'.")
    return Message(
        "toml_form", 'Texts stand between double quotes, lists between square brackets: key = "value".'
    )
