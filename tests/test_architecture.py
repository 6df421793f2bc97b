"""Imports point down, libraries stay where they belong, and nothing grows too long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.imports import Import, Module, modules

ROOT = Path(__file__).parent.parent

#: Rooms that use the standard library alone.
PURE = {"messages", "errors", "domain", "ports", "services", "testing"}
ALLOWED_IN_TESTING = {"pytest"}

#: Who may import a library. None of the others may, not even inside a function.
OWNERS = {
    "requests": {"net"},
    "urllib3": {"net"},
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "psycopg": {"storage"},
    "sqlite3": {"storage"},
    "pydantic": {"providers", "files", "config", "simulator"},
    "click": {"delivery", "__main__"},
    "rich": {"delivery"},
    "apscheduler": {"delivery"},
    "fastapi": {"delivery"},
    "keyring": {"config", "wiring"},
}

#: What each room may import of ours, beside itself. Adapters: never a service, never each other.
BELOW = {"messages", "errors", "domain", "ports"}
ADAPTERS = {"providers", "storage", "files", "documents", "outbound", "simulator", "config"}
MAY_IMPORT = {
    "messages": set(),
    "errors": {"messages"},
    "domain": {"errors", "messages"},
    "ports": {"domain", "errors", "messages"},
    "services": BELOW,
    "net": BELOW,
    "providers": BELOW | {"net"},
    "outbound": BELOW | {"net"},
    "testing": BELOW,
    **dict.fromkeys(ADAPTERS - {"providers", "outbound"}, BELOW),
}
EVERYWHERE = {"__version__"}

PRODUCTS = {"file", "jamf_school", "micromdm", "nanomdm"}

POSIX_ONLY = {"fcntl", "grp", "posix", "pwd", "resource", "termios", "tty"}


def _ours(imported: Import) -> str | None:
    """Return the room of an import of ours ("" is the package itself), None for any other."""
    if imported.top != "mdm_bridge":
        return None
    rest = imported.name.split(".")[1:]
    return "" if not rest or rest[0] in EVERYWHERE else rest[0]


def _wrong(module: Module, imported: Import) -> str:
    return f"{module.path.relative_to(ROOT)}:{imported.line} imports {imported.name}"


def _run_contracts(config: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(sys.argv[1], no_cache=True, no_logo=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, str(config)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_contracts_hold() -> None:
    run = _run_contracts(ROOT / "pyproject.toml")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_a_broken_contract_is_seen(tmp_path: Path) -> None:
    config = tmp_path / "upside-down.toml"
    config.write_text(
        '[tool.importlinter]\nroot_package = "mdm_bridge"\n'
        '[[tool.importlinter.contracts]]\nname = "x"\ntype = "layers"\ncontainers = ["mdm_bridge"]\n'
        'layers = ["messages", "errors"]\n'
    )
    assert _run_contracts(config).returncode == 1


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_room_imports_only_what_it_may(room: str) -> None:
    wrong = [
        _wrong(module, imported)
        for module in modules()
        if module.room == room
        for imported in module.imports
        if (target := _ours(imported)) is not None and target not in MAY_IMPORT[room] | {room, ""}
    ]
    assert not wrong


def test_pure_rooms_use_the_standard_library_alone() -> None:
    wrong = [
        _wrong(module, imported)
        for module in modules()
        if module.room in PURE
        for imported in module.imports
        if imported.top not in sys.stdlib_module_names | {"mdm_bridge", "__future__"}
        if not (module.room == "testing" and imported.top in ALLOWED_IN_TESTING)
    ]
    assert not wrong


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_library_stays_in_its_rooms(library: str) -> None:
    wrong = [
        _wrong(module, imported)
        for module in modules()
        for imported in module.imports
        if imported.top == library and module.room not in OWNERS[library]
    ]
    assert not wrong


def test_nothing_imports_the_contract_suite() -> None:
    wrong = [
        _wrong(module, imported)
        for module in modules()
        for imported in module.imports
        if _ours(imported) == "testing" and module.room != "testing"
    ]
    assert not wrong


def test_products_do_not_know_each_other() -> None:
    """A module or folder of ``providers`` named by a product is imported by that product alone."""
    wrong = [
        _wrong(module, imported)
        for module in modules()
        if module.room == "providers" and (own := _product(module.name))
        for imported in module.imports
        if (other := _product(imported.name)) and other != own
    ]
    assert not wrong


def _product(name: str) -> str | None:
    parts = name.split(".")
    product = parts[2] if parts[:2] == ["mdm_bridge", "providers"] and len(parts) > 2 else None
    return product if product in PRODUCTS else None


def test_posix_modules_are_guarded() -> None:
    wrong = [
        _wrong(module, imported)
        for module in modules()
        for imported in module.imports
        if imported.top in POSIX_ONLY and not imported.guarded
    ]
    assert not wrong


def test_nobody_asks_a_process_by_killing_it() -> None:
    """``os.kill(pid, 0)`` ends the process on Windows."""
    wrong = [module.name for module in modules() if "os.kill" in module.path.read_text("utf-8")]
    assert not wrong


def test_nothing_grows_too_long() -> None:
    # A migration is the record of one step: it is never edited, and splitting it would hide what it does.
    growing = [module for module in modules() if ".migrations.versions." not in module.name]
    long_modules = {module.name: module.lines for module in growing if module.lines > 400}
    long_functions = {name: lines for module in growing for name, lines in module.functions if lines > 50}
    assert not long_modules
    assert not long_functions
