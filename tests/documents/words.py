"""A language for tests: marks what it was asked to translate."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from mdm_bridge.messages import Message


class Marked:
    """Writes texts in angle brackets, numbers with a comma, days in the ISO order."""

    language = "fr"
    unknown = "<unknown>"
    zone: tzinfo | None = ZoneInfo("Europe/Paris")

    def text(self, text: str) -> str:
        return f"<{text}>"

    def message(self, message: Message) -> str:
        return f"<{message}>"

    def yes_no(self, value: bool) -> str:
        return "<yes>" if value else "<no>"

    def integer(self, value: int) -> str:
        return f"{value:,}".replace(",", "\u00a0")

    def decimal(self, value: object, digits: int | None = None) -> str:
        return f"{float(str(value)):.{digits or 1}f}".replace(".", ",")

    def percent(self, value: object) -> str:
        return f"{value}\u00a0%"

    def day(self, value: date) -> str:
        return f"{value.day} mars {value.year}"

    def instant(self, value: datetime) -> tuple[str, str]:
        local = value.astimezone(self.zone)
        return self.day(local), f"{local.hour}\u00a0h\u00a0{local.minute:02}"
