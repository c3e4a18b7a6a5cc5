"""The whole of it on a real broker, started as `python -m conduit_programme` starts it."""

import asyncio

import asyncpg

from conduit_chassis.app import serve
from conduit_contracts import topics
from conduit_local.ports import free_port
from conduit_operate.topics import create_topics
from conduit_programme.app import create_service
from conduit_programme.settings import ProgrammeSettings
from services.chassis.tests.world import World, eventually
from services.programme.tests import builders as b


async def test_what_the_registers_say_is_known_from_the_first_record_on(kafka_bootstrap: str, database: str) -> None:
    create_topics(kafka_bootstrap, topics.specs())
    world, stop = World(kafka_bootstrap, database), asyncio.Event()
    # What was registered before the service was there for the first time.
    await world.send(*b.registered(b.partner("before", "Registered before")))
    settings = ProgrammeSettings(
        kafka_bootstrap_servers=kafka_bootstrap, postgres_dsn=database, http_port=free_port(), metadata_max_age_ms=500
    )
    running = asyncio.create_task(serve(create_service(), settings, stop))
    connection = await asyncpg.connect(database)
    try:
        await world.send(*b.registered(b.partner("since", "Registered since"), b.force()))

        async def known() -> list[str]:
            if not await connection.fetchval("SELECT to_regclass('organisations') IS NOT NULL"):
                return []
            rows = await connection.fetch(
                "SELECT name FROM organisations WHERE partner_id IN ('before', 'since') ORDER BY 1"
            )
            return [row["name"] for row in rows] if len(rows) == 2 else []

        assert await eventually(known, "the partners", 60) == ["Registered before", "Registered since"]
    finally:
        stop.set()
        await running
        await connection.close()
        await world.close()
