"""The whole of it on a real broker, started as `python -m conduit_console` starts it."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from conduit_chassis.app import serve
from conduit_console import following
from conduit_console.app import create_service
from conduit_console.queries import case as cases
from conduit_console.settings import ConsoleSettings
from conduit_contracts import routing, topics
from conduit_contracts.ids import uuid7
from conduit_local.ports import free_port
from conduit_operate.topics import create_topics
from services.chassis.tests.world import World, eventually
from services.console.tests import builders as b


async def test_what_services_publish_is_shown_and_a_list_is_current_though_nothing_comes(
    kafka_bootstrap: str, database: str
) -> None:
    create_topics(kafka_bootstrap, topics.specs())
    world, stop, referral_id = World(kafka_bootstrap, database), asyncio.Event(), uuid7()
    settings = ConsoleSettings(
        kafka_bootstrap_servers=kafka_bootstrap, postgres_dsn=database, http_port=free_port(), metadata_max_age_ms=500
    )
    running = asyncio.create_task(serve(create_service(), settings, stop))
    said = (b.received(referral_id), b.accepted(referral_id), b.routed(referral_id=referral_id))
    answer = b.about_force(routing.HandoffAcknowledged, referral_id=referral_id)
    await world.send(*(b.record_of(each) for each in (*said, answer)))
    connection = await asyncpg.connect(database)
    try:

        async def shown() -> list[str]:
            if not await connection.fetchval("SELECT to_regclass('timeline') IS NOT NULL"):
                return []
            steps = (await cases.timeline(connection, referral_id)).rows
            return [step.what for step in steps] if len(steps) == 4 else []

        found = await eventually(shown, "the timeline", 60)
        assert found == ["referral_received", "referral_accepted", "case_routed", "handoff_acknowledged"]

        async def current() -> bool:
            now = datetime.now(UTC)
            complete = await following.currency(connection, now)
            return timedelta() <= now - complete.complete_to < timedelta(seconds=2)

        for _ in range(3):
            await eventually(current, "a list that is current", 20)
            await asyncio.sleep(1.5)
        read = await connection.fetch("SELECT DISTINCT topic FROM followed")
        assert {row["topic"] for row in read} >= {topic.name() for topic in topics.consumed_by("console")}
    finally:
        stop.set()
        await running
        await connection.close()
        await world.close()
