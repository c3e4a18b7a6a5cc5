"""Faults to be done to a running stack, each with the one alert that somebody should hear of.

Each is a context manager: the fault holds inside it, and is mended when it is left.
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
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from conduit_local.secured import ADMIN
from tests.monitoring.watched import Watched

OPERATOR = ("--apply", "--actor", "operator.on-call", "--reason", "the cause is mended")


@dataclass(frozen=True)
class Fault:
    """What is broken, and the alerts that are active while it is: no others may be."""

    name: str
    inject: Callable[[Watched], AbstractContextManager[None]]
    alerts: frozenset[str]


@contextmanager
def service_killed(watched: Watched, name: str = "triage") -> Iterator[None]:
    child = watched.stack.service(name)
    child.kill()
    yield
    child.start()
    watched.stack.wait_ready(name)


@contextmanager
def broker_killed(watched: Watched) -> Iterator[None]:
    kafka = watched.stack.servers.kafka
    assert kafka is not None
    kafka.kill()
    yield
    kafka.start()
    watched.stack.wait_ready()


@contextmanager
def database_killed(watched: Watched) -> Iterator[None]:
    postgres = watched.stack.servers.postgres
    assert postgres is not None
    postgres.kill()
    yield
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
    """A record that triage cannot read, written by an administrator: nobody else may. It is given up in the end."""
    asyncio.run(_send(watched, "intake.referrals.v1", b"no JSON"))
    yield
    dead_letters(watched, "discard", "triage", "--id", _first_dead_letter(watched, "triage"), *OPERATOR)


@contextmanager
def stranger(watched: Watched) -> Iterator[None]:
    """A partner's credentials, used to read what goes to a force."""
    asyncio.run(_read_what_is_not_theirs(watched))
    yield


@contextmanager
def exporter_killed(watched: Watched) -> Iterator[None]:
    child = watched.watch.child("postgres-exporter")
    child.kill()
    yield
    child.start()


@contextmanager
def forces_silent(watched: Watched) -> Iterator[None]:
    """Two forces that answer only after they were chased and escalated, under the demo's clocks of seconds."""
    watched.load(f"SILENT-{time.monotonic_ns()}", ["069", "070"])
    yield


def dead_letters(watched: Watched, *arguments: str) -> str:
    """`conduit dead-letters`, as an operator types it."""
    command = [sys.executable, "-m", "conduit_local.cli", "dead-letters", *arguments]
    command += ["--state-dir", str(watched.stack.state_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _first_dead_letter(watched: Watched, service: str) -> str:
    with psycopg.connect(watched.stack.dsns[service]) as connection:
        row = connection.execute("SELECT min(id) FROM dead_letters WHERE resolved_at IS NULL").fetchone()
    assert row is not None
    return str(row[0])


async def _send(watched: Watched, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(**watched.stack.broker.aiokafka(ADMIN))
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"poison")
    finally:
        await producer.stop()


async def _read_what_is_not_theirs(watched: Watched) -> None:
    consumer = AIOKafkaConsumer(**watched.stack.broker.aiokafka("partner.northlight"), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition("force.kent.cases.v1", 0)])
        await asyncio.wait_for(consumer.getone(), 5)
    except TopicAuthorizationFailedError:
        return
    finally:
        await consumer.stop()
    raise AssertionError("a partner read a force's topic")


def _fault(name: str, inject: Callable[[Watched], AbstractContextManager[None]], *alerts: str) -> Fault:
    return Fault(name, inject, frozenset(alerts))


SHORT = [
    _fault("a service is killed", partial(service_killed, name="routing"), "ServiceDown"),
    _fault("a stranger is refused", stranger, "StrangerRefused"),
    _fault("a record is poison", poisoned, "DeadLettersWait"),
]
LONG = [
    _fault("the broker is killed", broker_killed, "KafkaDown"),
    _fault("the database is killed", database_killed, "PostgresDown"),
    _fault("the relay is shut out", relay_shut_out, "NoRelayLeader"),
    _fault("an exporter is killed", exporter_killed, "MetricsMissing"),
    _fault("forces are silent", forces_silent, "ForceNeverAnswered"),
]
