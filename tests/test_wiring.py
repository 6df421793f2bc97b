"""From settings to adapters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mdm_bridge.domain.inventory import Sighting
from mdm_bridge.errors import InputError, SettingsError, UnknownObject
from mdm_bridge.wiring import App, address_problem, open_app
from tests.support.clock import FakeClock

TEXT = """
[privacy]
device_name_pattern = "X-[0-9]+"
[limits]
shrink_percent = 40
[network]
no_proxy = ["127.0.0.1"]
[servers.north]
kind = "jamf-school"
url = "http://127.0.0.1:9/api"
network_id = "1"
timezone = "Europe/London"
timeout_s = 2
[servers.north.scope]
locations = [3]
[servers.north.pools]
ash = { tag_prefix = "A-" }
training = { groups = ["Training"], url_params = { pool = "t" } }
[servers.papers]
kind = "file"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mdm-bridge.toml"
    path.write_text(TEXT)
    return path


def app(file: Path, **environ: str) -> App:
    return open_app(file, environ, clock=FakeClock())


def test_policy_says_what_the_settings_say(file: Path) -> None:
    policy = app(file).policy("north", mentioned_groups=("Catalog",))
    assert [rule.pool for rule in policy.rules] == ["ash", "training"]
    seen = Sighting("1", "S", location="3", groups=("training",), url_params={"pool": "t"}, asset_tag="B-1")
    assert policy.in_scope(seen)
    assert not policy.in_scope(Sighting("1", "S", location="4"))
    assert policy.pools_of(seen) == ("training",)
    assert policy.name_is_neutral("X-12")
    assert not policy.name_is_neutral("FORM-12")
    assert policy.kept_groups() == {"training", "catalog"}
    assert policy.classes == {"ipad"}
    assert policy.shrink_percent == 40
    assert policy.zone == ZoneInfo("Europe/Paris")


def test_a_source_for_each_kind(file: Path, tmp_path: Path) -> None:
    wired = app(file, MDM_BRIDGE_SERVERS__NORTH__API_KEY="K3Y")
    assert wired.server_names() == ("north", "papers")
    source = wired.source("north")
    assert (source.name, source.kind) == ("north", "jamf-school")
    assert "K3Y" not in repr(source) + repr(wired.session("north"))
    export = tmp_path / "export.csv"
    export.write_text("serial;model\nC02X;iPad\n")
    listed = wired.file_source("papers", wired.read_list("papers", export))
    assert (listed.name, listed.kind) == ("papers", "file")
    assert [row.serial for page in listed.pages() for row in page.rows] == ["C02X"]
    assert wired.file_source("north", wired.read_list("north", export)).kind == "jamf-school"
    wired.close()
    wired.close()


def test_a_server_of_files_asks_for_the_file(file: Path) -> None:
    with pytest.raises(InputError) as caught:
        app(file).source("papers")
    assert "--from-file" in str(caught.value.hint)


def test_an_unknown_server_names_the_nearest(file: Path) -> None:
    with pytest.raises(UnknownObject) as caught:
        app(file).policy("nroth")
    assert str(caught.value.hint) == 'Did you mean "north"?'


def test_a_list_needs_no_server(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert app(empty).policy("list").rules == ()
    with pytest.raises(UnknownObject):
        app(empty).policy("other")


def test_a_missing_key_is_told_when_it_is_needed(file: Path) -> None:
    wired = app(file)
    assert wired.policy("north")
    with pytest.raises(SettingsError):
        wired.source("north")


def test_the_session_has_the_limits_of_the_settings(file: Path) -> None:
    wired = app(
        file,
        MDM_BRIDGE_SERVERS__NORTH__API_KEY="K3Y",
        MDM_BRIDGE_NETWORK__PROXY="http://u:p@proxy:3128",
        MDM_BRIDGE_NETWORK__NO_PROXY="example.org",
    )
    session: Any = wired.session("north")
    assert session.proxy_for() == "http://proxy:3128"
    limits = session._settings
    assert (limits.connect_timeout_s, limits.read_timeout_s, limits.deadline_s) == (2, 2, 20)
    assert limits.max_body_bytes == 256 * 1024 * 1024


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:S3C@RET@h:5/x", "postgresql+psycopg://u:***@h:5/x"),
        ("postgresql://u@h/x?password=S3CRET&host=/a", "postgresql+psycopg://u@h/x?password=***&host=/a"),
    ],
)
def test_a_database_is_shown_without_its_password(file: Path, url: str, shown: str) -> None:
    assert app(file, MDM_BRIDGE_DATABASE__URL=url).database_shown == shown


def test_a_database_file_is_shown_as_a_path(file: Path) -> None:
    assert app(file).database_shown == str(file.parent / "mdm-bridge.db")


def test_addresses_asked_for_are_judged_by_the_same_rule() -> None:
    assert address_problem("https://school.example.org/api") is None
    problem = address_problem("school.example.org")
    assert problem is not None
    assert problem[0].code == "bad_address_scheme"


def test_wiring_alone_loads_no_heavy_library(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mdm_bridge.wiring import open_app\n"
        "open_app(Path(sys.argv[1]), {}).policy('north')\n"
        "print(sorted({'requests', 'sqlalchemy', 'alembic', 'rich', 'msgspec'} & set(sys.modules)))"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], env=environ, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
