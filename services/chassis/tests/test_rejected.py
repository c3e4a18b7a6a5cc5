"""What Kafka would not take comes back to the outbox by a command that says who and why."""

import asyncpg
import pytest

from conduit_chassis import rejected
from services.chassis.tests.relaying import INSERT, empty, publish, relaying, values
from services.chassis.tests.world import World, eventually

WHO, WHY = "A. Operator", "The topic takes it now"


async def refused(world: World) -> None:
    """An event that a topic was too small for, and the one after it."""
    topic = world.sample.out.template
    await world.create(topic, config={"max.message.bytes": "2000"})
    await world.sql(INSERT, topic, b"k", b'{"number":1}' + b" " * 5_000)
    await publish(world, ("k", 2))
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")
    assert await values(world) == [2]


async def test_it_is_listed_without_what_it_holds_and_sent_again_once_the_cause_is_mended(world: World) -> None:
    await refused(world)
    connection = await asyncpg.connect(world.dsn)
    try:
        (found,) = await rejected.waiting(connection)
        assert (found.topic, found.key, found.size) == (world.sample.out.template, "k", 5_012)
        assert "number" not in repr(found)
        assert await rejected.waiting(connection, [found.id + 1]) == []
        assert await rejected.bring_back(connection, ids=[found.id + 1], actor=WHO, reason=WHY) == ()
        await world.configure(world.sample.out.template, {})
        assert await rejected.bring_back(connection, actor=WHO, reason=WHY) == (found.id,)
        async with relaying(world):
            await eventually(lambda: empty(world), "an empty outbox")
        assert [int(each.value.split(b":")[1].split(b"}")[0]) for each in await world.read(found.topic)] == [2, 1]
        assert await rejected.waiting(connection) == []
        (noted,) = await connection.fetch("SELECT event_id, action, actor, reason FROM outbox_actions")
        assert tuple(noted) == (found.id, "returned", WHO, WHY)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute("DELETE FROM outbox_actions")
    finally:
        await connection.close()


async def test_what_kafka_refuses_again_is_listed_again_and_may_be_given_up(world: World) -> None:
    await refused(world)
    connection = await asyncpg.connect(world.dsn)
    try:
        (found,) = await rejected.waiting(connection)
        await rejected.bring_back(connection, actor=WHO, reason=WHY)
        async with relaying(world):
            await eventually(lambda: empty(world), "an empty outbox")
        assert [each.id for each in await rejected.waiting(connection)] == [found.id]
        assert await rejected.discard(connection, [found.id], actor=WHO, reason=WHY) == (found.id,)
        assert await rejected.waiting(connection) == []
    finally:
        await connection.close()


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("who", " ")])
async def test_who_and_why_are_needed(world: World, actor: str, reason: str) -> None:
    connection = await asyncpg.connect(world.dsn)
    try:
        with pytest.raises(ValueError, match="an actor and a reason are needed"):
            await rejected.bring_back(connection, actor=actor, reason=reason)
        with pytest.raises(ValueError, match="an actor and a reason are needed"):
            await rejected.discard(connection, [1], actor=actor, reason=reason)
    finally:
        await connection.close()
