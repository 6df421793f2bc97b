"""The language of a person: sentences, dates and numbers.

English is the source; French lives in ``mdm_bridge/locale/fr/LC_MESSAGES/mdm_bridge.po``. The language
is a context variable, not the process's gettext: a web request and a mail in the same process can differ.

In a command::

    _("{count} devices were read.", count=12)                      # translated now
    Column("serial", N_("Serial number"))                         # marked now, translated when shown
    ngettext("{n} device", "{n} devices", n)                      # ``n`` is filled in
    translate(error.message)                                      # a Message from below

Values are written for the language: dates « 12 mars 2027 », times « 14 h 30 », numbers « 1 740,5 », booleans
« oui », None « inconnu ». A whole number is grouped by thousands unless its parameter is named as one that
is not a quantity (:data:`NOT_QUANTITIES`: ``port``, ``year``, ``id`` …): pass other such numbers as text.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache

from mdm_bridge.messages import Message

__all__ = [
    "DEFAULT_LANGUAGE",
    "LANGUAGES",
    "LOCALE_DIR",
    "N_",
    "Phrases",
    "_",
    "choose_language",
    "click_language",
    "format_value",
    "language",
    "ngettext",
    "set_language",
    "set_zone",
    "tell_click",
    "translate",
    "using_language",
    "zone",
]

#: Languages we have; the first is the one of a machine that does not say.
LANGUAGES = ("fr", "en")
DEFAULT_LANGUAGE = "fr"
DOMAIN = "mdm_bridge"
LOCALE_DIR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "locale")

#: Parameters whose whole numbers name something instead of counting it: never grouped by thousands.
NOT_QUANTITIES = frozenset({"code", "id", "line", "pid", "port", "revision", "seed", "status", "year"})

_language: ContextVar[str] = ContextVar("mdm_bridge_language", default=DEFAULT_LANGUAGE)
_zone: ContextVar[tzinfo | None] = ContextVar("mdm_bridge_zone", default=None)

#: No-break space; the narrow one (U+202F) is missing from cp1252 and from many fonts of terminals.
_NBSP = "\N{NO-BREAK SPACE}"
_MONTHS: Mapping[str, Sequence[str]] = {
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def language() -> str:
    """Return the language in use, one of :data:`LANGUAGES`."""
    return _language.get()


def set_language(language: str) -> None:
    """Speak ``language`` from here on in this context; one we lack becomes English."""
    _language.set(language if language in LANGUAGES else "en")


@contextmanager
def using_language(language: str) -> Iterator[None]:
    """Speak ``language`` within a block (a mail to somebody else, a test)."""
    token = _language.set(language if language in LANGUAGES else "en")
    try:
        yield
    finally:
        _language.reset(token)


def set_zone(zone: tzinfo | None) -> None:
    """Show instants in this zone from here on; None = the machine's own."""
    _zone.set(zone)


def zone() -> tzinfo | None:
    """Return the zone instants are shown in; None = the machine's own."""
    return _zone.get()


def choose_language(option: str | None, environ: Mapping[str, str]) -> str:
    """Choose a language: the option, ``MDM_BRIDGE_LANG``, the locale, then French.

    The locales ``C`` and ``POSIX`` say nothing, hence French; a language we lack gives English.
    """
    for wanted in (option, environ.get("MDM_BRIDGE_LANG")):
        if wanted:
            return _known(wanted)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return _known(environ[name])
    return DEFAULT_LANGUAGE


def _known(locale: str) -> str:
    """Return our language for a locale name such as ``fr_FR.UTF-8``."""
    short = locale.replace("-", "_").partition(".")[0].partition("@")[0].partition("_")[0].lower()
    if short in ("c", "posix"):
        return DEFAULT_LANGUAGE
    return short if short in LANGUAGES else "en"


@cache
def _catalog(language: str) -> gettext.NullTranslations:
    """Load a compiled catalog once; without one the English source is shown."""
    return gettext.translation(DOMAIN, LOCALE_DIR, [language], fallback=True)


def N_(text: str) -> str:  # noqa: N802 - the customary name, known to every extractor
    """Mark ``text`` for translation without translating it."""
    return text


def _(text: str, /, **params: object) -> str:
    """Return ``text`` in the language in use, its ``{placeholders}`` filled.

    Without parameters braces are left alone.
    """
    if not text:
        return text  # gettext answers the empty string with the catalog's header
    found = text if _language.get() == "en" else _catalog(_language.get()).gettext(text)
    return _fill(found, text, params) if params else found


def ngettext(singular: str, plural: str, n: int, /, **params: object) -> str:
    """Return the form that fits ``n``; ``{n}`` is filled with it, grouped by thousands."""
    found = _catalog(_language.get()).ngettext(singular, plural, n)
    return _fill(found, singular if n == 1 else plural, {"n": n, **params})


def translate(message: Message) -> str:
    """Return a message from below as a sentence, its parameters written for the language."""
    text = message.text
    found = text if _language.get() == "en" else _catalog(_language.get()).gettext(text)
    return _fill(found, text, message.params)


def _fill(found: str, source: str, params: Mapping[str, object]) -> str:
    written = {key: format_value(value, key) for key, value in params.items()}
    try:
        return found.format_map(written)
    except (KeyError, IndexError, ValueError):
        # A translation with a wrong placeholder must not hide an error; the checks of the catalog refuse it.
        return source.format_map(written)


def format_value(value: object, name: str = "") -> str:
    """Write any value of a parameter for the language in use."""
    if isinstance(value, str):
        return value
    if isinstance(value, Message):
        return translate(value)
    if isinstance(value, bool) or value is None:
        phrases = Phrases()
        return phrases.unknown if value is None else phrases.yes_no(value)
    if isinstance(value, int):
        return str(value) if name in NOT_QUANTITIES else Phrases().integer(value)
    return _format_other(value)


def _format_other(value: object) -> str:
    phrases = Phrases()
    if isinstance(value, float):
        return phrases.decimal(value)
    if isinstance(value, datetime):
        day, hour = phrases.instant(value)
        return _("{date} at {time}", date=day, time=hour)
    if isinstance(value, date):
        return phrases.day(value)
    if isinstance(value, time):
        return phrases.hour(value.hour, value.minute)
    if isinstance(value, timedelta):
        return phrases.duration(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return ", ".join(format_value(item) for item in items)
    return phrases.decimal(value) if hasattr(value, "as_tuple") else str(value)


class Phrases:
    """How values are written in the language in use when it is made; what ``documents`` asks for."""

    __slots__ = ("_fr", "language", "no", "unknown", "yes", "zone")

    def __init__(self) -> None:
        self.language = _language.get()
        self._fr = self.language == "fr"
        self.zone = _zone.get()
        self.unknown = _("unknown")
        self.yes = _("yes")
        self.no = _("no")

    def text(self, text: str) -> str:
        """Translate a marked text."""
        return _(text)

    def message(self, message: Message) -> str:
        """Translate a message."""
        return translate(message)

    def yes_no(self, value: bool) -> str:
        """Write a truth."""
        return self.yes if value else self.no

    def integer(self, value: int) -> str:
        """Write a quantity, grouped by thousands."""
        text = f"{value:,}"
        return text.replace(",", _NBSP) if self._fr else text

    def decimal(self, value: object, digits: int | None = None) -> str:
        """Write a number with a fraction; ``digits`` fixes how many follow the mark."""
        if digits is None:
            text = f"{value:,}" if isinstance(value, int) else f"{float(str(value)):,.10g}"
        else:
            text = f"{float(str(value)):,.{digits}f}"
        return text.replace(",", _NBSP).replace(".", ",") if self._fr else text

    def percent(self, value: object) -> str:
        """Write a percentage, 0 to 100."""
        text = self.decimal(value)
        return f"{text}{_NBSP}%" if self._fr else f"{text}%"

    def day(self, value: date) -> str:
        """Write a day: « 12 mars 2027 »."""
        name = _MONTHS[self.language][value.month - 1]
        first = "1er" if self._fr and value.day == 1 else str(value.day)
        return f"{first} {name} {value.year}"

    def hour(self, hour: int, minute: int) -> str:
        """Write a time of day: « 14 h 30 »."""
        return f"{hour}{_NBSP}h{_NBSP}{minute:02}" if self._fr else f"{hour:02}:{minute:02}"

    def instant(self, value: datetime) -> tuple[str, str]:
        """Write an instant as a day and a time of day, in the zone of the organisation."""
        local = value.astimezone(self.zone)
        return self.day(local), self.hour(local.hour, local.minute)

    def duration(self, value: timedelta) -> str:
        """Write a duration, roughly: days, else hours, else minutes, else seconds."""
        seconds = int(value.total_seconds())
        if abs(seconds) >= 172_800:
            return ngettext("{n} day", "{n} days", seconds // 86_400)
        if abs(seconds) >= 7_200:
            return ngettext("{n} hour", "{n} hours", seconds // 3_600)
        if abs(seconds) >= 120:
            return ngettext("{n} minute", "{n} minutes", seconds // 60)
        return ngettext("{n} second", "{n} seconds", seconds)


@contextmanager
def click_language() -> Iterator[None]:
    """Let click's own sentences follow the language within a block; for the command-line process only.

    click asks the process's gettext, which knows neither a context variable nor an argument: only the default
    domain and ``LANGUAGE``. Both are put back.
    """
    domain, before = gettext.textdomain(), os.environ.get("LANGUAGE")
    gettext.bindtextdomain("click", LOCALE_DIR)
    gettext.textdomain("click")
    try:
        yield
    finally:
        gettext.textdomain(domain)
        if before is None:
            os.environ.pop("LANGUAGE", None)
        else:
            os.environ["LANGUAGE"] = before


def tell_click() -> None:
    """Make click speak the language now in use (inside :func:`click_language`)."""
    os.environ["LANGUAGE"] = _language.get()
