"""A broker that loses the end of a partition gives its offsets again: whoever was past them must see the new records."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from conduit_contracts.kits.fetching import Consumer
from conduit_local.kafka import EmbeddedKafka
from conduit_local.kafka_archive import keep_archive
from conduit_operate.paths import cache_dir
from tests.support.damage import cut

pytestmark = pytest.mark.kafka
BEFORE, KEPT = 10, 6
POLLS = 120


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    folder = tmp_path_factory.mktemp("cut")
    kafka = EmbeddedKafka(folder, archive=keep_archive(cache_dir(), print))
    kafka.start()
    try:
        yield kafka
    finally:
        kafka.stop()


@pytest.fixture
def topic(broker: EmbeddedKafka) -> str:
    name = f"cut-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    for future in admin.create_topics([NewTopic(name, 1, 1)]).values():
        future.result(20)
    return name


def send(broker: EmbeddedKafka, topic: str, values: Sequence[str]) -> None:
    """Each in a batch of its own."""
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0, "log_level": 0})
    for value in values:
        producer.produce(topic, value.encode())
        assert producer.flush(30) == 0


def lose_the_end(broker: EmbeddedKafka, topic: str, after: Sequence[str]) -> None:
    """All in one step of the loop, so that no consumer in this process looks in between."""
    broker.kill()
    cut(Path(broker.data_dir), topic, 0, KEPT)
    broker.start()
    send(broker, topic, after)


@asynccontextmanager
async def reading(broker: EmbeddedKafka, topic: str, group: str, **more: Any) -> AsyncIterator[Consumer]:
    consumer = Consumer(
        topic,
        bootstrap_servers=broker.bootstrap_servers,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **more,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: Consumer, wanted: set[str]) -> list[str]:
    """Until all that is wanted came, or for half a minute."""
    found: list[str] = []
    for _ in range(POLLS):
        polled = await consumer.fetching.poll(250, 100)
        found += [record.value.decode() for records in polled.values() for record in records]
        if wanted <= set(found):
            break
    return found


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


@pytest.mark.parametrize("count", [3, BEFORE - KEPT, 8], ids=["less", "exactly as many", "more"])
async def test_the_new_records_at_offsets_that_were_read_before_are_read(
    broker: EmbeddedKafka, topic: str, count: int
) -> None:
    send(broker, topic, old := names("old", BEFORE))
    async with reading(broker, topic, topic) as consumer:
        assert await read(consumer, set(old)) == old
        lose_the_end(broker, topic, new := names("new", count))
        found = await read(consumer, set(new))
    assert [each for each in found if each in new] == new


async def test_so_they_are_by_whoever_reads_on_from_a_committed_position(broker: EmbeddedKafka, topic: str) -> None:
    """A service that was down meanwhile remembers nothing itself."""
    place = TopicPartition(topic, 0)
    send(broker, topic, old := names("old", BEFORE))
    async with reading(broker, topic, topic) as consumer:
        assert await read(consumer, set(old)) == old
        await consumer.commit({place: (BEFORE, consumer.fetching.epoch(place, BEFORE))})
    lose_the_end(broker, topic, new := names("new", 8))
    jumps: list[tuple[TopicPartition, int, int]] = []
    async with reading(broker, topic, topic, jumped=lambda *jump: jumps.append(jump)) as consumer:
        found = await read(consumer, set(new))
    assert [each for each in found if each in new] == new
    assert jumps == [(place, BEFORE, 0)]


async def test_a_restart_that_loses_nothing_brings_nothing_twice(broker: EmbeddedKafka, topic: str) -> None:
    send(broker, topic, old := names("old", BEFORE))
    jumps: list[tuple[TopicPartition, int, int]] = []
    async with reading(broker, topic, topic, jumped=lambda *jump: jumps.append(jump)) as consumer:
        assert await read(consumer, set(old)) == old
        broker.kill()
        broker.start()
        send(broker, topic, new := names("new", 3))
        assert await read(consumer, set(new)) == new
    assert jumps == []
