"""What a caseworker is asked after a hand-over, and asks, in a real browser. Pictures go to .conduit/pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_local.identity_provider import EmbeddedProvider
from conduit_programme.practice import conversation, store
from conduit_programme.practice.rules import PracticeKind
from conduit_programme.practice.store import AskedQuestion
from services.programme.tests import practice as asking
from services.programme.tests import test_in_a_browser as pages
from services.programme.tests.builders import PARTNER
from services.programme.tests.pages import account
from services.programme.tests.test_feedback import HERE, handed_over
from services.programme.tests.test_in_a_browser import enter, serving
from services.web.tests.test_in_a_browser import PICTURES, Site, is_good, tab_to

pytestmark = pytest.mark.browser
chromium = pages.chromium


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@pytest.fixture
async def site(held: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    async with serving(held, clock, provider, chromium) as made:
        yield made


async def test_a_caseworker_says_how_a_hand_over_went_and_pursue_counts_it(
    site: Site, held: Harness, clock: ManualClock
) -> None:
    await held.deliver(*(handed_over(uuid7(), clock.now()) for _ in range(2)))
    cara = await enter(site, "cara", clock, path=HERE)
    await is_good(cara, "programme-after-hand-over-desk")
    await cara.screenshot(path=PICTURES / "partner-after-hand-over.png")
    await cara.get_by_role("link", name="at hand-over").first.focus()
    await cara.keyboard.press("Enter")
    await cara.wait_for_url(f"{site.url}{HERE}/*")
    for place, answer in enumerate(("Partly", "No")):
        await cara.get_by_label(answer, exact=True).nth(place).focus()
        await cara.keyboard.press("Space")
    await cara.get_by_label("What should the hub or the force do differently?").focus()
    await cara.keyboard.type("Synthetic: tell us whom to call at night.")
    await is_good(cara, "programme-after-hand-over-questions-desk")
    await cara.screenshot(path=PICTURES / "partner-questions.png")
    await tab_to(cara, "Tell the hub")
    await cara.keyboard.press("Enter")
    await cara.wait_for_url(f"{site.url}{HERE}")
    lena = await enter(site, "lena", clock, path="/four-ps/pursue")
    await lena.get_by_text("Answered: 1; lapsed: 0; waiting: 1.").wait_for()
    await is_good(lena, "programme-pursue-feedback-desk")


async def to_what_waits(site: Site, kim: Page) -> None:
    """From a force's first page by keyboard to what it was brought into."""
    await is_good(kim, "programme-practice-waits-desk")
    await tab_to(kim, "Practice questions that wait for your force: 1")
    await kim.keyboard.press("Enter")
    await kim.wait_for_url(f"{site.url}{asking.AT_FORCE}")
    await is_good(kim, "programme-practice-force-list-desk")


async def test_a_caseworker_asks_without_a_referral_and_an_officer_brings_a_force_in_and_answers(
    site: Site, held: Harness, clock: ManualClock
) -> None:
    cara = await enter(site, "cara", clock, path=asking.OURS)
    await tab_to(cara, "Ask something")
    await cara.keyboard.press("Enter")
    await cara.wait_for_url(f"{site.url}{asking.OURS}/danger")
    await is_good(cara, "programme-practice-danger-desk")
    await cara.get_by_label("No", exact=True).focus()
    await cara.keyboard.press("Space")
    await tab_to(cara, "Continue")
    await cara.keyboard.press("Enter")
    await cara.wait_for_url(f"{site.url}{asking.OURS}/new?danger=no")
    await cara.get_by_label("What you want to know").select_option("evidence")
    await cara.get_by_label("Your question").fill(f"{asking.ASKED} Call 01632 960147.")
    await cara.get_by_label("Yes", exact=True).check()
    await cara.get_by_role("button", name="Ask the hub").click()
    await cara.get_by_role("link", name="Strike what looks like a telephone number.").wait_for()
    await is_good(cara, "programme-practice-strike-desk")
    await cara.get_by_label("Your question").fill(asking.ASKED)
    await cara.get_by_role("button", name="Ask the hub").click()
    await cara.get_by_role("heading", name="Your question").wait_for()
    question_id = cara.url.rsplit("/", 1)[-1]

    anna = await enter(site, "anna", clock, path=asking.AT_HUB)
    await is_good(anna, "programme-practice-list-desk")
    await anna.get_by_role("link", name=asking.ASKED).click()
    await anna.get_by_role("button", name="Take it").click()
    await anna.get_by_role("button", name="Bring a force in").click()
    await anna.get_by_label("Which force").select_option("kent")
    await anna.get_by_label("What you tell them, and what you ask them").fill(asking.TOLD)
    await is_good(anna, "programme-practice-bring-desk")
    await anna.get_by_role("button", name="Bring them in").click()
    await anna.get_by_text("Kent Police was brought in here").wait_for()

    kim = await enter(site, "kim", clock, path="/ours")
    await to_what_waits(site, kim)
    await kim.goto(f"{site.url}{asking.AT_FORCE}/{question_id}")
    await kim.get_by_label("What you want to say").fill(asking.JOINED)
    await is_good(kim, "programme-practice-force-desk")
    await kim.get_by_role("button", name="Send it").click()
    await kim.get_by_text(asking.JOINED).wait_for()

    await anna.reload()
    await anna.get_by_label("What you want to say").fill(asking.ANSWERED)
    await anna.get_by_label("Yes", exact=True).check()
    await is_good(anna, "programme-practice-question-desk")
    await anna.get_by_role("button", name="Send it").click()
    await anna.get_by_role("button", name="It is answered: end it").wait_for()

    for name, path in {"own": f"/{question_id}", "own-list": "", "in-danger": "/in-danger"}.items():
        await cara.goto(f"{site.url}{asking.OURS}{path}")
        await is_good(cara, f"programme-practice-{name}-desk")
    lena = await enter(site, "lena", clock, path="/practice-figures")
    await is_good(lena, "programme-practice-figures-desk")


async def test_an_officer_takes_a_force_out_again(site: Site, held: Harness, clock: ManualClock) -> None:
    by, now = account("anna"), clock.now()
    async with held.pool.acquire() as connection:
        question = AskedQuestion(PARTNER, PracticeKind.EVIDENCE, asking.ASKED, now.date(), force_may=True)
        one = await store.ask(connection, question, account("cara"), now)
        await store.take(connection, one, by)
        number = await conversation.write(connection, one, "hub", asking.TOLD, by, now)
        await conversation.bring(connection, one, "kent", number, by, now, now.date())
        await conversation.write(connection, one, "force.kent", asking.JOINED, account("kim"), now)
    anna = await enter(site, "anna", clock, path=f"{asking.AT_HUB}/{one}")
    await tab_to(anna, "Take Kent Police out again")
    await anna.keyboard.press("Enter")
    await anna.get_by_label("Why they are no longer part of it").select_option("wrong_force")
    await is_good(anna, "programme-practice-take-out-desk")
    await anna.get_by_role("button", name="Take them out").click()
    await anna.get_by_text("taken out again on").wait_for()
    await is_good(anna, "programme-practice-taken-out-desk")
