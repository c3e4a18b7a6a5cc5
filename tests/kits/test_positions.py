"""Where a consumer begins: asked of the broker for all its partitions at once, however many there are."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator

from conduit_contracts.kits.fetching import Consumer
from conduit_contracts.topics import TopicSpec
from conduit_operate.topics import create_topics

PARTITIONS = 40


@pytest.fixture
async def topic(kafka_bootstrap: str) -> str:
    """One with a record on each of its partitions."""
    name = _new("positions")
    create_topics(kafka_bootstrap, [TopicSpec(name, PARTITIONS, {})])
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    try:
        for number in range(PARTITIONS):
            await producer.send_and_wait(name, b"first", partition=number)
    finally:
        await producer.stop()
    return name


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many partitions each request has asked where the group has read."""
    found: list[int] = []
    ask = GroupCoordinator._do_fetch_commit_offsets

    async def noting(coordinator: Any, partitions: list[TopicPartition]) -> Any:
        found.append(len(partitions))
        return await ask(coordinator, partitions)

    monkeypatch.setattr(GroupCoordinator, "_do_fetch_commit_offsets", noting)
    return found


def _new(word: str) -> str:
    return f"{word}-{uuid4().hex[:8]}"


async def read(made: Any, number: int) -> list[Any]:
    records: list[Any] = []
    async with asyncio.timeout(30):
        while len(records) < number:
            records += [each for found in (await made.getmany(timeout_ms=200)).values() for each in found]
    return records


def consumer(kind: type[AIOKafkaConsumer], bootstrap: str, topic: str, group: str) -> Any:
    return kind(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)


@pytest.mark.parametrize(
    ("kind", "requests"),
    # Ours learns from the same answer what was kept beside the committed positions.
    [(AIOKafkaConsumer, [1] * PARTITIONS), (Consumer, [PARTITIONS])],
)
async def test_a_request_asks_for_all_partitions_where_aiokafka_sends_one_for_each(
    kafka_bootstrap: str, topic: str, asked: list[int], kind: type[AIOKafkaConsumer], requests: list[int]
) -> None:
    made = consumer(kind, kafka_bootstrap, topic, _new("group"))
    await made.start()
    try:
        await read(made, PARTITIONS)
        assert asked == requests
    finally:
        await made.stop()


async def test_reading_goes_on_where_it_was_committed_and_begins_where_nothing_was(kafka_bootstrap: str, topic: str) -> None:
    group = _new("group")
    before = consumer(Consumer, kafka_bootstrap, topic, group)
    await before.start()
    try:
        await read(before, PARTITIONS)
        half = [TopicPartition(topic, number) for number in range(PARTITIONS // 2)]
        await before.commit(dict.fromkeys(half, 1))
    finally:
        await before.stop()
    after = consumer(Consumer, kafka_bootstrap, topic, group)
    await after.start()
    try:
        found = await read(after, PARTITIONS // 2)
        assert sorted(each.partition for each in found) == list(range(PARTITIONS // 2, PARTITIONS))
        assert await after.getmany(timeout_ms=300) == {}
    finally:
        await after.stop()


async def test_whoever_says_meanwhile_where_to_read_on_is_heeded(
    kafka_bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = consumer(Consumer, kafka_bootstrap, topic, _new("group"))
    ask = GroupCoordinator._do_fetch_commit_offsets

    async def seeking(coordinator: Any, partitions: list[TopicPartition]) -> Any:
        answer = await ask(coordinator, partitions)
        made.seek(TopicPartition(topic, 0), 1)
        return answer

    await made.start()
    try:
        await read(made, PARTITIONS)
        monkeypatch.setattr(GroupCoordinator, "_do_fetch_commit_offsets", seeking)
        made.unsubscribe()
        made.subscribe([topic])
        found = await read(made, PARTITIONS - 1)
        assert 0 not in {each.partition for each in found}
    finally:
        await made.stop()


async def seconds_until_others_are_read(made: Any, topic: str) -> float:
    """A fetch of a partition that has nothing waits for ten seconds; then others are assigned, which have a record each."""
    await made.start()
    try:
        quiet, *others = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        made.assign([quiet])
        await made.seek_to_end(quiet)
        await made.getmany(timeout_ms=500)
        began = monotonic()
        made.assign(others)
        for each in others:
            made.seek(each, 0)
        assert {each.partition for each in await read(made, len(others))} == {each.partition for each in others}
        return monotonic() - began
    finally:
        await made.stop()


async def test_after_partitions_moved_no_fetch_waits_behind_one_of_those_before(kafka_bootstrap: str, topic: str) -> None:
    """A broker answers what came on a connection in its order, so aiokafka's own first fetch waits behind the last one."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka_bootstrap,
        "enable_auto_commit": False,
        "fetch_max_wait_ms": 10_000,
    }
    assert await seconds_until_others_are_read(AIOKafkaConsumer(**options), topic) > 7
    assert await seconds_until_others_are_read(Consumer(**options), topic) < 5
