"""Brings dead letters back, in their original order, once their cause is mended; or gives them up. Both say who and why.

A replay is the original record, on its original topic, with one header more. The row of the dead letter is its inbox: it
takes effect if the row still waits, and resolves it in the same transaction, so replaying twice is harmless.

Order holds because a lane's records wait behind its first dead letter, and a replay counts only in its turn. Records of
one lane may have come from different topics, between which Kafka keeps no order: therefore one round takes, per lane,
only the first ones that share a partition, and the next round follows when those are resolved.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from conduit_chassis.dead_letters import ID_HEADER, unpack
from conduit_chassis.kafka import REPLAY_HEADER
from conduit_chassis.settings import Settings
from conduit_contracts.texts import shows_something

_SELECT = """
SELECT id, topic, partition, record_offset, key, lane, reason, error_class, attempts, at FROM dead_letters
WHERE resolved_at IS NULL AND ($1::bigint[] IS NULL OR id = ANY($1)) ORDER BY id
"""
_LEFT = "SELECT id FROM dead_letters WHERE resolved_at IS NULL AND id = ANY($1::bigint[])"
_ATTEMPTS = "SELECT coalesce(sum(attempts), 0) FROM dead_letters WHERE id = ANY($1::bigint[])"
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


@dataclass(frozen=True)
class Replayed:
    """How a replay went."""

    resolved: tuple[int, ...]
    waiting: tuple[int, ...]
    """Failed again, or behind one that did."""
    unfound: tuple[int, ...] = ()
    """No longer on the dead-letter topic."""


@dataclass(frozen=True)
class _Original:
    topic: str
    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    value: bytes | None


async def waiting(connection: Any, ids: Sequence[int] | None = None) -> list[DeadLetter]:
    """Dead letters that wait, in order: all of them, or those of `ids`."""
    return [DeadLetter(*row) for row in await connection.fetch(_SELECT, None if ids is None else list(ids))]


async def discard(connection: Any, ids: Sequence[int], *, actor: str, reason: str) -> tuple[int, ...]:
    """Give dead letters up: what waits behind them may be replayed. Returns those that still waited."""
    _require(actor, reason)
    async with connection.transaction():
        given_up = [row[0] for row in await connection.fetch(_DISCARD, list(ids))]
        await connection.execute(_NOTE, given_up, "discarded", actor, reason)
    return tuple(given_up)


async def replay(
    settings: Settings,
    service: str,
    connection: Any,
    *,
    actor: str,
    reason: str,
    ids: Sequence[int] | None = None,
    patience: float = 30.0,
) -> Replayed:
    """Send dead letters of a service back to where they came from: those of `ids`, or all that wait.

    The service must run, as it handles them. Each round gets `patience` seconds to be handled.
    """
    _require(actor, reason)
    wanted = await waiting(connection, ids)
    chosen = [letter.id for letter in wanted]
    originals = await _read(settings, service, frozenset(chosen)) if chosen else {}
    sent: set[int] = set()
    while group := _round([letter for letter in await waiting(connection, chosen) if letter.id in originals]):
        numbers = [letter.id for letter in group]
        attempts = await connection.fetchval(_ATTEMPTS, numbers)
        await connection.execute(_NOTE, numbers, "replayed", actor, reason)
        await _send(settings, service, [(number, originals[number]) for number in numbers])
        sent.update(numbers)
        if not await _handled(connection, numbers, attempts, patience):
            break
    left = {row[0] for row in await connection.fetch(_LEFT, chosen)}
    return Replayed(
        resolved=tuple(number for number in chosen if number not in left),
        waiting=tuple(number for number in chosen if number in left and number in originals),
        unfound=tuple(number for number in chosen if number not in originals),
    )


def _require(actor: str, reason: str) -> None:
    if not shows_something(actor) or not shows_something(reason):
        raise ValueError("an actor and a reason are needed")


def _round(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Of each lane, the first letters that lie in one partition; all of those that have no lane."""
    place: dict[bytes, tuple[str, int]] = {}
    closed: set[bytes] = set()
    chosen = []
    for letter in letters:
        here = (letter.topic, letter.partition)
        if letter.lane is not None and place.setdefault(letter.lane, here) != here:
            closed.add(letter.lane)
        if letter.lane is None or letter.lane not in closed:
            chosen.append(letter)
    return chosen


async def _handled(connection: Any, numbers: list[int], attempts: int, patience: float) -> bool:
    """Wait until all of a round are resolved; False where one failed again or nothing happens any more."""
    until = monotonic() + patience
    while monotonic() < until:
        if not await connection.fetch(_LEFT, numbers):
            return True
        if await connection.fetchval(_ATTEMPTS, numbers) > attempts:
            return False
        await asyncio.sleep(_WATCH_SECONDS)
    return False


async def _send(settings: Settings, service: str, letters: Sequence[tuple[int, _Original]]) -> None:
    producer = AIOKafkaProducer(
        **settings.kafka_arguments(), enable_idempotence=True, acks="all", max_request_size=8 * 1024 * 1024
    )
    await producer.start()
    try:
        for number, original in letters:
            headers = [*original.headers, (REPLAY_HEADER, f"{service}/{number}".encode())]
            # One at a time: a replay is rare, and its order is the point of it.
            await producer.send_and_wait(original.topic, original.value, key=original.key, headers=headers)
    finally:
        await producer.stop()


async def _read(settings: Settings, service: str, numbers: frozenset[int]) -> Mapping[int, _Original]:
    """The wanted records from the service's dead-letter topic, wherever on it they are."""
    topic = f"{service}.dead-letters.v1"
    consumer = AIOKafkaConsumer(**settings.kafka_arguments(), enable_auto_commit=False, isolation_level="read_committed")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        return await _scan(consumer, await consumer.end_offsets(partitions), numbers)
    finally:
        await consumer.stop()


async def _partitions(consumer: Any, topic: str) -> set[int]:
    await consumer.topics()
    found: set[int] = await consumer._client._wait_on_metadata(topic)
    return found


async def _scan(consumer: Any, ends: Mapping[TopicPartition, int], numbers: frozenset[int]) -> dict[int, _Original]:
    found: dict[int, _Original] = {}
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


def _original(record: Any, named: Mapping[str, bytes | None]) -> _Original:
    headers, value = unpack(record.value)
    return _Original((named["conduit-topic"] or b"").decode(), record.key, headers, value)
