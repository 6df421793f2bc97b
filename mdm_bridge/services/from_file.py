"""After a list was synchronised: take over from it what people own, where nothing is known of it yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from mdm_bridge.domain.equipment import FactsLine, LineProblem
from mdm_bridge.errors import BridgeError
from mdm_bridge.messages import Message
from mdm_bridge.ports.devices import DevicesStore
from mdm_bridge.ports.sync import FieldDifference
from mdm_bridge.services.device_import import ImportLine, ImportReport, import_facts
from mdm_bridge.services.reading import ServerWarning
from mdm_bridge.services.sync import RunReport

__all__ = ["OurFacts", "take_over"]


@dataclass(frozen=True, slots=True)
class OurFacts:
    """What a list says of what people own: usable lines, and those that are not."""

    lines: Sequence[FactsLine]
    problems: Sequence[LineProblem]


def take_over(
    store: DevicesStore, actor: str, report: RunReport, facts: OurFacts, *, zone: ZoneInfo
) -> tuple[RunReport, bool]:
    """Fill what is not known yet, for the devices of this run, and say what could not be taken over.

    The list was given by a person: this is their doing, in a unit and an audit entry of its own. A
    failure here does not undo the synchronisation: it becomes a warning of its report.

    Returns:
        The report with the changes and warnings added, and whether every line could be used.
    """
    if report.status != "complete":
        return report, True
    try:
        taken = import_facts(
            store,
            actor,
            facts.lines,
            zone=zone,
            # A rehearsal does not know the devices it would have added.
            add_missing=report.dry_run,
            only_empty=True,
            dry_run=report.dry_run,
        )
    except BridgeError as error:
        return replace(report, warnings=(*report.warnings, ServerWarning(None, error.message))), False
    used = _of_this_run(report, taken)
    warnings = [ServerWarning(None, _told(problem.line, problem.message)) for problem in facts.problems]
    warnings += [
        ServerWarning(line.serial, _told(line.line, line.problem))
        for line in used
        if line.problem is not None
    ]
    changes = tuple(
        FieldDifference(line.serial, change.field, None, None if change.new is None else str(change.new))
        for line in used
        for change in line.changes
    )
    filled = replace(report, changes=(*report.changes, *changes), warnings=(*report.warnings, *warnings))
    return filled, not warnings


def _of_this_run(report: RunReport, taken: ImportReport) -> list[ImportLine]:
    """Leave out devices that the synchronisation itself left out (another kind, out of the scope)."""
    new = {change.serial for change in report.changes if change.field == "device"}
    return [
        line
        for line in taken.lines
        if not (line.problem is not None and line.problem.code == "unknown_serial")
        and (line.outcome != "new" or line.serial in new)
    ]


def _told(line: int, problem: Message) -> Message:
    return Message("line_not_taken", "Line {line}, not taken over: {problem}", line=line, problem=problem)
