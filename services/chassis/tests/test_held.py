"""What one topic cannot take holds no other topic's events up, and is over once the topic takes them."""

import asyncio
import gc
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from time import time
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import MessageBatch
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from conduit_chassis import metrics, rejected
from conduit_chassis import producer as producers
from conduit_chassis.headers import unpack_headers
from conduit_chassis.held import Holds, Trial
from conduit_chassis.producer import Pending, Producer
from conduit_chassis.relay import Relay
from conduit_chassis.scan import ROUND_BYTES
from services.chassis.tests.relaying import INSERT, empty, first_copies, publish, relaying
from services.chassis.tests.world import World, eventually

# Topics that are there, or were, and cannot be written: what a broker really says, once for all or again and again.
GONE = {"gone": ""}
UNWRITABLE: dict[str, dict[str, str]] = {
    "deleted": GONE,
    "compacted, and its events have no key": {"cleanup.policy": "compact"},
    "timestamps are refused": {"message.timestamp.before.max.ms": "1"},
}
EVENT = "INSERT INTO outbox (shard, topic, headers, value) VALUES (0, $1, 'a:b', 'x')"


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records bear a time that is two hours ago, as where the machine's clock is wrong."""

    def append(batch: Any, row: Pending) -> bool:
        headers = unpack_headers(row.headers)
        return (
            batch.append(timestamp=int(time() * 1000) - 7_200_000, key=row.key, value=row.value, headers=headers) is not None
        )

    monkeypatch.setattr(producers, "_append", append)


def errors_counted() -> float:
    """Failures of relays so far, of whatever class."""
    (metric,) = [each for each in REGISTRY.collect() if each.name == "conduit_relay_errors"]
    return sum(sample.value for sample in metric.samples if sample.name.endswith("_total"))


@pytest.mark.usefixtures("slow_clock")
@pytest.mark.parametrize("config", UNWRITABLE.values(), ids=UNWRITABLE.keys())
async def test_a_topic_that_cannot_be_written_holds_no_other_up(
    world: World, config: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unwritable, topic = f"{world.sample.name}.unwritable.v1", world.sample.out.template
    await world.create(unwritable, config={} if config is GONE else config)
    await world.create(topic, partitions=3)
    pauses: list[BaseException] = []
    pause = Relay._after_failure

    async def noted(self: Relay, error: BaseException) -> None:
        pauses.append(error)
        await pause(self, error)

    monkeypatch.setattr(Relay, "_after_failure", noted)

    async def others_left() -> bool:
        return {row["topic"] for row in await world.sql("SELECT topic FROM outbox")} == {unwritable}

    before, number = errors_counted(), 0
    async with relaying(world, relay_confirm_seconds=3) as relay:
        if config is GONE:
            await world.sql(EVENT, unwritable)
            await eventually(lambda: empty(world), "the topic to be known")
            await world.delete(unwritable)
        await world.sql(EVENT, unwritable)
        while errors_counted() - before < 4:
            await publish(world, (f"k{number % 7}", number))
            relay.wake()
            await eventually(others_left, "the other topic's event to leave")
            number += 1
        assert pauses == []
        await (world.create(unwritable) if config is GONE else world.configure(unwritable, {}))
        await eventually(lambda: empty(world), "the topic to be written again", 60)
    assert len(await world.read(unwritable)) == 1
    assert sorted(await first_copies(world)) == list(range(number))
    assert not await world.sql("SELECT FROM outbox_rejected")


class Noting(Producer):
    """Keeps how many rows each of its batches has."""

    batches: list[int] = []  # noqa: RUF012 - emptied by the test

    async def send(self, rows: Any) -> Any:
        sent = await super().send(rows)
        Noting.batches += [len(batch.ids) for batch in sent]
        return sent


async def test_after_a_refusal_rows_travel_together_again(world: World) -> None:
    topic = world.sample.out.template
    await world.create(topic, config={"max.message.bytes": "20000"})
    connection = await asyncpg.connect(world.dsn)
    sizes = [100, 30_000, 200, 40_000, 300]
    async with connection.transaction():
        for number, size in enumerate(sizes):
            await connection.execute(INSERT, topic, b"k%d" % number, b'{"number":%d}' % number + b" " * size)
    await connection.close()
    async with relaying(world, producer=Noting) as relay:
        await eventually(lambda: empty(world), "an empty outbox")
        Noting.batches.clear()
        await publish(world, *(("k", number) for number in range(100, 150)))
        relay.wake()
        await eventually(lambda: empty(world), "an empty outbox")
        assert max(Noting.batches) > 1
    assert await first_copies(world) == [0, 2, 4, *range(100, 150)]
    kept = await world.sql("SELECT reason FROM outbox_rejected")
    assert [row["reason"].rpartition(".")[2] for row in kept] == ["MessageSizeTooLargeError"] * 2


@pytest.mark.parametrize("seed", range(5))
async def test_rows_that_are_refused_are_kept_aside_and_what_follows_waits_for_a_decision(world: World, seed: int) -> None:
    topic, random = world.sample.out.template, Random(seed)
    await world.create(topic, partitions=2, config={"max.message.bytes": "5000"})
    sizes = [random.choice((10, 10, 10, 1_500, 6_000)) for _ in range(60)]
    connection = await asyncpg.connect(world.dsn)
    async with relaying(world, relay_batch=25):
        for number, size in enumerate(sizes):
            await connection.execute(INSERT, topic, b"k%d" % (number % 3), b'{"number":%d}' % number + b" " * size)
        given_up = 0
        while not await empty(world):
            ids = [row["id"] for row in await world.sql("SELECT id FROM outbox_rejected")]
            given_up += len(await rejected.discard(connection, ids, actor="Ada", reason="it never can"))
            await asyncio.sleep(0.1)
        given_up += len(await world.sql("SELECT FROM outbox_rejected"))
    await connection.close()
    for key in range(3):
        found = [
            int(each.value.split(b":")[1].split(b"}")[0]) for each in await world.read(topic) if each.key == b"k%d" % key
        ]
        first = list(dict.fromkeys(found))
        assert first == [number for number, size in enumerate(sizes) if number % 3 == key and size < 6_000]
    assert given_up == sum(size == 6_000 for size in sizes)


class Measuring(Producer):
    """Keeps how many bytes it was given at once."""

    rounds: list[int] = []  # noqa: RUF012 - emptied by the test

    async def send(self, rows: Any) -> Any:
        Measuring.rounds.append(sum(len(row.value) for row in rows))
        return await super().send(rows)


@pytest.mark.parametrize("seed", range(3))
async def test_a_round_reads_no_more_than_its_bytes(world: World, seed: int) -> None:
    topic, random = world.sample.out.template, Random(seed)
    await world.create(topic)
    # Around what is read at once and what is only measured at first, too.
    sizes = [random.choice((200, 8_300, 8_400, 20_000, 1_000_000)) for _ in range(60)]
    connection = await asyncpg.connect(world.dsn)
    for number, size in enumerate(sizes):
        await connection.execute(INSERT, topic, b"k", b'{"number":%d}' % number + b" " * size)
    await connection.close()
    Measuring.rounds.clear()
    async with relaying(world, producer=Measuring):
        await eventually(lambda: empty(world), "an empty outbox", 60)
    assert max(Measuring.rounds) <= ROUND_BYTES
    assert sum(Measuring.rounds) == sum(size + len(b'{"number":%d}' % number) for number, size in enumerate(sizes))
    found = [each.value.rstrip() for each in await world.read(topic)]
    assert found == [b'{"number":%d}' % number for number in range(60)]


@pytest.mark.parametrize("largest", [200, 1_500_000])
async def test_what_was_sent_is_let_go_of_at_once_and_not_when_the_collector_comes(world: World, largest: int) -> None:
    topic = world.sample.out.template
    await world.create(topic, partitions=3, config={"max.message.bytes": "1000000"})
    producer = Producer(world.settings(), "sample")
    await producer.start()
    await producer.find(topic)
    gc.collect()
    gc.disable()
    try:
        sizes = [200, largest, 200_000, 200_000, 200_000]
        for number in range(4):
            rows = [Pending(n, topic, b"k%d" % number, "ce_id:x", b"x" * size, 0.0) for n, size in enumerate(sizes)]
            for batch in await producer.send(rows):
                with suppress(KafkaError):
                    await batch.future
        del rows, batch
        await asyncio.sleep(0)
        left = [each for each in gc.get_objects() if isinstance(each, MessageBatch)]
        assert len(left) <= 1  # which aiokafka's sender keeps of its last request
    finally:
        gc.enable()
        await producer.discard()


async def test_a_producer_is_let_go_of_while_its_batches_are_tried_again(world: World) -> None:
    topic = f"{world.sample.name}.gone.v1"
    for attempt in range(8):
        await world.create(topic)
        producer = Producer(world.settings(), "sample")
        await producer.start()
        assert await producer.find(topic)
        kafka = producer._kafka
        await world.delete(topic)
        await producer.send([Pending(attempt, topic, b"k", "a:b", b"{}", 0.0)])
        await asyncio.sleep(0.02 + 0.03 * attempt)  # the next try comes every 0.1 s
        await producer.discard()
        assert kafka._sender.sender_task.done()
        assert not any(each.connected() for each in kafka.client._conns.values())


TOPICS = ("a", "b", "c")
steps = st.tuples(st.integers(0, 2), st.sampled_from(TOPICS), st.sampled_from(["fails", "refused", "works", "lost"]))


@given(st.lists(steps, max_size=20))
def test_the_topics_that_wait_are_counted_over_all_shards_whichever_measured_last(taken: list[Any]) -> None:
    shards = [Holds(lambda: None, lambda: None) for _ in range(3)]  # type: ignore[arg-type, return-value]
    waiting: list[set[str]] = [set() for _ in shards]
    try:
        for number, topic, what in taken:
            held = topic in waiting[number]
            match what:
                case "fails":
                    shards[number].hold(topic, TimeoutError())
                    waiting[number].add(topic)
                case "refused":
                    shards[number].hold_singly(topic, 1)
                    waiting[number].add(topic)
                case "works" if held:
                    shards[number].settle(Trial(topic))
                    waiting[number].discard(topic)
                case "lost":
                    shards[number].forget()
                    waiting[number].clear()
            assert metrics.MISSING_TOPICS._value.get() == len(set().union(*waiting))
    finally:
        for shard in shards:
            shard.forget()
    assert metrics.MISSING_TOPICS._value.get() == 0


async def test_who_lost_the_lead_says_of_no_topic_that_it_waits(world: World) -> None:
    """The process that leads now says it; else the alert would stay for as long as this one stands by."""
    await world.sql(EVENT, f"{world.sample.name}.missing.v1")

    async def counted(number: int) -> bool:
        return bool(metrics.MISSING_TOPICS._value.get() == number)

    async with relaying(world):
        await eventually(lambda: counted(1), "the topic to be missed")
        other = await asyncpg.connect(world.dsn)
        lock = (
            "SELECT pid, classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        ((pid, first, second),) = await other.fetch(lock)
        await other.execute("SELECT pg_terminate_backend($1)", pid)
        await other.execute("SELECT pg_advisory_lock($1::bigint::int, $2::bigint::int)", *map(signed, (first, second)))
        await eventually(lambda: counted(0), "it to be another's")
        await other.close()
        await eventually(lambda: counted(1), "the topic to be missed again")
    assert await counted(0)


def signed(number: int) -> int:
    """A 32-bit number as PostgreSQL's integer has it."""
    return number - 2**32 if number >= 2**31 else number
