"""What the relay keeps of what it sent, and that danger passes a snapshot, on a real broker."""

import asyncio
from time import monotonic
from typing import Any
from uuid import UUID

from conduit_chassis import rejected, snapshots
from conduit_chassis.headers import unpack_headers
from conduit_chassis.health import Health
from conduit_chassis.periodic import keep_working
from conduit_chassis.relay import Relay
from conduit_chassis.testing import Harness
from conduit_contracts import topics
from conduit_contracts.ids import uuid7
from conduit_contracts.topics import TRIAGE_DECISIONS, snapshot_topic
from conduit_operate.topics import create_topics
from conduit_triage.keeping import KEEPER
from services.chassis.tests.relaying import empty, relaying
from services.chassis.tests.world import World, eventually
from services.console.tests import builders as b
from services.triage.tests.test_keeping import ORDER, order, refused

FACTS = 20_000


async def published(world: World, ids: set[str]) -> dict[str, Any]:
    found = await world.read(TRIAGE_DECISIONS.name())
    named = {dict(each.headers)["ce_id"].decode(): each for each in found}
    return {event_id: each for event_id, each in named.items() if event_id in ids}


async def test_what_is_kept_has_the_place_and_the_time_that_readers_see(
    kafka_bootstrap: str, database: str, triage: Harness
) -> None:
    create_topics(kafka_bootstrap, topics.specs())
    world, ids = World(kafka_bootstrap, database), set()
    async with triage.runtime.transaction() as (_connection, outbox):
        for number in range(50):
            case = uuid7()
            ids.add(outbox.publish(TRIAGE_DECISIONS.name(), str(case), refused(number, case), subject=str(case)))
        ids.add(outbox.publish(TRIAGE_DECISIONS.name(), "k", b.accepted(case)))
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")
    records, kept = await published(world, ids), await world.sql("SELECT * FROM facts ORDER BY id")
    assert len(kept) == len(records) == 51
    for row in kept:
        record = records[dict(unpack_headers(row["headers"]))["ce_id"].decode()]
        assert (row["topic"], row["partition"], row["record_offset"]) == (record.topic, record.partition, record.offset)
        assert round(row["recorded_at"].timestamp() * 1000) == record.timestamp
        assert row["value"] == record.value or (b'"referral":' in record.value and b'"referral":' not in row["value"])
    await world.close()


async def test_what_kafka_refused_at_first_is_kept_once_it_is_returned(
    kafka_bootstrap: str, database: str, triage: Harness
) -> None:
    create_topics(kafka_bootstrap, topics.specs())
    world, topic = World(kafka_bootstrap, database), TRIAGE_DECISIONS
    async with triage.runtime.transaction() as (_connection, outbox):
        event_id = outbox.publish(topic.name(), "k", b.accepted(), subject="k")
    await world.configure(topic.name(), {**topic.config, "max.message.bytes": "200"})
    async with relaying(world):
        await eventually(lambda: empty(world), "the event to be refused")
    await world.configure(topic.name(), topic.config)
    assert not await sent(triage, event_id)
    await rejected.bring_back(await world.connection(), actor="A. Operator", reason="The topic takes it now")
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")
    assert await sent(triage, event_id)
    await world.close()


async def test_danger_passes_a_snapshot_of_many_facts(kafka_bootstrap: str, database: str, triage: Harness) -> None:
    create_topics(kafka_bootstrap, topics.specs())
    world = World(kafka_bootstrap, database)
    message = b.fact(type(refused(1)))
    async with triage.runtime.transaction() as (_connection, outbox):
        outbox.publish(TRIAGE_DECISIONS.name(), "k", message, subject=str(uuid7()))
    await triage.pool.execute(
        "INSERT INTO facts (topic, partition, record_offset, recorded_at, headers, value)"
        " SELECT topic, 0, number, now(), headers, value FROM outbox, generate_series(1, $1) AS number",
        FACTS,
    )
    await triage.pool.execute("DELETE FROM outbox")
    await triage.processor.process([order()])
    relay = Relay(world.settings(), "triage", 0, Health())
    triage.runtime.wake_relay = relay.wake
    running = [
        asyncio.create_task(relay.run()),
        asyncio.create_task(keep_working(triage.runtime, snapshots.publishing(KEEPER))),
    ]
    try:
        await eventually(lambda: far(triage, 1_000), "the snapshot's beginning")
        taken = []
        while not await far(triage, FACTS):
            began, event_id = monotonic(), await tell_danger(triage)
            await eventually(lambda event_id=event_id: sent(triage, event_id), "danger", 5)
            taken.append(monotonic() - began)
            await asyncio.sleep(0.2)
        assert taken, "the snapshot was over before there was danger"
        assert max(taken) < 1.0
        ended = "SELECT ended_at IS NOT NULL FROM snapshot_orders WHERE order_id = $1"
        await eventually(lambda: triage.pool.fetchval(ended, ORDER.order_id), "the snapshot's end", 60)
        await eventually(lambda: empty(world), "an empty outbox")
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await world.close()
    found = await world.read(snapshot_topic("triage").name())
    ours = [each for each in found if dict(each.headers)["conduit-snapshot"] == str(ORDER.order_id).encode()]
    assert len(ours) == FACTS + 1


async def far(triage: Harness, number: int) -> bool:
    published = await triage.pool.fetchval("SELECT published FROM snapshot_orders")
    return bool(published >= number)


async def tell_danger(triage: Harness) -> str:
    case = UUID(int=uuid7().int)
    async with triage.runtime.transaction() as (_connection, outbox):
        return outbox.publish(TRIAGE_DECISIONS.name(), str(case), b.review_opened(case, danger=True), subject=str(case))


async def sent(triage: Harness, event_id: str) -> bool:
    """Whether Kafka has it: then it is kept."""
    return bool(await triage.pool.fetchval("SELECT EXISTS (SELECT FROM facts WHERE headers LIKE $1)", f"%{event_id}%"))
