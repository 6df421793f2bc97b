"""Bringing databases to the present schema, on both of them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from mdm_bridge.errors import StorageError
from mdm_bridge.storage import open_store, upgrade
from mdm_bridge.storage.schema import HEAD, VERSION_TABLE
from mdm_bridge.storage.tables import Base


@pytest.fixture
def bare(empty_database_url: str, clock):
    """A store on a database without tables."""
    opened = open_store(empty_database_url, clock=clock)
    yield opened
    opened.close()


def set_revision(store, revision: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :r"), {"r": revision})


def test_the_constant_is_the_real_head() -> None:
    assert upgrade.scripts().get_current_head() == HEAD


def test_every_migration_says_whether_it_loses_data() -> None:
    for step in upgrade.scripts().walk_revisions():
        assert isinstance(step.module.loses_data, bool)


def test_migrations_make_the_present_tables(bare) -> None:
    bare.upgrade()
    with bare.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                # SQLite knows no identity; its defaults are compared as SQL below.
                "compare_server_default": connection.dialect.name == "postgresql",
                "version_table": VERSION_TABLE,
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_and_tables_write_the_same_sql(tmp_path: Path) -> None:
    """Check constraints, defaults and tables without rowid, which a comparison does not see."""

    def definitions(engine):
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            return {name: parts(sql) for name, sql in rows if name != VERSION_TABLE}

    def parts(sql):
        """The order of columns counts, that of constraints does not."""
        sql, *without_rowid = " ".join(sql.split()).split(" WITHOUT ")
        columns, *constraints = sql.removesuffix(")").split(" CONSTRAINT ")
        return columns, sorted(constraint.rstrip(", ") for constraint in constraints), without_rowid

    migrated = open_store(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrated.upgrade()
    made = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    Base.metadata.create_all(made)
    assert definitions(migrated.engine) == definitions(made)
    migrated.close()
    made.dispose()


def test_a_first_upgrade_tells_where_it_came_from(bare) -> None:
    assert bare.schema_state().status == "empty"
    assert bare.upgrade().status == "empty"
    assert bare.schema_state().status == "current"
    assert bare.upgrade().status == "current"


def test_asking_does_not_make_a_file(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'none.db'}")
    assert store.schema_state().status == "empty"
    assert not (tmp_path / "none.db").exists()


def test_a_new_file_is_closed_to_others(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    store.ensure_ready()
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600
    store.close()


def test_an_empty_database_is_made_ready_on_sqlite_only(bare, database_kind: str) -> None:
    if database_kind == "sqlite":
        with bare.reading() as unit:
            assert unit.connection.execute(text("SELECT count(*) FROM device")).scalar_one() == 0
        return
    with pytest.raises(StorageError) as refused, bare.reading():
        pass
    assert refused.value.code == "database_not_ready"
    assert "db upgrade" in str(refused.value.hint)


def test_a_newer_database_is_refused(store) -> None:
    store.close()
    set_revision(store, "9999")
    again = open_store(store.engine.url)
    assert again.schema_state().status == "newer"
    for refused in (again.ensure_ready, again.upgrade):
        with pytest.raises(StorageError) as error:
            refused()
        assert error.value.code == "database_newer"
    again.close()


def test_another_programs_database_is_refused(bare) -> None:
    with bare.engine.begin() as connection:
        connection.execute(text("CREATE TABLE device (n integer)"))
    with pytest.raises(StorageError) as error:
        bare.upgrade()
    assert error.value.code == "database_not_ours"


def test_postgresql_may_be_shared(bare, database_kind: str) -> None:
    with bare.engine.begin() as connection:
        connection.execute(text("CREATE TABLE of_somebody_else (n integer)"))
    if database_kind == "sqlite":
        with pytest.raises(StorageError):
            bare.upgrade()
    else:
        assert bare.upgrade().status == "empty"


def test_a_harmless_step_is_taken_by_itself_on_sqlite_only(store, two_migrations, database_kind) -> None:
    two_migrations(
        "with op.batch_alter_table('kit') as kit:\n    kit.add_column(sa.Column('note', sa.Text()))"
    )
    assert store.schema_state().status == "behind"
    if database_kind == "postgresql":
        with pytest.raises(StorageError) as error:
            store.ensure_ready()
        assert error.value.code == "database_behind"
        store.upgrade()
    else:
        store.ensure_ready()
    assert "note" in {column["name"] for column in inspect(store.engine).get_columns("kit")}
    assert store.schema_state().status == "current"


def test_a_step_that_loses_data_waits_for_a_person(store, two_migrations) -> None:
    two_migrations("op.drop_column('kit', 'name')", loses_data=True)
    with pytest.raises(StorageError) as error:
        store.ensure_ready()
    assert error.value.code == "database_behind"
    assert "backup" in str(error.value.hint)
    assert "name" in {column["name"] for column in inspect(store.engine).get_columns("kit")}


def test_a_rebuilt_table_keeps_its_rows_and_references(store, two_migrations, now) -> None:
    with store.unit() as unit:
        unit.connection.execute(text("INSERT INTO kit (name) VALUES ('A')"))
        unit.connection.execute(
            text("INSERT INTO device (serial, state_since, first_seen_at, kit_id) VALUES ('S1', :n, :n, 1)"),
            {"n": now.isoformat()},
        )
    two_migrations(
        "rebuild = 'always' if op.get_bind().dialect.name == 'sqlite' else 'never'\n"
        "with op.batch_alter_table('kit', recreate=rebuild) as kit:\n"
        "    kit.add_column(sa.Column('note', sa.Text()))"
    )
    store.upgrade()
    with store.reading() as unit:
        rows = unit.connection.execute(
            text("SELECT d.serial, k.name FROM device d JOIN kit k ON k.id = d.kit_id")
        )
        assert rows.all() == [("S1", "A")]


def test_a_failing_migration_leaves_the_database_as_it_was(store, two_migrations) -> None:
    two_migrations(
        """
        op.add_column("kit", sa.Column("note", sa.Text()))
        op.execute("INSERT INTO kit (name) VALUES ('half')")
        op.create_table("half", sa.Column("n", sa.Integer()))
        raise RuntimeError("half-way")
        """
    )
    with pytest.raises(RuntimeError, match="half-way"):
        store.upgrade()
    found = inspect(store.engine)
    assert "half" not in found.get_table_names()
    assert "note" not in {column["name"] for column in found.get_columns("kit")}
    assert store.schema_state().current == HEAD
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM kit")).scalar_one() == 0


def test_two_processes_upgrading_at_once(empty_database_url: str) -> None:
    program = (
        "import sys; from mdm_bridge.storage import open_store; "
        "print(open_store(sys.argv[1]).upgrade().status)"
    )
    command = [sys.executable, "-c", program, empty_database_url]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    answers = [process.communicate(timeout=60) for process in both]
    assert [error.decode() for _, error in answers] == [""] * 3
    assert {out.decode().strip() for out, _ in answers} <= {"empty", "current"}
    store = open_store(empty_database_url)
    assert store.schema_state().status == "current"
    store.close()


def test_a_current_database_does_not_load_the_migration_library(database_url: str) -> None:
    program = (
        "import sys; from mdm_bridge.storage import open_store\n"
        "with open_store(sys.argv[1]).reading(): pass\n"
        "sys.exit('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, database_url], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
