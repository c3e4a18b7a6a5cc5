"""The programme's pages in a real browser, with a real provider: by keyboard, without scripts, small, enlarged, in forced
colours.

Pictures of every page go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_local.identity_provider import EmbeddedProvider
from conduit_programme.organisations import store
from conduit_programme.organisations.rules import OrganisationKind, OrganisationOffer
from conduit_programme.organisations.said import ContactWords
from services.programme.tests import builders as b
from services.programme.tests.pages import Register, account, programme_app
from services.web.tests import test_in_a_browser as shared
from services.web.tests.test_in_a_browser import (
    LOOKS,
    Site,
    free_url,
    is_good,
    served,
    sign_in_by_keyboard,
    tab_to,
)

pytestmark = pytest.mark.browser
chromium = shared.chromium
OFFER = OrganisationOffer(
    services=("therapy", "helpline", "violence_adviser"),
    expertise=("boys", "online_abuse"),
    force_ids=("kent", "essex"),
    youngest=11,
    oldest=17,
    languages=("en", "cy", "bfi"),
)
WORDS = "Synthetic: we listen first, and go with a young person for as long as they want us to."


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@asynccontextmanager
async def serving(
    programme: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium
) -> AsyncIterator[Site]:
    url, issuer = free_url(), provider.issuer("hub")
    async with httpx.AsyncClient(trust_env=False) as http:
        app = programme_app(programme, clock, Register.of(issuer), http, issuer, url)
        async with served(chromium, app, url) as site:
            yield site


@pytest.fixture
async def filled(held: Harness, clock: ManualClock) -> dict[str, str]:
    """A partner whose agreement ends soon, and one whose agreement lapsed; where pages are, by name."""
    today = clock.now().date()
    soon, past = today + timedelta(days=6), today - timedelta(days=3)
    await held.deliver(
        *b.registered(
            b.partner(b.PARTNER, "Northlight", b.mou(valid_to=soon, review_on=today - timedelta(days=20))),
            b.partner("harbour-trust", "Harbour Trust", b.mou("MOU-HARBOUR", valid_to=past)),
        )
    )
    async with held.pool.acquire() as connection:
        found = await store.of_partner(connection, b.PARTNER)
        assert found is not None
        one = found.organisation_id
        await store.put_offer(connection, one, OFFER, WORDS, account("emma"), clock.now())
        lead = ContactWords(role="Safeguarding lead", telephone="01632 960147", on_duty="Monday to Friday, 9:00 to 17:00")
        desk = ContactWords(role="Out-of-hours desk", telephone="01632 960148", email="desk@northlight.example")
        for said in (lead, desk):
            await store.add_contact(connection, one, said, clock.now())
        await store.add(connection, OrganisationKind.CHILDRENS_SERVICES, "Children's services in Kent", clock.now())
    return {
        "organisations": "/organisations",
        "organisation": f"/organisations/{one}",
        "organisation-new": "/organisations/new",
        "offer": f"/organisations/{one}/offer",
        "contact-new": f"/organisations/{one}/contacts/new",
        "agreement": f"/organisations/{one}/agreement?reference=MOU-NORTHLIGHT",
        "agreement-new": f"/organisations/{one}/agreement",
        "review": f"/organisations/{one}/review?reference=MOU-NORTHLIGHT",
        "merge": f"/organisations/{one}/merge",
        "directory": "/directory",
        "directory-nobody": "/directory?language=pl",
        "entry": f"/directory/{one}",
        "missing": f"/organisations/{uuid7()}",
    }


@pytest.fixture
async def site(held: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    async with serving(held, clock, provider, chromium) as made:
        yield made


async def enter(site: Site, who: str, clock: ManualClock, path: str = "/", **look: Any) -> Any:
    page = await site.page(**look)
    await page.goto(f"{site.url}{path}")
    await page.get_by_label("Who you are").fill(who)
    claims = {"amr": ["mfa"], "auth_time": int(clock.now().timestamp())}
    await page.get_by_label("What else it says of you").fill(json.dumps(claims))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{site.url}/**")
    return page


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_can_be_read_by_everybody(
    site: Site, filled: dict[str, str], clock: ManualClock, look: str
) -> None:
    page = await enter(site, "emma", clock, **LOOKS[look])
    for name, path in filled.items():
        answer = await page.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.status == (404 if name == "missing" else 200), name
        await is_good(page, f"programme-{name}-{look}")
    page = await enter(site, "audrey", clock, **LOOKS[look])
    await page.goto(f"{site.url}/trail")
    await is_good(page, f"programme-trail-{look}")
    page = await enter(site, "fred", clock, **LOOKS[look])
    await is_good(page, f"programme-nothing-here-{look}")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_an_engagement_officer_writes_what_a_partner_brings_by_keyboard_alone(
    site: Site, filled: dict[str, str], *, scripts: bool
) -> None:
    page = await site.page(java_script_enabled=scripts)
    await page.goto(f"{site.url}/organisations")
    await sign_in_by_keyboard(page, "emma")
    await page.wait_for_url(f"{site.url}/organisations")
    await tab_to(page, "Harbour Trust")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/organisations/*-*")
    await tab_to(page, "Change what they bring")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/offer")
    await tab_to(page, "Outreach")
    await page.keyboard.press("Space")
    await tab_to(page, "Up to which age")
    await page.keyboard.type("9")
    await tab_to(page, "In your own words")
    await page.keyboard.type("Synthetic: on the street, where they are.")
    await tab_to(page, "Keep this")
    await page.keyboard.press("Enter")
    await page.get_by_text("Synthetic: on the street").wait_for()
    assert await page.get_by_text("up to 9").count() == 1
    assert await page.locator("h2").first.inner_text() == "What they bring"
