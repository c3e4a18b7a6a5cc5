"""Fixtures: notification on a real database, a real mail server and a webhook's endpoint, all in this process."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from conduit_chassis.migrate import migrate
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_notification.app import create_service
from services.notification.tests.builders import NOW
from services.notification.tests.receivers import Endpoint, MailServer

POLICY_FILE = Path(__file__).parents[3] / "deploy" / "policy" / "policy.toml"
HUB_EMAIL = "duty@hub.example"


@pytest.fixture(scope="session")
def database_template(template_database: Callable[[str, Callable[[str], object]], str]) -> str:
    return template_database("notification", lambda dsn: migrate(dsn, create_service().migrations))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as made:
        yield made


@pytest.fixture
async def notification(database: str, clock: ManualClock, mail: MailServer, tmp_path: Path) -> AsyncIterator[Harness]:
    service = create_service()
    settings = {
        "policy_file": POLICY_FILE,
        "smtp_host": "127.0.0.1",
        "smtp_port": mail.port,
        "hub_email": HUB_EMAIL,
        "webhook_allow_http": True,
        "webhook_seconds": 2.0,
        "secrets_dir": tmp_path,
        "notice_poll_seconds": 0.01,
    }
    async with harness(service, database, clock, **settings) as made:
        yield made
