"""The catalogs: complete, and the check that says so can fail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools import messages


@pytest.mark.parametrize("path", messages.catalogs(), ids=lambda path: path.stem)
def test_every_sentence_is_translated_and_used(path: Path) -> None:
    assert messages.check(path) == []


def test_both_catalogs_are_there() -> None:
    assert [path.stem for path in messages.catalogs()] == ["click", "mdm_bridge"]


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    found = {
        "Error: {message}": ("a.py",),
        "new": ("a.py",),
        "empty": ("a.py",),
        "doubtful": ("a.py",),
        ("{n} day", "{n} days"): ("a.py",),
    }
    monkeypatch.setattr(messages, "sources", lambda domain: found)
    path = folder / "mdm_bridge.po"
    path.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        'msgid "Error: {message}"\nmsgstr "Erreur : {mesage}"\n\n'
        'msgid "empty"\nmsgstr ""\n\n'
        '#, fuzzy\nmsgid "doubtful"\nmsgstr "douteux"\n\n'
        'msgid "gone"\nmsgstr "parti"\n\n'
        'msgid "{n} day"\nmsgid_plural "{n} days"\nmsgstr[0] "un jour"\nmsgstr[1] "{n} jours"\n',
        encoding="utf-8",
    )
    return path


def test_the_check_names_every_fault(catalog: Path) -> None:
    found = [line.partition(": ")[2] for line in messages.check(catalog)]
    assert found == [
        "missing: 'new' (a.py)",
        "unused: 'gone'",
        "placeholders differ: 'Error: {message}' -> 'Erreur : {mesage}'",
        "spacing: 'Erreur : {mesage}'",
        "untranslated: 'empty'",
        "fuzzy: 'doubtful'",
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Erreur\u00a0: x", False),
        ("Erreur: x", True),
        ("Erreur : x", True),
        ("Vraiment?", True),
        ("Vraiment\u00a0?", False),
        ("« x »", True),
        ("«\u00a0x\u00a0»", False),
        ("«\u00a0{x}»", True),
        ("87 %", True),
        ("http://x:80/ --lang", False),
        ("--format list; x", True),
    ],
)
def test_spacing_of_french(text: str, wrong: bool) -> None:
    assert bool(messages._SPACING.search(text)) is wrong


def test_update_keeps_translations_and_drops_what_is_unused(catalog: Path) -> None:
    messages.update(catalog)
    first = catalog.read_bytes()
    after = messages.load(catalog)
    assert after["Error: {message}"].string == "Erreur : {mesage}"
    assert after["doubtful"].fuzzy
    assert after["new"].string == ""
    assert "gone" not in after
    messages.update(catalog)
    assert catalog.read_bytes() == first


def test_what_is_extracted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "mdm_bridge"
    package.mkdir()
    (package / "a.py").write_text(
        'X = N_("marked")\n_("called {x}", x=1)\nngettext("one", "many", 3)\n'
        'Message("code_one", "A sentence "\n    "in two parts.", count=1)\n'
        'Message("nested", "Outer {x}", x=Message("inner", "Inner"))\nother("not this")\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    plain = ("marked", "called {x}", "A sentence in two parts.", "Inner", "Outer {x}")
    expected: tuple[str | tuple[str, ...], ...] = (*plain, ("one", "many"))
    assert messages.sources("mdm_bridge") == dict.fromkeys(expected, ("mdm_bridge/a.py",))


def _hidden(source: str) -> list[int]:
    """Return the lines of sentences within an f-string, where no extractor sees them."""
    return [
        call.lineno
        for text in ast.walk(ast.parse(source))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in messages.KEYWORDS
        and any(isinstance(argument, ast.Constant) for argument in call.args)
    ]


def test_no_sentence_hides_within_an_f_string() -> None:
    assert _hidden("print(f'{_(\"To do\")}')") == [1]
    hidden = {file: _hidden(file.read_text("utf-8")) for file in (messages.ROOT / "mdm_bridge").rglob("*.py")}
    assert {file.name: lines for file, lines in hidden.items() if lines} == {}


def test_compiled_catalogs_are_written_only_when_they_change(catalog: Path, tmp_path: Path) -> None:
    (written,) = messages.compile_catalogs(tmp_path)
    before = written.stat().st_mtime_ns
    messages.compile_catalogs(tmp_path)
    assert written.stat().st_mtime_ns == before
