"""Fixtures: a database with the chassis' and the sample's tables, and a world of servers."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from conduit_chassis import log
from conduit_chassis.migrate import migrate
from conduit_chassis.testing import logging_as
from services.chassis.tests.sample import MIGRATIONS, Sample
from services.chassis.tests.world import World


@pytest.fixture(scope="session")
def database_template(template_database: Callable[[str, Callable[[str], object]], str]) -> str:
    return template_database("chassis", lambda dsn: migrate(dsn, MIGRATIONS))


@pytest.fixture
def sample() -> Sample:
    return Sample("sample")


@pytest.fixture
async def world(kafka_bootstrap: str, database: str) -> AsyncIterator[World]:
    made = World(kafka_bootstrap, database)
    yield made
    await made.close()


@pytest.fixture(scope="package", autouse=True)
def logging_as_in_production() -> Iterator[None]:
    with logging_as("sample"):
        yield


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Logs of every level, on the captured stdout."""
    log.configure("sample", "DEBUG")
    yield capsys
    log.configure("sample")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port
