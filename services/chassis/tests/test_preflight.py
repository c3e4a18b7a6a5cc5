"""A database that a service cannot work on is refused in one line; one that is away is waited for, and said which it is."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailed
from aiokafka.protocol.admin import ApiVersionResponse_v0

from conduit_chassis import postgres, preflight
from conduit_chassis.errors import ConfigurationError, worth_retrying
from conduit_chassis.migrate import MigrationError, migrate
from conduit_chassis.settings import Settings
from conduit_chassis.testing import settings_for
from services.chassis.tests.sample import MIGRATIONS, Sample
from services.chassis.tests.world import World, eventually
from tests.support.missing import need

SYSTEM_PROGRAMS = "/usr/sbin"


def given(dsn: str, **more: Any) -> Settings:
    return settings_for("unused:9092", dsn, **more)


def elsewhere(dsn: str, **parts: str) -> str:
    """The same address with another user, password, host, port or database."""
    split = urlsplit(dsn)
    user, password = parts.get("user", split.username), parts.get("password", split.password)
    host = f"{parts.get('hostname', split.hostname)}:{parts.get('port', split.port)}"
    return split._replace(netloc=f"{user}:{password}@{host}", path=parts.get("path", split.path)).geturl()


@contextmanager
def pgbouncer(dsn: str, folder: Path, port: int, **settings: str) -> Iterator[str]:
    """A PgBouncer before the database; its address."""
    program = shutil.which("pgbouncer", path=SYSTEM_PROGRAMS) or need("pgbouncer", "pgbouncer")
    split = urlsplit(dsn)
    target = f"host={split.hostname} port={split.port} user={split.username} password={split.password}"
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "default_pool_size": "5",
        **settings,
    }
    folder.chmod(0o755)
    written = "\n".join(f"{name} = {value}" for name, value in lines.items())
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(f"[databases]\n{split.path[1:]} = {target}\n[pgbouncer]\n{written}\n")
    # It refuses to run as root.
    account = ["-u", "nobody"] if os.getuid() == 0 else []
    for parent in (*configuration.parents, configuration):
        if parent.stat().st_uid == os.getuid() and parent.is_relative_to("/tmp"):  # noqa: S108 - where pytest puts it
            parent.chmod(parent.stat().st_mode | 0o055)
    process = subprocess.Popen([program, "-q", *account, str(configuration)])  # noqa: S603 - our own configuration
    try:
        yield elsewhere(dsn, port=str(port))
    finally:
        process.terminate()
        process.wait(10)


async def examined(settings: Settings) -> None:
    """As soon as somebody answers."""

    async def answers() -> bool:
        try:
            await preflight.examine(settings, "sample")
        except OSError:
            return False
        return True

    await eventually(answers, "PgBouncer to answer")


ALL_OF_THEM = ",".join(postgres.session(given("postgresql://unused"), "sample"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pool_mode": "session"}, "refuses the session's settings"),
        ({"pool_mode": "transaction"}, "refuses the session's settings"),
        ({"pool_mode": "session", "ignore_startup_parameters": ALL_OF_THEM}, "did not take: .*enable_seqscan"),
        ({"pool_mode": "transaction", "ignore_startup_parameters": ALL_OF_THEM}, "did not take: .*enable_seqscan"),
    ],
)
async def test_a_pooler_that_drops_settings_is_refused_in_one_line(
    database: str, tmp_path: Path, free_port: int, settings: dict[str, str], said: str
) -> None:
    with pgbouncer(database, tmp_path, free_port, **settings) as dsn, pytest.raises(ConfigurationError, match=said) as told:
        await examined(given(dsn))
    assert "\n" not in str(told.value)


async def test_a_pooler_in_session_mode_whose_role_has_the_settings_is_taken_and_one_in_transaction_mode_is_not(
    database: str, tmp_path: Path, free_port: int
) -> None:
    connection = await asyncpg.connect(database)
    name = urlsplit(database).path[1:]
    for setting, value in postgres.session(given(database), "sample").items():
        await connection.execute(f"ALTER DATABASE \"{name}\" SET {setting} = '{value}'")
    await connection.close()
    more = {"ignore_startup_parameters": ALL_OF_THEM}
    with pgbouncer(database, tmp_path, free_port, pool_mode="session", **more) as dsn:
        await examined(given(dsn))
        pool = await postgres.create_pool(given(dsn), "sample")
        assert await pool.fetchval("SELECT 1") == 1
        await postgres.close_pool(pool)
    with pgbouncer(database, tmp_path, free_port, pool_mode="transaction", **more) as dsn:
        with pytest.raises(ConfigurationError, match="gives our session to others between transactions") as told:
            await examined(given(dsn))
        assert "\n" not in str(told.value)


@pytest.fixture
async def poor(database: str) -> Any:
    """A role as managed clouds give it: no superuser, not the owner, no right but to connect. Its address and its giver."""
    role = f"poor_{uuid4().hex[:8]}"
    owner = await asyncpg.connect(database)
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'synthetic'")
    await owner.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield elsewhere(database, user=role, password="synthetic"), role, owner
    await owner.execute(f"DROP OWNED BY {role}")
    await owner.execute(f"DROP ROLE {role}")
    await owner.close()


async def test_what_a_role_may_not_do_is_said_in_one_line_until_it_may(poor: Any) -> None:
    dsn, role, owner = poor
    name = urlsplit(dsn).path[1:]
    with pytest.raises(ConfigurationError, match=f"GRANT CREATE ON SCHEMA public TO {role}"):
        await preflight.examine(given(dsn), "sample")
    with pytest.raises(MigrationError, match=f"GRANT CREATE ON SCHEMA public TO {role}"):
        await asyncio.to_thread(migrate, dsn, MIGRATIONS)
    await owner.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    await preflight.examine(given(dsn), "sample")
    with pytest.raises(
        ConfigurationError, match=f"may not make schema sandbox in {name}: GRANT CREATE ON DATABASE {name} TO"
    ):
        await preflight.examine(given(dsn), "sample", {"sandbox"})
    await owner.execute(f'GRANT CREATE ON DATABASE "{name}" TO {role}')
    await preflight.examine(given(dsn), "sample", {"sandbox"})


async def test_a_search_path_that_names_nothing_is_said_with_what_mends_it(poor: Any) -> None:
    dsn, role, owner = poor
    await owner.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    await owner.execute(f"ALTER ROLE {role} SET search_path = elsewhere")
    with pytest.raises(ConfigurationError, match=f"whose search_path is elsewhere: ALTER ROLE {role} RESET search_path"):
        await preflight.examine(given(dsn), "sample")
    await owner.execute(f"ALTER ROLE {role} RESET search_path")
    await preflight.examine(given(dsn), "sample")


async def test_who_may_use_no_schema_is_told_what_lets_migrations_run(poor: Any) -> None:
    dsn, role, owner = poor
    await owner.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    advice = f"GRANT USAGE, CREATE ON SCHEMA public TO {role}"
    with pytest.raises(ConfigurationError, match=f"has no schema for role {role}, .*: {advice}") as caught:
        await preflight.examine(given(dsn), "sample")
    with pytest.raises(MigrationError, match=advice):
        await asyncio.to_thread(migrate, dsn, MIGRATIONS)
    await owner.execute(str(caught.value).rpartition(": ")[2].rstrip("."))
    await preflight.examine(given(dsn), "sample")


async def test_a_schema_of_the_roles_own_is_refused_to_a_service_that_has_others_beside_it(poor: Any) -> None:
    dsn, role, owner = poor
    name = urlsplit(dsn).path[1:]
    await owner.execute(f'GRANT CREATE ON DATABASE "{name}" TO {role}')
    await owner.execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    await preflight.examine(given(dsn), "sample")
    with pytest.raises(ConfigurationError, match=f"in schema {role} of {name}; those of sample must be in public") as caught:
        await preflight.examine(given(dsn), "sample", {"sandbox"})
    await owner.execute(str(caught.value).rpartition(": ")[2].rstrip("."))
    await preflight.examine(given(dsn), "sample", {"sandbox"})


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_hold_what_people_write_is_refused(database: str, encoding: str) -> None:
    owner, name = await asyncpg.connect(database), f"other_{uuid4().hex[:8]}"
    await owner.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'")
    try:
        with pytest.raises(ConfigurationError, match=f"Database {name} holds {encoding}.*ENCODING 'UTF8'"):
            await preflight.examine(given(elsewhere(database, path=f"/{name}")), "sample")
    finally:
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await owner.close()


async def test_a_database_that_may_lose_what_it_confirmed_is_refused_with_what_mends_it(poor: Any) -> None:
    dsn, role, owner = poor
    await owner.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    await owner.execute(f"ALTER ROLE {role} SET synchronous_commit = off")
    with pytest.raises(ConfigurationError, match=f"ALTER ROLE {role} SET synchronous_commit = on") as caught:
        await preflight.examine(given(dsn), "sample")
    await owner.execute(str(caught.value).rpartition(": ")[2].rstrip("."))
    await preflight.examine(given(dsn), "sample")


CLOSED_FOR_A_WHILE = {
    "read-only": (
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "ALTER DATABASE {name} RESET default_transaction_read_only",
        "the database is read-only",
    ),
    "it takes no connections": (
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {name} ALLOW_CONNECTIONS true",
        "the database takes no connections now",
    ),
    "the role may not log in": ("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN", "its role may not log in"),
    "the role's connections are used up": (
        "ALTER ROLE {role} CONNECTION LIMIT 1",
        "ALTER ROLE {role} CONNECTION LIMIT -1",
        "no connection: they need two beside the first|CONNECTION LIMIT is reached",
    ),
    "the database's connections are used up": (
        "ALTER DATABASE {name} CONNECTION LIMIT 0",
        "ALTER DATABASE {name} CONNECTION LIMIT -1",
        "CONNECTION LIMIT is reached",
    ),
}


@pytest.mark.parametrize(("closed", "opened", "reason"), CLOSED_FOR_A_WHILE.values(), ids=CLOSED_FOR_A_WHILE)
async def test_a_database_that_is_closed_for_a_while_is_waited_for_and_said(
    closed: str, opened: str, reason: str, postgres_dsn: str, sample: Sample, kafka_bootstrap: str, logs: Any
) -> None:
    there, name = await asyncpg.connect(postgres_dsn), f"closed_{uuid4().hex[:8]}"
    address = elsewhere(postgres_dsn, user=name, password="synthetic", path=f"/{name}")
    seen = ""

    async def said(event: str) -> bool:
        nonlocal seen
        seen += logs.readouterr().out
        return event in seen

    await there.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'synthetic'")
    await there.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        await there.execute(closed.format(name=name, role=name))
        async with World(kafka_bootstrap, address, sample).running():
            await eventually(lambda: said("not_reachable"), "the log to say what is wrong")
            await there.execute(opened.format(name=name, role=name))
            await eventually(lambda: said("service_started"), "the service to go on by itself")
        assert re.search(reason, seen)
    finally:
        await there.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await there.execute(f"DROP ROLE {name}")
        await there.close()


@pytest.mark.parametrize("closed", ["ALLOW_CONNECTIONS false", "CONNECTION LIMIT 0"])
async def test_what_opens_no_session_is_the_surroundings_fault(postgres_dsn: str, closed: str) -> None:
    there, name = await asyncpg.connect(postgres_dsn), f"closed_{uuid4().hex[:8]}"
    await there.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'synthetic'")
    await there.execute(f"CREATE DATABASE {name} WITH OWNER {name} {closed}")
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await asyncpg.connect(elsewhere(postgres_dsn, user=name, password="synthetic", path=f"/{name}"))
        assert worth_retrying(refused.value, 1_000)
    finally:
        await there.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await there.execute(f"DROP ROLE {name}")
        await there.close()


async def test_an_older_postgresql_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "OLDEST", 99)
    with pytest.raises(ConfigurationError, match="99 is the oldest that this release works on"):
        await preflight.examine(given(database), "sample")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"password": "wrong"}, "PostgreSQL refuses the user or the password"),
        ({"path": "/no_such_database"}, "there is no such database"),
        ({"port": "1"}, "nobody answers at its address"),
        ({"hostname": "no-such-host.invalid"}, "no computer has the name in its address"),
    ],
)
async def test_a_wrong_password_a_missing_database_and_a_dead_server_are_told_apart(
    database: str, parts: dict[str, str], reason: str, sample: Sample, kafka_bootstrap: str, logs: Any
) -> None:
    world = World(kafka_bootstrap, elsewhere(database, **parts), sample)
    seen = ""

    async def said() -> bool:
        nonlocal seen
        seen += logs.readouterr().out
        return "not_reachable" in seen

    async with world.running():
        await eventually(said, "the log to say what is wrong")
    assert reason in seen


async def test_a_dead_kafka_and_one_that_answers_are_told_apart(kafka_bootstrap: str, database: str) -> None:
    assert await preflight.kafka_says(settings_for(kafka_bootstrap, database)) is None
    dead = await preflight.kafka_says(settings_for("127.0.0.1:1", database))
    assert preflight.why(dead or ValueError()) == "nobody answers at its address"
    unknown = await preflight.kafka_says(settings_for("no-such-host.invalid:9092", database))
    assert preflight.why(unknown or ValueError()) == "no computer has the name in its address"
    assert preflight.why(SaslAuthenticationFailed()) == "Kafka refuses the user or the password"
    assert preflight.why(KafkaConnectionError()) == ""


async def test_a_kafka_that_is_too_old_is_refused_in_one_line_and_one_that_is_away_is_waited_for(
    kafka_bootstrap: str, database: str
) -> None:
    await preflight.examine_kafka(settings_for(kafka_bootstrap, database))
    await preflight.examine_kafka(settings_for(f"127.0.0.1:1,{kafka_bootstrap}", database))
    with pytest.raises((KafkaError, OSError)):
        await preflight.examine_kafka(settings_for("127.0.0.1:1", database))
    for newest, works in ((8, False), (9, True)):
        async with answering({2: (0, newest), 18: (0, 0)}) as old:
            settings = settings_for(f"{kafka_bootstrap},{old}", database)
            if works:
                await preflight.examine_kafka(settings)
                continue
            with pytest.raises(ConfigurationError, match=f"^The broker at {old} is older than Kafka 3.9, .*works on.$"):
                await preflight.examine_kafka(settings)


@asynccontextmanager
async def answering(versions: Mapping[int, tuple[int, int]]) -> AsyncIterator[str]:
    """What a broker says that it can, at this address: of each request, the oldest and the newest version."""
    can = [(key, *between) for key, between in versions.items()]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                asked = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                said = asked[4:8] + ApiVersionResponse_v0(error_code=0, api_versions=can).encode()
                writer.write(len(said).to_bytes(4, "big") + said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


def test_the_schemas_that_migrations_make_are_found() -> None:
    folder = Path(__file__).parents[2] / "intake/src/conduit_intake/migrations"
    assert preflight.schemas_of(folder) == {"sandbox"}
