"""What a document needs of a language; ``delivery`` provides it, so that no language lives here."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from typing import Protocol

from mdm_bridge.messages import Message

__all__ = ["Words"]


class Words(Protocol):
    """How one person's language writes things."""

    @property
    def language(self) -> str:
        """Two letters, such as ``fr``."""
        ...

    @property
    def zone(self) -> tzinfo | None:
        """Zone instants are shown in; None = the machine's own."""
        ...

    @property
    def unknown(self) -> str:
        """What stands for a value that is not known."""
        ...

    def text(self, text: str, /) -> str:
        """Translate a marked English text."""
        ...

    def message(self, message: Message, /) -> str:
        """Translate a message."""
        ...

    def yes_no(self, value: bool, /) -> str:
        """Write a truth."""
        ...

    def integer(self, value: int, /) -> str:
        """Write a quantity."""
        ...

    def decimal(self, value: object, digits: int | None = None, /) -> str:
        """Write a number with a fraction."""
        ...

    def percent(self, value: object, /) -> str:
        """Write a percentage, 0 to 100."""
        ...

    def day(self, value: date, /) -> str:
        """Write a day."""
        ...

    def instant(self, value: datetime, /) -> tuple[str, str]:
        """Write an instant as a day and a time of day."""
        ...
