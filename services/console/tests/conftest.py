"""Fixtures: the console on a real database, fed by hand."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from conduit_chassis.migrate import migrate
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_console.app import create_service
from conduit_local.identity_provider import EmbeddedProvider
from conduit_web import MIGRATIONS
from services.console.tests.builders import NOW


@pytest.fixture(scope="session")
def database_template(template_database: Callable[[str, Callable[[str], object]], str]) -> str:
    return template_database("console", lambda dsn: migrate(dsn, MIGRATIONS, create_service().migrations))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def console(database: str, clock: ManualClock) -> AsyncIterator[Harness]:
    async with harness(create_service(), database, clock) as made:
        yield made


@pytest.fixture(scope="session")
def provider() -> Iterator[EmbeddedProvider]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    made = EmbeddedProvider(folder, tell=print)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
