"""How a run begins and ends: language, options, errors, exit codes."""

from __future__ import annotations

import contextvars
import gettext
import os
from pathlib import Path

import pytest

from mdm_bridge import __version__
from mdm_bridge.delivery.cli.console import prepare_streams
from mdm_bridge.delivery.i18n import language
from tests.delivery.conftest import Process, Run

NBSP = "\u00a0"


def test_without_arguments_the_help_goes_to_stderr(run: Run) -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Utilisation{NBSP}: mdm-bridge [OPTIONS] COMMANDE [ARGUMENTS]...")


@pytest.mark.parametrize(
    "arguments", [("--help", "--lang", "en"), ("--lang", "en", "--help"), ("--lang=en", "-h")]
)
def test_help_follows_the_language_wherever_it_stands(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Usage: mdm-bridge [OPTIONS] COMMAND [ARGS]..." in result.stdout
    assert "  sync        Read the inventory of the distant servers." in result.stdout
    assert "Examples:\n  mdm-bridge init\n" in result.stdout


def test_help_is_french_unless_somebody_says_otherwise(run: Run) -> None:
    assert f"Commandes{NBSP}:\n  init" in run("--help").stdout
    assert "Commands:\n  init" in run("--help", env={"LANG": "de_DE.UTF-8"}).stdout
    assert f"Exemples{NBSP}:\n  mdm-bridge init" in run("--help", env={"LANG": None}).stdout
    assert "Commands:\n  init" in run("--help", env={"MDM_BRIDGE_LANG": "en"}).stdout


def test_every_part_of_a_command_s_help_is_french(run: Run) -> None:
    result = run("sample", "rows", "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"Utilisation{NBSP}: mdm-bridge sample rows [OPTIONS]" in result.stdout
    assert "--count NOMBRE" in result.stdout
    assert "--output FICHIER" in result.stdout
    assert "Afficher cette aide et quitter." in result.stdout
    for english in ("Options:", "Usage", "INTEGER", "FILE", "Show"):
        assert english not in result.stdout


def test_the_help_of_a_command_is_in_the_language_of_each_run(run: Run) -> None:
    texts = [run("--lang", code, "sample", "rows", "--help").stdout for code in ("fr", "en", "fr")]
    assert "Show this help and exit." in texts[1]
    assert texts[0] == texts[2] != texts[1]


@pytest.mark.parametrize(
    "arguments", [("--lang", "de", "sample", "who"), ("--lang", "de", "--help"), ("--lang",)]
)
def test_a_language_we_lack_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Erreur{NBSP}: " in result.stderr
    assert "--lang" in result.stderr


def test_nothing_of_a_run_stays_behind(run: Run) -> None:
    before = contextvars.copy_context()
    run("--lang", "en", "sample", "who")
    assert language() == "fr"
    assert gettext.textdomain() == "messages"
    assert "LANGUAGE" not in os.environ
    assert dict(contextvars.copy_context().items()) == dict(before.items())


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"mdm-bridge {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (
            ("frob",),
            "La commande «\u00a0frob\u00a0» n'existe pas.",
            "Voir ce qui est possible avec mdm-bridge --help",
        ),
        (
            ("sample", "rows", "--fromat", "csv"),
            "L'option '--fromat' n'existe pas. Vouliez-vous dire '--format'\u00a0?",
            "Voir ce qui est possible avec mdm-bridge sample rows --help",
        ),
        (
            ("sample", "rows", "--count", "x"),
            "Valeur refusée pour '--count'\u00a0: 'x' n'est pas un nombre valable (integer).",
            "Voir ce qui est possible avec mdm-bridge sample rows --help",
        ),
        (
            ("sample", "rows", "--lang", "en"),
            "L'option '--lang' n'existe pas.",
            "Placer --lang avant la commande\u00a0: mdm-bridge --lang …",
        ),
        (("sample", "usage"), "Two of them.", "Give one."),
    ],
)
def test_wrong_usage_has_a_hint(run: Run, arguments: tuple[str, ...], error: str, hint: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    usage, *lines = result.stderr.splitlines()
    assert usage.startswith(f"Utilisation{NBSP}: mdm-bridge")
    assert lines == [f"Erreur{NBSP}: {error}", f"À faire{NBSP}: {hint}"]


def test_an_error_is_a_sentence_and_a_hint(run: Run) -> None:
    result = run("--lang", "en", "sample", "fail")
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith("Error: The list lost 1,740 devices.\nHint: Check it at 1 March 2027 at ")
    assert "\x1b" not in result.stderr
    french = run("sample", "fail")
    assert f"Erreur{NBSP}: The list lost 1{NBSP}740 devices.\nÀ faire{NBSP}: " in french.stderr


@pytest.mark.parametrize(("given", "expected"), [([], 0), (["--code", "0"], 0), (["--code", "4"], 4)])
def test_a_command_may_choose_its_exit_code(run: Run, given: list[str], expected: int) -> None:
    result = run("sample", "code", *given)
    assert (result.exit_code, result.stdout, result.stderr) == (expected, "done\n", "remark\n")


def test_quiet_silences_remarks_but_not_errors(run: Run) -> None:
    assert run("-q", "sample", "code").stderr == ""
    assert f"À faire{NBSP}: " in run("-q", "sample", "fail").stderr


def test_the_actor_is_declared_or_the_session_s(run: Run) -> None:
    session = {"LOGNAME": "camille", "USER": "camille", "USERNAME": "camille"}
    assert run("sample", "who", env=session).stdout == "camille None 0\n"
    assert run("sample", "who", env={**session, "MDM_BRIDGE_AS": "dominique"}).stdout == "dominique None 0\n"
    result = run("--as", "claude", "-vv", "sample", "who", env={**session, "MDM_BRIDGE_AS": "dominique"})
    assert result.stdout == "claude None 2\n"


def test_the_settings_file_is_asked_for_or_in_the_environment(run: Run) -> None:
    assert (
        " b.toml 0" in run("--config", "b.toml", "sample", "who", env={"MDM_BRIDGE_CONFIG": "a.toml"}).stdout
    )
    assert " a.toml 0" in run("sample", "who", env={"MDM_BRIDGE_CONFIG": "a.toml"}).stdout


def test_no_other_option_reads_the_environment(run: Run) -> None:
    assert run("sample", "code", env={"MDM_BRIDGE_SAMPLE_CODE_CODE": "4"}).exit_code == 0


def test_a_wrong_setting_is_an_error_with_a_hint(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mdm-bridge.toml").write_text("[output]\nformt = 'csv'\n", encoding="utf-8")
    result = run("sample", "rows")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "formt" in result.stderr
    assert f"À faire{NBSP}: " in result.stderr


def test_a_question_without_an_answer_stops_the_run(run: Run) -> None:
    result = run("sample", "ask", input="n\n")
    assert result.exit_code == 1
    assert result.stderr.endswith(f"Arrêt{NBSP}: rien de plus n'a été fait.\n")


def test_a_bug_keeps_its_traceback(run: Run) -> None:
    with pytest.raises(RuntimeError, match="not our output") as caught:
        run("sample", "socket")
    assert isinstance(caught.value.__cause__, BrokenPipeError)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("cp1252", "1\u00a0740 «\u00a0é\u00a0» -> <= ?"),
        ("ascii", '1 740 " ? " -> <= ?'),
        ("utf-8", "1\u202f740 «\u00a0é\u00a0» → ≤ 日"),
    ],
)
def test_what_a_console_lacks_is_replaced_by_its_likeness(encoding: str, written: str) -> None:
    prepare_streams()
    text = "1\u202f740 «\u00a0é\u00a0» → ≤ 日"
    assert text.encode(encoding, "mdm_bridge.likeness").decode(encoding) == written


def test_the_format_comes_from_the_option_the_environment_or_the_settings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mdm-bridge.toml").write_text("[output]\nformat = 'list'\n", encoding="utf-8")
    assert run("sample", "rows").stdout.startswith(f"N° de série{NBSP}: DMPX00000000\n")
    env = {"MDM_BRIDGE_OUTPUT__FORMAT": "json"}
    assert run("sample", "rows", env=env).stdout.startswith('[\n{"serial": "DMPX00000000"')
    assert run("sample", "rows", "--format", "csv", env=env).stdout.startswith("serial,model,")


def test_the_age_of_the_data_is_beside_the_rows_and_inside_a_file(run: Run, tmp_path: Path) -> None:
    age = f"Data of 12 mars 2027 à 7{NBSP}h{NBSP}02\n"
    shown = run("sample", "rows")
    assert shown.stderr == age
    assert "Data of" not in shown.stdout
    kept = run("sample", "rows", "--format", "list", "--output", "out.txt")
    assert (kept.exit_code, kept.stdout, kept.stderr) == (0, "", age)
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert text.startswith("Samples\n\nN° de série")
    assert text.endswith(f"\n{age}")


def test_a_dash_is_stdout(run: Run) -> None:
    assert run("-q", "sample", "rows", "--format", "csv", "--output", "-").stdout.startswith("serial,")


@pytest.mark.parametrize("login", [" ", "a\nb", "a\x1b[2J", "a\u202eb", "x" * 65, "a\x00b"])
@pytest.mark.parametrize("given", ["option", "environment"])
def test_a_login_is_one_short_readable_line(run: Run, login: str, given: str) -> None:
    if given == "option":
        result = run("--lang", "en", "--as", login, "sample", "who")
    elif "\x00" in login:
        pytest.skip("no environment variable holds it")
    else:
        result = run("--lang", "en", "sample", "who", env={"MDM_BRIDGE_AS": login})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: This is no login" in result.stderr
    assert "Hint: Give --as (or MDM_BRIDGE_AS) one line of at most 64 characters." in result.stderr
    assert login.strip() == "" or login not in result.stderr


def test_a_login_may_have_accents_and_blanks(run: Run) -> None:
    assert run("--as", "Zoé d'Arc", "sample", "who").stdout.startswith("Zoé d'Arc ")


def test_a_session_with_an_unreadable_login_is_unknown(run: Run) -> None:
    session = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "a\nb")
    assert run("sample", "who", env=session).stdout.startswith("unknown ")


@pytest.mark.parametrize(
    "words",
    [
        ("--as", "caf\udce9", "sample", "who"),
        ("device", "show", "\udce9"),
        ("sync", "--from-file", "\udce9.csv"),
    ],
)
def test_bytes_that_are_no_text_are_an_error_of_usage(run: Run, words: tuple[str, ...]) -> None:
    result = run("--lang", "en", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not readable text." in result.stderr
    assert "Hint: " in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="arguments are text there")
def test_bytes_of_another_encoding_give_no_traceback(process: Process) -> None:
    result = process("--lang", "en", "--as", os.fsdecode(b"caf\xe9"), "sample", "who", PYTHONUTF8="1")
    assert result.returncode == 2
    assert b"Word 4 of the command line is not readable text." in result.stderr
    assert b"Traceback" not in result.stderr
    named = process(
        "sample", "who", PYTHONUTF8="1", MDM_BRIDGE_AS=os.fsdecode(b"caf\xe9"), MDM_BRIDGE_LANG="en"
    )
    assert named.returncode == 2
    assert b"Error: This is no login" in named.stderr


@pytest.mark.parametrize(
    ("words", "nearest"),
    [(["devic"], "mdm-bridge device"), (["device", "lst"], "mdm-bridge device list"), (["qqq"], None)],
)
def test_a_mistyped_command_is_told_the_nearest(run: Run, words: list[str], nearest: str | None) -> None:
    result = run("--lang", "en", *words)
    assert result.exit_code == 2
    assert f'There is no command "{words[-1]}".' in result.stderr
    hint = f"Hint: Did you mean: {nearest}" if nearest else "Hint: mdm-bridge --help"
    assert hint in result.stderr


def test_days_beyond_a_century_are_refused(run: Run) -> None:
    result = run("--lang", "en", "device", "list", "--not-seen", "99999999999")
    assert result.exit_code == 2
    assert "36500" in result.stderr
