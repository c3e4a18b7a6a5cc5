"""Accounts for every story from the topics alone, once nothing moves any more.

A record may stand on a topic twice under one event id, after a relay's retry: a connector drops the second, and so does
this. What is left must be each story's records, all of them, once, and in order.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from conduit_contracts import topics
from conduit_contracts.geography import forces
from conduit_contracts.topics import SERVICES, Topic
from conduit_local.stack import Stack
from conduit_operate.lag import Lag
from conduit_operate.secured import ADMIN
from tests.scale.stories import INFORMATION, PARTNERS, Story

READ_SECONDS = 30.0


class Fact(NamedTuple):
    """One record, as far as accounting needs it."""

    event_id: str
    kind: str
    value: dict[str, Any]


@dataclass
class Read:
    """One topic's records after dropping repetitions, in the order in which each partition has them."""

    facts: list[Fact] = field(default_factory=list)
    repeated: int = 0
    altered: list[str] = field(default_factory=list)
    """Event ids under which two different records stand."""


def unfinished(stack: Stack) -> int:
    """Records that a service has still to read, and events that still wait to be sent."""
    return Lag(stack.broker).of_all(SERVICES) + sum(_outbox(stack.dsns[service]) for service in SERVICES)


def _outbox(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM dead_letters)").fetchone()
    return int(row[0]) if row else 0


def complaints(stack: Stack, told: Sequence[Story]) -> tuple[list[str], int]:
    """All that is not as it should be, and how many records stood on a topic a second time."""
    received = read(stack, topics.INTAKE_REFERRALS, [None])
    cases = read(stack, topics.FORCE_CASES, forces())
    updates = read(stack, topics.PARTNER_UPDATES, PARTNERS)
    every = [*received.values(), *cases.values(), *updates.values()]
    wrong = [f"event id {each} stands for two records" for found in every for each in found.altered]
    ids: dict[str, list[str]] = defaultdict(list)
    for fact in received[None].facts:
        if fact.kind == "referral-received":
            ids[fact.value["partner_reference"]].append(fact.value["referral_id"])
    seen = {force_id: _by_referral(found.facts) for force_id, found in cases.items() if force_id}
    said = _by_referral([fact for found in updates.values() for fact in found.facts])
    for story in told:
        wrong += [f"{story.reference}: {text}" for text in _judge(story, ids[story.reference], seen, said)]
    received_ids = {each for found in ids.values() for each in found}
    unknown = {referral_id for by_referral in seen.values() for referral_id in by_referral} - received_ids
    wrong += [f"a force was told of {referral_id}, which intake never received" for referral_id in sorted(unknown)]
    return wrong, sum(each.repeated for each in every)


def _judge(
    story: Story, ids: list[str], seen: dict[str, dict[str, list[Fact]]], said: dict[str, list[Fact]]
) -> Iterator[str]:
    if len(ids) != 1:
        yield f"was received {len(ids)} times"
        return
    for force_id, by_referral in seen.items():
        facts = by_referral.get(ids[0], [])
        expected = story.told if force_id in story.forces else ()
        if tuple(fact.kind for fact in facts) != expected:
            yield f"{force_id} got {[fact.kind for fact in facts]}, not {list(expected)}"
    additions = [fact.value.get("text") for fact in seen[story.forces[0]].get(ids[0], []) if fact.kind == INFORMATION]
    if additions != [f"Synthetic addition {number}." for number in range(1, len(additions) + 1)]:
        yield f"additions reached the home force as {additions}"
    revisions = [fact.value["revision"] for fact in said.get(ids[0], [])]
    if revisions != list(range(1, len(revisions) + 1)) or not revisions:
        yield f"its partner heard the revisions {revisions}"
    twice = [fact for fact, times in Counter(fact.value["fact"] for fact in said.get(ids[0], [])).items() if times > 1]
    if any(fact != "information_supplied" for fact in twice):
        yield f"its partner heard twice: {twice}"


def _by_referral(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.value["referral_id"]].append(fact)
    return found


def read(stack: Stack, topic: Topic, principals: Collection[str | None]) -> dict[str | None, Read]:
    """All that stands on these topics now, by whose topic it is."""
    consumer = Consumer({**stack.broker.librdkafka(ADMIN), "group.id": "operator.scale", "enable.auto.commit": False})
    names = {topic.name(principal): principal for principal in principals}
    found = {principal: Read() for principal in principals}
    values: dict[tuple[str, str], bytes] = {}
    try:
        for message in _all(consumer, [TopicPartition(name, n, 0) for name in names for n in range(topic.partitions)]):
            _note(message, found[names[message.topic() or ""]], values)
    finally:
        consumer.close()
    return found


def _all(consumer: Consumer, partitions: list[TopicPartition]) -> Iterator[Message]:
    left = sum(consumer.get_watermark_offsets(partition, timeout=READ_SECONDS)[1] for partition in partitions)
    consumer.assign(partitions)
    deadline = time.monotonic() + READ_SECONDS
    while left > 0:
        assert time.monotonic() < deadline, f"{left} records were not read within {READ_SECONDS:.0f} s"
        for message in consumer.consume(1000, timeout=0.2):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            left -= 1
            yield message


def _note(message: Message, found: Read, values: dict[tuple[str, str], bytes]) -> None:
    headers = dict(message.headers() or [])
    event_id, kind = _text(headers["ce_id"]), _text(headers["ce_type"]).split(".")[-2]
    value, key = message.value() or b"", (message.topic() or "", event_id)
    if key in values:
        found.repeated += 1
        if values[key] != value:
            found.altered.append(event_id)
        return
    values[key] = value
    found.facts.append(Fact(event_id, kind, json.loads(value)))


def _text(header: str | bytes | None) -> str:
    return header.decode("ascii") if isinstance(header, bytes) else header or ""
