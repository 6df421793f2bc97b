from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from mdm_bridge.delivery import logs

LOG = logging.getLogger("mdm_bridge.services.sample")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    logger = logging.getLogger("mdm_bridge")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def written(form: str = "console", verbosity: int = 1) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(verbosity, "warning", form, stream)
    return stream


def test_a_line_is_an_event_then_its_keys() -> None:
    out = written()
    LOG.info("run complete", extra={"server": "departement", "devices": 12, "path": "a b", "note": ""})
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d info run complete server=departement devices=12 path="a b" note=""\n', out.getvalue()
    )


def test_json_is_one_object_a_line() -> None:
    out = written("json")
    LOG.warning("run refused\nforged", extra={"server": "x", "devices": 3})
    entry = json.loads(out.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("at"))
    assert entry == {
        "level": "warning",
        "logger": "mdm_bridge.services.sample",
        "event": "run refused forged",
        "server": "x",
        "devices": 3,
    }


@pytest.mark.parametrize(
    ("verbosity", "level", "expected"),
    [
        (0, "warning", ["warning", "error"]),
        (0, "debug", ["debug", "info", "warning", "error"]),
        (-1, "debug", ["error"]),
        (1, "error", ["info", "warning", "error"]),
        (2, "warning", ["debug", "info", "warning", "error"]),
    ],
)
def test_the_options_win_over_the_settings(verbosity: int, level: str, expected: list[str]) -> None:
    out = io.StringIO()
    logs.configure(verbosity, level, "console", out)
    for name in ("debug", "info", "warning", "error"):
        getattr(LOG, name)("event")
    assert [line.split()[1] for line in out.getvalue().splitlines()] == expected


@pytest.mark.parametrize("form", ["console", "json"])
def test_secrets_never_reach_the_log(form: str) -> None:
    out = written(form)
    try:
        raise ValueError("Authorization: Basic QWxhZGRpbjpvcGVuc2VzYW1l")
    except ValueError:
        LOG.exception("asked https://x/?token=geheim42", extra={"url": "https://me:geheim43@host/"})
    assert "ValueError" in out.getvalue()
    for secret in ("QWxhZGRpbjpvcGVuc2VzYW1l", "geheim42", "geheim43"):
        assert secret not in out.getvalue()


def test_text_from_outside_is_shortened_and_cannot_forge_a_line() -> None:
    out = written()
    LOG.warning("answer %s", "x" * 5000, extra={"body": "a\n12:00:00 error forged\x1b[2J"})
    assert len(out.getvalue()) < 1500
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_the_log_goes_to_stderr_as_it_is_when_a_record_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure(0)
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    LOG.warning("event")
    assert later.getvalue().endswith("warning event\n")


def test_configuring_again_replaces(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(0)
    logs.configure(0)
    LOG.warning("event")
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("event")) == ("", 1)
