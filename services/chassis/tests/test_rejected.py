"""What Kafka would not take comes back to the outbox by a command that says who and why."""

from random import Random

import asyncpg
import pytest

from conduit_chassis import rejected
from services.chassis.tests.relaying import INSERT, empty, first_copies, publish, relaying
from services.chassis.tests.world import World, eventually

WHO, WHY = "A. Operator", "The topic takes it now"


async def refused(world: World) -> None:
    """An event that a topic was too small for, the one after it, which waits for it, and one about something else."""
    topic = world.sample.out.template
    await world.create(topic, config={"max.message.bytes": "2000"})
    await world.sql(INSERT, topic, b"k", b'{"number":1}' + b" " * 5_000)
    await publish(world, ("k", 2), ("l", 3))
    async with relaying(world):
        await eventually(lambda: only(world, 1), "what can go to have gone")
    assert await first_copies(world) == [3]


async def only(world: World, rows: int) -> bool:
    """Whether so many rows are left in the outbox."""
    return len(await world.sql("SELECT FROM outbox")) == rows


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
        assert await first_copies(world) == [3, 1, 2]
        assert await rejected.waiting(connection) == []
        (noted,) = await connection.fetch("SELECT event_id, action, actor, reason FROM outbox_actions")
        assert tuple(noted) == (found.id, "returned", WHO, WHY)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute("DELETE FROM outbox_actions")
    finally:
        await connection.close()


async def test_it_comes_back_as_it_was(world: World) -> None:
    """With what is kept of it, with its haste, and with the promise that it keeps."""
    topic = world.sample.out.template
    await world.create(topic, config={"max.message.bytes": "2000"})
    await world.sql(
        "INSERT INTO outbox (shard, topic, key, headers, value, acted_at, danger, fact, late)"
        " VALUES (1, $1, 'k', 'a:b', $2, now() - interval '1 hour', true, 'of it', true)",
        topic,
        b" " * 5_000,
    )
    everything = "SELECT to_jsonb(outbox) - 'created_at' AS row FROM outbox"
    (before,) = await world.sql(everything)
    async with relaying(world, shard=1):
        await eventually(lambda: empty(world), "it to be refused")
    await rejected.bring_back(await world.connection(), actor=WHO, reason=WHY)
    assert await world.sql(everything) == [before]


async def test_what_kafka_refuses_again_is_listed_again_and_may_be_given_up(world: World) -> None:
    await refused(world)
    connection = await asyncpg.connect(world.dsn)
    try:
        (found,) = await rejected.waiting(connection)
        await rejected.bring_back(connection, actor=WHO, reason=WHY)
        async with relaying(world):
            await eventually(lambda: only(world, 1), "it to be refused again")
            assert [each.id for each in await rejected.waiting(connection)] == [found.id]
            assert await rejected.discard(connection, [found.id], actor=WHO, reason=WHY) == (found.id,)
            await eventually(lambda: empty(world), "what waited for it to go, without a restart")
        assert await rejected.waiting(connection) == []
        assert await first_copies(world) == [3, 2]
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


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_refused_and_returned_each_key_keeps_its_order(world: World, seed: int) -> None:
    """Large rows make batches of their own, so that a refused one has batches behind it on the same producer."""
    topic, random = world.sample.out.template, Random(seed)
    await world.create(topic, config={"max.message.bytes": "100000"})
    sizes = [random.choice((10, 10, 90_000, 150_000, 300_000)) for _ in range(40)]
    connection = await asyncpg.connect(world.dsn)
    try:
        async with connection.transaction():
            for number, size in enumerate(sizes):
                await connection.execute(INSERT, topic, b"k%d" % (number % 3), b'{"number":%d}' % number + b" " * size)
        async with relaying(world, relay_batch=25):

            async def settled() -> bool:
                """Only what waits behind something is left."""
                left = await world.sql("SELECT key, id FROM outbox ORDER BY id")
                first = {
                    each["key"]: each["id"]
                    for each in await world.sql("SELECT key, id FROM outbox_rejected ORDER BY id DESC")
                }
                return all(row["key"] in first and first[row["key"]] < row["id"] for row in left)

            await eventually(settled, "what can go to have gone", 60)
            assert await world.sql("SELECT FROM outbox_rejected")
            await world.configure(topic, {})
            await rejected.bring_back(connection, actor=WHO, reason=WHY)
            await eventually(lambda: empty(world), "an empty outbox", 60)
    finally:
        await connection.close()
    found = await first_copies(world)
    for key in range(3):
        first = [number for number in found if number % 3 == key]
        assert first == [number for number in range(len(sizes)) if number % 3 == key]
