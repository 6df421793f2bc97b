"""The state of a device, as people say it; no server ever changes it.

.. code-block:: text

    in_service ⇄ repair, lost, stolen       a lost or stolen device may be found, whole or broken
    lost ⇄ stolen                           a loss that turns out to be a theft, or the other way round
    any → retired                           written off: it leaves the inventory
    retired → in_service                    only to correct a mistake

Every change has a reason. A written-off device is not repaired or lost: whoever finds it after all puts
it back in service first, and so says that writing it off was a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping

from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.errors import InputError, TransitionRefused
from mdm_bridge.messages import Message

__all__ = ["REASON_MAX", "STATES", "TRANSITIONS", "check_reason", "check_transition"]

STATES = ("in_service", "repair", "lost", "stolen", "retired")

#: Where each state may lead.
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "in_service": ("repair", "lost", "stolen", "retired"),
    "repair": ("in_service", "lost", "stolen", "retired"),
    "lost": ("in_service", "repair", "stolen", "retired"),
    "stolen": ("in_service", "repair", "lost", "retired"),
    "retired": ("in_service",),
}

#: A reason is a line, not a report.
REASON_MAX = 200


def check_transition(serial: str, old: str, new: str, reason: str) -> bool:
    """Tell whether a change of state is a change at all; refuse one that makes no sense.

    Args:
        serial: Serial number, for the sentence.
        old: The present state.
        new: The wanted one.
        reason: Why, in a person's words.

    Returns:
        False when the device is in that state already.

    Raises:
        InputError: There is no such state, or no usable reason.
        TransitionRefused: The one does not lead to the other.
    """
    if new not in STATES:
        raise _unknown_state(new)
    if new == old:
        return False
    if new not in TRANSITIONS[old]:
        raise TransitionRefused(
            Message(
                "transition_refused",
                "{serial} is {old}: it cannot become {new}.",
                serial=serial,
                old=old,
                new=new,
            ),
            hint=Message(
                "transitions_possible",
                "From there it can become: {states}.",
                states=", ".join(TRANSITIONS[old]),
            ),
        )
    if not check_reason(reason):
        raise InputError(
            Message("reason_needed", "A change of state needs a reason."),
            hint=Message("give_reason", "Add it in a few words: --reason TEXT. Name no person."),
        )
    return True


def _unknown_state(state: str) -> InputError:
    near = nearest(state, STATES)
    hint = (
        Message("state_nearest", 'Did you mean "{nearest}"?', nearest=near)
        if near
        else Message("states_known", "The states are: {states}.", states=", ".join(STATES))
    )
    return InputError(Message("unknown_state", '"{state}" is not a state.', state=state[:40]), hint=hint)


def check_reason(reason: str | None) -> str | None:
    """Return a reason as it is stored; None when nothing was said.

    Raises:
        InputError: It is too long, or more than one line.
    """
    text = (reason or "").strip()
    if len(text) > REASON_MAX or not text.isprintable():
        raise InputError(
            Message("reason_too_long", "A reason is one line of at most {most} characters.", most=REASON_MAX),
            hint=Message("shorten_reason", "Say it in a few words."),
        )
    return text or None
