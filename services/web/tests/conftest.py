"""Fixtures: a small desk on a real database, with a real identity provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter
from starlette.types import ASGIApp

from conduit_chassis.migrate import migrate
from conduit_chassis.testing import ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from conduit_web import MIGRATIONS
from conduit_web.desk import Desk, create_app
from conduit_web.pages import Pages
from conduit_web.people import Identity
from conduit_web.sessions import Sessions
from conduit_web.settings import DeskSettings
from services.web.tests.browser import NAME, URL, Browser
from services.web.tests.crafted import ISSUER
from services.web.tests.sample import CASEWORKER, FINANCE, OFFICER, SECOND_OFFICER, People, PlainPages, declined, router


@pytest.fixture(scope="session")
def database_template(template_database: Callable[[str, Callable[[str], object]], str]) -> str:
    return template_database("web", lambda dsn: migrate(dsn, MIGRATIONS))


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as made:
        yield made


@pytest.fixture
def people() -> People:
    declined.clear()
    return People()


@pytest.fixture
def make_desk(pool: Any, clock: ManualClock, people: People, abroad: httpx.AsyncClient) -> Callable[..., ASGIApp]:
    def make(
        *providers: dict[str, Any], name: str = NAME, url: str = URL, pages: Pages | None = None, routes: APIRouter = router
    ) -> ASGIApp:
        settings = DeskSettings.model_validate({"public_url": url, "identity_providers": providers})
        sessions = Sessions(pool, clock, idle=settings.session_idle, longest=settings.session_longest)
        desk = Desk(settings, register=people, sessions=sessions, clock=clock, http=abroad, pages=pages or PlainPages())
        desk.name = name
        return create_app(desk, routes)

    return make


@pytest.fixture
def app(make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, people: People) -> ASGIApp:
    """A desk of the real provider, and people whom it vouches for."""
    issuer = provider.issuer("hub")
    for name, person in {"anna": OFFICER, "ben": SECOND_OFFICER, "fred": FINANCE, "carol": CASEWORKER}.items():
        people.known[Identity(issuer, name)] = person
    return make_desk({"name": "hub", "label": "The hub", "issuer": issuer, "client_id": "console", "client_secret": "s"})


@pytest.fixture
def new_browser(app: ASGIApp, abroad: httpx.AsyncClient) -> Callable[[], Browser]:
    return lambda: Browser(app, abroad)


@pytest.fixture
def browser(new_browser: Callable[[], Browser]) -> Browser:
    return new_browser()


@pytest.fixture
def strange(make_desk: Callable[..., ASGIApp], abroad: httpx.AsyncClient, people: People) -> Browser:
    """A browser at a desk whose provider gives whatever token the test made."""
    people.known[Identity(ISSUER, "anna")] = OFFICER
    about = {"name": "crafted", "label": "Crafted", "issuer": ISSUER, "client_id": "console", "client_secret": "s"}
    return Browser(make_desk(about), abroad)
