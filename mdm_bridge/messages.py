"""Sentences that are not yet in a language.

Below ``delivery`` a sentence is a :class:`Message`: a stable code, an English text used as the
translation key, and parameters. The database and every JSON keep the code and the parameters;
``delivery`` chooses the language.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Message"]


class Message:
    """One sentence, translatable.

    Args:
        code: Stable identifier for programs, ``snake_case``; never renamed.
        text: English sentence with ``{name}`` placeholders; also the gettext key.
        params: Values of the placeholders (text, numbers, dates, or another ``Message``).
    """

    __slots__ = ("code", "params", "text")

    def __init__(self, code: str, text: str, /, **params: Any) -> None:
        self.code = code
        self.text = text
        self.params = params

    def __str__(self) -> str:
        """Return the English sentence."""
        return self.text.format_map({key: _plain(value) for key, value in self.params.items()})

    def __repr__(self) -> str:
        return f"Message({self.code!r}, {str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Message)
            and (self.code, self.text, self.params) == (other.code, other.text, other.params)
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.code, self.text))


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
