"""The program as a process: encodings, pipes, terminals, interrupts, and what a start costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.delivery.conftest import Process, environment

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and terminals of POSIX")


def test_python_m_is_the_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mdm_bridge", "--lang", "en", "--help"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: mdm-bridge [OPTIONS]")


def test_a_cp1252_console_shows_what_it_can(process: Process) -> None:
    done = process("sample", "fail", PYTHONIOENCODING="cp1252")
    assert done.returncode == 5
    assert done.stdout == b""
    assert done.stderr.decode("cp1252").startswith("Erreur\u00a0: The list lost 1\u00a0740 devices.")


def test_a_console_in_ascii_shows_likenesses(process: Process) -> None:
    done = process("sample", "rows", "--count", "1", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"14 h 30" in done.stdout or b" h 30" in done.stdout
    assert b"\xc2" not in done.stdout


def test_what_programs_read_is_utf_8_on_any_console(process: Process) -> None:
    csv = process("sample", "rows", "--format", "csv", PYTHONIOENCODING="cp1252")
    json = process("sample", "json", PYTHONIOENCODING="cp1252")
    assert "Wi-Fi,87,64.00,1740,true,2027-03-12T13:30:00Z,Formation|Été\n" in csv.stdout.decode("utf-8")
    assert (
        json.stdout.decode("utf-8")
        == '{\n  "at": "2027-03-12T00:00:00Z",\n  "name": "Été",\n  "pool": null\n}\n'
    )


@posix
@pytest.mark.parametrize("form", ["table", "json", "csv", "list"])
def test_a_reader_that_leaves_is_no_error(tmp_path: Path, form: str) -> None:
    command = f"{sys.executable} -m tests.delivery.sample -q sample rows --count 20000 --format {form}"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"
    assert len(done.stdout.splitlines()) == 2


@posix
def test_a_reader_that_leaves_before_the_help_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "mdm_bridge", "--help"],
            cwd=tmp_path, env=environment(), stdout=closed, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


@posix
def test_ctrl_c_is_short_and_130(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.sample", "sample", "wait"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=10)
    assert (started.returncode, out, err.strip()) == (130, "", "Interruption.")


def on_a_terminal(
    tmp_path: Path, *args: str, columns: int = 80, err_too: bool = True, **environ: str
) -> tuple[int, str]:
    """Run the sample on a pseudo-terminal; return its exit code and what the terminal got."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.sample", *args],
        cwd=tmp_path,
        env=environment(COLUMNS=str(columns), TERM="xterm", **environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs if err_too else subprocess.DEVNULL,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(ours)
    return child.wait(timeout=30), seen.decode().replace("\r\n", "\n")


@posix
def test_a_table_fits_80_columns_and_says_what_is_hidden(tmp_path: Path) -> None:
    code, seen = on_a_terminal(tmp_path, "sample", "rows", "--count", "3")
    assert code == 0
    lines = seen.splitlines()
    assert max(map(len, lines[:-2])) <= 80
    assert "DMPX00000000" in seen
    hidden = next(line for line in lines if line.startswith("Colonnes masquées"))
    # The least important go, and every one that goes is named.
    shown = " ".join(lines[: lines.index(next(line for line in lines if line.startswith("---")))])
    for heading in ("N° de série", "Modèle", "Batterie", "Capacity", "Applications", "contact", "Groupes"):
        assert (heading in shown) != (heading in hidden)
    assert "Applications" in hidden
    assert "(--format list les affiche)" in hidden


@posix
def test_a_wide_terminal_hides_nothing(tmp_path: Path) -> None:
    _code, seen = on_a_terminal(tmp_path, "sample", "rows", "--count", "3", columns=200)
    assert "masquées" not in seen
    assert "Formation, Été" in seen


@posix
def test_a_spreadsheet_is_not_thrown_at_a_terminal(tmp_path: Path) -> None:
    code, seen = on_a_terminal(tmp_path, "sample", "rows", "--format", "xlsx")
    assert code == 2
    assert "À faire\u00a0: Ajouter --output FICHIER.xlsx" in seen


@posix
def test_progress_is_a_bar_on_a_terminal(tmp_path: Path) -> None:
    code, seen = on_a_terminal(tmp_path, "sample", "work", "--total", "3", SAMPLE_SLOW="0.15")
    assert code == 0
    assert "Lecture" in seen
    assert "3/3" in seen or "2/3" in seen
    assert seen.rstrip().endswith("done")


@posix
@pytest.mark.parametrize(
    ("args", "environ"),
    [(["--no-progress"], {}), ([], {"MDM_BRIDGE_OUTPUT__PROGRESS": "false"}), ([], {"QUIET": "-q"})],
)
def test_no_bar_where_none_is_wanted(tmp_path: Path, args: list[str], environ: dict[str, str]) -> None:
    quiet = [environ.pop("QUIET")] if "QUIET" in environ else []
    code, seen = on_a_terminal(tmp_path, *quiet, "sample", "work", "--total", "3", *args, **environ)
    assert (code, seen) == (0, "done\n")


def test_off_a_terminal_there_is_no_progress(process: Process) -> None:
    done = process("sample", "work", "--total", "3")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done\n", b"")


#: What the start of every command must not pay for.
_HEAVY = {
    "alembic",
    "apscheduler",
    "fastapi",
    "msgspec",
    "psycopg",
    "pydantic",
    "requests",
    "rich",
    "sqlalchemy",
}


@pytest.mark.parametrize(
    "args",
    [["--help"], ["--version"], ["--lang", "en", "device"], ["completion", "bash"], ["report", "--help"]],
)
def test_the_start_imports_nothing_heavy(tmp_path: Path, args: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mdm_bridge", *args],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2)
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "click" in imported
    assert imported & _HEAVY == set()


def _cpu_seconds(tmp_path: Path, *args: str) -> float:
    before = os.times()
    subprocess.run(
        [sys.executable, *args], cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, check=True
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@posix
def test_the_help_costs_at_most_three_times_click_alone(tmp_path: Path) -> None:
    # The least of several: other work on the machine only ever adds.
    floor = min(_cpu_seconds(tmp_path, "-c", "import click") for _ in range(7))
    ours = min(_cpu_seconds(tmp_path, "-m", "mdm_bridge", "--help") for _ in range(7))
    assert ours <= 3 * floor


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_goes_to_stdout_and_the_advice_to_stderr(process: Process, shell: str) -> None:
    done = process("--lang", "en", "completion", shell)
    assert done.returncode == 0
    assert b"_MDM_BRIDGE_COMPLETE" in done.stdout
    assert b"mdm-bridge" in done.stdout
    assert shell.encode() in done.stderr


@posix
def test_bash_accepts_the_script_and_completes(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "mdm-bridge"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.delivery.sample "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    asking = (
        'eval "$(mdm-bridge completion bash 2>/dev/null)"\n'
        'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); '
        '_mdm_bridge_completion mdm-bridge; echo "${COMPREPLY[*]}"; }\n'
        "try mdm-bridge sim\ntry mdm-bridge sample rows --format cs\ntry mdm-bridge sample rows --fo\n"
        "try mdm-bridge completion z\n"
    )
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", asking],
        cwd=tmp_path, env=environment(PATH=path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["simulate", "csv csv-fr", "--format", "zsh"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_help_beside_the_names(process: Process, shell: str) -> None:
    words = {"COMP_WORDS": "mdm-bridge sy", "COMP_CWORD": "1" if shell == "zsh" else "sy"}
    done = process(_MDM_BRIDGE_COMPLETE=f"{shell}_complete", **words)
    assert "Synchroniser l'inventaire des serveurs distants" in done.stdout.decode()


def test_a_file_is_written_whole_or_not_at_all(process: Process, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before", encoding="utf-8")
    failed = process("sample", "rows", "--format", "csv", "--output", str(tmp_path / "no" / "out.csv"))
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert "le fichier ou son dossier n'existe pas" in failed.stderr.decode()
    done = process("-q", "sample", "rows", "--format", "csv", "--output", str(target))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert target.read_text(encoding="utf-8").startswith("serial,model,")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@posix
@pytest.mark.parametrize("command", ["rows --count 3", "rows --count 20000", "json", "--help"])
def test_a_full_disk_behind_the_output_is_an_error_with_a_hint(tmp_path: Path, command: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = _shell(
        tmp_path, f"{sys.executable} -m tests.delivery.sample --lang en sample {command} > /dev/full"
    )
    assert done.returncode == 1
    assert "Error: The output cannot be written: the disk is full." in done.stderr
    assert "Hint: " in done.stderr
    assert "Traceback" not in done.stderr


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_stream_that_was_closed_is_no_traceback(tmp_path: Path, closed: str) -> None:
    done = _shell(tmp_path, f"{sys.executable} -m mdm_bridge --lang en device list {closed}")
    assert done.returncode == 0
    assert "Error" not in done.stderr


def _shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
