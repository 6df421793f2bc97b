"""The databases the tests run on are real, fresh and apart."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from tests.support.databases import PgServer


def test_postgresql_databases_do_not_see_each_other(pg_server: PgServer) -> None:
    first, second = pg_server.make(migrated=False), pg_server.make(migrated=False)
    try:
        pg_server.execute("CREATE TABLE only_here (n integer)", first)
        with pytest.raises(Exception, match="only_here"):
            pg_server.execute("SELECT * FROM only_here", second)
    finally:
        pg_server.drop(first)
        pg_server.drop(second)


def test_empty_database_has_no_table(empty_database_url: str, database_kind: str) -> None:
    catalogue = "sqlite_master" if database_kind == "sqlite" else "pg_stat_user_tables"
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        assert connection.dialect.name == database_kind
        assert connection.execute(text(f"SELECT count(*) FROM {catalogue}")).scalar_one() == 0
    engine.dispose()


def test_store_is_migrated_and_writable(store, database_kind: str, clock) -> None:
    with store.unit() as unit:
        assert unit.connection.dialect.name == database_kind
        assert unit.connection.execute(text("SELECT count(*) FROM device")).scalar_one() == 0
        assert unit.clock is clock
