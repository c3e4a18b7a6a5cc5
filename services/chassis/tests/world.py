"""Kafka and PostgreSQL as the chassis' tests use them."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from conduit_chassis.app import Service, serve
from conduit_chassis.consumer import patches
from conduit_chassis.records import Record
from conduit_chassis.settings import Settings
from conduit_chassis.testing import record, settings_for
from services.chassis.tests.sample import Noted, Sample

Headers = Sequence[tuple[str, bytes | None]]


async def eventually(check: Callable[[], Awaitable[Any]], what: str, seconds: float = 20) -> Any:
    """Wait until something holds."""
    until = monotonic() + seconds
    while True:
        found = await check()
        if found:
            return found
        if monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.02)


class Door:
    """A way to a server that is shut at first: whoever comes is refused."""

    def __init__(self, address: str, taken: socket.socket) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._socket = taken
        self._server: asyncio.Server | None = None
        self.port: int = taken.getsockname()[1]

    @classmethod
    async def shut(cls, address: str) -> "Door":
        """To the server at `address`. The port is taken and nobody listens."""
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        return cls(address, taken)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._let_in, sock=self._socket)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._socket.close()

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(_pass_on(reader, to_there), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while found := await reader.read(65_536):
            writer.write(found)
            await writer.drain()
    writer.close()


@dataclass
class Running:
    """A service running in this process."""

    stop: asyncio.Event
    task: asyncio.Task[int]

    async def end(self) -> int:
        self.stop.set()
        return await self.task


@dataclass
class World:
    """The servers, and a sample service's topics and database on them."""

    bootstrap: str
    dsn: str
    sample: Sample = field(default_factory=lambda: Sample(f"s{uuid4().hex[:8]}"))
    _connection: Any = None

    def settings(self, **overrides: Any) -> Settings:
        return settings_for(self.bootstrap, self.dsn, **{"drain_seconds": 10.0, "heartbeat_interval_ms": 300} | overrides)

    async def create(self, *names: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(config or {})) for name in names])
        finally:
            await admin.close()
        await self._wait_for_leaders(names, partitions)

    async def _wait_for_leaders(self, names: Sequence[str], partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()

        async def led() -> bool:
            found = await admin.describe_topics(list(names))
            return all(
                len(each["partitions"]) == partitions and all(part["leader"] >= 0 for part in each["partitions"])
                for each in found
            )

        try:
            await eventually(led, f"leaders of {names}")
        finally:
            await admin.close()

    async def delete(self, name: str) -> None:
        """Take a topic away."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([name])
        finally:
            await admin.close()

    async def configure(self, name: str, config: Mapping[str, str]) -> None:
        """Give a topic other settings; those that are not named go back to the broker's defaults."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict(config))])
        finally:
            await admin.close()

    async def create_all(self) -> None:
        sample = self.sample
        await self.create(sample.inside.template, sample.out.template, partitions=3)
        await self.create(sample.second.template, sample.edge.name("one"), sample.edge.name("two"))
        await self.create(sample.dead_letters, sample.replays)

    async def send(self, *records: Record, apart: float = 0.0) -> None:
        """Write records in order, with so many seconds after each."""
        async with self.producer() as producer:
            for each in records:
                await producer.send_and_wait(each.topic, each.value, key=each.key, headers=list(each.headers))
                await asyncio.sleep(apart)

    async def flood(self, records: Sequence[Record]) -> None:
        """Write many records at once, in order per key."""
        async with self.producer(linger_ms=5, max_batch_size=256 * 1024) as producer:
            sent = [
                await producer.send(each.topic, each.value, key=each.key, headers=list(each.headers)) for each in records
            ]
            await asyncio.gather(*sent)

    @asynccontextmanager
    async def producer(self, **more: Any) -> AsyncIterator[Any]:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, max_request_size=8_000_000, **more)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    def noted(self, number: int, key: str | None = "k", *, topic: str | None = None, **more: Any) -> Record:
        name = topic or self.sample.inside.template
        fields = {name: more.pop(name) for name in ("action", "words", "partner_id") if name in more}
        return record(name, key, Noted(number=number, **fields), **more)

    async def read(self, topic: str) -> list[Any]:
        """All that a topic holds, in order per partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            numbers = await patches.partitions_of(consumer, topic)
            partitions = [TopicPartition(topic, number) for number in numbers]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[Any] = []
            while any([await consumer.position(each) < ends[each] for each in partitions]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await consumer.stop()

    async def committed(self, topic: str) -> int:
        """The sum of the committed offsets of the sample's group on a topic."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=f"conduit.{self.sample.name}", enable_auto_commit=False
        )
        await consumer.start()
        try:
            numbers = await patches.partitions_of(consumer, topic)
            return sum([await consumer.committed(TopicPartition(topic, number)) or 0 for number in numbers])
        finally:
            await consumer.stop()

    async def connection(self) -> Any:
        """To the database, as long as the world stands."""
        if self._connection is None:
            self._connection = await asyncpg.connect(self.dsn)
        return self._connection

    async def sql(self, query: str, *arguments: Any) -> list[Any]:
        rows: list[Any] = await (await self.connection()).fetch(query, *arguments)
        return rows

    async def effects(self, kind: str = "kept") -> list[Any]:
        return await self.sql("SELECT topic, key, number, principal FROM effects WHERE kind = $1 ORDER BY id", kind)

    async def numbers(self) -> list[int]:
        return [row["number"] for row in await self.effects()]

    async def wait_for_numbers(self, *wanted: int, seconds: float = 20) -> None:
        async def all_there() -> bool:
            return sorted(await self.numbers()) == sorted(wanted)

        await eventually(all_there, f"effects {wanted}", seconds)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    @asynccontextmanager
    async def running(self, service: Service[Any] | None = None, **settings: Any) -> AsyncIterator[Running]:
        """The sample in this process, stopped at the end."""
        stop = asyncio.Event()
        task = asyncio.create_task(serve(service or self.sample.service(), self.settings(**settings), stop))
        running = Running(stop, task)
        try:
            yield running
        finally:
            await running.end()

    @contextmanager
    def process(self, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """The sample as a process of its own, which does not outlive the block."""
        named = {
            "SAMPLE_PREFIX": self.sample.name,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "POSTGRES_DSN": self.dsn,
            "HTTP_PORT": "0",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, str(Path(__file__).parent / "sample.py")]
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                command, env=os.environ | named | environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)
