"""``mdm-bridge doctor``: every check one line, and what to do under it when it is not well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Output,
    output_options,
    pass_cli,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.errors import BridgeError, SettingProblem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdm_bridge.services.patient import Patient

__all__ = ["command"]


@make_command(
    "doctor",
    help=N_(
        "Check the settings, keys, database, servers and data, one line a check. Ends with 1 when there is "
        "an error; warnings alone end with 0."
    ),
    examples=("mdm-bridge doctor", "mdm-bridge doctor --format json"),
)
@output_options
@pass_cli
def command(cli: Cli, output: Output) -> int:
    """Print each finding as it is made."""
    from mdm_bridge.delivery.cli.findings import print_findings
    from mdm_bridge.ports.clock import SystemClock
    from mdm_bridge.services.doctor import examine

    with _patient(cli) as patient:
        wanted = _format(cli, output)
        findings = examine(patient, _installation(), SystemClock())
        return print_findings(cli, findings, Output(wanted, output.path))


@contextmanager
def _patient(cli: Cli) -> Iterator[Patient | Sequence[SettingProblem]]:
    """Give what is to be examined; settings that cannot be read are a finding like any other."""
    from mdm_bridge.wiring import open_app, patient

    try:
        app = open_app(cli.config_path, cli.environ, settings=cli.settings)
    except SettingsError as error:
        yield error.problems or [SettingProblem(None, "", error.message, error.hint)]
        return
    try:
        yield patient(app)
    finally:
        app.close()


def _format(cli: Cli, output: Output) -> str:
    try:
        return output.resolved(cli)
    except BridgeError:  # the settings are the very thing that is wrong
        return "table"


def _installation() -> Any:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from mdm_bridge.delivery.i18n import DOMAIN, LANGUAGES, LOCALE_DIR
    from mdm_bridge.services.patient import Installation

    catalogs = {
        name: os.path.join(LOCALE_DIR, name, "LC_MESSAGES", f"{DOMAIN}.mo")
        for name in LANGUAGES
        if name != "en"
    }
    try:
        ZoneInfo("Europe/Paris")
        zone_error = None
    except ZoneInfoNotFoundError as error:
        zone_error = str(error)
    languages = {"en": True} | {name: os.path.exists(path) for name, path in catalogs.items()}
    return Installation(languages=languages, zone_error=zone_error)
