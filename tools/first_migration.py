"""Write the first migration anew from the present tables: ``python tools/first_migration.py``.

For as long as nothing is released: afterwards a change of the tables is a migration of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from mdm_bridge.storage.tables import Base
from mdm_bridge.storage.types import Instant

FILE = (
    Path(__file__).resolve().parent.parent
    / "mdm_bridge"
    / "storage"
    / "migrations"
    / "versions"
    / "r0001_first.py"
)

_HEADER = '''"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from mdm_bridge.storage.types import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: Whether running it gives up something stored.
loses_data = False


def upgrade() -> None:
    """Create the tables, those that others point at first."""
'''


def _render_item(kind: str, item: Any, _context: Any) -> str | bool:
    return "Instant()" if kind == "type" and isinstance(item, Instant) else False


def _one_function_a_table(body: str) -> str:
    """Cut one long body into a function a table."""
    body = body.replace("astext_type=Text()", "").replace("'(false)'", "'false'")
    lines = [line.removeprefix("    ") for line in body.splitlines() if not line.lstrip().startswith("# ###")]
    parts = re.split(r"^(?=op\.create_table\(')", "\n".join(lines), flags=re.MULTILINE)[1:]
    names = [re.match(r"op\.create_table\('(\w+)'", part) for part in parts]
    calls = [f"_{name[1]}" for name in names if name]
    made = [f"def {call}() -> None:\n{indent(part, '    ')}" for call, part in zip(calls, parts, strict=True)]
    return "\n".join([*(f"    {call}()" for call in calls), "", "", *made])


def main() -> None:
    """Write the file, formatted."""
    with create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_item": _render_item})
        found = produce_migrations(context, Base.metadata)
        assert found.upgrade_ops is not None
        body = render_python_code(found.upgrade_ops, render_item=_render_item, migration_context=context)
    FILE.write_text(_HEADER + _one_function_a_table(body), encoding="utf-8")
    for command in (["format"], ["check", "--fix", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(FILE)], check=True)


if __name__ == "__main__":
    main()
