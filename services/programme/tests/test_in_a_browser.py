"""The programme's pages in a real browser, with a real provider: by keyboard, without scripts, small, enlarged, in forced
colours.

Pictures of every page go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_local.identity_provider import EmbeddedProvider
from conduit_programme.engagement import store as engagement
from conduit_programme.engagement.rules import Activity, ActivityKind, ActivityState, StepOwner
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.four_ps import FourPs
from conduit_programme.organisations import store
from conduit_programme.organisations.rules import OrganisationKind, OrganisationOffer
from conduit_programme.organisations.said import ContactWords
from services.programme.tests import builders as b
from services.programme.tests.pages import Register, account, programme_app
from services.web.tests import test_in_a_browser as shared
from services.web.tests.test_in_a_browser import (
    LOOKS,
    PICTURES,
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
GUIDE = ("due", "log", "organisation")
"""What docs/guides/engagement-officer.md shows."""
OWN_GUIDES = {"mara": "partner", "kim": "force"}
"""Whose guides show their own page."""
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
        visit = await activity(connection, clock, one, -10)
        await step(connection, clock, visit, "Send the guide for young people", StepOwner(account=account("emma")), -2)
        await step(connection, clock, visit, "Ask the board about the training", StepOwner(account=account("lena")), 9)
        await step(
            connection, clock, visit, "A guide that young people wrote", StepOwner(organisation_id=one), 20, joint=True
        )
        proposal = await activity(connection, clock, one, 21, proposed=True)
    return {
        "due": "/due",
        "activities": "/activities",
        "log": f"/activities/new?with=o-{one}",
        "activity": f"/activities/{visit}",
        "activity-change": f"/activities/{visit}/change",
        "step-new": f"/activities/{visit}/step",
        "proposal": f"/activities/{proposal}",
        "calendar": "/calendar",
        "organisations": "/organisations",
        "organisation": f"/organisations/{one}",
        "organisation-new": "/organisations/new",
        "offer": f"/organisations/{one}/offer",
        "contact-new": f"/organisations/{one}/contacts/new",
        "agreement": f"/organisations/{one}/agreement?reference=MOU-NORTHLIGHT",
        "agreement-new": f"/organisations/{one}/agreement",
        "review": f"/organisations/{one}/review?reference=MOU-NORTHLIGHT",
        "document": f"/organisations/{one}/document?reference=MOU-NORTHLIGHT",
        "merge": f"/organisations/{one}/merge",
        "directory": "/directory",
        "directory-nobody": "/directory?language=pl",
        "entry": f"/directory/{one}",
        "missing": f"/organisations/{uuid7()}",
    }


async def activity(connection: Any, clock: ManualClock, organisation_id: UUID, days: int, *, proposed: bool = False) -> UUID:
    made = Activity(
        activity_id=uuid7(clock.now()),
        kind=ActivityKind.TRAINING if proposed else ActivityKind.VISIT,
        held_on=clock.now().date() + timedelta(days=days),
        state=ActivityState.PROPOSED if proposed else ActivityState.AGREED,
        ps=(FourPs.PROTECT,),
        themes=("hearing_back",),
        organisation_ids=(organisation_id,),
        force_ids=("kent",),
        proposed_by="partner.northlight" if proposed else None,
        words_id=None,
        logged_by=account("emma"),
    )
    said = ActivityWords(outcome="Synthetic: they want to hear back sooner, and offer a room.", roles="Two managers")
    await engagement.put(connection, made, said, account("emma"), clock.now())
    return made.activity_id


async def step(
    connection: Any, clock: ManualClock, activity_id: UUID, what: str, owner: StepOwner, days: int, *, joint: bool = False
) -> None:
    due_on = clock.now().date() + timedelta(days=days)
    await engagement.add_step(connection, activity_id, what, owner, due_on, joint=joint, now=clock.now())


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
        if look == "desk" and name in GUIDE:
            await page.screenshot(path=PICTURES / f"engagement-{name}.png")
    page = await enter(site, "audrey", clock, **LOOKS[look])
    await page.goto(f"{site.url}/trail")
    await is_good(page, f"programme-trail-{look}")
    for who in ("mara", "kim"):
        page = await enter(site, who, clock, **LOOKS[look])
        own = f"/ours{filled['activity']}"
        for name, path in {"ours": "/ours", "own-activity": own, "propose": "/ours/propose"}.items():
            await page.goto(f"{site.url}{path}")
            await is_good(page, f"programme-{name}-{who}-{look}")
            if look == "desk" and name == "ours":
                await page.screenshot(path=PICTURES / f"{OWN_GUIDES[who]}-ours.png")
    if look == "desk":
        await page.goto(f"{site.url}/directory?service=helpline&force=kent")
        await page.screenshot(path=PICTURES / "force-directory.png")
    page = await enter(site, "adam", clock, **LOOKS[look])
    await is_good(page, f"programme-nothing-here-{look}")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_an_engagement_officer_writes_what_a_partner_brings_by_keyboard_alone(
    site: Site, filled: dict[str, str], *, scripts: bool
) -> None:
    page = await site.page(java_script_enabled=scripts)
    await page.goto(f"{site.url}/organisations")
    await sign_in_by_keyboard(page, "emma")
    await page.wait_for_url(f"{site.url}/organisations")
    for _ in range(2):  # a table that may have to be scrolled has the focus first
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


class Hand:
    """Counts the clicks of whoever works at a page."""

    def __init__(self) -> None:
        self.clicks = 0

    async def click(self, what: Any) -> None:
        self.clicks += 1
        await what.click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_visit_is_logged_on_one_screen_with_at_most_eight_fields_and_three_clicks(
    site: Site, filled: dict[str, str], clock: ManualClock, *, scripts: bool
) -> None:
    page, hand = await site.page(java_script_enabled=scripts), Hand()
    await page.goto(f"{site.url}{filled['organisation']}")
    await sign_in_by_keyboard(page, "emma")
    await page.wait_for_url(f"{site.url}{filled['organisation']}")
    await hand.click(page.get_by_role("button", name="Log an activity with them"))
    await page.wait_for_url("**/activities/new?with=*")
    fields = page.locator("form.desk-log > .govuk-form-group")
    assert await fields.count() == 8, "one screen asks no more than that"
    await hand.click(page.get_by_label("Visit", exact=True))
    await page.get_by_label("What came of it").fill("Synthetic: they showed us the helpline.")
    await page.get_by_label("Next step").fill("Invite them to the training")
    await hand.click(page.get_by_role("button", name="Log it"))
    await page.wait_for_url("**/activities/*-*")
    assert hand.clicks <= 3
    text = await page.locator("main").inner_text()
    for said in ("Visit", "Northlight", "Synthetic: they showed us the helpline.", "Invite them to the training"):
        assert said in text
    await page.goto(f"{site.url}/due")
    assert await page.get_by_text("Invite them to the training").count() >= 1


async def test_a_partner_manager_proposes_and_sees_the_answer(
    site: Site, filled: dict[str, str], clock: ManualClock
) -> None:
    page = await enter(site, "mara", clock)
    await page.wait_for_url(f"{site.url}/ours")
    await page.get_by_role("button", name="Propose something to do together").click()
    await page.get_by_label("Consultation").check()
    await page.get_by_label("Day", exact=True).fill((clock.now() + timedelta(days=40)).strftime("%d/%m/%Y"))
    await page.get_by_label("What should come of it").fill("Synthetic: what young people think of the letters.")
    await page.get_by_role("button", name="Propose it").click()
    await page.get_by_text("The hub has your proposal.").wait_for()
    address = page.url
    hub = await enter(site, "emma", clock, address.removeprefix(site.url).removeprefix("/ours"))
    await hub.get_by_role("button", name="Agree to it").click()
    await hub.get_by_text("planned").wait_for()
    await page.goto(address)
    assert await page.get_by_text("planned").count() == 1


async def test_a_signed_document_is_attached_as_a_browser_sends_it(
    site: Site, filled: dict[str, str], clock: ManualClock
) -> None:
    page = await enter(site, "emma", clock, path=filled["document"])
    await page.get_by_role("button", name="Attach it").click()
    await page.get_by_text("There is a problem").wait_for()
    assert await page.get_by_role("link", name="Choose a file.").count() == 1
    await is_good(page, "programme-document-missing-desk")
    pdf = b"%PDF-1.7\r\nsynthetic \xff\n%%EOF"
    chosen = {"name": 'Agreement, sign\u00e9 "2026".pdf', "mimeType": "application/pdf", "buffer": pdf}
    await page.get_by_label("The signed document").set_input_files(chosen)
    await page.get_by_role("button", name="Attach it").click()
    await page.get_by_text(f"SHA-256 {sha256(pdf).hexdigest()}").wait_for()
    assert await page.get_by_text("No scanner is set up here, so it cannot be opened.").count() == 1
    await is_good(page, "programme-organisation-document-desk")


async def test_a_signed_document_is_fetched_by_the_partner_and_erased_by_who_attached_it(
    site: Site, filled: dict[str, str], held: Harness, clock: ManualClock
) -> None:
    page = await enter(site, "emma", clock, path=filled["document"])
    pdf = {"name": "signed.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\r\nsynthetic\n%%EOF"}
    await page.get_by_label("The signed document").set_input_files(pdf)
    await page.get_by_role("button", name="Attach it").click()
    await page.get_by_text("Signed document:").wait_for()
    async with held.pool.acquire() as connection:
        await connection.execute(
            "UPDATE agreement_documents SET state = 'clean', decided_at = now(), next_attempt_at = NULL"
        )
    mara = await enter(site, "mara", clock, path="/ours")
    await is_good(mara, "programme-ours-document-desk")
    async with mara.expect_download() as fetched:
        await tab_to(mara, "Fetch the signed document")
        await mara.keyboard.press("Enter")
    assert (await fetched.value).suggested_filename.startswith("signed-agreement-")
    await page.reload()
    await tab_to(page, "Erase it")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Erase it for good").click()
    await page.get_by_text("There is a problem").wait_for()
    await is_good(page, "programme-document-erase-desk")
    await page.get_by_label("Why it should not be here").select_option("wrong_agreement")
    await page.get_by_role("button", name="Erase it for good").click()
    await page.get_by_text("It belongs to another agreement.").wait_for()
    await is_good(page, "programme-document-erased-desk")
