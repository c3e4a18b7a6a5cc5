"""Brings dead letters back, in their original order, once their cause is fixed; or discards them. Both say who and why.

A replay is an order on `<service>.replays.v1`, where the service alone reads it and takes the record out of its own store.
The row of the dead letter is its inbox: it takes effect if the row still waits, and resolves it in the same transaction, so
ordering twice is harmless. Order holds because a lane's records wait behind its first dead letter, a replay counts only in
its turn, and orders stand in one partition.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from conduit_chassis import dead_letters
from conduit_chassis.consumer import patches
from conduit_chassis.dead_letters import ID_HEADER, unpack
from conduit_chassis.orders import Replay, SnapshotOrder, spell, spell_snapshot, storable
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Record
from conduit_chassis.settings import Settings
from conduit_contracts.texts import shows_something
from conduit_contracts.topics import dead_letter_topic, replay_topic

_SELECT = """
SELECT id, topic, partition, record_offset AS offset, key, lane, reason, error_class, attempts, at, digest,
       headers IS NOT NULL AS whole
FROM dead_letters WHERE resolved_at IS NULL AND ($1::bigint[] IS NULL OR id = ANY($1)) ORDER BY id LIMIT $2
"""
_COUNT = "SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"
_NOTE = """
INSERT INTO dead_letter_actions (dead_letter_id, action, actor, reason)
SELECT id, $2, $3, $4 FROM unnest($1::bigint[]) AS id
"""
_DISCARD = "UPDATE dead_letters SET resolved_at = now() WHERE resolved_at IS NULL AND id = ANY($1::bigint[]) RETURNING id"

READ_SECONDS = 30.0
_WATCH_SECONDS = 0.1


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter as an operator sees it: where it came from and why it waits, never what it holds."""

    id: int
    topic: str
    partition: int
    offset: int
    key: bytes | None
    lane: bytes | None
    reason: str
    error_class: str | None
    attempts: int
    at: Any
    digest: bytes
    whole: bool
    """Whether the store holds the record. A release before 0.2 left it on the dead-letter topic alone."""


@dataclass(frozen=True)
class Replayed:
    """How a replay went."""

    resolved: tuple[int, ...]
    waiting: tuple[int, ...]
    """Failed again, or behind one that did."""
    unfound: tuple[int, ...] = ()
    """Neither in the store nor on the dead-letter topic any more."""


async def waiting(connection: Connection, ids: Sequence[int] | None = None, most: int | None = None) -> list[DeadLetter]:
    """Dead letters that wait, in order: all of them, or those of `ids`, or the first of them."""
    return [DeadLetter(**row) for row in await connection.fetch(_SELECT, None if ids is None else list(ids), most)]


async def count(connection: Connection) -> int:
    """How many dead letters wait."""
    number: int = await connection.fetchval(_COUNT)
    return number


async def discard(connection: Connection, ids: Sequence[int], *, actor: str, reason: str) -> tuple[int, ...]:
    """Give dead letters up: what waits behind them may be replayed. Returns those that still waited."""
    _require(actor, reason)
    async with connection.transaction():
        given_up = [row["id"] for row in await connection.fetch(_DISCARD, list(ids))]
        await connection.execute(_NOTE, given_up, "discarded", actor, reason)
    return tuple(given_up)


async def replay(
    settings: Settings,
    service: str,
    connection: Connection,
    *,
    actor: str,
    reason: str,
    ids: Sequence[int] | None = None,
    patience: float = 30.0,
) -> Replayed:
    """Order a service to bring its dead letters back: those of `ids`, or all that wait.

    The service must run, as it handles them. It gets `patience` seconds for each step forward.
    """
    _require(actor, reason)
    wanted = await waiting(connection, ids)
    if old := [letter.id for letter in wanted if not letter.whole]:
        await _fetch_whole(settings, service, connection, frozenset(old))
    letters = [letter for letter in await waiting(connection, [letter.id for letter in wanted]) if letter.whole]
    await _send(settings, service, [Replay(letter.id, letter.digest, actor, reason) for letter in letters])
    await _handled(connection, letters, patience)
    left = {letter.id for letter in await waiting(connection, [letter.id for letter in wanted])}
    ordered = {letter.id for letter in letters}
    return Replayed(
        resolved=tuple(letter.id for letter in wanted if letter.id not in left),
        waiting=tuple(letter.id for letter in wanted if letter.id in left and letter.id in ordered),
        unfound=tuple(letter.id for letter in wanted if letter.id in left and letter.id not in ordered),
    )


def _require(actor: str, reason: str) -> None:
    if not shows_something(actor) or not shows_something(reason):
        raise ValueError("an actor and a reason are needed")
    if not storable(actor) or not storable(reason):
        raise ValueError("an actor and a reason are short texts")


async def _handled(connection: Connection, letters: Sequence[DeadLetter], patience: float) -> None:
    """Wait until each is resolved, has failed again or waits behind one that did; or until nothing happens any more."""
    before: dict[int, int] = {}
    until = monotonic() + patience
    while monotonic() < until:
        asked = monotonic()
        standing = {each.id: each.attempts for each in await waiting(connection, [letter.id for letter in letters])}
        if not _hopeful(letters, standing):
            return
        if standing != before:
            before, until = standing, monotonic() + patience
        # Of very many, looking takes long itself: the service is to have most of the database's time.
        await asyncio.sleep(max(_WATCH_SECONDS, 5 * (monotonic() - asked)))


def _hopeful(letters: Sequence[DeadLetter], standing: Mapping[int, int]) -> set[int]:
    """Those that may still be resolved, given the attempts of those that wait."""
    stopped: set[bytes] = set()
    hopeful = set()
    for letter in letters:
        if letter.id not in standing or letter.lane in stopped:
            continue
        if standing[letter.id] > letter.attempts:
            stopped |= {letter.lane} if letter.lane is not None else set()
        else:
            hopeful.add(letter.id)
    return hopeful


async def order_snapshots(settings: Settings, services: Iterable[str], order: SnapshotOrder) -> None:
    """Order these services to publish all facts that they keep once more. An order that is known to one does nothing there.

    Raises:
        ValueError: it does not say who orders it, or why.
    """
    _require(order.actor, order.reason)
    await _give(settings, [(service, spell_snapshot(order)) for service in services])


async def _send(settings: Settings, service: str, orders: Sequence[Replay]) -> None:
    if orders:
        await _give(settings, [(service, spell(order)) for order in orders])


async def _give(settings: Settings, orders: Iterable[tuple[str, bytes]]) -> None:
    producer = AIOKafkaProducer(**settings.kafka_arguments(), enable_idempotence=True, acks="all")
    await producer.start()
    try:
        for service, order in orders:
            # One at a time: an order is rare, and their sequence is the point of it.
            await producer.send_and_wait(replay_topic(service).name(), order)
    finally:
        await producer.stop()


async def _fetch_whole(settings: Settings, service: str, connection: Connection, numbers: frozenset[int]) -> None:
    """Put into the store what a release before 0.2 left on the dead-letter topic, wherever on it it is."""
    topic = dead_letter_topic(service).name()
    consumer = AIOKafkaConsumer(**settings.kafka_arguments(), enable_auto_commit=False, isolation_level="read_committed")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found = await _scan(consumer, await consumer.end_offsets(partitions), numbers)
    finally:
        await consumer.stop()
    for number, record in found.items():
        await dead_letters.keep(connection, number, record)


async def _partitions(consumer: Any, topic: str) -> set[int]:
    await consumer.topics()
    return await patches.partitions_of(consumer, topic)


async def _scan(consumer: Any, ends: Mapping[TopicPartition, int], numbers: frozenset[int]) -> dict[int, Record]:
    found: dict[int, Record] = {}
    until = monotonic() + READ_SECONDS
    while len(found) < len(numbers) and monotonic() < until:
        fetched = await consumer.getmany(timeout_ms=200)
        for record in (record for records in fetched.values() for record in records):
            named = dict(record.headers)
            number = int(named.get(ID_HEADER) or b"0")
            if number in numbers:
                found[number] = _original(record, named)
        if all([await consumer.position(partition) >= end for partition, end in ends.items()]):
            break
    return found


def _original(record: Any, named: Mapping[str, bytes | None]) -> Record:
    headers, value = unpack(record.value)
    place = [int(named[f"conduit-{name}"] or b"0") for name in ("partition", "offset", "timestamp")]
    topic = (named["conduit-topic"] or b"").decode()
    return Record(topic, place[0], place[1], record.key, headers, value, place[2])
