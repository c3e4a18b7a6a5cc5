"""Three brokers, of which one is away: a topic with too few copies takes nothing, and no other topic's events wait."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from json import loads
from time import monotonic
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from conduit_chassis import metrics
from conduit_contracts.topics import TopicSpec
from conduit_operate.copies import FACTOR, CopiesError, check
from conduit_operate.topics import create_topics
from services.chassis.tests.relaying import INSERT, empty, relaying
from services.chassis.tests.test_held import errors_counted
from services.chassis.tests.world import World, eventually
from tests.support.cluster import Cluster, cluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

APART_SECONDS = 0.05
LASTS_SECONDS = 20.0
MOST_LINES = 10
"""Of warnings in those seconds, a missing broker's own among them: said once, and then counted."""


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
async def wide(three: Cluster, database: str) -> AsyncIterator[World]:
    """A world on three brokers; its topic of events has three copies."""
    made = World(three.bootstrap_servers, database)
    three.create(made.sample.out.template, [[1, 2, 3]] * 3, {"min.insync.replicas": "2"})
    yield made
    await made.close()


class Traffic:
    """Events of a topic, committed and then seen by a consumer."""

    def __init__(self) -> None:
        self.committed: dict[int, float] = {}
        self.seen: dict[int, float] = {}

    def delays(self, since: float, until: float) -> list[float]:
        """Of those committed in that time, in seconds; one that was never seen is infinitely late."""
        return sorted(
            self.seen.get(number, float("inf")) - at for number, at in self.committed.items() if since <= at < until
        )


@asynccontextmanager
async def traffic(world: World, topic: str) -> AsyncIterator[Traffic]:
    """Twenty events a second."""
    found = Traffic()
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=world.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    connection = await asyncpg.connect(world.dsn)
    await consumer.start()

    async def write() -> None:
        number = 0
        while True:
            found.committed[number] = monotonic()
            await connection.execute(INSERT, topic, b"k%d" % (number % 7), b'{"number":%d}' % number)
            number += 1
            await asyncio.sleep(APART_SECONDS)

    async def read() -> None:
        async for each in consumer:
            found.seen.setdefault(loads(each.value)["number"], monotonic())

    tasks = [asyncio.create_task(write()), asyncio.create_task(read())]
    try:
        yield found
        tasks[0].cancel()

        async def all_seen() -> bool:
            return found.seen.keys() >= found.committed.keys()

        await eventually(all_seen, "every event to be seen", 60)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await consumer.stop()
        await connection.close()


async def test_a_topic_below_its_copies_holds_no_other_up_is_told_once_and_loses_nothing(
    three: Cluster, wide: World, logs: Any
) -> None:
    topic, thin = wide.sample.out.template, f"{wide.sample.name}.thin.v1"
    three.create(thin, [[2, 3]], {"min.insync.replicas": "2"})
    async with relaying(wide), traffic(wide, topic) as others:
        await eventually(lambda: passed(others, 40), "events to flow", 60)
        await asyncio.to_thread(three.nodes[2].kill)
        await eventually(lambda: in_step(three, thin, 1), "too few copies", 60)
        await eventually(lambda: in_step(three, topic, 6), "the rest in step", 60)
        logs.readouterr()
        began, counted, number = monotonic(), errors_counted(), 0
        while monotonic() < began + LASTS_SECONDS:
            await wide.sql(INSERT, thin, b"t", b'{"number":%d}' % number)
            number += 1
            await asyncio.sleep(0.25)
        ended = monotonic()
        assert metrics.MISSING_TOPICS._value.get() == 1
        lines = Counter(each["event"] for each in map(loads, logs.readouterr().out.splitlines()) if each["level"] != "debug")
        assert lines["topic_held"] == 1
        assert sum(lines.values()) <= MOST_LINES, lines
        assert errors_counted() > counted, "and counted"
        assert len(await wide.sql("SELECT FROM outbox WHERE topic = $1", thin)) == number
        await asyncio.to_thread(three.nodes[2].start)
        await eventually(lambda: in_step(three, thin, 2), "the copies", 90)
        await eventually(lambda: nothing_of(wide, thin), "its events to leave", 60)
    delays = others.delays(began, ended)
    p99 = delays[int(len(delays) * 0.99)]
    said = f"{len(delays)} events of another topic: p50 {delays[len(delays) // 2]:.3f} s, p99 {p99:.3f} s"
    print(said)  # noqa: T201 - `pytest -rP` shows it
    assert p99 < 2.0, said
    assert [loads(each.value)["number"] for each in await wide.read(thin)] == list(range(number))
    assert await empty(wide)
    assert metrics.MISSING_TOPICS._value.get() == 0


async def passed(others: Traffic, number: int) -> bool:
    return len(others.seen) >= number


async def in_step(three: Cluster, topic: str, copies: int) -> bool:
    return sum(await asyncio.to_thread(three.in_step, topic)) == copies


async def nothing_of(world: World, topic: str) -> bool:
    return not await world.sql("SELECT FROM outbox WHERE topic = $1", topic)


async def test_topics_are_made_with_three_copies_and_those_that_stand_with_fewer_are_told(three: Cluster) -> None:
    made, thin, loose = (f"{name}.v1" for name in ("copies.made", "copies.thin", "copies.loose"))
    three.create(thin, [[1]])
    three.create(loose, [[1, 2, 3]])
    await asyncio.to_thread(create_topics, three.bootstrap_servers, [TopicSpec(made, 2, {})])
    assert three.in_step(made) == [3, 3]
    assert check(three.admin(), [made]) == []
    (few,) = check(three.admin(), [made, thin])
    assert few.startswith(f"{thin} has fewer than 3 copies on 3 brokers")
    (free,) = check(three.admin(), [made, loose])
    assert free.startswith(f"{loose} has min.insync.replicas of 1")
    with pytest.raises(CopiesError, match="there are 3 brokers"):
        create_topics(three.bootstrap_servers, [TopicSpec("copies.more.v1", 1, {})], environ={FACTOR: "5"})
