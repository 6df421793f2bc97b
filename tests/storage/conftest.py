"""What several tests of the storage need."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

from mdm_bridge.storage import upgrade
from mdm_bridge.storage.schema import HEAD


@pytest.fixture
def two_migrations(tmp_path: Path, monkeypatch):
    """Give the program a second migration; returns a function that writes its body."""
    copy = tmp_path / "migrations"
    shutil.copytree(upgrade.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def write(body: str, *, loses_data: bool = False) -> None:
        source = f"""
            from alembic import op
            import sqlalchemy as sa
            revision = "0002"
            down_revision = "{HEAD}"
            loses_data = {loses_data}
            def upgrade():
            """
        (copy / "versions" / "r0002_second.py").write_text(
            textwrap.dedent(source) + textwrap.indent(textwrap.dedent(body), "    ")
        )
        monkeypatch.setattr(upgrade, "MIGRATIONS", copy)
        monkeypatch.setattr(upgrade, "HEAD", "0002")
        for module in ("store", "restore", "backup"):
            monkeypatch.setattr(f"mdm_bridge.storage.{module}.HEAD", "0002")

    return write
