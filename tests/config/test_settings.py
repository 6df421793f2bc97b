"""Settings: where they are found, what overrides what, and every mistake told with its cure."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mdm_bridge.config import Settings, load_settings
from mdm_bridge.errors import SettingProblem, SettingsError

GOOD = """
[organisation]
name = "Service"
[servers.north]
kind = "jamf-school"
url = "https://school.example.org/api/"
network_id = 1234567
api_key_file = "secrets/north.key"
[servers.north.scope]
locations = [3, "Annex"]
[servers.north.pools]
ash = { groups = ["B"] }
training = { tag_prefix = "F-" }
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "mdm-bridge.toml"
    file.write_text(text, encoding="utf-8")
    return file


def load(folder: Path, text: str, **environ: str) -> Settings:
    return load_settings(write(folder, text), environ)


def problems(folder: Path, text: str, **environ: str) -> list[SettingProblem]:
    with pytest.raises(SettingsError) as caught:
        load(folder, text, **environ)
    return list(caught.value.problems)


def codes(found: list[SettingProblem]) -> dict[str, str]:
    return {problem.key: problem.message.code for problem in found}


class TestFinding:
    def test_without_a_file_defaults_hold_and_start_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        settings = load_settings(None, {})
        assert settings.file is None
        assert settings.database.url.get_secret_value() == f"sqlite:///{tmp_path.as_posix()}/mdm-bridge.db"
        assert settings.paths.profiles == tmp_path / "profiles"

    def test_the_file_here_then_the_variable_then_the_option(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("one", "two"):
            (tmp_path / f"{name}.toml").write_text(f'[organisation]\nname = "{name}"\n')
        write(tmp_path, '[organisation]\nname = "here"\n')
        environ = {"MDM_BRIDGE_CONFIG": "one.toml"}
        assert load_settings(None, {}).organisation.name == "here"
        assert load_settings(None, environ).organisation.name == "one"
        assert load_settings(tmp_path / "two.toml", environ).organisation.name == "two"

    def test_relative_paths_start_from_the_folder_of_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inner = tmp_path / "inner"
        inner.mkdir()
        write(inner, '[database]\nurl = "sqlite:///data/x.db"\n[organisation]\nlogo = "logo.png"\n')
        monkeypatch.chdir(tmp_path)
        settings = load_settings(Path("inner/mdm-bridge.toml"), {})
        assert settings.database.url.get_secret_value() == f"sqlite:///{inner.as_posix()}/data/x.db"
        assert settings.organisation.logo == inner / "logo.png"
        assert settings.paths.app_catalog == inner / "app_catalog"

    @pytest.mark.parametrize("how", ["option", "variable"])
    def test_a_file_that_was_asked_for_must_exist(self, tmp_path: Path, how: str) -> None:
        missing = tmp_path / "none.toml"
        path, environ = (missing, {}) if how == "option" else (None, {"MDM_BRIDGE_CONFIG": str(missing)})
        with pytest.raises(SettingsError) as caught:
            load_settings(path, environ)
        assert caught.value.code == "settings_missing"
        assert "mdm-bridge init" in str(caught.value.hint)


class TestReading:
    def test_values(self, tmp_path: Path) -> None:
        settings = load(tmp_path, GOOD)
        server = settings.servers["north"]
        assert server.url == "https://school.example.org/api"
        assert server.network_id == "1234567"
        assert server.api_key_file == tmp_path / "secrets" / "north.key"
        assert server.scope is not None
        assert server.scope.locations == ("3", "Annex")
        assert list(server.pools) == ["ash", "training"]  # file order decides
        assert server.classes == ("ipad",)
        assert settings.limits.shrink_percent == 30
        assert settings.lending.prepare == timedelta(days=3)
        assert settings.features.pupil_loans is True

    def test_a_byte_order_mark_is_tolerated(self, tmp_path: Path) -> None:
        file = tmp_path / "mdm-bridge.toml"
        file.write_bytes(b"\xef\xbb\xbf[organisation]\nname = 'x'\n")
        assert load_settings(file, {}).organisation.name == "x"

    def test_latin_1_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "mdm-bridge.toml"
        file.write_bytes("[organisation]\nname = 'Pôle'\n".encode("latin-1"))
        with pytest.raises(SettingsError) as caught:
            load_settings(file, {})
        assert caught.value.code == "settings_not_utf8"

    def test_broken_toml_names_its_line_and_quotes_none(self, tmp_path: Path) -> None:
        found = problems(tmp_path, '[servers.a]\napi_key = "S3CRET\n')
        assert found[0].message.code == "settings_not_toml"
        assert found[0].message.params["line"] == 2
        assert "S3CRET" not in str(found[0].message)

    def test_a_backslash_in_a_path_has_its_own_hint(self, tmp_path: Path) -> None:
        found = problems(tmp_path, '[organisation]\nlogo = "C:\\Users\\x.png"\n')
        assert found[0].hint.code == "toml_backslash"

    @pytest.mark.parametrize(
        "name", ["FORM-07", "iPad 12", "PRET-03", "TAB-K7Q2", "12-0042", "Tablette 3", "FORM07"]
    )
    def test_neutral_names_fit_the_default_pattern(self, tmp_path: Path, name: str) -> None:
        import re

        assert re.fullmatch(load(tmp_path, "").privacy.device_name_pattern, name)

    @pytest.mark.parametrize(
        "name", ["iPad de Léa", "Léa", "Lea 12", "iPad Lea 12", "FORM-07 Lea", "Martin", "MARTIN"]
    )
    def test_names_of_persons_do_not(self, tmp_path: Path, name: str) -> None:
        import re

        assert re.fullmatch(load(tmp_path, "").privacy.device_name_pattern, name) is None


class TestEnvironment:
    def test_overrides_by_type(self, tmp_path: Path) -> None:
        settings = load(
            tmp_path,
            GOOD,
            MDM_BRIDGE_SERVERS__NORTH__URL="https://other.example.org",
            MDM_BRIDGE_SERVERS__NORTH__TIMEOUT_S="2.5",
            MDM_BRIDGE_SERVERS__NORTH__SCOPE__GROUPS='["One, two", "Three"]',
            MDM_BRIDGE_SERVERS__NORTH__CLASSES="iPad, mac",
            MDM_BRIDGE_SERVERS__NORTH__POOLS__TRAINING__GROUPS="Training",
            MDM_BRIDGE_OUTPUT__FORMAT="list",
            MDM_BRIDGE_OUTPUT__PROGRESS="false",
            MDM_BRIDGE_LIMITS__SHRINK_PERCENT="50",
            MDM_BRIDGE_MAIL__SMTP_HOST="mail.example.org",
            MDM_BRIDGE_LANG="fr",
            MDM_BRIDGE_AS="someone",
        )
        server = settings.servers["north"]
        assert server.url == "https://other.example.org"
        assert server.timeout_s == 2.5
        assert server.scope is not None
        assert server.scope.groups == ("One, two", "Three")
        assert server.scope.locations == ("3", "Annex")
        assert server.classes == ("ipad", "mac")
        assert server.pools["training"].groups == ("Training",)
        assert server.pools["training"].tag_prefix == "F-"
        assert (settings.output.format, settings.output.progress) == ("list", False)
        assert settings.limits.shrink_percent == 50
        assert settings.mail == {"smtp_host": "mail.example.org"}

    def test_a_server_may_live_in_the_environment_alone(self, tmp_path: Path) -> None:
        settings = load(
            tmp_path, "", MDM_BRIDGE_SERVERS__LIST__KIND="file", MDM_BRIDGE_SERVERS__LIST__MAPPING="mine"
        )
        assert settings.servers["list"].mapping == "mine"

    def test_each_unknown_variable_names_the_nearest(self, tmp_path: Path) -> None:
        found = problems(
            tmp_path,
            GOOD,
            MDM_BRIDGE_CONFG="x",
            MDM_BRIDGE_SERVERS__NORTH__TIMEOUT="3",
            MDM_BRIDGE_SERVERS__NORHT__URL="x",
            MDM_BRIDGE_OUTPOUT__FORMAT="csv",
            MDM_BRIDGE_OUTPUT="csv",
            MDM_BRIDGE_DATABASE__URL__X="1",
            MDM_BRIDGE_SYNC_FORCE="1",
        )
        hints = {problem.key: str(problem.hint) for problem in found}
        assert all(problem.file is None for problem in found)
        assert '"MDM_BRIDGE_CONFIG"' in hints["MDM_BRIDGE_CONFG"]
        assert '"MDM_BRIDGE_SERVERS__NORTH__TIMEOUT_S"' in hints["MDM_BRIDGE_SERVERS__NORTH__TIMEOUT"]
        assert '"north"' in hints["MDM_BRIDGE_SERVERS__NORHT__URL"]
        assert '"MDM_BRIDGE_OUTPUT__FORMAT"' in hints["MDM_BRIDGE_OUTPOUT__FORMAT"]
        assert "MDM_BRIDGE_OUTPUT__KEY" in hints["MDM_BRIDGE_OUTPUT"]
        assert '"MDM_BRIDGE_DATABASE__URL"' in hints["MDM_BRIDGE_DATABASE__URL__X"]
        assert "MDM_BRIDGE_SYNC_FORCE" in hints

    def test_a_bad_value_names_its_variable(self, tmp_path: Path) -> None:
        found = problems(tmp_path, GOOD, MDM_BRIDGE_OUTPUT__PROGRESS="perhaps")
        assert [(p.file, p.key) for p in found] == [(None, "MDM_BRIDGE_OUTPUT__PROGRESS")]

    def test_broken_json_names_its_variable(self, tmp_path: Path) -> None:
        found = problems(tmp_path, GOOD, MDM_BRIDGE_SERVERS__NORTH__CLASSES='["ipad"')
        assert codes(found) == {"MDM_BRIDGE_SERVERS__NORTH__CLASSES": "variable_not_json"}


class TestMistakes:
    def test_all_are_told_at_once(self, tmp_path: Path) -> None:
        found = problems(
            tmp_path,
            """
            [organisation]
            nam = "x"
            [database]
            url = "mysql://u:S3CRET@host/x"
            [servers.Bad]
            kind = "file"
            [servers.a]
            kind = "jamf-school"
            url = "http://school.example.org/api"
            api_key = "S3CRET"
            timezone = "Europe/Pariss"
            timeout_s = "slow"
            pools = { trainin = { groups = ["a"] }, ash = { group = ["b"] } }
            [servers.b]
            kind = "nanomdm"
            [servers.c]
            kind = "jamf-scool"
            [servers.d]
            kind = "jamf-school"
            url = "https://user:S3CRET@school.example.org"
            network_id = "1"
            [servers.e]
            kind = "jamf-school"
            url = "school.example.org"
            network_id = "1"
            [output]
            format = "xml"
            [mail]
            password = "S3CRET"
            [limits]
            shrink_percent = 300
            [privacy]
            device_name_pattern = "("
            [network]
            proxy = "ftp://x"
            [calendar]
            quiet_hours = "8pm"
            """,
        )
        assert codes(found) == {
            "organisation.nam": "unknown_setting",
            "database.url": "bad_database_url",
            "servers.Bad": "bad_server_name",
            "servers.a.url": "address_not_encrypted",
            "servers.a.api_key": "secret_in_settings",
            "servers.a.network_id": "missing_for_kind",
            "servers.a.timezone": "unknown_time_zone",
            "servers.a.timeout_s": "expects_number",
            "servers.a.pools.trainin": "unknown_pool",
            "servers.a.pools.ash.group": "unknown_setting",
            "servers.b.kind": "kind_not_built",
            "servers.c.kind": "kind_not_built",
            "servers.d.url": "address_with_credentials",
            "servers.e.url": "bad_address_scheme",
            "output.format": "setting_not_a_choice",
            "mail.password": "secret_in_settings",
            "limits.shrink_percent": "setting_out_of_range",
            "privacy.device_name_pattern": "bad_pattern",
            "network.proxy": "bad_proxy",
            "calendar.quiet_hours": "bad_quiet_hours",
        }
        hints = {problem.key: str(problem.hint) for problem in found}
        assert '"name"' in hints["organisation.nam"]
        assert "Europe/Paris" in hints["servers.a.timezone"]
        assert "jamf-school, file" in hints["servers.b.kind"]
        assert "--from-file" in hints["servers.b.kind"]
        assert '"jamf-school"' in hints["servers.c.kind"]
        assert "api_key_file" in hints["servers.a.api_key"]
        assert "MDM_BRIDGE_MAIL__PASSWORD" in hints["mail.password"]
        assert all(problem.file == str(tmp_path / "mdm-bridge.toml") for problem in found)

    def test_the_sentence_lists_each_and_no_secret(self, tmp_path: Path) -> None:
        text = '[servers.a]\nkind = "file"\napi_key = "S3CRET"\n[outptu]\n'
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, text)
        assert "servers.a.api_key" in str(caught.value)
        assert "outptu" in str(caught.value)
        assert "S3CRET" not in str(caught.value)
        assert caught.value.exit_code == 1

    @pytest.mark.parametrize(
        ("url", "good"),
        [
            ("http://127.0.0.1:8000/api", True),
            ("http://localhost:8000", True),
            ("http://[::1]:8000", True),
            ("http://10.0.0.1", False),
            ("https://h.example.org/x?y=1", False),
            ("https://h.example.org:99999", False),
            ("https://", False),
            ("file:///etc/passwd", False),
        ],
    )
    def test_addresses(self, tmp_path: Path, url: str, good: bool) -> None:
        text = f'[servers.a]\nkind = "jamf-school"\nnetwork_id = "1"\nurl = "{url}"\n'
        if good:
            assert load(tmp_path, text).servers["a"].url == url
        else:
            assert [p.key for p in problems(tmp_path, text)] == ["servers.a.url"]

    def test_http_may_be_allowed(self, tmp_path: Path) -> None:
        text = '[servers.a]\nkind = "jamf-school"\nnetwork_id = "1"\nurl = "http://h.example.org"\n'
        text += "allow_http = true\n"
        assert load(tmp_path, text).servers["a"].url == "http://h.example.org"

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///", "x.db", "oracle://h/x"])
    def test_databases_refused(self, tmp_path: Path, url: str) -> None:
        assert [p.key for p in problems(tmp_path, f'[database]\nurl = "{url}"\n')] == ["database.url"]

    def test_postgresql_goes_through_psycopg(self, tmp_path: Path) -> None:
        settings = load(tmp_path, '[database]\nurl = "postgresql://u@h/x"\n')
        assert settings.database.url.get_secret_value() == "postgresql+psycopg://u@h/x"

    def test_a_missing_driver_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        found = problems(tmp_path, '[database]\nurl = "postgresql://u@h/x"\n')
        assert "mdm-bridge[postgresql]" in str(found[0].hint)

    def test_a_section_that_is_not_a_table(self, tmp_path: Path) -> None:
        found = problems(tmp_path, 'servers = "x"\noutput = 3\n', MDM_BRIDGE_OUTPUT__FORMAT="csv")
        assert codes(found) == {"servers": "expects_table", "output": "expects_table"}


class TestSecrecy:
    def test_nothing_secret_in_repr_or_dump(self, tmp_path: Path) -> None:
        settings = load(
            tmp_path,
            GOOD,
            MDM_BRIDGE_SERVERS__NORTH__API_KEY="S3CRET",
            MDM_BRIDGE_DATABASE__URL="postgresql://u:S3CRET@h/x",
            MDM_BRIDGE_NETWORK__PROXY="http://u:S3CRET@proxy:3128",
            MDM_BRIDGE_MAIL__PASSWORD="S3CRET",
        )
        assert settings.servers["north"].api_key is not None
        for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json()):
            assert "S3CRET" not in shown


def test_loading_is_cheap() -> None:
    """Importing and loading stays under a quarter of a second of CPU, without the heavy libraries."""
    code = (
        "import time, sys; start = time.process_time()\n"
        "from mdm_bridge.config import load_settings; load_settings(None, {})\n"
        "heavy = {'requests', 'sqlalchemy', 'rich', 'pydantic_settings', 'keyring'} & set(sys.modules)\n"
        "print(time.process_time() - start, *heavy)"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env=environ, check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert all(len(run) == 1 for run in runs)
    assert min(float(run[0]) for run in runs) < 0.25
