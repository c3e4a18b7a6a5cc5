"""What waits is what nobody has handled: no more, and no less."""

import asyncio

import pytest
from aiokafka import TopicPartition

from conduit_chassis import metrics
from conduit_chassis.consumer.lag import LagMeter
from conduit_chassis.health import Health
from services.chassis.tests.test_consume import answers
from services.chassis.tests.world import World, eventually

STALL_SECONDS = 1.0


@pytest.mark.parametrize("commits", [True, False])
async def test_the_end_of_a_transaction_is_no_record_that_waits(world: World, free_port: int, commits: bool) -> None:
    """It has a place on the partition and is given to nobody. Mirrors and administrators write so."""
    await world.create_all()
    topic = world.sample.second.template
    await world.send(world.noted(1, topic=topic))
    async with world.running(http_port=free_port, stall_seconds=STALL_SECONDS):
        await world.wait_for_numbers(1)
        async with world.producer(transactional_id=world.sample.name) as producer:
            await producer.begin_transaction()
            each = world.noted(2, topic=topic)
            await producer.send_and_wait(topic, each.value, key=each.key, headers=list(each.headers))
            await (producer.commit_transaction() if commits else producer.abort_transaction())
        await world.wait_for_numbers(*((1, 2) if commits else (1,)))
        await asyncio.sleep(STALL_SECONDS * 1.5)
        await eventually(lambda: nothing_waits(topic), "that nothing waits")
        await eventually(lambda: answers(free_port, "/readyz"), "readiness")


async def nothing_waits(topic: str) -> bool:
    return bool(metrics.LAG_RECORDS.labels(topic)._value.get() == 0)


def test_what_could_not_be_measured_for_a_while_is_as_old_as_before() -> None:
    now = 0.0
    meter = LagMeter(Health(), lambda _: "lag.test", lambda: now)
    place = TopicPartition("lag.test", 0)
    meter.observe({place: 5}, {place: 3})
    now = 30.0
    meter.observe({}, {}, unknown=[place])
    now = 60.0
    meter.observe({place: 6}, {place: 3})
    assert metrics.LAG_SECONDS.labels("lag.test")._value.get() == 60.0
    meter.observe({}, {})
    meter.observe({place: 6}, {place: 3})
    assert metrics.LAG_SECONDS.labels("lag.test")._value.get() == 0.0, "it was another process's meanwhile"
    meter.lost()


async def test_what_an_open_transaction_holds_back_waits_like_the_rest(world: World, free_port: int) -> None:
    """Nobody is given it, nor what stands behind it; where its end was lost on a broker's disk, for ever."""
    await world.create_all()
    topic = world.sample.second.template
    await world.send(world.noted(1, topic=topic))
    async with world.running(http_port=free_port):
        await world.wait_for_numbers(1)
        async with world.producer(transactional_id=world.sample.name) as producer:
            await producer.begin_transaction()
            each = world.noted(2, topic=topic)
            await producer.send_and_wait(topic, each.value, key=each.key, headers=list(each.headers))
            await eventually(lambda: so_many_wait(topic, 1), "that it waits")
            await producer.abort_transaction()
        await eventually(lambda: nothing_waits(topic), "that nothing waits")


async def so_many_wait(topic: str, count: int) -> bool:
    return bool(metrics.LAG_RECORDS.labels(topic)._value.get() == count)
