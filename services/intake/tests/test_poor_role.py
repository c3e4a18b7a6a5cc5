"""Intake on a database whose role has no more than what its advice asks for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from conduit_chassis import preflight
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.migrate import migrate
from conduit_chassis.testing import ManualClock, settings_for
from conduit_intake.app import create_service
from services.intake.tests.api import Api, refer
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import NORTH, registered, sent


async def test_who_follows_the_advice_has_an_intake_whose_sandbox_answers(postgres_dsn: str, clock: ManualClock) -> None:
    there, name = await asyncpg.connect(postgres_dsn), f"poor_{uuid4().hex[:8]}"
    await there.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'synthetic'")
    await there.execute(f"CREATE DATABASE {name}")
    split = urlsplit(postgres_dsn)
    owner = await asyncpg.connect(split._replace(path=f"/{name}").geturl())
    dsn = split._replace(netloc=f"{name}:synthetic@{split.hostname}:{split.port}", path=f"/{name}").geturl()
    service = create_service()
    schemas = preflight.schemas_of(service.migrations)
    try:
        await owner.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for _ in range(2):  # no schema, then no right to make the sandbox's
            with pytest.raises(ConfigurationError) as caught:
                await preflight.examine(settings_for("unused:9092", dsn), "intake", schemas)
            await owner.execute(str(caught.value).rpartition(": ")[2].rstrip("."))
        await preflight.examine(settings_for("unused:9092", dsn), "intake", schemas)
        await asyncio.to_thread(migrate, dsn, service.migrations)
        async with intake_with(dsn, clock) as intake, AsyncExitStack() as stack:
            await intake.deliver(sent(registered()))
            answer = await refer(await Api(intake, dsn, stack).client(f"{NORTH}.sandbox"))
            assert (answer.status_code, answer.json()["sandbox"]) == (202, True)
    finally:
        await owner.close()
        await there.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await there.execute(f"DROP ROLE {name}")
        await there.close()
