"""Fixtures: the policy as it is deployed, a desk without a database, and triage on a real one."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from conduit_chassis.migrate import migrate
from conduit_chassis.policy import load_policy
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_triage.app import create_service
from conduit_triage.policy import TriagePolicy
from services.triage.tests.builders import NOW, Desk

POLICY_FILE = Path(__file__).parents[3] / "deploy" / "policy" / "policy.toml"


@pytest.fixture(scope="session")
def policy() -> TriagePolicy:
    return load_policy(POLICY_FILE, "triage", TriagePolicy)


@pytest.fixture
def desk(policy: TriagePolicy) -> Desk:
    return Desk(policy)


@pytest.fixture(scope="session")
def database_template(template_database: Callable[[str, Callable[[str], object]], str]) -> str:
    return template_database("triage", lambda dsn: migrate(dsn, create_service().migrations))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def triage(database: str, clock: ManualClock) -> AsyncIterator[Harness]:
    service = create_service()
    async with harness(service, database, clock, policy_file=POLICY_FILE) as made:
        yield made
