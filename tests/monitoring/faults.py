"""Faults to be done to a running stack, each with the one alert that somebody should hear of.

Each is a context manager: the fault holds inside it, and is mended when it is left, also by a test that failed: the next one
finds a stack that is whole.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import psycopg
from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, KafkaError

from conduit_local.observability.api import until
from conduit_operate.secured import ADMIN
from tests.monitoring.danger import nobody_acts, take_tasks
from tests.monitoring.operating import give_up, waiting
from tests.monitoring.unreadable import READERS, for_ever_on_one_of_ours, on_a_partners_topic, on_one_of_ours
from tests.monitoring.watched import Watched


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
    scar: frozenset[str] = frozenset()
    """What is rightly raised once it is mended, and stays for longer than any test runs."""
    onset: frozenset[str] = frozenset()
    """What doing it may raise for a moment, before it is what it is."""


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
def broker_stalled(watched: Watched) -> Iterator[None]:
    """It is there and answers nothing. What cannot be measured is not shown, above all not as zero, and nobody is ready."""
    kafka = watched.stack.servers.kafka
    assert kafka is not None
    assert kafka.child is not None
    prometheus, pid = watched.watch.prometheus, kafka.child.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        prometheus.wait("absent(conduit_lag_seconds >= 0)", STALL_SECONDS)
        until(lambda: "LagUnknown" in prometheus.firing(), "the absence is not told", STALL_SECONDS)
        prometheus.wait("max(conduit_ready) == 0", STALL_SECONDS)
        yield
        assert not prometheus.query("conduit_lag_seconds >= 0"), "it is shown although nobody can measure it"
    finally:
        os.kill(pid, signal.SIGCONT)
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
        with suppress(TimeoutError):  # whatever there is then is given up
            until(lambda: all(waiting(watched, name) for name in READERS), "a reader has no dead letter", 60)
        give_up(watched, *READERS)


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
    """A force that never answers: chased and escalated to the end, under the demo's clocks of seconds. Then somebody on duty
    takes the task, and rings."""
    watched.load(f"SILENT-{time.monotonic_ns()}", ["087"])
    try:
        yield
    finally:
        take_tasks(watched, least=1)


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


STALL_SECONDS = 120.0
STOPPED = frozenset({"ServiceDown"})
"""While a service stands still, so that it does not see what is done before it is done."""
LATE = frozenset({"DisseminationBudgetBurnsFast"})
LATE_FOR_LONG = frozenset({"DisseminationBudgetBurnsSlowly"})
"""What waited comes to its force after all, and late. The slow one's window of six hours is 18 minutes here."""

FAULTS = [
    Fault("a service is killed", partial(service_killed, name="routing"), frozenset({"ServiceDown"})),
    Fault("a record is poison", poisoned, frozenset({"DeadLettersWait"})),
    Fault("a stranger is refused", stranger, frozenset({"StrangerRefused"}), lingers=True),
    Fault("the database is killed", database_killed, frozenset({"PostgresDown"})),
    Fault("the relay is shut out", relay_shut_out, frozenset({"NoRelayLeader"})),
    Fault("an exporter is killed", exporter_killed, frozenset({"MetricsMissing"})),
    Fault("the broker does not answer", broker_stalled, frozenset({"KafkaDown"})),
    # The only copy of each partition comes back from an unclean end: Kafka counts that as an unclean election, and rightly.
    Fault("the broker is killed", broker_killed, frozenset({"KafkaDown"}), aftermath=frozenset({"UncleanElection"})),
    # After the broker was killed: where it finds damage at an unclean start, it cuts the partition off there, and
    # with it the end of the transaction that hides the damage from readers: what stands behind that waits for ever.
    Fault("a partner's batches cannot be read", on_a_partners_topic, frozenset({"DeadLettersWait"})),
    # That what stands behind it waits is true, and Alertmanager keeps it back: its cause is told.
    Fault(
        "a batch of ours cannot be read",
        on_one_of_ours,
        frozenset({"PartitionCannotBeRead"}),
        aftermath=LATE,
        onset=STOPPED,
        scar=LATE_FOR_LONG,
    ),
    Fault(
        "a batch of ours is lost",
        for_ever_on_one_of_ours,
        frozenset({"PartitionCannotBeRead"}),
        aftermath=LATE,
        onset=STOPPED,
        scar=frozenset({"ReferralsUnaccountedFor", *LATE_FOR_LONG}),
    ),
    Fault(
        "nobody acts on danger",
        nobody_acts,
        frozenset({"DangerWaitsForReview", "DangerUnacknowledged", "DutyTaskUnanswered"}),
    ),
    # Last, as its clocks stay breached, which is told for itself in the end.
    Fault("a force is silent", force_silent, frozenset({"ForceNeverAnswered", "DutyTaskUnanswered"}), lingers=True),
]
