"""What the repository may not hold: a path of a machine, a registry's address, a place of ours."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.lock", "bench/requirements.lock"]

#: Written in pieces, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(
    r"(?<![\w.<])/(?:" + "|".join(["root", "home", "work", "Users", "opt", "mnt"]) + r")/[\w.]"
)
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "files" + r"\.pythonhosted", "registry" + r"\.npmjs", "index" + "-url"])
)
PLACES = re.compile(
    "|".join(
        [
            "Pyré" + "nées",
            "Tar" + "bes",
            "Bigo" + "rre",
            r"\b65" + r"[0-9]00\b",  # post codes
            r"\b065" + r"\d{4}[A-Z]\b",  # codes of schools
            r"\b65" + r"-\d{4}\b",  # inventory numbers
        ]
    ),
    re.IGNORECASE,
)

#: Where a place may be named: the demonstration, and pages for people.
MAY_NAME_PLACES = (
    "README.md",
    "CHANGELOG.md",
    "docs/",
    "mdm_bridge/delivery/cli/demo",
    "mdm_bridge/delivery/demo",
)


@cache
def _files() -> dict[str, str]:
    """Text of every file git keeps or would keep, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    texts = {}
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            try:
                texts[name] = path.read_text("utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def _lines_with(pattern: re.Pattern[str], *, except_in: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in _files().items()
        if not name.startswith(except_in or ("\0",))
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_files_are_found() -> None:
    assert "pyproject.toml" in _files()
    assert len(_files()) > 100


def test_no_path_of_a_machine() -> None:
    assert not _lines_with(MACHINE_PATHS, except_in=("LICENSE",))


def test_no_address_of_a_registry() -> None:
    assert not _lines_with(REGISTRIES)


def test_no_place_of_ours() -> None:
    assert not _lines_with(PLACES, except_in=MAY_NAME_PLACES)


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (MACHINE_PATHS, "see /" + "home/someone/x"),
        (REGISTRIES, "https://pypi" + ".org/simple"),
        (PLACES, "DSDEN des Hautes-Pyré" + "nées"),
        (PLACES, "65" + "000"),
        (PLACES, "UAI 065" + "0042X"),
        (PLACES, "65" + "-0042"),
    ],
)
def test_what_is_looked_for_would_be_found(pattern: re.Pattern[str], planted: str) -> None:
    assert pattern.search(planted)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert "://" not in text
    assert not [line for line in text.splitlines() if line.startswith("-")]
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+( ; [^\\]+)? \\\n", entry), entry[:80]
        assert "--hash=sha256:" in entry


def test_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    wanted = [
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *groups["test"], *groups["quality"], *groups["build"],
    ]  # fmt: skip
    locked = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    )
    assert not {re.split(r"[\[<>=~; ]", line)[0] for line in wanted} - locked


def test_both_locks_agree() -> None:
    pins = [
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))
        for lock in LOCKS
    ]
    shared = pins[0].keys() & pins[1].keys()
    assert shared
    assert {name: pins[0][name] for name in shared} == {name: pins[1][name] for name in shared}


def test_build_uses_only_what_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert sorted(project["build-system"]["requires"]) == sorted(project["dependency-groups"]["build"])


def test_test_variables_are_not_taken_for_settings() -> None:
    """The settings refuse an ``MDM_BRIDGE_`` variable they do not know."""
    for name in ("Makefile", ".ci/run", "tests/conftest.py"):
        assert not re.search(r"MDM_BRIDGE_[A-Z]*TEST|MDM_BRIDGE_DEEP", _files()[name])
