"""The guard against a shrunken answer: a server that forgets must not empty our inventory."""

from __future__ import annotations

from mdm_bridge.messages import Message

__all__ = ["GUARDED_FROM", "apps_vanished", "catalogue_shrunken", "devices_vanished"]

#: From this many devices (or app lists) on, a share is judged; below, only the loss of all.
GUARDED_FROM = 10

#: A single tablet may well be wiped; this many emptied at once are suspicious below the threshold.
_FEW = 3


def devices_vanished(known: int, gone: int, listed: int, percent: int) -> Message | None:
    """Return why a listing is refused, or None.

    Args:
        known: Devices of this server known before, inside the scope.
        gone: How many of them the listing no longer holds.
        listed: Devices the listing holds, inside the scope.
        percent: A larger loss than this is refused.
    """
    if known and not listed:
        return Message(
            "empty_listing",
            "The list received is empty, {known} devices were known: nothing was changed.",
            known=known,
        )
    if known >= GUARDED_FROM and gone * 100 > known * percent:
        return Message(
            "shrunken_listing",
            "The list received has lost {gone} of {known} devices ({share}%): nothing was changed.",
            gone=gone,
            known=known,
            share=round(gone * 100 / known),
        )
    return None


def apps_vanished(known: int, emptied: int, percent: int) -> Message | None:
    """Return why emptied app lists are refused, or None.

    Args:
        known: Devices of this server whose app list was known and not empty.
        emptied: How many of those lists are empty now.
        percent: A larger share than this is refused.
    """
    suspicious = emptied * 100 > known * percent if known >= GUARDED_FROM else emptied >= max(known, _FEW)
    if not suspicious or not emptied:
        return None
    return Message(
        "shrunken_app_lists",
        "The app lists of {emptied} of {known} devices are suddenly empty: nothing was changed.",
        emptied=emptied,
        known=known,
    )


def catalogue_shrunken(known: int, lost: int, listed: int, percent: int) -> bool:
    """Tell whether the list of apps a server distributes lost too much to be believed.

    Args:
        known: Apps it distributed until now.
        lost: How many of them it names no more.
        listed: Apps it names now.
        percent: A larger loss than this is not believed.
    """
    return bool(known and not listed) or (known >= GUARDED_FROM and lost * 100 > known * percent)
