"""The page of commands says what the commands say."""

from __future__ import annotations

from tools.commands import PAGE, page


def test_the_page_of_commands_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.commands"
