"""What each module of the package imports, and how long its parts are, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Import", "Module", "modules"]

ROOT = Path(__file__).parent.parent.parent
PACKAGE = "mdm_bridge"


@dataclass(frozen=True, slots=True)
class Import:
    """One import: full name, line, and whether it stands in a function, an ``if`` or a ``try``."""

    name: str
    line: int
    guarded: bool

    @property
    def top(self) -> str:
        """The top-level package."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of ours: ``room`` is the folder or file right under the package."""

    name: str
    path: Path
    lines: int
    imports: tuple[Import, ...]
    functions: tuple[tuple[str, int], ...]

    @property
    def room(self) -> str:
        """The first part of the name under the package ("" for the package itself)."""
        return self.name.split(".")[1] if "." in self.name else ""


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the package."""
    return tuple(_read(path) for path in sorted((ROOT / PACKAGE).rglob("*.py")))


def _read(path: Path) -> Module:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    package = name if parts[-1] == "__init__" else name.rpartition(".")[0]
    return Module(name, path, text.count("\n"), tuple(_imports(tree, package)), tuple(_functions(tree, name)))


def _imports(tree: ast.AST, package: str, guarded: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, guarded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from (Import(f"{base}.{alias.name}", node.lineno, guarded) for alias in node.names)
        else:
            safe = guarded or isinstance(node, ast.Try | ast.If | ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(node, package, safe)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _functions(tree: ast.AST, module: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{module}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1
