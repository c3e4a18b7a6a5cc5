"""Set-up under an administrator as managed clouds give one, and with any password; what is missing is said in a line."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest
import yaml
from psycopg import sql

from conduit_chassis.migrate import migrate
from conduit_contracts.topics import SERVICES
from conduit_operate import databases, setup
from conduit_operate.databases import provision
from conduit_operate.monitor_role import provision_monitor
from conduit_triage.app import SERVICE

ROOT = Path(__file__).parents[3]
ODD = "a/b%25c@d:e#f?g h'i\"j"


@pytest.fixture
def unprivileged(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An administrator who may make roles and databases, and is no superuser. Databases are named so that others' stay."""
    mark = uuid.uuid4().hex[:8]
    monkeypatch.setattr(databases, "database_of", lambda service: f"conduit_{mark}_{service}")
    name = f"cloud_{mark}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB NOSUPERUSER PASSWORD 'synthetic'").format(sql.Identifier(name))
        )
        yield urlsplit(postgres_dsn)._replace(netloc=f"{name}:synthetic@{_host(postgres_dsn)}").geturl()
        for service in ("triage",):
            made = sql.Identifier(f"conduit_{mark}_{service}")
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(made))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(made))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _host(dsn: str) -> str:
    return urlsplit(dsn).netloc.rpartition("@")[2]


def test_an_administrator_who_is_no_superuser_makes_databases_that_a_service_migrates(unprivileged: str) -> None:
    provision(unprivileged, {"triage": "before"})
    dsns = provision(unprivileged, {"triage": ODD})
    assert migrate(dsns["triage"], SERVICE.migrations)


def test_an_exporter_without_statistics_is_no_failure(unprivileged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = uuid.uuid4().hex[:8]
    monkeypatch.setattr("conduit_operate.monitor_role.ROLE", f"monitor_{mark}")
    assert provision_monitor(unprivileged, "synthetic", ()) is False


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "set POSTGRES_DSN"),
        ({"POSTGRES_DSN": "postgresql://nobody:wrong@{host}/postgres"}, "PostgreSQL, as the user of POSTGRES_DSN: "),
        ({"POSTGRES_DSN": "postgresql://postgres@127.0.0.1:1/postgres"}, "PostgreSQL, as the user of POSTGRES_DSN: "),
    ],
)
def test_what_set_up_lacks_is_said_in_one_line(
    postgres_dsn: str, variables: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {name: value.format(host=_host(postgres_dsn)) for name, value in variables.items()}
    environ |= {setup.password_variable(service): "synthetic" for service in SERVICES}
    assert setup.told(environ) == 1
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == 1


def test_no_password_stands_in_an_address_where_its_characters_would_matter() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    addresses = [
        value
        for part in compose["services"].values()
        for name, value in (part.get("environment") or {}).items()
        if "PASSWORD" not in name and "PASS" not in name
    ]
    assert [each for each in addresses if "PASSWORD" in str(each)] == []


@pytest.mark.parametrize("password", ["a/b", "50%", "%2F", ODD])
def test_both_drivers_take_a_password_beside_the_address(
    postgres_dsn: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"odd_{uuid.uuid4().hex[:8]}"
    dsn = urlsplit(postgres_dsn)._replace(netloc=f"{role}@{_host(postgres_dsn)}").geturl()
    monkeypatch.setenv("PGPASSWORD", password)

    async def connect() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.close()

    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        databases.ensure_role(connection, role, password)
        try:
            psycopg.connect(dsn).close()
            asyncio.run(connect())
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
