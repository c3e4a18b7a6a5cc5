"""Insight in a real browser: a partner's manager sees what came of what they said, by keyboard alone.

Pictures of every page go to .conduit/pictures, to be looked at; docs/guides/lead.md and partner.md show some.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.testing import Harness, ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight import measures, store
from conduit_programme.insight.measures import NewMeasure
from conduit_programme.insight.rules import (
    INSIGHT_ANSWER_DAYS,
    InsightOutcome,
    InsightSource,
    MeasureCounts,
    SpeakerRole,
    due_on,
)
from conduit_programme.insight.said import InsightAnswerWords, MeasureReadingWords, MeasureWords
from conduit_programme.insight.store import HeardInsight
from conduit_programme.organisations import store as organisations
from conduit_programme.wording import day
from services.programme.tests import builders as b
from services.programme.tests import test_in_a_browser as pages
from services.programme.tests.pages import account
from services.programme.tests.test_in_a_browser import enter, serving
from services.web.tests.test_in_a_browser import LOOKS, PICTURES, Site, is_good, sign_in_by_keyboard, tab_to

pytestmark = pytest.mark.browser
chromium = pages.chromium
SAID = (
    "Synthetic: young people tell us that they are asked the same questions three times, by us, by the hub's form and by"
    " the force. Some stop talking to us after the second time."
)
LATE = "Synthetic: nobody at the force knew that our desk answers at night."
COULD_NOT = "Synthetic: we would like to be told who else refers from our area."


GUIDE = {"insights", "insight-late", "own-insights", "four-ps", "protect"}
"""What docs/guides/lead.md shows."""


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@pytest.fixture
async def site(held: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    async with serving(held, clock, provider, chromium) as made:
        yield made


@pytest.fixture
async def said(held: Harness, clock: ManualClock) -> dict[str, UUID]:
    """What Northlight said: answered, not to be changed, considered, and waiting for too long."""
    now = clock.now()
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, b.PARTNER)
        assert found is not None

        async def hear(words: str, days_ago: int, speaker: SpeakerRole = SpeakerRole.PRACTITIONER) -> UUID:
            then = now - timedelta(days=days_ago)
            due = due_on(then.date(), INSIGHT_ANSWER_DAYS)
            heard = HeardInsight(found.organisation_id, InsightSource.OFFERED, speaker, then.date(), due, words)
            return await store.hear(connection, heard, account("mara"), then)

        made = {
            "changed": await hear(SAID, 20, SpeakerRole.YOUNG_PERSON),
            "not-changed": await hear(COULD_NOT, 12, SpeakerRole.MANAGER),
            "late": await hear(LATE, INSIGHT_ANSWER_DAYS + 5, SpeakerRole.HELPLINE),
        }
        for name, four_p in (("changed", FourPs.PROTECT), ("not-changed", FourPs.PREPARE)):
            await store.consider(connection, made[name], four_p, account("emma"), now - timedelta(days=9))
        what = "Synthetic: the form takes over what you have asked already, and the force gets your notes of it."
        answer = InsightAnswerWords(words=what, evidence="The referral form since this month")
        outcome, on = InsightOutcome.CHANGED, now.date() - timedelta(days=4)
        await store.answer(connection, made["changed"], outcome, on, answer, by=account("emma"), now=now - timedelta(days=3))
        why = InsightAnswerWords(words="Synthetic: who refers is told to nobody, and you would not want it of yourselves.")
        refused = InsightOutcome.NOT_CHANGED
        await store.answer(connection, made["not-changed"], refused, None, why, by=account("lena"), now=now)
    return made


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_insight_can_be_read_by_everybody(
    site: Site, said: dict[str, UUID], clock: ManualClock, look: str
) -> None:
    at_hub = {
        "insights": "/insights",
        "insights-answered": "/insights?which=answered",
        "insight-new": "/insights/new",
        "insight-late": f"/insights/{said['late']}",
        "insight-changed": f"/insights/{said['changed']}",
        "insight-answer": f"/insights/{said['changed']}/answer",
    }
    own = {
        "own-insights": "/our-insights",
        "own-insight-new": "/our-insights/new",
        "own-insight-late": f"/our-insights/{said['late']}",
        "own-insight-changed": f"/our-insights/{said['changed']}",
    }
    for who, paths in (("emma", at_hub), ("mara", own)):
        page = await enter(site, who, clock, **LOOKS[look])
        for name, path in paths.items():
            answer = await page.goto(f"{site.url}{path}")
            assert answer is not None
            assert answer.status == 200, name
            await is_good(page, f"programme-{name}-{look}")
            if look == "desk" and name in GUIDE:
                await page.screenshot(path=PICTURES / f"lead-{name}.png")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_partner_manager_sees_what_came_of_what_they_said_by_keyboard_alone(
    site: Site, held: Harness, clock: ManualClock, *, scripts: bool
) -> None:
    mara = await site.page(java_script_enabled=scripts)
    await mara.goto(f"{site.url}/our-insights/new")
    await sign_in_by_keyboard(mara, "mara")
    await mara.wait_for_url(f"{site.url}/our-insights/new")
    await fill(mara, {"What should the hub know?": SAID})
    await mara.keyboard.press("Tab")
    assert await mara.evaluate("document.activeElement.id") == "speaker"
    await mara.keyboard.press("ArrowDown")
    await tab_to(mara, "Tell the hub")
    await mara.keyboard.press("Enter")
    await mara.get_by_text(f"due in {INSIGHT_ANSWER_DAYS} days").wait_for()

    emma = await site.page(java_script_enabled=scripts)
    await emma.goto(f"{site.url}/insights")
    await sign_in_by_keyboard(emma, "emma")
    await emma.wait_for_url(f"{site.url}/insights")
    await tab_to(emma, "Synthetic: young people")  # the table, which the keyboard can move sideways
    await tab_to(emma, "Synthetic: young people")
    await emma.keyboard.press("Enter")
    await emma.wait_for_url(f"{site.url}/insights/*-*")
    await tab_to(emma, "Prepare")
    await emma.keyboard.press("Space")
    await tab_to(emma, "Consider it yourself")
    await emma.keyboard.press("Enter")
    await emma.get_by_text("Who considers it").wait_for()
    await tab_to(emma, "Answer it")
    await emma.keyboard.press("Enter")
    await emma.wait_for_url("**/answer")
    await tab_to(emma, "Something changed")
    await emma.keyboard.press("Space")
    told = {
        "What changed, or why it could not": "Synthetic: the form asks once.",
        "When it changed": day(clock.now()),
        "Where one can see that": "The form",
    }
    await fill(emma, told)
    await tab_to(emma, "Answer")
    await emma.keyboard.press("Enter")
    await emma.get_by_text("Synthetic: the form asks once.").wait_for()

    await mara.goto(f"{site.url}/our-insights")
    for words in (SAID, "We did", "Synthetic: the form asks once.", "To be seen at: The form"):
        await mara.get_by_text(words, exact=words == "We did").wait_for()
    hanna = await enter(site, "hanna", clock, path="/our-insights")
    assert await hanna.get_by_text("Your organisation has told the hub nothing yet.").count() == 1


async def fill(page: Any, answers: dict[str, str]) -> None:
    """Goes from field to field, and types; what a field has already stays where nothing is to be typed."""
    for label, words in answers.items():
        await tab_to(page, label)
        await page.keyboard.type(words)


@pytest.fixture
async def quarter(held: Harness, said: dict[str, UUID], clock: ManualClock) -> None:
    """Measures of all four, one with numbers of two quarters."""
    now, present = clock.now(), Quarter.of(clock.now().date())
    agreed: dict[str, Any] = {"by": account("lena"), "on": present.before.first, "now": now}
    async with held.pool.acquire() as connection:
        for four_p, counts, name in (
            (FourPs.PREPARE, MeasureCounts.PEOPLE_TRAINED, "Synthetic: practitioners who took the course on referrals"),
            (FourPs.PROTECT, MeasureCounts.PEOPLE_SUPPORTED, "Synthetic: young people with an adviser within a week"),
            (FourPs.PREVENT, MeasureCounts.ORGANISATIONS, "Synthetic: schools with the joint lesson"),
            (FourPs.PURSUE, MeasureCounts.ACKNOWLEDGEMENTS, "Synthetic: hand-offs that a person acknowledged in time"),
        ):
            words = MeasureWords(name=name, how="Once for each", agreed_with="Northlight, Harbour Trust")
            one = await measures.agree(connection, NewMeasure(four_p, counts, words), **agreed)
            for when, figure in ((present.before, 840), (present, 1_250)):
                shown = MeasureReadingWords(source="The hub's figures", shows="Synthetic: more than in the quarter before.")
                await measures.note(connection, one, when, figure, shown, by=account("lena"), now=now)


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_the_four_ps_can_be_read_by_everybody(
    site: Site, quarter: None, clock: ManualClock, look: str
) -> None:
    page = await enter(site, "lena", clock, **LOOKS[look])
    paths = {
        "four-ps": "/four-ps",
        "protect": "/four-ps/protect",
        "pursue": "/four-ps/pursue",
        "measure-new": "/four-ps/pursue/measures/new",
        "report": "/quarterly-report",
        "report-empty": "/quarterly-report?quarter=2001-Q1",
    }
    for name, path in paths.items():
        answer = await page.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.status == 200, name
        await is_good(page, f"programme-{name}-{look}")
        if look == "desk" and name in GUIDE:
            await page.screenshot(path=PICTURES / f"lead-{name}.png")


async def test_a_lead_prints_the_quarter(site: Site, quarter: None, clock: ManualClock) -> None:
    page = await enter(site, "lena", clock, path="/four-ps")
    await page.get_by_role("button", name="Read the quarterly report").click()
    await page.wait_for_url(f"{site.url}/quarterly-report?quarter=*")
    await page.emulate_media(media="print")
    for pressed in (
        "Sign out",
        "Skip to the content",
        "All four Ps",
        "If a child is in danger now, call 999.",
        "press Ctrl",
    ):
        assert not await page.get_by_text(pressed).first.is_visible(), f"{pressed} is for a screen, and not for paper"
    for read in ("Partnership work:", "Prepare", "Pursue", SAID, "Synthetic: who refers is told to nobody", "1,250"):
        assert await page.get_by_text(read).first.is_visible(), read
    printed = await page.pdf(format="A4", tagged=True, outline=True)
    (PICTURES / "programme-report.pdf").write_bytes(printed)
    assert printed.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in printed, "a screen reader finds headings and tables in it"
    assert pages_of(printed) > 5
    await page.set_viewport_size({"width": 658, "height": 980})  # what margins leave of an A4 sheet
    await page.screenshot(path=PICTURES / "programme-report-printed.png", full_page=True)
    await page.goto(f"{site.url}/quarterly-report?quarter=2001-Q1")
    assert pages_of(await page.pdf(format="A4")) == 5, "a first page, and one for each of the four"


def pages_of(printed: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", printed))
