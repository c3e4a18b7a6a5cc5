"""The services' databases, empty or with one referral, and the command on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from conduit_chassis.migrate import migrate
from conduit_console.app import SERVICE as CONSOLE
from conduit_contracts.topics import SERVICES
from conduit_intake.app import SERVICE as INTAKE
from conduit_notification.app import SERVICE as NOTIFICATION
from conduit_operate.cli import app
from conduit_programme.app import SERVICE as PROGRAMME
from conduit_routing.app import SERVICE as ROUTING
from conduit_triage.app import SERVICE as TRIAGE
from deploy.operate.tests.rows import GIVEN, ROWS

_ALL = (INTAKE, TRIAGE, ROUTING, NOTIFICATION, CONSOLE, PROGRAMME)
MIGRATIONS = {each.name: (*each.brought, each.migrations) for each in _ALL}


@pytest.fixture
def databases(new_database: Any, template_database: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {}
    for service in SERVICES:
        template = template_database(service, lambda dsn, service=service: migrate(dsn, *MIGRATIONS[service]))
        found[service] = new_database(template)
        monkeypatch.setenv(f"{service.upper()}_POSTGRES_DSN", found[service])
        monkeypatch.delenv(f"{service.upper()}_URL", raising=False)
        monkeypatch.delenv(f"{service.upper()}_URLS", raising=False)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")  # nobody is there, and these need nobody
    return found


@pytest.fixture
def filled(databases: dict[str, str]) -> dict[str, str]:
    for service, statements in ROWS.items():
        with psycopg.connect(databases[service], autocommit=True) as connection:
            for statement in statements.split(";"):
                connection.execute(statement.encode(), GIVEN)
    return databases


@pytest.fixture
def conduit(tmp_path: Path) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--state-dir", str(tmp_path)], env={"COLUMNS": "200"})

    return run
