"""Real servers for tests. A test that asks for one fails, never skips, when it cannot be started.

kafka_bootstrap    one Kafka for the whole run, or that of KAFKA_BOOTSTRAP_SERVERS: its address
postgres_dsn       one PostgreSQL for the whole run, or that of POSTGRES_DSN: its administrator's DSN
template_database  template_database("intake", migrate): the name of a database on which migrate(dsn) ran once in this run
database_template  override it in a package's conftest to return such a name; the default is an empty database
database           a new database for this test, copied from database_template: its DSN
new_database       new_database(template): the same for tests that need several
smtp_sink          a real SMTP server that keeps what it is sent: .host, .port, .folder (see smtp_sink.read_messages)
state_dir          an empty state directory for tests that start servers of their own
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from conduit_local.children import Child
from conduit_local.kafka import QUICK_START, EmbeddedKafka
from conduit_local.kafka_archive import keep_archive
from conduit_local.ports import LOOPBACK, free_port, wait_for_port
from conduit_local.postgres import EmbeddedPostgres
from conduit_local.providers import Servers, choose_provider, start_servers
from conduit_operate.broker import local_broker
from conduit_operate.paths import cache_dir

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
def elsewhere() -> Iterator[Servers | None]:
    """Servers that exist already, or containers; None where the embedded ones are to be started."""
    if choose_provider(os.environ) == "embedded":
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    with start_servers(folder) as found:
        yield found
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(elsewhere: Servers | None) -> Iterator[EmbeddedKafka | None]:
    """The embedded one, if that is used."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    with ExitStack() as running:
        made = (
            None if elsewhere else EmbeddedKafka(folder, jvm_options=QUICK_START, archive=keep_archive(cache_dir(), print))
        )
        if made is not None:
            running.enter_context(started(made, folder))
        yield made


@pytest.fixture(scope="session")
def postgres(elsewhere: Servers | None) -> Iterator[EmbeddedPostgres | None]:
    """The embedded one, if that is used. Most tests want it alone, so it does not wait for Kafka."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    with ExitStack() as running:
        made = None if elsewhere else EmbeddedPostgres(folder)
        if made is not None:
            running.enter_context(started(made, folder))
        yield made


@pytest.fixture(scope="session")
def kafka_bootstrap(elsewhere: Servers | None, kafka: EmbeddedKafka | None) -> str:
    return kafka.bootstrap_servers if kafka else only(elsewhere).kafka_bootstrap_servers


@pytest.fixture(scope="session")
def postgres_dsn(elsewhere: Servers | None, postgres: EmbeddedPostgres | None) -> str:
    return postgres.dsn if postgres else only(elsewhere).postgres_dsn


@pytest.fixture(scope="session")
def servers(
    kafka_bootstrap: str,
    postgres_dsn: str,
    kafka: EmbeddedKafka | None,
    postgres: EmbeddedPostgres | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Servers:
    """Both."""
    broker = local_broker(tmp_path_factory.mktemp("servers"), kafka_bootstrap, secured=False)
    return Servers(broker, postgres_dsn, kafka, postgres)


def only(elsewhere: Servers | None) -> Servers:
    assert elsewhere is not None, "servers are embedded or elsewhere"
    return elsewhere


@contextmanager
def started(server: EmbeddedKafka | EmbeddedPostgres, folder: Path) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.kill()  # nobody needs the data: an orderly end would only take time
        shutil.rmtree(folder, ignore_errors=True)


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
