"""Words for codes, shared by every command that shows devices."""

from __future__ import annotations

from mdm_bridge.delivery.i18n import N_

__all__ = ["POOL_LABELS", "POOL_NONE", "RUN_STATUS", "STATE_LABELS"]

POOL_LABELS = {"training": N_("training pool"), "ash": N_("adapted pool")}

#: A device that no rule takes.
POOL_NONE = N_("to be sorted")

STATE_LABELS = {
    "in_service": N_("in service"),
    "repair": N_("in repair"),
    "lost": N_("reported lost"),
    "stolen": N_("reported stolen"),
    "retired": N_("written off"),
}

RUN_STATUS = {
    "complete": N_("complete"),
    "refused": N_("refused"),
    "failed": N_("failed"),
    "running": N_("under way"),
}
