"""The page of all settings says what the models say."""

from __future__ import annotations

import re

from tools import settings


def test_page_is_up_to_date() -> None:
    assert settings.PAGE.read_text(encoding="utf-8") == settings.page(), "run: python -m tools.settings"


def test_each_section_that_nothing_uses_says_so_itself() -> None:
    sections = dict(
        re.findall(r"^## `\[(.+?)\]`\n(.*?)(?=^## |\Z)", settings.page(), re.MULTILINE | re.DOTALL)
    )
    unused = [
        "lending",
        "web",
        "vault",
        "features",
        "privacy.retention",
        "oidc",
        "mail",
        "notify",
        "schedule",
    ]
    assert [name for name in unused if "not used yet" not in sections[name]] == []
    assert "Not used yet." in next(row for row in sections["limits"].splitlines() if "`max_removals`" in row)
    assert "ot used yet" not in sections["network"] + sections["database"]


def test_page_names_each_setting_with_its_meaning() -> None:
    page = settings.page()
    assert "| `api_key_file` | path |  | File that holds the key for reading, and nothing else. |" in page
    assert "| `prepare` | duration | `3d` |" in page
    assert "| `audit` | period |" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)
    assert not [row for row in rows if row.split("|")[-2].strip() == ""]
