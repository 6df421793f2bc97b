"""What must not be readable in a log."""

from __future__ import annotations

import io
import logging

import pytest

from mdm_bridge.net.redaction import RedactingFilter, clip, forms_of, redact, without_credentials

SHAPES = [
    "Authorization: Basic aHVudGVyMjI6eA==",
    "authorization: Bearer hunter22-token",
    "{'Authorization': 'Basic aHVudGVyMjI6eA=='}",
    '{"Authorization":"aHVudGVyMjI6eA=="}',
    "Proxy-Authorization: Basic aHVudGVyMjI6eA==",
    "sent Basic aHVudGVyMjI6eA== to it",
    "GET /api/x?token=hunter22&a=1",
    "GET /api/x?api_key=hunter22",
    "password=hunter22",
    'api_key = "hunter22 with spaces"',
    "client_secret: hunter22",
    '{"access_token": "hunter22"}',
    "https://me:hunter22@host/api",
    "postgresql+psycopg://me:hunter22@host/db",
]


@pytest.mark.parametrize("text", SHAPES)
def test_credentials_are_masked_by_their_shape(text):
    shown = redact(text)
    assert "hunter22" not in shown
    assert "aHVudGVyMjI6eA" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "sync finished server=departement devices=24",
        "a basic question about tokens",
        "https://host/api/devices?includeApps=true",
        "Basic authentication is used",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert redact(text) == text


def test_known_secrets_are_masked_in_every_form():
    forms = forms_of("1234567", "a b/c:d")
    text = "plain a b/c:d quoted a%20b%2Fc%3Ad basic MTIzNDU2NzphIGIvYzpk"
    assert redact(text, forms) == "plain *** quoted *** basic ***"


def test_filter_masks_message_arguments_and_traceback():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    masking = RedactingFilter()
    masking.add("my-own-key")
    handler.addFilter(masking)
    logger = logging.Logger("test")  # noqa: LOG001
    logger.addHandler(handler)
    try:
        raise ValueError("with my-own-key inside")
    except ValueError:
        logger.exception("call key=%s url=%s", "my-own-key", "https://u:hunter22@h/")
    logger.warning("bad %d arguments", "x")
    written = stream.getvalue()
    assert "my-own-key" not in written
    assert "hunter22" not in written
    assert "ValueError: with ***" in written
    assert "bad %d arguments" in written
    assert "my-own-key" not in repr(masking)


def test_clip():
    assert clip("a\r\n\tb\x1b[31m c\u202e d\u2028e") == "a b[31m c d e"
    assert clip("x" * 500) == "x" * 119 + "…"
    assert len(clip("x" * 10_000_000)) == 120
    assert clip(" ") == ""
    assert clip("x" * 120) == "x" * 120


def test_without_credentials():
    assert without_credentials("https://a:b@h:8/x?y=z#w") == "https://h:8/x"
    assert without_credentials("a:b@h:3128") == "h:3128"
    assert without_credentials("http://[::1") == "***"
