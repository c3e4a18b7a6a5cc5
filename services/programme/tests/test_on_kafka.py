"""The whole of it on a real broker, started as `python -m conduit_programme` starts it."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from conduit_chassis.app import serve
from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.testing import ManualClock
from conduit_contracts import topics
from conduit_contracts.programme import HubRole, RemovePerson, RightsRevoked
from conduit_contracts.registering_people import PersonOrder, registering
from conduit_local.ports import free_port
from conduit_operate.broker import external_broker
from conduit_operate.orders import unanswered
from conduit_operate.people import place_people
from conduit_operate.register import RegisterError
from conduit_operate.topics import create_topics
from conduit_programme.app import create_service
from conduit_programme.settings import ProgrammeSettings
from services.chassis.tests.world import World, eventually
from services.programme.tests import builders as b
from services.programme.tests import test_register_people as of_people


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


async def test_people_come_change_and_go_by_orders_and_who_follows_needs_no_restart(
    kafka_bootstrap: str, database: str, tmp_path: Path
) -> None:
    create_topics(kafka_bootstrap, topics.specs())
    broker = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap})
    world, stop, anna = World(kafka_bootstrap, database), asyncio.Event(), of_people.ANNA
    auditor = anna.model_copy(update={"roles": (HubRole.AUDITOR,)})
    await world.send(*of_people.stood(anna))  # as the command line of an earlier release wrote it
    settings = ProgrammeSettings(
        kafka_bootstrap_servers=kafka_bootstrap, postgres_dsn=database, http_port=free_port(), metadata_max_age_ms=500
    )
    follower = PeopleFollower(settings, ManualClock(b.NOW), name="sample")
    following, running = asyncio.create_task(follower.run()), None

    async def order(made: PersonOrder, *revoked: RightsRevoked, patience: float = 60) -> int:
        """How many were not answered."""
        placed = await asyncio.to_thread(place_people, broker, [made], actor="jo.smith", revoked=revoked)
        return len((await asyncio.to_thread(unanswered, broker, placed, patience)).ids)

    async def roles(*expected: HubRole) -> None:
        async def so() -> bool:
            found = follower.find(anna.issuer, anna.subject)
            return (found.roles if found else ()) == expected

        await eventually(so, f"{expected}", 60)

    try:
        await asyncio.wait_for(follower.until_ready(), 60)
        await roles(HubRole.OFFICER)
        # While the service is down, a role that is taken away is gone, and the one that is given waits for the service.
        swap = registering(auditor, anna, "jo.smith", "a test")
        taken = RightsRevoked(person_id=anna.person_id, roles_left=auditor.roles)
        assert await order(swap, taken, patience=0.5) == 1
        await roles()
        running = asyncio.create_task(serve(create_service(), settings, stop))
        await roles(HubRole.AUDITOR)
        assert await order(swap) == 0, "it stands so already: answered again"
        stale = registering(of_people.LEAD, anna, "jo.smith", "a test")
        with pytest.raises(RegisterError, match=r"entry\.roles: This has changed"):
            await order(stale)
        await roles(HubRole.AUDITOR)
        gone = RemovePerson(person_id=anna.person_id, ordered_by="jo.smith", reason="a test")
        assert [await order(gone), await order(gone)] == [0, 0]
        await roles()
    finally:
        stop.set()
        following.cancel()
        await asyncio.gather(following, *filter(None, (running,)), return_exceptions=True)
        await world.close()
