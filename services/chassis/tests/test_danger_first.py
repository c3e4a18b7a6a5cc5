"""What says that a child is in danger leaves the outbox before all else, and overtakes nothing of its key."""

from typing import Any

import asyncpg
import pytest

from conduit_chassis import rejected
from conduit_chassis.outbox import Outbox
from conduit_chassis.scan import Scan
from conduit_chassis.testing import ManualClock, harness
from conduit_contracts import danger
from services.chassis.tests.relaying import empty, relaying
from services.chassis.tests.sample import Sample
from services.chassis.tests.world import World, eventually

TOPIC = "out.v1"


def value(number: int, *, in_danger: bool) -> bytes:
    return b'{"number":%d,"immediate_danger":%s}' % (number, b"true" if in_danger else b"false")


async def write(connection: Any, *rows: tuple[str | None, int, bool], topic: str = TOPIC) -> None:
    outbox = Outbox("sample", ManualClock().now())
    for key, number, in_danger in rows:
        outbox.add(topic, key and key.encode(), "[]", value(number, in_danger=in_danger))
    await outbox.flush(connection)


async def scanned(connection: Any, most: int = 100) -> list[int]:
    rows = await Scan(0, most).but(connection, [], [], any_refused=False)
    return [int((row.value or b"").split(b":")[1].split(b",")[0]) for row in rows]


class TestOrder:
    async def test_it_is_read_first_and_the_rest_in_its_order(self, sample: Sample, database: str) -> None:
        async with harness(sample.service(), database) as made, made.pool.acquire() as connection:
            await write(connection, *((f"k{n}", n, False) for n in range(5)))
            await write(connection, ("d", 5, True), ("e", 6, False), ("f", 7, True))
            assert await scanned(connection) == [5, 7, 0, 1, 2, 3, 4, 6]
            assert await scanned(connection, most=3) == [5, 7, 0]

    async def test_it_overtakes_nothing_of_its_key_be_it_of_an_earlier_transaction_or_its_own(
        self, sample: Sample, database: str
    ) -> None:
        async with harness(sample.service(), database) as made, made.pool.acquire() as connection:
            await write(connection, ("a", 0, False), ("b", 1, False))
            await write(connection, ("b", 2, True), ("c", 3, False), ("c", 4, True), ("d", 5, True), ("d", 6, False))
            assert await scanned(connection) == [5, 0, 1, 2, 3, 4, 6]

    async def test_what_follows_danger_of_its_key_and_says_danger_goes_first_as_well_and_behind_it(
        self, sample: Sample, database: str
    ) -> None:
        async with harness(sample.service(), database) as made, made.pool.acquire() as connection:
            await write(connection, ("a", 0, False), ("b", 1, True))
            await write(connection, ("b", 2, True))
            assert await scanned(connection) == [1, 2, 0]

    async def test_it_overtakes_nothing_of_its_key_that_kafka_refused_and_that_comes_back(
        self, sample: Sample, database: str
    ) -> None:
        async with harness(sample.service(), database) as made, made.pool.acquire() as connection:
            await connection.execute(
                "INSERT INTO outbox_rejected (id, shard, topic, key, headers, value, reason)"
                " VALUES (0, 0, 'out.v1', 'a', '[]', $1, 'MessageSizeTooLargeError')",
                value(0, in_danger=False),
            )
            await write(connection, ("a", 1, True), ("b", 2, True))
            await rejected.bring_back(connection, actor="A. Operator", reason="The topic takes it now")
            assert await scanned(connection) == [2, 0, 1]

    async def test_a_row_of_a_release_before_has_no_haste(self, sample: Sample, database: str) -> None:
        async with harness(sample.service(), database) as made, made.pool.acquire() as connection:
            await connection.execute(
                "INSERT INTO outbox (shard, topic, key, headers, value) VALUES (0, 'out.v1', 'a', '[]', $1)",
                value(0, in_danger=True),
            )
            await write(connection, ("a", 1, True))
            assert await scanned(connection) == [0, 1]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"immediate_danger":true}', True),
        (b'{"referral": {"immediate_danger" : true, "urgency": "priority"}}', True),
        (b'{"immediate_danger":false}', False),
        (b'{"narrative":"immediate_danger true"}', False),
        (b"", False),
        (None, False),
    ],
)
def test_danger_is_what_valid_json_says(body: bytes | None, says: bool) -> None:
    assert danger.plainly(body) is says


async def test_a_relay_sends_it_first(world: World) -> None:
    topic = f"{world.sample.name}.one.v1"
    await world.create(topic)
    connection = await asyncpg.connect(world.dsn)
    try:
        await write(connection, *((f"k{n}", n, False) for n in range(60)), topic=topic)
        await write(connection, ("d", 60, True), topic=topic)
    finally:
        await connection.close()
    async with relaying(world, relay_batch=10):
        await eventually(lambda: empty(world), "all is sent")
    sent = [int(each.value.split(b":")[1].split(b",")[0]) for each in await world.read(topic)]
    assert sent == [60, *range(60)]
