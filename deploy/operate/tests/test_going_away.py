"""A server goes away in the middle of a command: it ends with a sentence and its exit code, and can be typed again."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from conduit_chassis.migrate import migrate
from conduit_contracts.topics import SERVICES
from conduit_local.kafka import EmbeddedKafka
from conduit_local.kafka_archive import keep_archive
from conduit_local.postgres import EmbeddedPostgres
from conduit_operate.broker import local_broker
from conduit_operate.cli import app
from conduit_operate.databases import keep_passwords, provision
from conduit_operate.doors import open_doors
from conduit_operate.paths import cache_dir
from deploy.operate.tests.conftest import MIGRATIONS
from deploy.operate.tests.rows import REFERENCE

Conduit = Callable[..., Result]
BY = ("--apply", "--actor", "A. Operator", "--reason", "a test")
MOST = 60
RESET = struct.pack("ii", 1, 0)


class Way:
    """A way to a server, on which so many connections and requests pass, and then `cut` happens once, before the next."""

    def __init__(self, address: tuple[str, int], cut: Callable[[], None] | None = None) -> None:
        self._address, self._cut = address, cut or self.end
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._left = (MOST**2, MOST**2)
        self._is_cut = False
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def allow(self, *, connections: int = MOST**2, requests: int = MOST**2) -> None:
        self._left = (connections, requests)

    def end(self) -> None:
        """As a server that is killed: connections are reset, and nobody listens any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._held:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def gone(self) -> None:
        """Nothing of it is left."""
        self.end()
        for each in self._threads:
            each.join(10)
        self.end()

    def _passes(self, *, connections: int = 0, requests: int = 0) -> None:
        with self._lock:
            self._left = (self._left[0] - connections, self._left[1] - requests)
            if min(self._left) < 0 and not self._is_cut:
                self._is_cut = True
                self._cut()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._held.append(client)
                self._passes(connections=1)
                server = socket.create_connection(self._address)
                self._held.append(server)
                for source, target, asks in ((client, server, True), (server, client, False)):
                    thread = threading.Thread(target=self._carry, args=(source, target, asks), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _carry(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while found := source.recv(65536):
                if asks:
                    self._passes(requests=1)
                target.sendall(found)
            target.shutdown(socket.SHUT_WR)


def through(way: Way, dsn: str) -> str:
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{way.port}").geturl()


def must_be_a_sentence(done: Result) -> None:
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), (done.output, done.exception)
    assert done.stderr.endswith("\n")
    assert done.stderr.strip()
    assert "Traceback" not in done.output


def task(databases: dict[str, str]) -> str:
    with psycopg.connect(databases["notification"]) as connection:
        ((found,),) = connection.execute("SELECT task_id FROM duty_tasks").fetchall()
    return str(found)


@pytest.mark.parametrize(
    ("command", "ends"),
    [
        (("trace", REFERENCE), {0}),
        (("reconcile", "--stores"), {0}),
        (("reviews",), {0}),
        (("hub", "show"), {0}),
        (("partner", "refused"), {0}),
        (("dead-letters", "discard", "triage", "--id", "1", *BY), {0, 3}),
        (("outbox", "return", "intake", *BY), {0, 3}),
        (("duty", "take", "TASK", "--actor", "A. Operator"), {0}),
    ],
    ids=lambda given: " ".join(given[:2]) if isinstance(given, tuple) else "",
)
def test_a_database_goes_away_at_any_point(
    filled: dict[str, str], conduit: Conduit, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], ends: set[int]
) -> None:
    """What was done but could not be confirmed is found to be done already when the command is typed again."""
    typed = [task(filled) if each == "TASK" else each for each in command]
    codes = []
    for requests in range(0, MOST, 3):
        with ExitStack() as ways:
            for service in SERVICES:
                way = Way((str(urlsplit(filled[service]).hostname), int(urlsplit(filled[service]).port or 0)))
                ways.callback(way.gone)
                way.allow(requests=requests)
                monkeypatch.setenv(f"{service.upper()}_POSTGRES_DSN", through(way, filled[service]))
            done = conduit(*typed)
        codes.append(done.exit_code)
        if done.exit_code in ends:
            break
        must_be_a_sentence(done)
    assert codes[-1] in ends
    assert len(codes) > 2


@pytest.fixture
def servers(state_dir: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of its own, with the four databases, and everybody's Kafka."""
    postgres = EmbeddedPostgres(state_dir)
    postgres.start()
    try:
        open_doors(local_broker(state_dir, kafka_bootstrap, secured=False), (), ())
        for service, dsn in provision(postgres.dsn, keep_passwords(state_dir, SERVICES)).items():
            migrate(dsn, *MIGRATIONS[service])
            monkeypatch.setenv(f"{service.upper()}_POSTGRES_DSN", dsn)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
        monkeypatch.setenv("POSTGRES_DSN", postgres.dsn)
        yield postgres
    finally:
        postgres.kill()


@pytest.mark.long
@pytest.mark.kafka
def test_postgresql_is_killed_in_the_middle_of_a_backup_and_of_a_restore(
    servers: EmbeddedPostgres, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each of the connections that a database is asked by: dumped, asked for its settings, and so on."""
    whole = state_dir / "whole"
    done = typed(state_dir, "backup", str(whole), *BY[1:])
    assert done.exit_code == 0, done.output
    for command, dsns in (("backup", ("INTAKE_POSTGRES_DSN",)), ("restore", ("POSTGRES_DSN", "INTAKE_POSTGRES_DSN"))):
        for dsn in dsns:
            ended = []
            for connections in range(12):
                way = Way(("127.0.0.1", servers.port), servers.kill)
                way.allow(connections=connections)
                with monkeypatch.context() as patched:
                    patched.setenv(dsn, through(way, os.environ[dsn]))
                    folder = state_dir / f"{dsn}-{connections}" if command == "backup" else whole
                    done = typed(state_dir, command, str(folder), *(BY[1:] if command == "backup" else BY))
                way.gone()
                servers.start()
                ended.append(done.exit_code)
                if done.exit_code == 0:
                    break
                must_be_a_sentence(done)
                assert command == "restore" or not folder.exists()
            assert ended[-1] == 0, done.output
            assert len(ended) > 1


def typed(state_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--state-dir", str(state_dir)])


@pytest.mark.long
@pytest.mark.kafka
@pytest.mark.timeout(400)
@pytest.mark.parametrize("after", [0.0, 0.05, 0.4])
def test_kafka_is_killed_in_the_middle_of_a_command(state_dir: Path, monkeypatch: pytest.MonkeyPatch, after: float) -> None:
    kafka = EmbeddedKafka(state_dir, archive=keep_archive(cache_dir(), print))
    kafka.start()
    try:
        open_doors(local_broker(state_dir, kafka.bootstrap_servers, secured=False), ("northlight",), ("kent",))
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
        commands = (
            ("lag",),
            ("partner", "onboard", "northlight", "--name", "Northlight", *BY),
            ("force", "list"),
            ("topics", "narrow", "northlight", *BY),
        )
        for command in commands:
            kafka.start()
            killer = threading.Timer(after, kafka.kill)
            killer.start()
            done = typed(state_dir, *command)
            killer.join()
            if done.exit_code:
                must_be_a_sentence(done)
    finally:
        kafka.kill()


def test_what_a_broken_disk_says_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    done = typed(tmp_path, "audit")
    must_be_a_sentence(done)
    assert "audit.jsonl: Is a directory" in done.stderr
