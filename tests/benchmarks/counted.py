"""What a referral costs in work that can be counted, whatever else the machine does meanwhile.

The services run on a real, secured stack, but one after the other: all are stopped by signal, a backlog is sent, and each is
woken alone until it has dealt with what lies there. So batches are full, nobody else writes WAL, and the figures of a busy
machine are those of a quiet one. Autovacuum and checkpoints stay out of it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil
import psycopg
from confluent_kafka import Consumer, TopicPartition

from conduit_contracts.topics import (
    FORCE,
    PARTNER,
    PEOPLE_COMMANDS,
    REGISTER_COMMANDS,
    REGISTRY,
    ROUTING_HANDOVERS,
    SERVICES,
    consumed_by,
)
from conduit_local.stack import Stack
from conduit_operate.polling import wait_until
from conduit_operate.secured import ADMIN
from tests.benchmarks.database import connect
from tests.benchmarks.load import submissions
from tests.benchmarks.measure import Run, send

REFERRALS = 500
STEADY: Mapping[str, str] = {"autovacuum": "off", "checkpoint_timeout": "1h"}
"""PostgreSQL's settings: neither is a referral's doing."""
PATIENT: Mapping[str, str] = {"SESSION_TIMEOUT_MS": "120000", "RELAY_POLL_MS": "60000", "NOTICE_POLL_SECONDS": "3600"}
"""The services': a stopped one stays in its group, a relay does not look before its own service has committed, and no notice
goes out: when one does has nothing to do with batches."""
IDLE_SECONDS = 12.0
"""Longer than the 10 s of the slowest gauges, so that every periodic statement is seen once."""
PATIENCE_SECONDS = 60.0
_LATER = {topic for topic in REGISTRY if topic.compacted} | {REGISTER_COMMANDS, PEOPLE_COMMANDS, ROUTING_HANDOVERS}
"""Registers with the orders for them, and what nobody says before forces have answered."""
MOVED = tuple(name for name in SERVICES if not _LATER.issuperset(consumed_by(name)))
"""Those that a referral gives something to do at once."""
ORDER = (*MOVED, "intake")
"""Intake comes twice: the second time it reads what partners were told."""
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_CALLS = """
SELECT query, sum(calls)::bigint, sum(rows)::bigint FROM pg_stat_statements
JOIN pg_roles ON pg_roles.oid = userid WHERE rolname = %s GROUP BY query
"""
_IN_HAND = "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox)"
_OF_THE_RELAY = ("FROM outbox", "pg_try_advisory_lock")
_OF_A_NEW_CONNECTION = ("typeinfo_tree", "set_config")
"""By which asyncpg learns of types, once for each connection: how many there are follows what else goes on."""
_OF_EVERY_TRANSACTION = ("begin", "commit", "rollback", "set ")


class Calls(NamedTuple):
    """Of one statement."""

    calls: int
    rows: int


Statements = dict[str, Calls]


class Counter:
    """Looks at one stack from outside."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kafka = {**stack.broker.librdkafka(ADMIN), "log_level": 0}
        self._consumer = Consumer({**self._kafka, "group.id": "operator.counted", "enable.auto.commit": False})
        self._admin = connect(stack.servers.postgres_dsn)
        address = urlsplit(stack.servers.postgres_dsn)
        self._databases = {
            name: psycopg.connect(address._replace(path=f"/conduit_{name}").geturl(), autocommit=True) for name in SERVICES
        }

    def count(self) -> dict[str, dict[str, float]]:
        """The figures of each step, from `ORDER`."""
        idle = self._idle()
        inboxes = {name: self._in_hand(name)[0] - self._ends(name) for name in SERVICES}
        with self._all_stopped():
            send(self._kafka, submissions(REFERRALS, prefix="counted"), Run("counted", REFERRALS))
            found: dict[str, dict[str, float]] = {}
            for name in ORDER:
                step = name if name not in found else f"{name}_updates"
                found[step] = self._one(name, idle[name], inboxes[name])
        return found

    def close(self) -> None:
        self._consumer.close()
        for connection in (self._admin, *self._databases.values()):
            connection.close()

    def _idle(self) -> dict[str, set[str]]:
        """What each service runs without any record."""
        before = {name: self._statements(name) for name in SERVICES}
        time.sleep(IDLE_SECONDS)
        return {name: set(_since(self._statements(name), before[name])) for name in SERVICES}

    @contextmanager
    def _all_stopped(self) -> Iterator[None]:
        processes = [psutil.Process(child.pid) for child in self._stack.processes()]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def _one(self, name: str, idle: set[str], offset: int) -> dict[str, float]:
        """Wake it until everything sent to it is in its inbox and nothing is left in its outbox."""
        process = psutil.Process(self._stack.service(name).pid)
        wanted = self._ends(name) + offset
        wal, statements = self._wal(), self._statements(name)
        process.resume()
        wait_until(
            lambda: self._in_hand(name) == (wanted, 0),
            f"{name} has not dealt with its records",
            PATIENCE_SECONDS,
            self._stack.service(name).ensure_alive,
        )
        process.suspend()
        return _figures(_since(self._statements(name), statements), idle, self._wal() - wal)

    def _in_hand(self, name: str) -> tuple[int, int]:
        found = self._databases[name].execute(_IN_HAND).fetchone()
        return (int(found[0]), int(found[1])) if found else (0, 0)

    def _ends(self, name: str) -> int:
        """Records so far on all topics that the service reads."""
        known = self._consumer.list_topics(timeout=30).topics
        principals = {PARTNER: self._stack.options.partner_ids, FORCE: self._stack.options.force_ids}
        names = [
            topic.name(principal)
            for topic in consumed_by(name)
            for principal in (principals[topic.parameter.removesuffix("_id")] if topic.parameter else [None])
        ]
        places = [TopicPartition(topic, number) for topic in names for number in known[topic].partitions]
        return sum(int(self._consumer.get_watermark_offsets(place, timeout=30)[1]) for place in places)

    def _statements(self, name: str) -> Statements:
        rows = self._admin.execute(_CALLS, [f"conduit_{name}"]).fetchall()
        return {str(query): Calls(int(calls), int(rows)) for query, calls, rows in rows}

    def _wal(self) -> int:
        found: Any = self._admin.execute(_WAL).fetchone()
        return int(found[0])


def _since(after: Statements, before: Statements) -> Statements:
    nothing = Calls(0, 0)
    changed = {
        query: Calls(*(a - b for a, b in zip(now, before.get(query, nothing), strict=True))) for query, now in after.items()
    }
    return {query: found for query, found in changed.items() if found.calls}


def _figures(statements: Statements, idle: set[str], wal_bytes: int) -> dict[str, float]:
    batches = sum(found.calls for query, found in statements.items() if query.startswith('COPY "inbox"'))
    events = sum(found.rows for query, found in statements.items() if query.startswith('COPY "outbox"'))
    work = {query: found for query, found in statements.items() if query not in idle and not _aside(query)}
    # BEGIN and COMMIT are the same two for each batch; periodic work has them too, so they are not counted but added.
    # A service may get its backlog in one fetch or in several, and some statements run only where a batch has something for
    # them. So each statement counts as often as a batch that needs all of them runs it, however the backlog was cut.
    calls = sum(ceil(found.calls / batches) for found in work.values()) + 2
    copies = sum(ceil(found.calls / batches) for query, found in work.items() if query.lower().startswith("copy"))
    return {
        "batches": batches,
        "events_per_referral": round(events / REFERRALS, 4),
        "statements_of_a_batch": calls,
        # A COPY has two exchanges with the server, for the statement and for the rows; everything else has one.
        "round_trips_of_a_batch": calls + copies,
        "wal_bytes_per_referral": round(wal_bytes / REFERRALS, 1),
    }


def _aside(query: str) -> bool:
    """How often the relay looks follows the broker's answers, not the referrals."""
    aside = (*_OF_THE_RELAY, *_OF_A_NEW_CONNECTION)
    return any(mark in query for mark in aside) or query.lower().startswith(_OF_EVERY_TRANSACTION)
