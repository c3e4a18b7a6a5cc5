"""The fixtures that every other test stands on."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.servers import NewDatabase, TemplateDatabase, create_database, drop_database, dsn_of


@pytest.fixture(scope="session")
def database_template(template_database: TemplateDatabase) -> str:
    def migrate(dsn: str) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE note (text text NOT NULL)")

    return template_database("fixtures", migrate)


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_gets_the_migrated_database_without_the_rows_of_the_test_before(database: str, attempt: int) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)
        connection.execute("INSERT INTO note VALUES ('left behind')")


def test_a_test_may_have_several_databases(new_database: NewDatabase, database_template: str) -> None:
    assert new_database(database_template) != new_database(database_template)


def test_a_connection_left_open_does_not_keep_a_database(postgres_dsn: str) -> None:
    create_database(postgres_dsn, "left_open", "template0")
    with psycopg.connect(dsn_of(postgres_dsn, "left_open")):
        drop_database(postgres_dsn, "left_open")
