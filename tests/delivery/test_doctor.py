"""``doctor`` from the command line, against a real simulated server and a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdm_bridge.simulator import Simulator, start_simulator
from tests.delivery.conftest import Run

COMPLETE = """
[organisation]
name = "Service"
service = "Lending"
address = "1 Street"
phone = "1"
email = "a@example.org"
signatory_title = "Head"
dpd_contact = "dpd@example.org"
[privacy.retention]
activity = "12m"
history = "3y"
loans = "3y"
documents = "3y"
incidents = "3y"
audit = "12m"
"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with start_simulator("jamf-school") as running:
        yield running


def settings(folder: Path, simulator: Simulator | None, more: str = COMPLETE) -> None:
    text = more
    if simulator is not None:
        text += "[servers.north]\n"
        for key, value in simulator.settings.items():
            if key != "pools":
                text += f"{key} = {json.dumps(value)}\n"
        text += '[servers.north.pools]\nash = { groups = ["A"] }\ntraining = { groups = ["B"] }\n'
    (folder / "mdm-bridge.toml").write_text(text)
    for name in ("app_catalog", "profiles"):
        (folder / name).mkdir(exist_ok=True)


def findings(run: Run, *args: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = run("--lang", "en", *args, "doctor", "--format", "json")
    return result.exit_code, {row["code"]: row for row in json.loads(result.stdout)}


def test_a_sound_installation(run: Run, tmp_path: Path, simulator: Simulator) -> None:
    settings(tmp_path, simulator)
    code, found = findings(run)
    assert code == 0
    assert {row["code"]: row["severity"] for row in found.values() if row["severity"] != "ok"} == {
        "database_empty": "warning"
    }
    assert found["server_answers"]["message"].endswith("without a proxy.")
    assert found["clock_agrees"]["severity"] == "ok"
    assert not list(tmp_path.glob("*.db")), "doctor only looks"


def test_data_that_was_never_read(run: Run, tmp_path: Path, simulator: Simulator) -> None:
    from mdm_bridge.wiring import open_app

    settings(tmp_path, simulator)
    app = open_app(tmp_path / "mdm-bridge.toml", {})
    app.store.upgrade()
    app.close()
    code, found = findings(run)
    assert code == 0
    assert found["database_usable"]["severity"] == "ok"
    assert found["never_synchronised"]["hint"] == "Run: mdm-bridge sync north"


def test_lines_say_their_status_in_words(run: Run, tmp_path: Path) -> None:
    settings(tmp_path, None, "")
    result = run("--lang", "en", "doctor")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"OK       Settings: {tmp_path / 'mdm-bridge.toml'} is valid."
    warning = lines.index("WARNING  Servers: No distant server is configured.")
    assert lines[warning + 1].startswith("         To do: ")
    assert "Errors: 0." in result.stderr


def test_a_server_that_is_down(run: Run, tmp_path: Path) -> None:
    with start_simulator("jamf-school") as gone:
        key = tmp_path / "key"
        key.write_text("K3Y")
        key.chmod(0o600)
        settings(tmp_path, gone)
        text = (tmp_path / "mdm-bridge.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("api_key_file")]
    changed = "\n".join(lines).replace("[servers.north]\n", '[servers.north]\napi_key_file = "key"\n')
    (tmp_path / "mdm-bridge.toml").write_text(changed)
    code, found = findings(run)
    assert code == 1
    assert found["server_unreachable"]["severity"] == "error"
    assert found["server_unreachable"]["hint"]
    assert "organisation_known" in found


def test_a_key_open_to_others(run: Run, tmp_path: Path, simulator: Simulator) -> None:
    settings(tmp_path, simulator)
    Path(str(simulator.settings["api_key_file"])).chmod(0o644)
    code, found = findings(run)
    assert code == 1
    assert "chmod 600" in found["key_file_open"]["hint"]
    assert found["server_not_asked"]["severity"] == "error"


@pytest.mark.parametrize("text", ["[outpu]\n", "broken [", "[output]\nformat = 'xml'\n"])
def test_broken_settings_are_the_failing_check(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "mdm-bridge.toml").write_text(text)
    result = run("--lang", "en", "doctor")
    assert result.exit_code == 1
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith(f"ERROR    Settings: {tmp_path / 'mdm-bridge.toml'}")
    assert second.startswith("         To do: ")
    assert "Time zones" in result.stdout


def test_the_format_of_the_settings_is_used(run: Run, tmp_path: Path) -> None:
    settings(tmp_path, None, '[output]\nformat = "csv"\n')
    result = run("--lang", "en", "doctor")
    assert result.stdout.startswith("severity,check,message,hint,code\n")


def test_certificates_of_the_environment_that_are_not_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text("K3Y")
    key.chmod(0o600)
    server = '[servers.north]\nkind = "jamf-school"\nurl = "https://127.0.0.1:9/api"\nnetwork_id = "1"\n'
    settings(tmp_path, None, COMPLETE + server + 'api_key_file = "key"\n')
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    code, found = findings(run)
    assert code == 1
    assert "SSL_CERT_FILE" in found["server_not_asked"]["message"]
    assert "SSL_CERT_FILE" in found["server_not_asked"]["hint"]
