"""``mdm-bridge doctor``: every check one line, and what to do under it when it is not well."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    Column,
    Output,
    _,
    output_options,
    pass_cli,
    print_rows,
    print_text,
    translate,
)
from mdm_bridge.delivery.cli.base import command as make_command
from mdm_bridge.errors import BridgeError, SettingProblem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdm_bridge.services.patient import Finding, Patient

__all__ = ["command"]

_STATUS: Mapping[str, str] = {"ok": N_("OK"), "warning": N_("WARNING"), "error": N_("ERROR")}

_COLUMNS = (
    Column("severity", N_("Status"), "enum", labels=_STATUS, priority=9),
    Column("check", N_("Check"), priority=8),
    Column("message", N_("Result"), priority=7),
    Column("hint", N_("To do"), none="", priority=6),
    Column("code", N_("Code"), priority=1),
)


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
    from mdm_bridge.ports.clock import SystemClock
    from mdm_bridge.services.doctor import examine

    with _patient(cli) as patient:
        wanted = _format(cli, output)
        findings = examine(patient, _installation(), SystemClock())
        if wanted == "table" and output.path is None:
            worst = [_print_line(finding) for finding in findings]
            _conclude(cli, worst)
        else:
            made = list(findings)
            worst = [finding.severity for finding in made]
            print_rows(cli, map(_row, made), _COLUMNS, Output(wanted, output.path))
    return 1 if "error" in worst else 0


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


def _print_line(finding: Finding) -> str:
    status = _(_STATUS[finding.severity]).ljust(_width())
    found = _("{place}: {problem}", place=translate(finding.label), problem=translate(finding.detail))
    print_text(f"{status}  {found}")
    if finding.hint is not None and finding.severity != "ok":
        # Not within the f-string: Babel extracts nothing from there.
        hint = _("To do: {hint}", hint=translate(finding.hint))
        print_text(f"{'':{_width()}}  {hint}")
    return finding.severity


def _width() -> int:
    return max(len(_(word)) for word in _STATUS.values())


def _conclude(cli: Cli, severities: Iterable[str]) -> None:
    found = list(severities)
    cli.note(
        _(
            "Checks: {checks}. Errors: {errors}. Warnings: {warnings}.",
            checks=len(found),
            errors=found.count("error"),
            warnings=found.count("warning"),
        )
    )


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "code": finding.code,
        "check": translate(finding.label),
        "message": translate(finding.detail),
        "hint": translate(finding.hint) if finding.hint is not None else None,
    }
