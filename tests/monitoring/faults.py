"""Faults to be done to a running stack, each with the one alert that somebody should hear of.

Each is a context manager: the fault holds inside it, and is mended when it is left, also by a test that failed: the next one
finds a stack that is whole.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, KafkaError

from conduit_local.observability.api import until
from conduit_local.secured import ADMIN
from tests.monitoring.watched import Watched

READERS = ("triage", "notification")
"""Of what intake publishes."""
OPERATOR = ("--apply", "--actor", "operator.on-call", "--reason", "the cause is mended")


@dataclass(frozen=True)
class Fault:
    """What is broken, and the alerts that are active while it is: no others may be."""

    name: str
    inject: Callable[[Watched], AbstractContextManager[None]]
    alerts: frozenset[str]
    lingers: bool = False
    """Whether the alerts are about what happened within a time, and stay for as long as that."""
    aftermath: frozenset[str] = frozenset()
    """What is rightly raised once it is mended."""


@contextmanager
def service_killed(watched: Watched, name: str = "triage") -> Iterator[None]:
    child = watched.stack.service(name)
    child.kill()
    try:
        yield
    finally:
        child.start()
        watched.stack.wait_ready(name)


@contextmanager
def broker_killed(watched: Watched) -> Iterator[None]:
    kafka = watched.stack.servers.kafka
    assert kafka is not None
    kafka.kill()
    try:
        yield
    finally:
        kafka.start()
        watched.stack.wait_ready()


@contextmanager
def database_killed(watched: Watched) -> Iterator[None]:
    postgres = watched.stack.servers.postgres
    assert postgres is not None
    postgres.kill()
    try:
        yield
    finally:
        postgres.start()
        watched.stack.wait_ready()


@contextmanager
def relay_shut_out(watched: Watched, name: str = "intake") -> Iterator[None]:
    """Somebody else takes the lock that the relay publishes under."""
    with psycopg.connect(watched.stack.servers.postgres_dsn, autocommit=True) as connection:
        (database,) = [f"conduit_{name}"]
        locks = connection.execute(
            "SELECT pid, classid::bigint, objid::bigint, objsubid FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE locktype = 'advisory' AND granted AND d.datname = %s",
            [database],
        ).fetchall()
        assert locks, "nobody holds the relay's lock"
        with psycopg.connect(watched.stack.dsns[name], autocommit=True) as holder:
            for pid, high, low, kind in locks:
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])
                wanted = (
                    ("pg_advisory_lock(%s, %s)", [high, low]) if kind == 2 else ("pg_advisory_lock(%s)", [high << 32 | low])
                )
                holder.execute(f"SELECT {wanted[0]}", wanted[1])
            yield


@contextmanager
def poisoned(watched: Watched) -> Iterator[None]:
    """A record that no reader of it can read, written by an administrator: nobody else may. It is given up in the end."""
    asyncio.run(_send(watched, "intake.referrals.v1", b"no JSON"))
    try:
        yield
    finally:
        for service in READERS:
            until(lambda name=service: bool(_waiting(watched, name)), f"{service} has no dead letter", 20)  # type: ignore[misc]
            for number in _waiting(watched, service):
                dead_letters(watched, "discard", service, "--id", str(number), *OPERATOR)


@contextmanager
def stranger(watched: Watched) -> Iterator[None]:
    """A partner's credentials, used to read what goes to a force."""
    _read_what_is_not_theirs(watched)
    yield


@contextmanager
def exporter_killed(watched: Watched) -> Iterator[None]:
    child = watched.watch.child("postgres-exporter")
    child.kill()
    try:
        yield
    finally:
        child.start()


@contextmanager
def force_silent(watched: Watched) -> Iterator[None]:
    """A force that never answers: chased and escalated to the end, under the demo's clocks of seconds."""
    watched.load(f"SILENT-{time.monotonic_ns()}", ["087"])
    yield


def dead_letters(watched: Watched, *arguments: str) -> str:
    """`conduit dead-letters`, as an operator types it."""
    command = [sys.executable, "-m", "conduit_local.cli", "dead-letters", *arguments]
    command += ["--state-dir", str(watched.stack.state_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _waiting(watched: Watched, service: str) -> list[int]:
    with psycopg.connect(watched.stack.dsns[service]) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM dead_letters WHERE resolved_at IS NULL ORDER BY id")]


async def _send(watched: Watched, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(**watched.stack.broker.aiokafka(ADMIN))
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"poison")
    finally:
        await producer.stop()


def _read_what_is_not_theirs(watched: Watched) -> None:
    who = "partner.northlight"
    consumer = Consumer({**watched.stack.broker.librdkafka(who), "group.id": f"{who}.desk", "log_level": 0})
    try:
        consumer.subscribe(["force.kent.cases.v1"])
        answer = consumer.poll(20)
        assert answer is not None
        error = answer.error()
        assert error is not None, "a partner read a force's topic"
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    finally:
        consumer.close()


FAULTS = [
    Fault("a service is killed", partial(service_killed, name="routing"), frozenset({"ServiceDown"})),
    Fault("a record is poison", poisoned, frozenset({"DeadLettersWait"})),
    Fault("a stranger is refused", stranger, frozenset({"StrangerRefused"}), lingers=True),
    Fault("the database is killed", database_killed, frozenset({"PostgresDown"})),
    Fault("the relay is shut out", relay_shut_out, frozenset({"NoRelayLeader"})),
    Fault("an exporter is killed", exporter_killed, frozenset({"MetricsMissing"})),
    # The only copy of each partition comes back from an unclean end: Kafka counts that as an unclean election, and rightly.
    Fault("the broker is killed", broker_killed, frozenset({"KafkaDown"}), aftermath=frozenset({"UncleanElection"})),
    Fault("a force is silent", force_silent, frozenset({"ForceNeverAnswered"}), lingers=True),
]
