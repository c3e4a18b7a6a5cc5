"""The limit: bare aiokafka and asyncpg with the conduit's hops, bytes and durability, and no domain work at all.

Each stage takes a batch, stores each record's id and body with one INSERT that is on disk when it returns, publishes what
the conduit publishes at this hop in number and size (idempotent, acks=all), waits for the confirmations, and commits
offsets. Nothing that it takes is lost; nothing is read, checked, decided, encrypted, or kept in order but by Kafka itself.
Run as `python -m tests.benchmarks.bare <stage>` with POSTGRES_DSN, BARE_PLAN and Kafka's variables.
"""

import asyncio
import json
import os
import re
import signal
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from conduit_chassis.settings import Settings
from tests.benchmarks.shapes import PARTS_HEADER, Plan

BATCH_RECORDS = 500
"""As many as the conduit's services take at most."""
_TABLE = "CREATE TABLE IF NOT EXISTS bare_records (event_id text PRIMARY KEY, body bytea NOT NULL)"
_INSERT = "INSERT INTO bare_records SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING"
_REFERENCE = re.compile(rb'"partner_reference":"[^"]+"')


class Out(NamedTuple):
    """A record to be published."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class _Target:
    """What one kind of record brings about on one kind of topic."""

    topics: Sequence[str]
    partitions: int
    value_bytes: int
    per_record: float
    """0 where it is the record's own number of forces."""
    owed: float = 0.0

    def records(self, key: bytes, parts: int, value: bytes, headers: list[tuple[str, bytes]]) -> Iterator[Out]:
        self.owed += self.per_record or parts
        digest = zlib.crc32(key)
        while self.owed >= 1:
            self.owed -= 1
            number = int(self.owed)
            topic = self.topics[(digest + number) % len(self.topics)]
            yield Out(topic, digest % self.partitions, key, _fill(value, self.value_bytes), headers)


def _fill(value: bytes, size: int) -> bytes:
    """As many bytes as the conduit's record has; the referral's reference stays in it."""
    found = _REFERENCE.search(value)
    mark = b"{" + (found[0] if found else b"") + b',"padding":"'
    rest = max(0, size - len(mark) - 2)
    body = value if len(value) >= rest else value * (rest // max(1, len(value)) + 1)
    # Quotes within are harmless: nobody parses it.
    return mark + body[:rest] + b'"}'


class Stage:
    """One of the four processes."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self._sources = {topic: source for source in plan.sources for topic in source.topics}
        self._targets = {
            source.name: [_Target(t.topics, t.partitions, t.value_bytes, t.per_record) for t in source.targets]
            for source in plan.sources
        }
        kafka = settings.kafka_arguments()
        self._consumer: Any = AIOKafkaConsumer(
            *self._sources,
            **kafka,
            group_id=f"bench.bare.{plan.stage}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        self._producer: Any = AIOKafkaProducer(
            **kafka, enable_idempotence=True, acks="all", max_batch_size=256 * 1024, max_request_size=8 * 1024 * 1024
        )
        self._dsn = settings.postgres_dsn.get_secret_value()

    async def run(self) -> None:
        """Until cancelled."""
        connection = await asyncpg.connect(self._dsn)
        await connection.execute(_TABLE)
        await self._producer.start()
        await self._consumer.start()
        try:
            while True:
                batches = await self._consumer.getmany(timeout_ms=1000, max_records=BATCH_RECORDS)
                if batches:
                    await self._handle(connection, batches)
        finally:
            await self._consumer.stop()
            await self._producer.stop()
            await connection.close()

    async def _handle(self, connection: Any, batches: dict[TopicPartition, list[Any]]) -> None:
        records = [record for batch in batches.values() for record in batch]
        kept = [self._sources[record.topic].stored_bytes for record in records]
        ids = [f"{record.topic}/{record.partition}/{record.offset}" for record in records]
        bodies = [record.value if size is None else record.value[:size] for record, size in zip(records, kept, strict=True)]
        await connection.execute(_INSERT, ids, bodies)
        await self._publish(records)
        await self._consumer.commit({place: batch[-1].offset + 1 for place, batch in batches.items()})

    async def _publish(self, records: Sequence[Any]) -> None:
        groups: defaultdict[tuple[str, int], list[Out]] = defaultdict(list)
        for record in records:
            parts = int(dict(record.headers).get(PARTS_HEADER, b"1"))
            for target in self._targets[self._sources[record.topic].name]:
                for out in target.records(record.key, parts, record.value, [*record.headers]):
                    groups[out.topic, out.partition].append(out)
        futures = [
            future for (topic, partition), group in groups.items() for future in await self._send(topic, partition, group)
        ]
        for future in futures:
            await future

    async def _send(self, topic: str, partition: int, group: Sequence[Out]) -> list[Any]:
        futures: list[Any] = []
        batch = self._producer.create_batch()
        for out in group:
            if batch.append(timestamp=None, key=out.key, value=out.value, headers=out.headers) is None:
                futures.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=out.key, value=out.value, headers=out.headers)
        futures.append(await self._producer.send_batch(batch, topic, partition=partition))
        return futures


async def _main() -> None:
    plan = Plan.read(json.loads(os.environ["BARE_PLAN"]), sys.argv[1])
    running = asyncio.create_task(Stage(plan, Settings()).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    uvloop.run(_main())
