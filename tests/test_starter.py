"""The starter catalogue and profile are whole, neutral, and say nothing that was not checked."""

from __future__ import annotations

import plistlib
import re
import tomllib
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CATALOGS = sorted((ROOT / "app_catalog").glob("*.toml"))
PROFILES = sorted((ROOT / "profiles").glob("*.mobileconfig"))
STATUSES = {"verified", "unverified", "withdrawn"}


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.name)
def test_catalog_is_whole(path: Path) -> None:
    catalog = tomllib.loads(path.read_text("utf-8"))
    assert catalog["id"] == path.stem
    assert catalog["title"]
    assert catalog["approval"] in {"not-required", "ash"}
    assert catalog["targets"]["pools"] == ["training"]
    for profile in catalog["profiles"]:
        assert (ROOT / "profiles" / profile["file"]).is_file()
    bundles = [app["bundle_id"] for app in catalog["apps"]]
    assert len(bundles) == len(set(bundles))
    assert not set(bundles) & {absent["bundle_id"] for absent in catalog["absent"]}


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.name)
def test_each_app_can_be_judged(path: Path) -> None:
    for app in tomllib.loads(path.read_text("utf-8"))["apps"]:
        assert app["status"] in STATUSES
        assert re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", app["bundle_id"])
        assert isinstance(app["adam_id"], str)
        assert app["adam_id"].isdigit()
        assert app["reason"]
        # A review belongs to the service that makes it; a starter must not pretend to one.
        assert "privacy" not in app


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.name)
def test_profile_only_restricts(path: Path) -> None:
    profile = plistlib.loads(path.read_bytes())
    payload = profile["PayloadContent"][0]
    assert profile["PayloadType"] == "Configuration"
    assert payload["PayloadType"] == "com.apple.applicationaccess"
    assert payload["allowAccountModification"] is False
    assert payload["allowEraseContentAndSettings"] is False
    for part in (profile, payload):
        assert part["PayloadVersion"] == 1
        uuid.UUID(part["PayloadUUID"])
    assert payload["PayloadIdentifier"].startswith(profile["PayloadIdentifier"] + ".")
    assert payload["PayloadUUID"] != profile["PayloadUUID"]


@pytest.mark.parametrize("path", CATALOGS + PROFILES, ids=lambda path: path.name)
def test_nothing_names_a_need(path: Path) -> None:
    words = r"\b(handicap|trouble|dys\w*|malvoyant|malentendant|autis\w+|ASH|MPA|MDPH)\b"
    assert not re.findall(words, path.read_text("utf-8"), re.IGNORECASE)


def test_there_is_something_to_start_with() -> None:
    assert CATALOGS
    assert PROFILES
