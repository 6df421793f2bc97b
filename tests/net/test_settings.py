"""What a session's settings refuse, and which proxy they lead through."""

from __future__ import annotations

import pytest

from mdm_bridge.errors import ServerUnreachable, SettingsError
from mdm_bridge.net.http import HttpSession, HttpSettings
from mdm_bridge.net.settings import is_loopback
from tests.net.scripted import SecretText, answer


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "bad_url"),
        ("host/api", "bad_url"),
        ("ftp://host/api", "bad_url"),
        ("https://", "bad_url"),
        ("https://host:99999/", "bad_url"),
        ("https://[::1/api", "bad_url"),
        ("https://ho st/api", "bad_url"),
        ("https://host/a\npi", "bad_url"),
        ("https://user:hunter2@host/api", "credentials_in_url"),
        ("https://host/api?key=1", "url_has_query"),
        ("http://host.example/api", "http_not_allowed"),
        ("http://127.0.0.1.example/api", "http_not_allowed"),
        ("http://10.0.0.1/api", "http_not_allowed"),
    ],
)
def test_unusable_address(url, code):
    with pytest.raises(SettingsError) as caught:
        HttpSettings(url=url)
    assert caught.value.code == code
    assert str(caught.value.hint)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/api", "http://localhost/api", "http://[::1]:1/", "https://host.example/api"],
)
def test_usable_address(url):
    assert HttpSettings(url=url).base == url.rstrip("/")


def test_plain_http_where_it_is_allowed():
    assert HttpSettings(url="http://host.example/api", allow_http=True).base


def test_loopback():
    assert is_loopback("127.8.8.8")
    assert is_loopback("LOCALHOST")
    assert not is_loopback("localhost.example")
    assert not is_loopback("0.0.0.0")


def test_repr_shows_no_secret():
    settings = HttpSettings(
        url="https://host/api",
        user="u",
        password=SecretText("hunter22"),
        headers={"X-Key": "hunter22"},
        proxy="http://me:hunter22@proxy:3128",
    )
    assert "hunter22" not in repr(settings)
    assert "hunter22" not in repr(HttpSession(settings))


def test_ca_bundle_must_be_readable_pem(tmp_path):
    garbage = tmp_path / "ca.pem"
    garbage.write_text("not a certificate")
    for path in (tmp_path / "missing.pem", garbage):
        with pytest.raises(SettingsError) as caught:
            HttpSettings(url="https://host/api", ca_bundle=path)
        assert caught.value.code == "ca_bundle_unreadable"


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://proxy:1080", "http://", "http://me:pw@:x"])
def test_unusable_proxy(proxy):
    with pytest.raises(SettingsError) as caught:
        HttpSettings(url="https://host/api", proxy=proxy)
    assert caught.value.code == "bad_proxy"
    assert "me:pw" not in str(caught.value)


# -- Which proxy


def proxy_for(monkeypatch, url="https://host.example/api", environment=(), **settings):
    for name, value in dict(environment).items():
        monkeypatch.setenv(name, value)
    return HttpSession(HttpSettings(url=url, **settings)).proxy_for()


def test_settings_come_before_the_environment(monkeypatch):
    environment = {"HTTPS_PROXY": "http://env:1"}
    assert proxy_for(monkeypatch, environment=environment) == "http://env:1"
    assert proxy_for(monkeypatch, environment=environment, proxy="http://set:2") == "http://set:2"


def test_no_proxy_of_both_kinds(monkeypatch):
    assert proxy_for(monkeypatch, proxy="http://set:2", no_proxy=["host.example"]) is None
    assert proxy_for(monkeypatch, proxy="http://set:2", no_proxy=[".example"]) is None
    assert proxy_for(monkeypatch, proxy="http://set:2", no_proxy=["other.example"]) == "http://set:2"
    environment = {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "host.example"}
    assert proxy_for(monkeypatch, environment=environment) is None
    assert proxy_for(monkeypatch, environment={"NO_PROXY": ""}, no_proxy=["host.example"]) is None


def test_proxy_is_shown_without_credentials(monkeypatch):
    assert proxy_for(monkeypatch, proxy="http://me:hunter22@proxy:3128") == "http://proxy:3128"
    environment = {"HTTPS_PROXY": "me:hunter22@proxy:3128"}
    assert "hunter22" not in str(proxy_for(monkeypatch, environment=environment))


def test_no_proxy_at_all(monkeypatch):
    assert proxy_for(monkeypatch) is None


@pytest.mark.parametrize("by_environment", [False, True])
def test_request_goes_through_the_proxy(serve, make_session, monkeypatch, by_environment):
    proxy = serve(answer(body=b"by proxy"))
    address = f"http://me:pass@127.0.0.1:{proxy.port}"
    settings = {} if by_environment else {"proxy": address}
    if by_environment:
        monkeypatch.setenv("HTTP_PROXY", address)
    session = make_session("http://nowhere.invalid/api", allow_http=True, **settings)
    assert session.get("x") == b"by proxy"
    assert proxy.requests[0].startswith("GET http://nowhere.invalid/api/x HTTP/1.1")
    assert "Proxy-Authorization: Basic" in proxy.requests[0]
    assert session.proxy_for() == f"http://127.0.0.1:{proxy.port}"


@pytest.mark.parametrize("refusal", [answer(403), answer(407)])
def test_proxy_that_refuses_the_tunnel(serve, make_session, refusal):
    proxy = serve(refusal)
    session = make_session("https://nowhere.invalid/api", proxy=f"http://me:hunter22@127.0.0.1:{proxy.port}")
    with pytest.raises(ServerUnreachable) as caught:
        session.get("x")
    assert caught.value.code == "proxy_failed"
    assert session.requests_sent == 1
    assert "hunter22" not in repr(caught.value.__cause__)


def test_proxy_that_is_down(serve, make_session):
    proxy = serve(answer())
    proxy.close()
    session = make_session("https://nowhere.invalid/api", proxy=f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(ServerUnreachable) as caught:
        session.get("x")
    assert caught.value.code == "proxy_failed"


def test_socks_proxy_of_the_environment_is_named(make_session, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ServerUnreachable) as caught:
        make_session("https://nowhere.invalid/api").get("x")
    assert caught.value.code == "proxy_failed"


def test_a_proxy_of_the_environment_never_means_this_machine(monkeypatch):
    environment = {"HTTP_PROXY": "http://env:1"}
    assert proxy_for(monkeypatch, "http://127.0.0.1:8080/api", environment) is None
    assert proxy_for(monkeypatch, "http://127.0.0.1:8080/api", proxy="http://set:2") == "http://set:2"
