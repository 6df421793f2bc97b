"""No secret in an error, whatever happens, nor in what a library hung onto it."""

from __future__ import annotations

import time
import traceback

import pytest

from mdm_bridge.errors import BadAnswer, ServerRefused, ServerTimeout, ServerUnreachable
from tests.net.scripted import SecretText, answer, reset

SECRET = "k3y-of-Nobody"


def everything_shown(error):
    parts = ["".join(traceback.format_exception(error)), repr(error), str(error), str(error.hint)]
    while error is not None:
        parts += [repr(error), repr(vars(error)) if hasattr(error, "__dict__") else ""]
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


@pytest.mark.parametrize("kind", ["reset", "refused", "status", "cut", "silent", "redirect"])
def test_no_secret_in_an_error(serve, make_session, kind):
    answers = {
        "reset": reset,
        "refused": reset,
        "status": answer(401),
        "cut": answer(body=b"1", length=5),
        "silent": lambda connection: time.sleep(1),
        "redirect": answer(302, b"", f"Location: http://u:{SECRET}@other.invalid/"),
    }
    server = serve(answers[kind])
    if kind == "refused":
        server.close()
    session = make_session(server.url, user="1234567", password=SecretText(SECRET), read_timeout_s=0.2)
    with pytest.raises((BadAnswer, ServerRefused, ServerTimeout, ServerUnreachable)) as caught:
        session.get("x", {"token": SECRET})
    shown = everything_shown(caught.value) + repr(session)
    assert SECRET not in shown
    assert "MTIzNDU2Nzp" not in shown  # the beginning of the Basic token


def test_cause_is_kept_when_it_is_harmless(serve, make_session):
    session = make_session(serve(reset).url, user="u", password=SecretText(SECRET))
    with pytest.raises(ServerUnreachable) as caught:
        session.get("x")
    assert isinstance(caught.value.__cause__, OSError)
