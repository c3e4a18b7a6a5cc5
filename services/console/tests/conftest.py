"""Fixtures: the console on a real database, fed by hand."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from conduit_chassis.migrate import migrate
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_console.app import create_service
from conduit_web import MIGRATIONS
from services.console.tests.builders import NOW
from services.console.tests.pages import Enter, Register, console_app
from services.web.tests.browser import URL, Browser
from services.web.tests.crafted import ISSUER, CraftedProvider, signed


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


@pytest.fixture
def enter(held: Harness, clock: ManualClock, crafted: CraftedProvider, abroad: httpx.AsyncClient) -> Enter:
    async def make(who: str, **more: Any) -> Browser:
        register = more.pop("register", None) or Register.of(ISSUER)
        said = {"sub": who, **more.pop("claims", {})}
        browser = Browser(console_app(held, clock, register, abroad, ISSUER, URL, **more), abroad)
        crafted.answer = lambda claims: {"id_token": signed({**claims, **said})}
        back = crafted.back(await browser.set_out("/sign-in")).replace("/crafted", "/hub")
        assert (await browser.get(back)).status_code == 303
        return browser

    return make
