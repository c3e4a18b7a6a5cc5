"""Fixtures: a database with the chassis' and intake's tables, and intake on it without Kafka."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from conduit_chassis.clock import Clock
from conduit_chassis.migrate import migrate
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_intake.app import create_service
from services.intake.tests.api import Api
from services.intake.tests.samples import NORTH, NOW, SOUTH, registered, sent

POLICY_FILE = Path(__file__).parents[3] / "deploy" / "policy" / "policy.toml"


def intake_with(database: str, clock: Clock | None = None, **settings: Any) -> AbstractAsyncContextManager[Harness]:
    """One more process of intake on this database, with these settings."""
    return harness(create_service(), database, clock, policy_file=POLICY_FILE, **settings)


@pytest.fixture(scope="session")
def database_template(template_database: Callable[[str, Callable[[str], object]], str]) -> str:
    return template_database("intake", lambda dsn: migrate(dsn, create_service().migrations))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def empty_intake(database: str, clock: ManualClock) -> AsyncIterator[Harness]:
    """Intake with an empty register."""
    async with intake_with(database, clock) as made:
        yield made


@pytest.fixture
async def intake(empty_intake: Harness) -> Harness:
    """Intake that knows one partner."""
    await empty_intake.deliver(sent(registered()))
    return empty_intake


@pytest.fixture
async def api(intake: Harness, database: str) -> AsyncIterator[Api]:
    """The HTTP API of intake, which knows two partners."""
    await intake.deliver(sent(registered(SOUTH)))
    async with AsyncExitStack() as stack:
        yield Api(intake, database, stack)


@pytest.fixture
async def north(api: Api) -> httpx.AsyncClient:
    """A client of the first partner, with a token."""
    return await api.client(NORTH)


@pytest.fixture
async def south(api: Api) -> httpx.AsyncClient:
    """A client of the second."""
    return await api.client(SOUTH)
