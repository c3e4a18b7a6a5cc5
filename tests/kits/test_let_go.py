"""What a fetch brought is let go of with its last record: services and force connectors run for months."""

from __future__ import annotations

import gc
from collections import Counter
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords

from conduit_contracts.kits.fetching import Consumer
from conduit_contracts.topics import TopicSpec
from conduit_operate.topics import create_topics

RECORDS = 40


async def test_what_was_fetched_is_let_go_of_at_once_and_not_when_the_collector_comes(kafka_bootstrap: str) -> None:
    topic = f"let-go-{uuid4().hex[:8]}"
    create_topics(kafka_bootstrap, [TopicSpec(topic, 1, {})])
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, max_batch_size=300_000)
    made = Consumer(topic, bootstrap_servers=kafka_bootstrap, group_id=topic, auto_offset_reset="earliest")
    await producer.start()
    await made.start()
    gc.collect()
    gc.disable()
    try:
        for _ in range(RECORDS):  # each alone, so that each is fetched alone
            await producer.send_and_wait(topic, b"x" * 200_000)
            while not await made.fetching.poll(timeout_ms=200, max_records=500):
                pass
        left = Counter(type(each) for each in gc.get_objects() if isinstance(each, (PartitionRecords, FetchResult)))
        assert all(count <= 1 for count in left.values()), left  # the last one, which the fetcher may still have
    finally:
        gc.enable()
        await made.stop()
        await producer.stop()
