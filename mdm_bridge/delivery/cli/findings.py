"""Findings of the checking commands: each one line, and what to do under it when it is not well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mdm_bridge.delivery.cli.base import N_, Cli, Column, Output, _, print_rows, print_text, translate

if TYPE_CHECKING:
    from mdm_bridge.services.patient import Finding

__all__ = ["print_findings"]

_STATUS: Mapping[str, str] = {"ok": N_("OK"), "warning": N_("WARNING"), "error": N_("ERROR")}

_COLUMNS = (
    Column("severity", N_("Status"), "enum", labels=_STATUS, priority=9),
    Column("check", N_("Check"), priority=8),
    Column("message", N_("Result"), priority=7),
    Column("hint", N_("To do"), none="", priority=6),
    Column("code", N_("Code"), priority=1),
)


def print_findings(cli: Cli, findings: Iterable[Finding], output: Output) -> int:
    """Print findings, as they are made where a person reads them.

    Args:
        cli: The run.
        findings: What was found, in order.
        output: Where and how; its format resolved.

    Returns:
        The exit code: 1 when one is an error.
    """
    if output.format == "table" and output.path is None:
        severities = [_print_line(finding) for finding in findings]
        _conclude(cli, severities)
    else:
        made = list(findings)
        severities = [finding.severity for finding in made]
        print_rows(cli, map(_row, made), _COLUMNS, output)
    return 1 if "error" in severities else 0


def _print_line(finding: Finding) -> str:
    status = _(_STATUS[finding.severity]).ljust(_width())
    found = _("{place}: {problem}", place=translate(finding.label), problem=translate(finding.detail))
    print_text(f"{status}  {found}")
    if finding.hint is not None and finding.severity != "ok":
        hint = _("To do: {hint}", hint=translate(finding.hint))
        print_text(f"{'':{_width()}}  {hint}")
    return finding.severity


def _width() -> int:
    return max(len(_(word)) for word in _STATUS.values())


def _conclude(cli: Cli, severities: list[str]) -> None:
    cli.note(
        _(
            "Checks: {checks}. Errors: {errors}. Warnings: {warnings}.",
            checks=len(severities),
            errors=severities.count("error"),
            warnings=severities.count("warning"),
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
