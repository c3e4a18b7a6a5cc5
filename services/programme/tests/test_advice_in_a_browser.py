"""National advice in a real browser: from a draft to what a force makes of it. Pictures go to .conduit/pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.testing import Harness, ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from conduit_programme.four_ps import FourPs
from conduit_programme.insight import store
from conduit_programme.insight.rules import INSIGHT_ANSWER_DAYS, InsightSource, SpeakerRole, due_on
from conduit_programme.insight.store import HeardInsight
from conduit_programme.organisations import store as organisations
from conduit_programme.wording import day
from services.programme.tests import builders as b
from services.programme.tests import test_in_a_browser as pages
from services.programme.tests.pages import account
from services.programme.tests.test_in_a_browser import enter, serving
from services.web.tests.test_in_a_browser import PICTURES, Site, is_good

pytestmark = pytest.mark.browser
chromium = pages.chromium
HEARD = (
    ("Synthetic: we learn from the child, or not at all, that an officer has been there.", SpeakerRole.HELPLINE),
    ("Synthetic: two visits on one day, because nobody knew of the other.", SpeakerRole.PRACTITIONER),
)
TITLE = "Tell the referring partner on the day on which you first speak with the child"
ADVISED = (
    "Synthetic: helplines and caseworkers told the hub that they learn from the child, or not at all, that a force has"
    " made contact.\n\nTell the partner that referred on the day on which you first speak with the child. Say when you"
    " come again, and whom the partner may call."
)


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@pytest.fixture
async def site(held: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    async with serving(held, clock, provider, chromium) as made:
        yield made


@pytest.fixture
async def considered(held: Harness, clock: ManualClock) -> list[UUID]:
    """What Northlight told the hub, which somebody considers."""
    await held.deliver(*b.registered(b.force("essex"), b.force("west-mercia")))
    now, made = clock.now(), []
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, b.PARTNER)
        assert found is not None
        for words, speaker in HEARD:
            due = due_on(now.date(), INSIGHT_ANSWER_DAYS)
            heard = HeardInsight(found.organisation_id, InsightSource.OFFERED, speaker, now.date(), due, words)
            made.append(await store.hear(connection, heard, account("mara"), now))
            await store.consider(connection, made[-1], FourPs.PURSUE, account("emma"), now)
    return made


async def test_a_note_goes_from_a_draft_to_what_a_force_makes_of_it(
    site: Site, considered: list[UUID], clock: ManualClock
) -> None:
    emma = await enter(site, "emma", clock, path="/advice/new")
    await emma.get_by_label("What it is about", exact=True).fill(TITLE)
    await emma.get_by_label("What forces are advised to do, and why").fill(ADVISED)
    await emma.get_by_label("Pursue").check()
    await emma.get_by_label("By when each force confirms that it read it").fill(day(clock.now() + timedelta(days=21)))
    for words, _ in HEARD:
        await emma.get_by_label(words).check()
    await is_good(emma, "programme-advice-new-desk")
    await emma.get_by_role("button", name="Keep the draft").click()
    await emma.get_by_text("A lead publishes it.").wait_for()
    note = emma.url.rsplit("/", 1)[-1]

    lena = await enter(site, "lena", clock, path=f"/advice/{note}")
    await lena.get_by_role("button", name="Publish it to every force").click()
    await lena.get_by_text("Programme lead published it").wait_for()

    kim = await enter(site, "kim", clock, path="/national-advice")
    await is_good(kim, "programme-own-advice-list-desk")
    await kim.screenshot(path=PICTURES / "force-advice-list.png")
    await kim.get_by_role("link", name=TITLE).click()
    await is_good(kim, "programme-own-advice-desk")
    await kim.screenshot(path=PICTURES / "force-advice.png")
    await kim.get_by_role("button", name="Confirm that we have read it").click()
    await kim.get_by_role("button", name="Say what your force makes of it").click()
    await kim.get_by_label("We do not adopt it").check()
    await kim.get_by_label("Why you do not adopt it").select_option("no_means")
    await kim.get_by_label("What the hub should know about it").fill("Synthetic: we have one desk for this, by day.")
    await is_good(kim, "programme-own-advice-answer-desk")
    await kim.get_by_role("button", name="Tell the hub").click()
    await kim.get_by_text("not adopted: We have no people or no money for it").wait_for()

    for name, path in {"advice": f"/advice/{note}", "advice-list": "/advice", "advice-pursue": "/four-ps/pursue"}.items():
        await lena.goto(f"{site.url}{path}")
        await is_good(lena, f"programme-{name}-desk")
        if name == "advice":
            await lena.screenshot(path=PICTURES / "lead-advice.png")
