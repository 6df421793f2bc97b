"""The settings file that ``init`` writes: commented, in the language of the person, ready to be edited."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mdm_bridge.delivery.i18n import N_, _

__all__ = ["ORGANISATION", "Answers", "FirstServer", "settings_text"]

#: Fields of ``[organisation]`` in the order they are asked, with what to ask.
ORGANISATION: Mapping[str, str] = {
    "name": N_("Name of the organisation"),
    "service": N_("Name of the service that lends the devices"),
    "address": N_("Postal address"),
    "phone": N_("Telephone"),
    "email": N_("E-mail address of the service"),
    "academie": N_("Académie"),
    "departement": N_("Département"),
    "signatory_title": N_("Title of the person who signs"),
    "dpd_contact": N_("How to reach the data protection officer (DPD)"),
    "logo": N_("Image file of the logo"),
}


@dataclass(frozen=True, slots=True)
class FirstServer:
    """The first distant server, as the person described it."""

    name: str
    url: str
    network_id: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What ``init`` asked; an organisation field that was skipped is absent."""

    organisation: Mapping[str, str] = field(default_factory=dict)
    server: FirstServer | None = None


def settings_text(answers: Answers) -> str:
    """Return the content of a new settings file, which loads without error."""
    parts = [
        _comment(
            _(
                "Settings of mdm-bridge. A line that begins with # is off: remove the # to switch it on. "
                "Relative paths start from this file. No key or password belongs here. mdm-bridge doctor "
                "checks everything."
            )
        ),
        _organisation(answers.organisation),
        _database(),
        _server(answers.server),
        _privacy(),
        _calendar(),
        _network(),
        _output(),
        _limits(),
    ]
    return "\n".join(parts)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 98, break_on_hyphens=False))


def _text(value: str) -> str:
    """Write a TOML string; JSON's form is one, but for a character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(key: str, value: str | None, placeholder: str = "") -> str:
    """Write a setting, switched off when nothing is known."""
    return f"{key} = {_text(value)}\n" if value else f"# {key} = {_text(placeholder)}\n"


def _section(name: str, comment: str, lines: Iterable[str]) -> str:
    return f"{_comment(comment)}[{name}]\n{''.join(lines)}"


def _organisation(known: Mapping[str, str]) -> str:
    lines = [
        f"{_line(key, known.get(key))[:-1]}  # {_(question)}\n" for key, question in ORGANISATION.items()
    ]
    return _section("organisation", _("Who runs this: for the documents to come."), lines)


def _database() -> str:
    comment = _("Our own records: a file beside this one, or postgresql+psycopg://USER@HOST/NAME.")
    return _section("database", comment, [_line("url", "sqlite:///mdm-bridge.db")])


def _server(server: FirstServer | None) -> str:
    comment = _(
        "A distant server; its name is yours to choose (small letters). The key stands alone in its own "
        "file, which only you may read (chmod 600), or in the variable {variable}.",
        variable=f"MDM_BRIDGE_SERVERS__{(server.name if server else 'mdm').upper()}__API_KEY",
    )
    shown = server or FirstServer("mdm", "https://school.example.org/api", "1234567")
    head = f"servers.{shown.name}"
    lines = [
        f"[{head}]\n",
        _line("kind", "jamf-school"),
        _line("url", shown.url),
        _line("network_id", shown.network_id),
        _line("api_key_file", f"secrets/{shown.name}.key"),
    ]
    if server is None:
        lines = [f"# {line}" for line in lines]
    training = _("Training")  # not within an f-string: Babel extracts nothing from there
    rules = [
        _comment(
            _("Which groups of the server make which pool; without a rule a device stays to be sorted.")
        ),
        f"# [{head}.pools]\n",
        f"# training = {{ groups = [{_text(training)}] }}\n",
        '# ash = { tag_prefix = "A-" }\n',
        _comment(_("When the server is shared with other services: the devices that are ours.")),
        f"# [{head}.scope]\n",
        '# locations = ["0"]\n',
    ]
    return _comment(comment) + "".join(lines) + "\n" + "".join(rules)


def _privacy() -> str:
    comment = _(
        "A device name is kept only if the whole of it matches this pattern: a name can be that of a child. "
        "Retention periods (number and unit: d, w, m, y) are noted and not applied yet."
    )
    lines = [
        "# device_name_pattern = 'FORM-[0-9]{2}|PRET-[0-9]{2}'\n",
        "# [privacy.retention]\n",
        '# activity = "12m"\n',
        '# history = "3y"\n',
        '# loans = "3y"\n',
        '# audit = "12m"\n',
    ]
    return _section("privacy", comment, lines)


def _calendar() -> str:
    comment = _(
        "Time zone, zone of the school holidays (A, B or C), hours without mails and noticeable orders."
    )
    lines = [_line("timezone", "Europe/Paris"), '# zone = "A"\n', _line("quiet_hours", "20:00-07:00")]
    return _section("calendar", comment, lines)


def _network() -> str:
    comment = _(
        "Proxy of the institution and the certificate it inspects with, if there are any; otherwise the "
        "usual environment variables hold."
    )
    lines = [
        '# proxy = "http://proxy.example.org:3128"\n',
        '# no_proxy = ["localhost", ".example.org"]\n',
        '# ca_bundle = "secrets/institution-ca.pem"\n',
    ]
    return _section("network", comment, lines)


def _output() -> str:
    comment = _("For a screen reader: format list, and lines instead of a progress bar.")
    return _section("output", comment, ['# format = "list"\n', "# progress = false\n"])


def _limits() -> str:
    comment = _("A listing that lost more than this share of the devices (percent) is refused.")
    return _section("limits", comment, ["shrink_percent = 30\n"])
