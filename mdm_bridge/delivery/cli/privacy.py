"""``mdm-bridge privacy``: data protection. Here: the audit trail."""

from __future__ import annotations

from mdm_bridge.delivery.cli.base import (
    N_,
    Cli,
    _,
    group,
    option,
    pass_cli,
    print_text,
    translate,
)
from mdm_bridge.delivery.cli.console import note

__all__ = ["command"]


@group(help=N_("Data protection."), examples=("mdm-bridge privacy audit verify",))
def command() -> None:
    """Group of the data protection commands."""


@command.group(
    "audit", help=N_("The audit trail: every change of ours."), examples=("mdm-bridge privacy audit verify",)
)
def audit() -> None:
    """Group of the audit trail."""


@audit.command(
    "verify",
    help=N_(
        "Verify that no entry of the audit trail was altered, removed or moved; erased details are no fault. "
        "Ends with 1 at the first entry that is not as it was. An end cut off is seen only against a copy of "
        "the head, as each backup prints it."
    ),
    examples=("mdm-bridge privacy audit verify", "mdm-bridge privacy audit verify --head SEQ:HASH"),
)
@option("--head", metavar=N_("SEQ:HASH"), help=N_("Head of the trail, noted elsewhere at an earlier time."))
@pass_cli
def verify(cli: Cli, head: str | None) -> int:
    """Verify, and say where the trail stands or where it breaks."""
    from mdm_bridge.domain.audit import parse_head
    from mdm_bridge.services.audit import verify_trail

    report = verify_trail(cli.app.store, parse_head(head) if head is not None else None)
    if report.problem is not None:
        print_text(translate(report.problem))
        cure = _("Keep this database as it is, tell your data protection officer, and compare with a backup.")
        note(_("Hint: {hint}", hint=cure))
        return 1
    whole = _("The audit trail is whole: {entries} entries.", entries=report.entries)
    erased = _("Entries with an erased detail: {n}.", n=report.erased) if report.erased else ""
    print_text(f"{whole} {erased}".rstrip())
    print_text(_("Head of the audit trail: {head}", head=str(report.head)))
    return 0
