"""French words come from the glossary; a wording it refuses fails here."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from mdm_bridge.delivery.cli import cli
from mdm_bridge.delivery.i18n import using_language
from tests.support.glossary import Rule, clean_markdown, clean_sentence, labels, load_rules, refused

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossaire.md"
FRENCH = ROOT / "mdm_bridge" / "locale" / "fr" / "LC_MESSAGES" / "mdm_bridge.po"
RULES = load_rules(GLOSSARY)

#: A French page says so in its first lines; the glossary itself has to quote what it refuses.
FRENCH_PAGES = [
    page for page in sorted((ROOT / "docs").rglob("*.md"))
    if page != GLOSSARY and "<!-- langue : fr -->" in page.read_text("utf-8")[:200]
]  # fmt: skip


def _english_of(rule: Rule) -> str | None:
    quoted = re.search(r"\(([^)]*)\)$", rule.example)
    return quoted.group(1) if quoted else None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example)
def test_each_rule_refuses_its_own_example(rule: Rule) -> None:
    sentence = re.sub(r" \([^)]*\)$", "", rule.example)
    assert list(rule.hits(clean_sentence(sentence), _english_of(rule)))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.english], ids=lambda rule: rule.example)
def test_rule_of_one_context_is_silent_elsewhere(rule: Rule) -> None:
    sentence = re.sub(r" \([^)]*\)$", "", rule.example)
    assert not list(rule.hits(clean_sentence(sentence), "Something else altogether."))


def test_every_wording_noted_as_never_has_a_rule() -> None:
    missing = [
        (code, wording)
        for _label, never, code in labels(GLOSSARY)
        for wording in filter(None, (part.strip() for part in never.split(",")))
        if not any(rule.wording.search(wording) for rule in RULES)
    ]
    assert not missing


def test_no_label_is_a_wording_we_refuse() -> None:
    wrong = {
        label: found
        for label, _never, code in labels(GLOSSARY)
        if (found := refused(RULES, clean_sentence(label), code))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("french", "english"),
    [
        ("Installer le profil de configuration", None),
        ("Profil d\u2019usage : Lecture confortable", None),
        ("Voir la fiche action", None),
        ("La sortie n'est pas un terminal.", "The output is not a terminal."),
        ("Lancer `mdm-bridge plan`, puis mdm-bridge device list --devices 3", None),
        ("{device} est en prêt", None),
        ("Une application retirée de l'App Store", "An app withdrawn from the store"),
        ("Une commande inconnue", "Unknown command"),
    ],
)
def test_permitted_sentences_pass(french: str, english: str | None) -> None:
    assert not refused(RULES, clean_sentence(french), english)


def test_planted_wordings_are_found() -> None:
    page = "Le plan du\u00a0jour : 2 appareils.\n\n```sh\nmdm-bridge plan\n```\nUn profil suffit.\n"
    found = refused(RULES, clean_markdown(page))
    assert [line.split(" »")[0] for line in found] == ["« appareils", "« profil", "« plan"]


def test_french_sentences_follow_the_glossary() -> None:
    with FRENCH.open("rb") as file:
        catalog = read_po(file, locale="fr")
    wrong = {}
    for message in catalog:
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        found = [
            line for french in translations for line in refused(RULES, clean_sentence(french), sources[0])
        ]
        if message.id and found:
            wrong[sources[0]] = found
    assert not wrong


def test_french_pages_follow_the_glossary() -> None:
    wrong = {
        page.name: found
        for page in FRENCH_PAGES
        if (found := refused(RULES, clean_markdown(page.read_text("utf-8"))))
    }
    assert not wrong


def test_summary_of_the_readme_follows_the_glossary() -> None:
    summary = (ROOT / "README.md").read_text("utf-8").partition("\n## ")[0]
    assert "tablette" in summary
    assert not refused(RULES, clean_markdown(summary))


def _help_pages(command: click.Command, name: str, parent: click.Context | None) -> list[tuple[str, str]]:
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    pages = [(context.command_path, command.get_help(context))]
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            assert child is not None, child_name
            pages += _help_pages(child, child_name, context)
    return pages


def test_french_help_pages_follow_the_glossary() -> None:
    with using_language("fr"):
        pages = _help_pages(cli, "mdm-bridge", None)
    wrong = {path: found for path, text in pages if (found := refused(RULES, _prose_of_help(text)))}
    assert len(pages) > 20
    assert not wrong


def _prose_of_help(text: str) -> str:
    """Drop the first word of a table's line: it names a command or an option."""
    lines = re.sub(r"^ {2,}\S.*?(?= {2,}|$)", "", text, flags=re.MULTILINE)
    return clean_sentence(lines)
