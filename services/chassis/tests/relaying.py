"""A relay on real servers, and what its tests ask of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from conduit_chassis.health import Health
from conduit_chassis.outbox import Outbox
from conduit_chassis.relay import Relay
from conduit_chassis.testing import ManualClock
from services.chassis.tests.sample import Kept
from services.chassis.tests.world import World

INSERT = "INSERT INTO outbox (shard, topic, key, headers, value) VALUES (0, $1, $2, '[]', $3)"


@asynccontextmanager
async def relaying(world: World, *, shard: int = 0, producer: Any = None, **settings: Any) -> AsyncIterator[Relay]:
    made = world.settings(**settings)
    relay = Relay(made, "sample", shard, Health(), producer and (lambda: producer(made, "sample")))
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.drain()
        async with asyncio.timeout(20):
            await task


async def publish(world: World, *keyed: tuple[str, int], topic: str | None = None, shards: int = 1) -> list[str]:
    outbox = Outbox("sample", ManualClock().now(), shards=shards)
    ids = [outbox.publish(topic or world.sample.out.template, key, Kept(number=number)) for key, number in keyed]
    connection = await asyncpg.connect(world.dsn)
    await outbox.flush(connection)
    await connection.close()
    return ids


async def empty(world: World) -> bool:
    return not await world.sql("SELECT FROM outbox")


async def values(world: World, topic: str | None = None) -> list[int]:
    return [int(each.value.split(b":")[1][:-1]) for each in await world.read(topic or world.sample.out.template)]


async def first_copies(world: World, topic: str | None = None) -> list[int]:
    """What a reader has that passes over repeats: where a producer fails, what it had under way is sent once more."""
    found = await world.read(topic or world.sample.out.template)
    return list(dict.fromkeys(int(each.value.split(b":")[1].split(b"}")[0]) for each in found))
