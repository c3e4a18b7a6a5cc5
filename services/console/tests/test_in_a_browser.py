"""The console in a real browser, with a real provider: by keyboard, without scripts, small, enlarged, in forced colours.

Pictures of every page go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk, opinions
from conduit_console.duties import note_sent
from conduit_console.opinions import AskedOpinion
from conduit_console.pages.at_desk import GLASS_LASTS
from conduit_contracts import intake, notification, routing
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import Callback
from conduit_local.identity_provider import EmbeddedProvider
from services.console.tests import builders as b
from services.console.tests.builders import NOW, REFERRAL
from services.console.tests.pages import ANNA, BEN, SUE, Register, all_read, console_app, streams_of
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
DANGER, RESTRICTED = uuid7(NOW - timedelta(minutes=5)), uuid7(NOW - timedelta(minutes=4))
OPINION = uuid7()
FILE = uuid7(NOW)
PAGES = {
    "asked": "/asked",
    "everything": "/asked/everybody",
    "without-force": "/without-force",
    "silent": "/silent",
    "notices": "/notices",
    "dangers": "/dangers",
    "cases": "/cases?narrow=1",
    "cases-problem": "/cases?narrow=1&force=kent&partner=northlight",
    "search": "/search?q=EH-",
    "search-empty": "/search?q=zzzz",
    "case": f"/cases/{REFERRAL}",
    "case-in-danger": f"/cases/{DANGER}",
    "duties": "/duties",
    "duty": f"/duties/{UUID(int=1)}",
    "duty-mine": f"/duties/{UUID(int=2)}",
    "duty-done": f"/duties/{UUID(int=4)}",
    "opinions": "/opinions",
    "opinion-ask": f"/cases/{REFERRAL}/opinions/ask",
    "opinion-give": f"/cases/{REFERRAL}/opinions/{OPINION}",
    "files": f"/cases/{REFERRAL}/files",
    "file-away": f"/cases/{REFERRAL}/files/{FILE}",
    "missing": f"/cases/{uuid7()}",
    "glass-needed": f"/cases/{RESTRICTED}",
    "glass": f"/cases/{RESTRICTED}/glass",
}
SUPERVISED = {"officers": "/officers", "trail": "/trail", "trail-of-case": f"/trail?case={REFERRAL}", "glass-seen": "/asked"}
SUPERVISED |= {"glass-needed-naming": f"/cases/{RESTRICTED}"}
GUIDE = {"asked": 900, "case-in-danger": 1300, "silent": 900, "duty-mine": 720, "opinion-give": 900}
"""What docs/guides/officer.md shows, and how many pixels of it from the top."""
STATUS = {"missing": 404, "glass-needed": 403, "file-away": 503}


@pytest.fixture
def clock() -> ManualClock:
    """It stands still, and the real provider's does not: it begins where that comes to only on a very slow machine."""
    return ManualClock(datetime.now(UTC) + timedelta(minutes=20))


@asynccontextmanager
async def serving(
    console: Harness,
    clock: ManualClock,
    provider: EmbeddedProvider,
    chromium: Chromium,
    *,
    url: str = "",
    register: Register | None = None,
) -> AsyncIterator[Site]:
    url, issuer = url or free_url(), provider.issuer("hub")
    register = register or Register.of(issuer)
    streams = streams_of(console, clock, register)
    telling = asyncio.create_task(streams.run())
    async with httpx.AsyncClient(trust_env=False) as http:
        app = console_app(console, clock, register, http, issuer, url, streams=streams)
        async with served(chromium, app, url) as site:
            yield site
            telling.cancel()


@pytest.fixture
async def site(console: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    await fill(console, clock)
    async with serving(console, clock, provider, chromium) as made:
        yield made


async def fill(console: Harness, clock: ManualClock) -> None:
    """A case in danger that nobody has, one that waits, one with a silent force, and a restricted one."""
    start = clock.now() - timedelta(hours=1)
    late, soon = clock.now() - timedelta(minutes=20), clock.now() + timedelta(minutes=10)
    await console.deliver(
        *b.records(
            b.received(),
            b.review_opened(due_at=late),
            b.routed("west-midlands", "kent"),
            b.about_force(routing.HandoffReceived, "west-midlands"),
            b.overdue("west-midlands", due_at=late),
            b.received(DANGER, danger=True, reference="EH-2026-0150"),
            b.review_opened(DANGER, danger=True, due_at=soon),
            b.received(RESTRICTED, reference="EH-2026-0151"),
            b.fact(routing.CaseRestricted, RESTRICTED, kept_from=["kent"], immediate_danger=False, urgency="routine"),
            b.fact(
                routing.RoutingReviewOpened,
                RESTRICTED,
                reasons=["no_force"],
                immediate_danger=False,
                urgency="routine",
                candidates=["essex", "kent"],
            ),
            b.notice_failed(7),
            b.fact(intake.AttachmentCleared, attachment_id=str(FILE)),
            start=start,
        )
    )
    command_id = uuid7()
    async with console.pool.acquire() as connection:
        await note_sent(connection, command_id, UUID(int=2), ANNA, start)
    calls = notification.DutyTaskTaken(
        task_id=UUID(int=2),
        command_id=str(command_id),
        officer_id=ANNA,
        callback=Callback(name="Example Caseworker", role="Casework lead", telephone="+44 1632 960147"),
        numbers=(notification.NumberToCall(who="force:kent", telephone="+44 1632 960100", control_room=True),),
    )
    waiting = b.duty(1, danger=True).model_copy(
        update={"kind": "danger_refused", "referral_id": None, "opened_at": start, "next_call_at": soon}
    )
    ended = [b.duty(number, taken_by=f"officer:{ANNA}") for number in (2, 4)]
    await console.deliver(*b.records(calls, waiting, *ended, b.duty(3), start=start))
    await console.pool.execute("UPDATE duty_tasks SET taken_at = $1 WHERE taken_at IS NOT NULL", clock.now())
    for opinion_id, by, of in ((OPINION, SUE, ANNA), (uuid7(), ANNA, None)):
        asked = AskedOpinion(opinion_id, REFERRAL, "decline", by, of, "Synthetic: is it one force's alone?")
        await opinions.ask(console.pool, asked, start)
    away = clock.now() - timedelta(minutes=30)
    await desk.consult(console.pool, REFERRAL, ANNA, away)
    await console.deliver(
        *b.records(b.supplied(), b.about_force(routing.HandoffAcknowledged, "kent"), start=away + timedelta(minutes=1))
    )
    await desk.claim(console.pool, REFERRAL, ANNA, clock.now())
    await desk.consult(console.pool, REFERRAL, BEN, clock.now())
    await all_read(console, clock)


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
async def test_every_page_can_be_read_by_everybody(site: Site, console: Harness, clock: ManualClock, look: str) -> None:
    page = await enter(site, "anna", clock, **LOOKS[look])
    for name, path in PAGES.items():
        answer = await page.goto(f"{site.url}{path}")
        assert answer is not None
        assert answer.status == STATUS.get(name, 200), name
        await is_good(page, f"console-{name}-{look}")
        if look == "desk" and name in GUIDE:
            clip = {"x": 0, "y": 0, "width": 1280, "height": GUIDE[name]}
            await page.screenshot(path=PICTURES / f"officer-{name}.png", full_page=True, clip=clip)
    await desk.break_glass(console.runtime.transaction, RESTRICTED, BEN, "child_at_risk", clock.now(), GLASS_LASTS)
    page = await enter(site, "sue", clock, **LOOKS[look])
    for name, path in SUPERVISED.items():
        await page.goto(f"{site.url}{path}")
        await is_good(page, f"console-{name}-{look}")
    page = await enter(site, "lena", clock, **LOOKS[look])
    await is_good(page, f"console-nothing-here-{look}")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_an_officer_finds_the_child_in_danger_and_takes_the_case_by_keyboard_alone(
    site: Site, *, scripts: bool
) -> None:
    page = await site.page(java_script_enabled=scripts)
    await page.goto(f"{site.url}/")
    await sign_in_by_keyboard(page, "ben")
    await page.wait_for_url(f"{site.url}/asked")
    await tab_to(page, "Open EH-2026-0150 first")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.url}/cases/{DANGER}")
    assert await page.get_by_text("A child is in danger now.").count() == 1
    await tab_to(page, "Take this case")
    await page.keyboard.press("Enter")
    await page.get_by_text("It is in your hands.").wait_for()
    await tab_to(page, "Hand it back")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Take this case").wait_for()


async def test_a_page_says_by_itself_that_something_is_new_and_moves_nothing(
    site: Site, console: Harness, clock: ManualClock
) -> None:
    page = await enter(site, "ben", clock)
    before = await page.locator("tbody tr").count()
    assert not await page.locator("#news").is_visible()
    new = uuid7()
    await console.deliver(*b.records(b.received(new), b.review_opened(new), start=clock.now() + timedelta(minutes=1)))
    await page.get_by_role("link", name="1 new: load the page again").wait_for(timeout=60_000)
    assert await page.locator("tbody tr").count() == before
    await page.get_by_role("link", name="1 new: load the page again").click()
    await page.wait_for_load_state()
    assert await page.locator("tbody tr").count() == before + 1


async def test_a_second_opinion_is_asked_given_and_read_on_the_pages(site: Site, clock: ManualClock) -> None:
    anna = await enter(site, "anna", clock, f"/cases/{REFERRAL}")
    await anna.get_by_role("link", name="Ask another officer for a second opinion").click()
    await anna.get_by_role("button", name="Ask for a second opinion").click()
    assert await anna.get_by_text("Write what the other officer should look at.").count() == 2
    await anna.get_by_label("Decline this referral").check()
    await anna.get_by_label("Whom do you ask?").select_option(label="Triage officer, nights")
    await anna.get_by_label("What should they look at?").fill("Synthetic: may this be two forces?")
    await anna.get_by_role("button", name="Ask for a second opinion").click()
    await anna.wait_for_url(f"{site.url}/cases/{REFERRAL}")
    ben = await enter(site, "ben", clock)
    row = ben.get_by_role("table", name="Second opinions asked of you").get_by_role("row").filter(has_text="days")
    await row.last.get_by_role("link").click()
    await ben.get_by_text("Synthetic: may this be two forces?").wait_for()
    await ben.get_by_label("I do not agree").check()
    await ben.get_by_label("Why?").fill("Synthetic: the second place is in Kent.")
    await is_good(ben, "console-opinion-giving")
    await ben.get_by_role("button", name="Send your opinion").click()
    await ben.wait_for_url(f"{site.url}/cases/{REFERRAL}")
    await anna.reload()
    await anna.get_by_text("Synthetic: the second place is in Kent.").wait_for()
    await is_good(anna, "console-opinion-given")


async def test_a_session_that_ends_ends_the_stream_and_the_browser_does_not_complain(
    site: Site, console: Harness, clock: ManualClock
) -> None:
    page = await enter(site, "ben", clock)
    await page.wait_for_timeout(1_000)
    await console.pool.execute("UPDATE web_sessions SET ended_at = now(), end_reason = 'ended_by_provider'")
    await page.wait_for_timeout(1_500)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.wait_for_timeout(1_500)
    assert not await page.locator("#news").is_visible()


async def test_who_opens_a_restricted_case_says_why_and_every_supervisor_sees_it(site: Site, clock: ManualClock) -> None:
    page = await enter(site, "ben", clock, f"/cases/{RESTRICTED}")
    await page.get_by_role("link", name="open it anyway").click()
    await page.get_by_role("button", name="Open the case").click()
    assert await page.get_by_text("Choose why you need to open this case.").count() == 2
    await page.get_by_label("A complaint or an inspection is about this case").check()
    await page.get_by_role("button", name="Open the case").click()
    await page.wait_for_url(f"{site.url}/cases/{RESTRICTED}")
    assert await page.get_by_text("Synthetic canary").count() >= 1
    page = await enter(site, "sue", clock)
    assert await page.get_by_text("Somebody opened a restricted case").count() == 1
