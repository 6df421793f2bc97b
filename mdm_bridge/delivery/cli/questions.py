"""Questions asked on a terminal, and the answers of either language."""

from __future__ import annotations

import click

from mdm_bridge.delivery.cli.console import note
from mdm_bridge.delivery.i18n import _

__all__ = ["ask", "confirm"]

#: Both languages are understood whichever is spoken: a keyboard and a habit do not follow ``--lang``.
_ANSWERS = {"o": True, "oui": True, "y": True, "yes": True, "n": False, "no": False, "non": False, "": False}


def ask(text: str, default: str = "", *, secret: bool = False) -> str:
    """Ask one question on stderr; an empty answer is ``default``.

    Args:
        text: The question, translated.
        default: Shown in brackets unless empty.
        secret: Do not show what is typed.
    """
    answer: str = click.prompt(
        text,
        default=default,
        show_default=bool(default),
        hide_input=secret,
        prompt_suffix=_(": "),
        err=True,
    )
    return answer.strip()


def confirm(text: str) -> bool:
    """Ask a question whose answer is yes or no, in either language; an empty answer is no."""
    choice = _("y/N")
    while True:
        answer = ask(f"{text} [{choice}]").casefold()
        if answer in _ANSWERS:
            return _ANSWERS[answer]
        note(_("Answer yes or no."))
