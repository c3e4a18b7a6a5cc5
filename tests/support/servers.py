"""Real servers for tests. A test that asks for one fails, never skips, when it cannot be started.

servers            one Kafka and one PostgreSQL for the whole run, or those of KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN
kafka_bootstrap    its address
postgres_dsn       the administrator's DSN
template_database  template_database("intake", migrate): the name of a database on which migrate(dsn) ran once in this run
database_template  override it in a package's conftest to return such a name; the default is an empty database
database           a new database for this test, copied from database_template: its DSN
new_database       new_database(template): the same for tests that need several
smtp_sink          a real SMTP server that keeps what it is sent: .host, .port, .folder (see smtp_sink.read_messages)
state_dir          an empty state directory for tests that start servers of their own
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from conduit_local.children import Child
from conduit_local.ports import LOOPBACK, free_port, wait_for_port
from conduit_local.providers import Servers, start_servers

Migrate = Callable[[str], None]
TemplateDatabase = Callable[[str, Migrate], str]
NewDatabase = Callable[[str], str]

EMPTY = "template0"


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """Outside pytest's own folders: another run of pytest takes away the rights that PostgreSQL's account needs there."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    with start_servers(folder) as started:
        yield started
        for embedded in (started.kafka, started.postgres):
            if embedded is not None:
                embedded.kill()  # nobody needs the data: an orderly end would only take time
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_bootstrap(servers: Servers) -> str:
    return servers.kafka_bootstrap_servers


@pytest.fixture(scope="session")
def postgres_dsn(servers: Servers) -> str:
    return servers.postgres_dsn


@pytest.fixture(scope="session")
def template_database(postgres_dsn: str) -> Iterator[TemplateDatabase]:
    made: dict[str, str] = {}

    def template(name: str, apply: Migrate) -> str:
        if name not in made:
            database = f"template_{name}_{uuid.uuid4().hex[:8]}"
            create_database(postgres_dsn, database, EMPTY)
            made[name] = database
            apply(dsn_of(postgres_dsn, database))
        return made[name]

    yield template
    for database in made.values():
        drop_database(postgres_dsn, database)


@pytest.fixture(scope="session")
def database_template() -> str:
    return EMPTY


@pytest.fixture
def new_database(postgres_dsn: str) -> Iterator[NewDatabase]:
    made: list[str] = []

    def new(template: str = EMPTY) -> str:
        database = f"test_{uuid.uuid4().hex[:12]}"
        create_database(postgres_dsn, database, template)
        made.append(database)
        return dsn_of(postgres_dsn, database)

    yield new
    for database in made:
        drop_database(postgres_dsn, database)


@pytest.fixture
def database(new_database: NewDatabase, database_template: str) -> str:
    return new_database(database_template)


def create_database(admin_dsn: str, name: str, template: str) -> None:
    # Copying files takes half as long as writing the template's pages into the log, where the files are small.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    statement = create.format(sql.Identifier(name), sql.Identifier(template))
    _administer(admin_dsn, statement)


def drop_database(admin_dsn: str, name: str) -> None:
    """Ends the connections that a test left open."""
    _administer(admin_dsn, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def dsn_of(admin_dsn: str, database: str) -> str:
    return urlsplit(admin_dsn)._replace(path=f"/{database}").geturl()


def _administer(admin_dsn: str, statement: sql.Composed) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(statement)


@dataclass(frozen=True)
class SmtpSink:
    host: str
    port: int
    folder: Path


@pytest.fixture(scope="session")
def smtp_sink() -> Iterator[SmtpSink]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    port = free_port()
    command = [sys.executable, "-m", "conduit_local.smtp_sink", str(folder / "mail"), str(port)]
    child = Child("smtp", command, state_dir=folder)
    child.start()
    wait_for_port(port, 20, child.ensure_alive)
    yield SmtpSink(LOOPBACK, port, folder / "mail")
    child.stop()
    shutil.rmtree(folder, ignore_errors=True)
