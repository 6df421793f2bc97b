from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.delivery import i18n
from mdm_bridge.delivery.i18n import (
    _,
    choose_language,
    format_value,
    language,
    ngettext,
    set_zone,
    translate,
    using_language,
)
from mdm_bridge.messages import Message

NBSP = "\u00a0"


def _at(month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture(autouse=True)
def paris() -> None:
    set_zone(ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("en", {"MDM_BRIDGE_LANG": "fr", "LANG": "fr_FR.UTF-8"}, "en"),
        (None, {"MDM_BRIDGE_LANG": "en", "LC_ALL": "fr_FR"}, "en"),
        (None, {"MDM_BRIDGE_LANG": "de"}, "en"),
        (None, {"LC_ALL": "en_GB.UTF-8", "LANG": "fr_FR.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "en_US", "LANG": "fr_FR"}, "en"),
        (None, {"LC_ALL": "fr_CA.ISO8859-1@euro"}, "fr"),
        (None, {"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "fr"),
        (None, {"LANG": "C.UTF-8"}, "fr"),
        (None, {"LANG": "POSIX"}, "fr"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {}, "fr"),
    ],
)
def test_the_language_is_chosen_in_order(option: str | None, environ: dict[str, str], expected: str) -> None:
    assert choose_language(option, environ) == expected


def test_french_is_what_a_machine_that_does_not_say_speaks() -> None:
    assert language() == "fr"
    assert _("unknown") == "inconnu"
    with using_language("en"):
        assert _("unknown") == "unknown"
    assert _("unknown") == "inconnu"


def test_a_language_we_lack_is_english() -> None:
    with using_language("de"):
        assert (language(), _("yes")) == ("en", "yes")


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (None, "inconnu", "unknown"),
        (True, "oui", "yes"),
        (False, "non", "no"),
        (0, "0", "0"),
        (1740, f"1{NBSP}740", "1,740"),
        (-1234567, f"-1{NBSP}234{NBSP}567", "-1,234,567"),
        (12.5, "12,5", "12.5"),
        (31.0, "31", "31"),
        (Decimal("1234.50"), f"1{NBSP}234,5", "1,234.5"),
        (date(2027, 3, 12), "12 mars 2027", "12 March 2027"),
        (date(2027, 8, 1), "1er août 2027", "1 August 2027"),
        (time(9, 5), f"9{NBSP}h{NBSP}05", "09:05"),
        (_at(3, 12, 13, 30), f"12 mars 2027 à 14{NBSP}h{NBSP}30", "12 March 2027 at 14:30"),
        # The same instant is another day here than in UTC, and another hour in summer.
        (_at(6, 30, 22, 30), f"1er juillet 2027 à 0{NBSP}h{NBSP}30", "1 July 2027 at 00:30"),
        (timedelta(days=4, hours=3), f"4{NBSP}jours", "4 days"),
        (timedelta(seconds=1), f"1{NBSP}seconde", "1 second"),
        (timedelta(hours=30), f"30{NBSP}heures", "30 hours"),
        (["a", 1, None], "a, 1, inconnu", "a, 1, unknown"),
        ({"b", "a"}, "a, b", "a, b"),
        (Message("x", "unknown"), "inconnu", "unknown"),
        ("texte", "texte", "texte"),
    ],
)  # fmt: skip
def test_values_are_written_for_the_language(value: object, french: str, english: str) -> None:
    assert format_value(value) == french
    with using_language("en"):
        assert format_value(value) == english


def test_a_number_that_is_not_a_quantity_is_not_grouped() -> None:
    assert _("{port} {count}", port=8080, count=8080) == f"8080 8{NBSP}080"


def test_plurals_follow_the_language() -> None:
    assert [ngettext("{n} day", "{n} days", n) for n in (0, 1, 2)] == [
        f"0{NBSP}jour",
        f"1{NBSP}jour",
        f"2{NBSP}jours",
    ]
    with using_language("en"):
        assert [ngettext("{n} day", "{n} days", n) for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


def test_a_message_within_a_message_is_translated_too() -> None:
    inner = Message("access_refused", "access is refused")
    outer = Message("output_not_written", "{file} cannot be written: {reason}.", file="a.csv", reason=inner)
    assert translate(outer) == f"Impossible d'écrire a.csv{NBSP}: accès refusé."
    with using_language("en"):
        assert translate(outer) == "a.csv cannot be written: access is refused."


def test_braces_are_left_alone_without_parameters() -> None:
    assert _("not {translated}") == "not {translated}"
    assert _("") == ""


def test_a_translation_with_a_wrong_placeholder_does_not_hide_the_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Wrong:
        def gettext(self, text: str) -> str:
            return "{nope} {0} {"

    monkeypatch.setattr(i18n, "_catalog", lambda language: Wrong())
    assert translate(Message("x", "{count} left", count=3)) == "3 left"
