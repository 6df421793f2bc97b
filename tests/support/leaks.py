"""Looks for texts that must be nowhere, in whatever a program leaves behind."""

from __future__ import annotations

import gzip
import html
import io
import json
import unicodedata
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

__all__ = ["Searcher"]

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"


class Searcher:
    """Finds texts in bytes: in several encodings and escapes, in any case, packed files opened.

    Args:
        texts: What must not be found; of four characters or more, so that chance finds nothing.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        given = {text.casefold(): text for text in texts}
        assert all(len(text) >= 4 for text in given)
        # Whoever holds a longer text holds the shorter one within it.
        least = [text for text in given if not any(other != text and other in text for other in given)]
        self._forms = {form: given[text] for text in least for form in _forms(given[text])}

    def in_bytes(self, data: bytes) -> set[str]:
        """Return the shortest texts that are in ``data``."""
        layers = [_folded(layer) for layer in _layers(data)]
        return {text for form, text in self._forms.items() if any(form in layer for layer in layers)}

    def in_text(self, text: str) -> set[str]:
        """Return the texts that are in ``text``."""
        return self.in_bytes(text.encode())

    def in_folder(self, folder: Path) -> dict[str, set[str]]:
        """Return the texts that are in files below a folder, or in their names."""
        found = {}
        for path in sorted(folder.rglob("*")):
            hits = self.in_text(path.name) | (self.in_bytes(path.read_bytes()) if path.is_file() else set())
            if hits:
                found[str(path.relative_to(folder))] = hits
        return found


def _forms(text: str) -> Iterator[bytes]:
    low = text.casefold()
    for same in {low, unicodedata.normalize("NFD", low)}:
        yield same.encode()
        yield json.dumps(same)[1:-1].encode().lower()
        yield html.escape(same).encode().lower()
        yield quote(same).encode().lower()
        yield same.encode("utf-16-le")
    yield low.encode("cp1252", "replace")
    # Case matters in base64, and there is no telling it apart once folded: long enough to be no chance.
    if len(text) >= 12:
        yield b64encode(text.encode()).rstrip(b"=")[:-1].lower()


def _folded(data: bytes) -> bytes:
    """Return bytes with letters made small: as UTF-8 text where it is such a text, and as bytes."""
    return data.decode("utf-8", "replace").casefold().encode() + b"\n" + data.lower()


def _layers(data: bytes) -> Iterator[bytes]:
    """Yield the bytes, and what is packed inside."""
    yield data
    if data.startswith(_GZIP):
        yield from _layers(gzip.decompress(data))
    elif data.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield name.encode()
                yield from _layers(packed.read(name))
