"""What the chassis relies on within aiokafka. Each test fails where a release no longer is as its patch needs it: then look
at `consumer/patches.py`, at what the release does now, and change or drop the patch.

Each shows first what aiokafka does by itself, so that a patch which is no longer needed is noticed, too.
"""

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import requires, version
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest

from conduit_chassis.consumer import patches
from conduit_chassis.producer import REFUSALS, BehindRefusedError
from services.chassis.tests.world import World, eventually

CHASSIS = Path(patches.__file__).parents[1]


def test_they_are_made_for_the_release_that_is_installed_and_no_other_is_let_in() -> None:
    assert version("aiokafka").startswith(f"{patches.MADE_FOR}.")
    (pin,) = [each for each in requires("conduit-chassis") or () if each.startswith("aiokafka")]
    major, minor = patches.MADE_FOR.split(".")
    assert set(pin.removeprefix("aiokafka").split(",")) == {f">={patches.MADE_FOR}", f"<{major}.{int(minor) + 1}"}


def test_no_other_module_touches_private_parts_of_somebody_elses() -> None:
    found = {path.relative_to(CHASSIS).as_posix() for path in CHASSIS.rglob("*.py") if _reaches_in(path)}
    assert found == {"consumer/patches.py"}


def _reaches_in(path: Path) -> bool:
    own = {"_replace", "_asdict", "_fields", "_make"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            ours = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            inherited = isinstance(node.value, ast.Call) and ast.unparse(node.value) == "super()"
            if not (ours or inherited or node.attr in own):
                return True
    return False


class Fetches:
    """The fetches that consumers send while it watches: when, and of which topics."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[float, set[str]]] = []
        send = AIOKafkaClient.send

        async def watched(client: Any, node: Any, request: Any, **more: Any) -> Any:
            if isinstance(request, FetchRequest):
                self.sent.append((monotonic(), {topic for topic, _ in request.topics}))
            return await send(client, node, request, **more)

        monkeypatch.setattr(AIOKafkaClient, "send", watched)


@asynccontextmanager
async def reading(world: World, *topics: str, **more: Any) -> AsyncIterator[Any]:
    """aiokafka's own consumer, from the beginning of these topics of one partition each."""
    options = {"enable_auto_commit": False, "fetch_max_wait_ms": 1_000, **more}
    consumer = AIOKafkaConsumer(bootstrap_servers=world.bootstrap, **options)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0) for topic in topics])
        await consumer.seek_to_beginning()
        yield consumer
    finally:
        await consumer.stop()


@pytest.mark.parametrize("patched", [False, True])
async def test_a_fetch_goes_out_while_records_wait_unless_it_is_told_to_wait_for_them(
    world: World, monkeypatch: pytest.MonkeyPatch, patched: bool
) -> None:
    full, empty = (f"{world.sample.name}.{name}.v1" for name in ("full", "empty"))
    await world.create(full, empty)
    await world.send(*(world.noted(number, topic=full) for number in range(3)))
    fetches = Fetches(monkeypatch)
    async with reading(world, full, empty) as consumer:
        if patched:
            patches.fetch_only_when_empty(consumer)
        await eventually(lambda: one_record(consumer), "the first record")
        seen = len(fetches.sent)
        await asyncio.sleep(1.5)  # two records lie there; aiokafka's own patience is 0.1 s
        while_they_wait = [topics for _, topics in fetches.sent[seen:]]
        assert (len(while_they_wait) > 0, all(topics == {empty} for topics in while_they_wait)) == (not patched, True)
        await eventually(lambda: one_record(consumer), "the second")
        await eventually(lambda: one_record(consumer), "the third")
        seen = len(fetches.sent)
        await consumer.getmany(timeout_ms=1_500)
        assert {frozenset(topics) for _, topics in fetches.sent[seen:]} >= {frozenset({full, empty})}


async def one_record(consumer: Any) -> Any:
    return await consumer.getmany(timeout_ms=100, max_records=1)


@pytest.mark.parametrize("seconds", [0.0, 3.0])
async def test_after_a_fetch_that_brought_records_the_next_is_sent_so_much_later_and_after_a_pause_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    topic = f"{world.sample.name}.steady.v1"
    await world.create(topic)
    fetches = Fetches(monkeypatch)
    async with reading(world, topic) as consumer:
        if seconds:
            patches.gather(consumer, lambda: seconds)
        # The fetch that was under way is answered, and another waits at the broker.
        await consumer.getmany(timeout_ms=1_500)
        seen, began = len(fetches.sent), monotonic()
        await world.send(world.noted(1, topic=topic))
        await eventually(lambda: one_record(consumer), "the first record")
        assert len(fetches.sent) - seen <= (not seconds), "what comes after a pause needs no fetch but the one that waits"

        async def sent() -> bool:
            await one_record(consumer)  # aiokafka lets go of what it holds only when it is asked for more
            return len(fetches.sent) > seen

        await eventually(sent, "the next fetch")
        assert (fetches.sent[seen][0] - began >= 2.5) == bool(seconds)


async def test_a_group_task_that_died_is_started_again_and_later_records_are_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's group task may die of an assertion of its own; the consumer would then never read again."""
    await world.create_all()
    deaths: list[str] = []
    find_coordinator = GroupCoordinator.ensure_coordinator_known

    async def die_once(coordinator: Any) -> None:
        if not deaths and asyncio.current_task() is coordinator._coordination_task:
            deaths.append("of the group task")
            raise AssertionError
        await find_coordinator(coordinator)

    async with world.running(metadata_max_age_ms=200):
        await world.send(world.noted(1, "k"))
        await world.wait_for_numbers(1)
        monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", die_once)
        # A new topic changes what the pattern subscribes to, as topics that a restarted broker does not name yet do.
        await world.create(world.sample.edge.name("three"))
        await world.send(world.noted(2, "k", topic=world.sample.edge.name("three")), world.noted(3, "k"))
        await world.wait_for_numbers(1, 2, 3)
    assert deaths


async def test_a_consumer_of_what_is_committed_tells_where_a_partition_with_an_open_transaction_ends(world: World) -> None:
    topic = f"{world.sample.name}.open.v1"
    place = TopicPartition(topic, 0)
    await world.create(topic)
    async with (
        world.producer(transactional_id=world.sample.name) as producer,
        reading(world, topic, isolation_level="read_committed") as consumer,
    ):
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open")
        assert await consumer.end_offsets([place]) == {place: 0}
        assert await patches.written_to(consumer, [place]) == {place: 1}
        await producer.abort_transaction()


async def test_a_consumer_tells_which_partitions_are_led_and_those_of_a_topic_that_it_does_not_read(world: World) -> None:
    read, other = (f"{world.sample.name}.{name}.v1" for name in ("read", "other"))
    await world.create(read)
    await world.create(other, partitions=3)
    async with reading(world, read) as consumer:
        assert patches.is_led(consumer, TopicPartition(read, 0))
        assert not patches.is_led(consumer, TopicPartition(read, 7))
        assert consumer.partitions_for_topic(other) is None
        assert await patches.partitions_of(consumer, other) == {0, 1, 2}


@pytest.mark.parametrize("patched", [False, True])
async def test_what_waits_behind_a_refused_batch_is_sent_unless_it_is_held_back(world: World, patched: bool) -> None:
    topic = f"{world.sample.name}.small.v1"
    await world.create(topic, config={"max.message.bytes": "1000"})
    refused: list[TopicPartition] = []
    async with world.producer(enable_idempotence=True) as producer:
        futures = []
        for value in (b"x" * 5_000, b"small"):
            batch = producer.create_batch()
            assert batch.append(timestamp=None, key=None, value=value, headers=[]) is not None
            futures.append(await producer.send_batch(batch, topic, partition=0))
            if patched:
                place = TopicPartition(topic, 0)
                patches.send_nothing_behind(producer, place, REFUSALS, refused.append, BehindRefusedError)
        first, second = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(first, MessageSizeTooLargeError)
    assert isinstance(second, BehindRefusedError) == patched
    assert [each.value for each in await world.read(topic)] == ([] if patched else [b"small"])
    assert refused == ([TopicPartition(topic, 0)] if patched else [])


@pytest.mark.parametrize("patched", [False, True])
async def test_a_producer_whose_broker_answers_nothing_ends_only_if_its_waits_are_ended_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch, patched: bool
) -> None:
    topic = f"{world.sample.name}.silent.v1"
    await world.create(topic)
    over, send = asyncio.Event(), AIOKafkaClient.send

    async def silent(client: Any, node: Any, request: Any, **more: Any) -> Any:
        if isinstance(request, ProduceRequest):
            await over.wait()
        return await send(client, node, request, **more)

    monkeypatch.setattr(AIOKafkaClient, "send", silent)
    async with world.producer(enable_idempotence=True) as producer:
        sent = await producer.send(topic, b"1", partition=0)
        ends = asyncio.create_task(patches.discard(producer) if patched else producer.stop())
        await asyncio.wait({ends}, timeout=3)
        assert (ends.done(), sent.done()) == (patched, patched)
        if patched:
            assert isinstance(sent.exception(), KafkaError)
        over.set()
        await asyncio.wait_for(ends, 5)
