"""Lived experience in a real browser: a consent is withdrawn and the words are gone from every other browser; finance
sees payments and nothing else.

Pictures of every page go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from conduit_chassis.testing import Harness, ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from conduit_programme.experience import owed, released, store, talks
from conduit_programme.experience.rules import ConsentPurpose, PaymentState, WellbeingMoment, WellbeingOutcome
from conduit_programme.experience.store import BegunContributor, ConsentNote
from conduit_programme.organisations import store as organisations
from services.programme.tests.builders import PARTNER
from services.programme.tests.experience import today_of
from services.programme.tests.pages import account
from services.programme.tests.test_in_a_browser import enter, serving
from services.web.tests import test_in_a_browser as shared
from services.web.tests.test_in_a_browser import LOOKS, Site, is_good, sign_in_by_keyboard, tab_to

pytestmark = pytest.mark.browser
chromium = shared.chromium
WORDS = "Synthetic: they asked me the same questions four times, and nobody told me why."
OTHERS = "Synthetic: the one thing that helped was that she rang when she said that she would."


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@pytest.fixture
async def site(held: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    async with serving(held, clock, provider, chromium) as made:
        yield made


async def contributor(
    held: Harness, clock: ManualClock, pseudonym: str, words: str, *, reviewed: date | None = None
) -> dict[str, str]:
    """Somebody who agrees to all, with a conversation that took place and one that waits; where their pages are."""
    now, today, emma = clock.now(), today_of(clock), account("emma")
    note = ConsentNote(today, "contributor", emma, now)
    async with held.pool.acquire() as connection:
        partner = await organisations.of_partner(connection, PARTNER)
        assert partner is not None
        begun = BegunContributor(partner.organisation_id, pseudonym, today - timedelta(days=30), "partner")
        one = await store.begin(connection, begun, emma, now)
        for purpose in ConsentPurpose:
            await store.give(connection, one, purpose, note, told_of_print=True)
        if reviewed:
            await store.reviewed(connection, one, reviewed)
        owners = {WellbeingMoment.BEFORE: emma, WellbeingMoment.AFTER: account("lena")}
        first = await talks.plan(connection, one, today - timedelta(days=9), owners, emma, now)
        await talks.check_done(connection, first, WellbeingMoment.BEFORE, WellbeingOutcome.WELL, emma, now)
        (known,) = await talks.of(connection, one)
        await talks.held(connection, known, today - timedelta(days=9), now)
        quote = await store.keep(connection, one, first, words, now)
        second = await talks.plan(connection, one, today + timedelta(days=3), owners, emma, now)
    here = f"/contributors/{one}"
    return {
        "here": here,
        "first": f"{here}/conversations/{first}",
        "second": f"{here}/conversations/{second}",
        "quote": str(quote),
    }


@pytest.fixture
async def told(held: Harness, clock: ManualClock) -> dict[str, str]:
    """Two contributors, a release of what both said, and payments; where pages are, by name."""
    one = await contributor(held, clock, "Bluebird", WORDS)
    two = await contributor(held, clock, "Heron", OTHERS, reviewed=today_of(clock) - timedelta(days=400))
    async with held.pool.acquire() as connection:
        kept = await store.newest_quotes(connection, None)
        by_id = {str(each.quote_id): each.quote_id for each in kept.rows}
        ids = [by_id[one["quote"]], by_id[two["quote"]]]
        release = await released.publish(connection, "What we heard in 2026", ids, account("lena"), clock.now())
        payments = (await owed.listed(connection, None, None)).rows
        await owed.change(connection, payments[0].payment_id, PaymentState.OFFERED, 2550, account("fred"), clock.now())
    return {**one, "release": f"/releases/{release}", "payment": f"/payments/{payments[0].payment_id}"}


def keepers_pages(told: dict[str, str]) -> dict[str, str]:
    here = told["here"]
    return {
        "contributors": "/contributors",
        "contributor": here,
        "contributor-new": "/contributors/new",
        "contributors-due": "/contributors/due",
        "contact": f"{here}/contact",
        "consent-publish": f"{here}/consents/publish/give",
        "consent-withdraw": f"{here}/consents/record/withdraw",
        "conversation-new": f"{here}/conversations/new",
        "conversation-held": f"{told['second']}/held",
        "wellbeing": f"{told['first']}/checks/after",
        "quote-new": f"{told['first']}/quotes/new",
        "forget": f"{here}/forget",
        "quote-delete": f"{here}/quotes/{told['quote']}/delete",
        "release-new": "/releases/new",
        "release": told["release"],
        "told": "/lived-experience",
    }


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_can_be_read_by_everybody(site: Site, told: dict[str, str], clock: ManualClock, look: str) -> None:
    page = await enter(site, "emma", clock, **LOOKS[look])
    for name, path in keepers_pages(told).items():
        answer = await page.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.status == 200, name
        await is_good(page, f"programme-{name}-{look}")
    page = await enter(site, "fred", clock, **LOOKS[look])
    await is_good(page, f"programme-payments-{look}")
    await page.goto(f"{site.url}{told['payment']}")
    await is_good(page, f"programme-payment-{look}")


async def _press(page: Page, name: str) -> None:
    await tab_to(page, name)
    await page.keyboard.press("Enter")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_consent_is_withdrawn_by_keyboard_and_the_words_are_gone_everywhere_on_the_next_read(
    site: Site, told: dict[str, str], clock: ManualClock, *, scripts: bool
) -> None:
    mara, kim = await enter(site, "mara", clock, told["release"]), await enter(site, "kim", clock, "/lived-experience")
    assert await mara.get_by_text(WORDS).count() == 1
    assert await kim.get_by_text(WORDS).count() == 1
    await mara.goto(f"{site.url}/lived-experience")

    page = await site.page(java_script_enabled=scripts)
    await page.goto(f"{site.url}{told['here']}")
    await sign_in_by_keyboard(page, "emma")
    await page.wait_for_url(f"{site.url}{told['here']}")
    assert await page.get_by_text(WORDS).count() == 1
    await _press(page, ": It may be quoted without their name")
    await page.wait_for_url("**/consents/quote/withdraw")
    await _press(page, "Withdraw it now")
    await page.wait_for_url(f"{site.url}{told['here']}")
    assert await page.get_by_text("withdrawn").count() == 2, "to publish it needs to be quoted"

    # Back, which a browser may answer from its own cache; then again, and another page.
    await mara.go_back()
    await mara.wait_for_url(f"{site.url}{told['release']}")
    assert await mara.get_by_text(WORDS).count() == 0
    assert await mara.get_by_text("Passage 1 is no longer here since revision 2.").count() == 1
    assert await mara.get_by_text(OTHERS).count() == 1
    await kim.reload()
    assert await kim.get_by_text(WORDS).count() == 0
    later = await enter(site, "anna", clock, told["release"])
    assert await later.get_by_text(WORDS).count() == 0
    for each in ("/lived-experience", told["release"]):
        await page.goto(f"{site.url}{each}")
        assert await page.get_by_text(WORDS).count() == 0
        answer = await page.request.get(f"{site.url}{each}")
        assert answer.headers["cache-control"] == "no-store", "nothing between keeps a copy"
        assert "etag" not in answer.headers
        assert "last-modified" not in answer.headers


async def test_finance_sees_payments_and_nothing_else(site: Site, told: dict[str, str], clock: ManualClock) -> None:
    fred = await enter(site, "fred", clock)
    await fred.wait_for_url(f"{site.url}/payments")
    links = await fred.locator(".govuk-service-navigation__list a").all_inner_texts()
    assert links == ["Payments"]
    await fred.goto(f"{site.url}{told['payment']}")
    await fred.get_by_label("accepted").check()
    await fred.get_by_role("button", name="Note it").click()
    await fred.get_by_text("£25.50, accepted").wait_for()
    seen = await fred.content()
    assert [each for each in ("Bluebird", "Heron", WORDS, OTHERS, told["here"]) if each in seen] == []
    for path in (*keepers_pages(told).values(), "/organisations", "/directory", "/trail"):
        answer = await fred.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.status == 403, path
    for who in ("emma", "lena", "mara"):
        page: Any = await enter(site, who, clock, "/payments")
        assert not re.search(r"£\d", await page.content())
