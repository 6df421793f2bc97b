"""The catalogs of sentences: ``python tools/messages.py extract|update|compile|check``.

``extract`` prints what is to be translated, ``update`` brings the catalogs in line with the source (new
sentences empty, unused ones dropped), ``compile`` makes the ``.mo`` files, ``check`` names everything that is
missing, doubtful, unused or badly spaced and exits 1 when there is something. Needs Babel only.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "mdm_bridge" / "locale"

#: Functions whose texts are translated, and which of their arguments hold them.
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "Message": (2,)}

#: Modules of click whose sentences nobody meets here: old consoles, progress bars, its own tests.
_CLICK_SKIPPED = {"_termui_impl.py", "_winconsole.py", "testing.py"}
#: click looks these up by a value, where no extractor sees them.
_CLICK_HIDDEN = ("required",)

_PLACEHOLDER = re.compile(r"\{(\w*)[^{}]*\}")
#: A plain space before a high mark or inside quotation marks; or none at all before a mark that ends a word.
_SPACING = re.compile(r" (?:[:;?!»]|%(?!\())|« |«[^\u00a0\u202f]|[\w)}.][;?!:](?=\s|$)|[\w)}.…]»")

Source = Mapping[str | tuple[str, ...], tuple[str, ...]]


def sources(domain: str) -> Source:
    """Return the sentences of the source, each with the files it stands in."""
    found: dict[str | tuple[str, ...], dict[str, None]] = {}
    for file, text in _ours() if domain == "mdm_bridge" else _of_click():
        found.setdefault(text, {})[file] = None
    return {text: tuple(files) for text, files in found.items()}


def _ours() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    extracted = extract_from_dir(ROOT / "mdm_bridge", [("**.py", "python")], keywords=KEYWORDS)
    for file, _line, text, _comments, _context in extracted:
        yield f"mdm_bridge/{Path(file).as_posix()}", text


def _of_click() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    import click

    home = Path(click.__file__).parent
    keywords = {"_": None, "ngettext": (1, 2)}
    for file, _line, text, _comments, _context in extract_from_dir(
        home, [("**.py", "python")], keywords=keywords
    ):
        if Path(file).name not in _CLICK_SKIPPED:
            yield f"click/{Path(file).as_posix()}", text
    for text in _CLICK_HIDDEN:
        yield "click/core.py", text


def catalogs() -> list[Path]:
    """Return every catalog of the package."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))


def load(path: Path) -> Catalog:
    """Read one catalog."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, domain=path.stem)


def compile_catalogs(folder: Path = LOCALE) -> list[Path]:
    """Compile every catalog below ``folder``; return the files written."""
    written = []
    for path in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = path.with_suffix(".mo")
        compiled = io.BytesIO()
        write_mo(compiled, load(path))
        if not target.exists() or target.read_bytes() != compiled.getvalue():
            target.write_bytes(compiled.getvalue())
        written.append(target)
    return written


def update(path: Path) -> None:
    """Bring one catalog in line with the source; translations that still fit are kept."""
    old = load(path)
    new = Catalog(
        locale=old.locale,
        domain=old.domain,
        project="mdm-bridge",
        version="1",
        copyright_holder="The mdm-bridge authors",
        msgid_bugs_address="",
        header_comment="# Sentences of mdm-bridge; updated by tools/messages.py.",
        creation_date=datetime(
            2026, 1, 1, tzinfo=UTC
        ),  # fixed: a date that moves makes a change out of nothing
        revision_date=datetime(2026, 1, 1, tzinfo=UTC),
        last_translator="The mdm-bridge authors",
        language_team=str(old.locale),
        fuzzy=False,
    )
    for text, files in sorted(sources(path.stem).items(), key=lambda item: (item[1][0], str(item[0]))):
        known = old.get(text)
        same = known is not None and known.id == text
        new.add(text, known.string if same and known else None, [(file, 0) for file in files])
        if same and known and known.fuzzy:
            new[text].flags.add("fuzzy")
    with path.open("wb") as file:
        write_po(file, new, width=100, include_lineno=False)


def check(path: Path) -> list[str]:
    """Return what is wrong with one catalog, one line each."""
    catalog, wanted = load(path), sources(path.stem)
    known = {message.id: message for message in catalog if message.id}
    problems = [
        f"missing: {text!r} ({', '.join(files)})" for text, files in wanted.items() if text not in known
    ]
    problems += [f"unused: {text!r}" for text in known if text not in wanted]
    for message in known.values():
        problems += _faults(message, path.parent.parent.name)
    return [f"{path.relative_to(ROOT)}: {problem}" for problem in problems]


def _faults(message: Message, language: str) -> Iterator[str]:
    shown = repr(message.id)
    strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    if not all(strings):
        yield f"untranslated: {shown}"
        return
    if message.fuzzy:
        yield f"fuzzy: {shown}"
    ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    allowed = {name for text in ids for name in _PLACEHOLDER.findall(text)}
    for text in map(str, strings):
        used = set(_PLACEHOLDER.findall(text))
        if used - allowed or (len(ids) == 1 and used != allowed):
            yield f"placeholders differ: {shown} -> {text!r}"
        if language == "fr" and _SPACING.search(text):
            yield f"spacing: {text!r}"


def main(arguments: list[str]) -> int:
    """Run one sub-command; return the exit code."""
    wanted = arguments[0] if len(arguments) == 1 else ""
    out = sys.stdout
    if wanted == "extract":
        for domain in ("mdm_bridge", "click"):
            out.writelines(f"{domain}: {text!r}\n" for text in sources(domain))
    elif wanted == "update":
        for path in catalogs():
            update(path)
    elif wanted == "compile":
        out.writelines(f"{path.relative_to(ROOT)}\n" for path in compile_catalogs())
    elif wanted == "check":
        problems = [problem for path in catalogs() for problem in check(path)]
        out.writelines(f"{problem}\n" for problem in problems)
        return 1 if problems else 0
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
