"""Words for codes, shared by every command that shows devices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from mdm_bridge.delivery.i18n import N_
from mdm_bridge.documents.columns import Row

__all__ = [
    "ALIAS_KINDS",
    "FIELD_LABELS",
    "POOL_LABELS",
    "POOL_NONE",
    "RUN_STATUS",
    "STATE_LABELS",
    "VALUE_LABELS",
    "written",
]

ALIAS_KINDS = {"udid": "UDID", "remote_id": N_("Identifier on the server")}

#: Fields whose values are kept as ISO 8601 in histories and previews.
_DATED = frozenset({"enrolled_at", "gone_at", "place_since", "purchased_on", "warranty_until"})

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

#: Codes that stand as values in histories and previews.
VALUE_LABELS = {
    **STATE_LABELS,
    **POOL_LABELS,
    "none": N_("out of both pools"),
    "true": N_("yes"),
    "false": N_("no"),
    "new": N_("new"),
}

RUN_STATUS = {
    "complete": N_("complete"),
    "refused": N_("refused"),
    "failed": N_("failed"),
    "running": N_("under way"),
}

#: Fields of a device, as the history and the previews name them.
FIELD_LABELS = {
    "app:": N_("App"),
    "apps": N_("Apps"),
    "asset_tag": N_("Tag on the server"),
    "capacity_gb": N_("Capacity (GB)"),
    "device": N_("Device"),
    "enrolled_at": N_("Enrolment"),
    "funding": N_("Funding"),
    "gone_at": N_("Absent since"),
    "groups": N_("Groups"),
    "inventory_no": N_("Inventory number"),
    "kit": N_("Case"),
    "managed": N_("Managed by the server"),
    "model": N_("Model"),
    "model_identifier": N_("Model identifier"),
    "name": N_("Name"),
    "os_version": "iPadOS",
    "place": N_("Place"),
    "place_since": N_("Place since"),
    "pool": N_("Pool"),
    "pool_override": N_("Pool by hand"),
    "purchased_on": N_("Purchased on"),
    "state": N_("State"),
    "supervised": N_("Supervision"),
    "supplier_ref": N_("Supplier reference"),
    "udid": "UDID",
    "warranty_until": N_("Warranty until"),
}


def written(key: str) -> Callable[[Row], Any]:
    """Return what gives a changed value to people: a date as a date, where the field holds dates."""

    def value(row: Row) -> Any:
        found = row.get(key)
        if row.get("field") not in _DATED or not isinstance(found, str):
            return found
        try:
            at = datetime.fromisoformat(found)
        except ValueError:
            return found
        return at if at.tzinfo is not None else date(at.year, at.month, at.day)

    return value
