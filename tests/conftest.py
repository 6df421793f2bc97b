"""The ground all tests stand on: no network, a clean environment, a fixed time, real databases."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import network
from tests.support.clock import NOW, FakeClock
from tests.support.databases import PgServer, SqliteFiles, running_postgresql

DEEP = os.environ.get("MDM_TEST_DEEP") == "1"

_FIXTURE_SCOPE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile(
    "ci",
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_FIXTURE_SCOPE,
)
settings.register_profile(
    "deep", max_examples=3000, deadline=None, print_blob=True, suppress_health_check=_FIXTURE_SCOPE
)
settings.load_profile("deep" if DEEP else "ci")

#: What a developer's machine may say and a test must not hear.
_OUTSIDE = {
    "ALL_PROXY", "CURL_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "LANGUAGE", "NO_COLOR", "NO_PROXY",
    "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ",
}  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Block the network before anything is imported by a test."""
    network.block()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has to be asked for."""
    asked = config.option.markexpr
    for item in items:
        if item.get_closest_marker("deep") and not DEEP:
            item.add_marker(pytest.mark.skip(reason="long: MDM_TEST_DEEP=1 (make deep)"))
        for name in ("live", "bench"):
            if item.get_closest_marker(name) and name not in asked:
                item.add_marker(pytest.mark.skip(reason=f"only with -m {name}"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the machine's own settings, proxies, certificates, language and home."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(("MDM_BRIDGE_", "XDG_", "LC_")) or upper in _OUTSIDE:
            monkeypatch.delenv(name)
    home = str(tmp_path_factory.mktemp("home"))
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, home)
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")


@pytest.fixture
def now() -> datetime:
    """The instant every test begins at."""
    return NOW


@pytest.fixture
def clock() -> FakeClock:
    """A clock at ``now`` that moves only when told to (``set``, ``advance``)."""
    return FakeClock()


@pytest.fixture(scope="session")
def pg_server() -> Iterator[PgServer]:
    """A real PostgreSQL server, shared by all workers of this run."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    """Where SQLite databases come from."""
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each of the two databases in turn."""
    kind: str = request.param
    if kind == "postgresql" and sys.platform == "win32":
        pytest.skip("no PostgreSQL in a wheel on Windows")
    return kind


def _fresh_url(request: pytest.FixtureRequest, kind: str, folder: Path, *, migrated: bool) -> str:
    if kind == "sqlite":
        files: SqliteFiles = request.getfixturevalue("sqlite_files")
        return files.make(folder, migrated=migrated)
    server: PgServer = request.getfixturevalue("pg_server")
    name = server.make(migrated=migrated)
    request.addfinalizer(lambda: server.drop(name))
    return server.url(name)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> str:
    """URL of a fresh, migrated database: a SQLite file in ``tmp_path``, then PostgreSQL."""
    return _fresh_url(request, database_kind, tmp_path, migrated=True)


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> str:
    """URL of a fresh database without any table, on both databases (for tests of migrations)."""
    return _fresh_url(request, database_kind, tmp_path, migrated=False)


@pytest.fixture
def store(database_url: str, clock: FakeClock) -> Iterator[Any]:
    """An opened, migrated store on both databases; its time is ``clock``'s."""
    from mdm_bridge.storage import open_store

    opened = open_store(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def sim() -> Iterator[Any]:
    """A simulated Jamf School server on loopback, its clock begun at ``NOW``."""
    from mdm_bridge.simulator import start_simulator

    with start_simulator("jamf-school", start=NOW) as running:
        yield running
