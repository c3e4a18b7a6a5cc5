"""Officers decide in a real browser, with the real signer: by keyboard, without scripts, two at once.

Pictures go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import deciding, desk
from conduit_contracts import routing, triage
from conduit_local.identity_provider import EmbeddedProvider
from services.console.tests import builders as b
from services.console.tests import test_in_a_browser as shared
from services.console.tests.builders import HOME, OTHER, REFERRAL
from services.console.tests.pages import ANNA, BEN, all_read
from services.console.tests.test_in_a_browser import enter, serving
from services.web.tests.test_in_a_browser import LOOKS, PICTURES, Site, is_good, tab_to

pytestmark = pytest.mark.browser
chromium = shared.chromium
clock = shared.clock
CASE = f"/cases/{REFERRAL}"
WORDS = "We know of one victim and one force, which can deal with it. Please tell us if more comes up."
LONG = "w" * 300 + " " + "long words " * 400


@pytest.fixture
async def site(console: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium) -> AsyncIterator[Site]:
    await tell(console, clock, b.received(), b.review_opened(due_at=clock.now() + timedelta(minutes=20)))
    async with serving(console, clock, provider, chromium) as made:
        yield made


async def tell(console: Harness, clock: ManualClock, *facts: Any) -> None:
    clock.advance(timedelta(seconds=30))
    await console.deliver(*b.records(*facts, start=clock.now() - timedelta(seconds=20)))
    await all_read(console, clock)


async def begin(site: Site, page: Any, button: str) -> None:
    await page.goto(f"{site.url}{CASE}")
    await page.get_by_role("button", name=button, exact=True).or_(page.get_by_role("link", name=button, exact=True)).click()
    await page.wait_for_load_state()


async def look_at_it(page: Any) -> None:
    await page.get_by_role("button", name="Look at it before you send it").click()
    await page.wait_for_load_state()


async def send_it(page: Any) -> None:
    await page.get_by_role("button", name="Send it as your decision").click()
    await page.get_by_role("heading", name="Your decision").wait_for()


async def write_decline(page: Any) -> None:
    await page.get_by_label("One force can deal with it").check()
    await page.get_by_label("What should the partner know about it?").fill(WORDS)


def sent_by(page: Page) -> str:
    """The id of the command that was sent from this page, which is part of its address."""
    return page.url.rpartition("/")[2]


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_a_decision_can_be_read_by_everybody(
    site: Site, console: Harness, clock: ManualClock, look: str
) -> None:
    page, guide = await enter(site, "ben", clock, **LOOKS[look]), look == "desk"

    async def good(name: str, shown_in_guide: str = "") -> None:
        await is_good(page, f"console-{name}-{look}")
        if guide and shown_in_guide:
            await page.screenshot(path=PICTURES / f"officer-{shown_in_guide}.png", full_page=True)

    await begin(site, page, "Accept")
    await good("accept")
    await look_at_it(page)
    assert await page.get_by_text("Choose at least one ground.").count() == 2
    await good("accept-problem")
    await begin(site, page, "Ask for information")
    await page.get_by_label("What do you need to know?").fill(LONG)
    await look_at_it(page)
    assert await page.get_by_text("Shorten this to 4,000 characters or fewer.").count() == 2
    await good("ask-too-long")
    await begin(site, page, "Record a call")
    await look_at_it(page)
    assert await page.get_by_text("Choose whom.").count() == 2
    await good("call-in-triage-problem")
    await begin(site, page, "Decline")
    await write_decline(page)
    await good("decline", "decide")
    await look_at_it(page)
    await good("decline-check", "check")
    await send_it(page)
    await good("sent")
    address = page.url
    await page.goto(f"{site.url}{CASE}")
    await page.get_by_text("declined; waits for the hub's rules").wait_for()
    await good("case-sent")
    await page.goto(address)
    by = {"kind": "officer", "officer_id": ANNA}
    told = {"officer_id": BEN, "code": "already_decided", "changes": [], "command_id": sent_by(page)}
    await tell(console, clock, b.fact(triage.ReferralAccepted, decided_by=by), b.fact(triage.CommandIgnored, **told))
    await page.get_by_role("link", name="Look again").click()
    await page.get_by_text("It was decided already").wait_for()
    await good("too-late", "too-late")


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_of_what_is_decided_about_hand_offs_too(
    site: Site, console: Harness, clock: ManualClock, look: str
) -> None:
    page = await enter(site, "ben", clock, **LOOKS[look])

    async def good(name: str) -> None:
        await is_good(page, f"console-{name}-{look}")

    await tell(console, clock, b.routed(HOME, OTHER), b.fact(routing.CaseRestricted, kept_from=["kent"]))
    await desk.name_officer(console.pool, REFERRAL, BEN, "s", clock.now())
    await tell(console, clock, b.registered(control_room="+441632960300"), b.overdue(due_at=clock.now()))
    for decision in deciding.DECISIONS[3:]:
        if decision.code in {"name_interim_owner", "note_call"}:
            continue
        await begin(site, page, decision.button)
        await good(decision.path)
    await begin(site, page, "A force took it on by telephone")
    await look_at_it(page)
    assert await page.get_by_text("Choose the number that you called back.").count() == 2
    await good("acknowledgement-problem")
    await page.get_by_label(f"its team: {b.TEAM_NUMBER}").check()
    await page.get_by_label("At what time did you speak?").fill("00:00")
    await page.get_by_label("Who spoke for the hub?").fill("Duty officer")
    await page.get_by_label("Who spoke for the force?").fill("Sergeant on duty")
    await page.get_by_label("Who at the force makes contact with each victim").fill("V1: a detective, tomorrow at 09:00.")
    await look_at_it(page)
    await good("acknowledgement-check")
    due = {"receipt_due_at": clock.now() - timedelta(minutes=5), "acknowledgement_due_at": clock.now() + timedelta(hours=9)}
    clocks = [{"force_id": each, "part": 2, **due} for each in (HOME, OTHER)]
    again = b.routed(HOME, OTHER, again=(HOME, OTHER), clocks=clocks)
    call = b.by_telephone(spoken_at=clock.now().isoformat())
    await tell(console, clock, again, b.about_force(routing.HandoffReceived, OTHER), call)
    await page.goto(f"{site.url}{CASE}")
    await good("by-telephone")
    if look == "desk":
        await page.get_by_role("table", name="Forces").screenshot(path=PICTURES / "officer-by-telephone.png")
    await tell(console, clock, b.routed(HOME, OTHER, added=(), home_force=None, basis=None))
    await begin(site, page, "Name who looks after the child for now")
    await good("interim-owner")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_an_officer_accepts_by_keyboard_alone(
    site: Site, console: Harness, clock: ManualClock, *, scripts: bool
) -> None:
    page = await enter(site, "ben", clock, CASE, java_script_enabled=scripts)
    await tab_to(page, "Accept")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Accept this referral").wait_for()
    await page.get_by_label("Number of victims").focus()
    await page.keyboard.press("Space")
    await tab_to(page, "Look at it before you send it")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="What you will send").wait_for()
    await tab_to(page, "Send it as your decision")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Your decision").wait_for()
    assert await console.pool.fetchval("SELECT count(*) FROM outbox") == 1
    by = {"kind": "officer", "officer_id": BEN}
    await tell(console, clock, b.fact(triage.ReferralAccepted, decided_by=by, command_id=sent_by(page)))
    await tab_to(page, "Look again")
    await page.keyboard.press("Enter")
    await page.get_by_text("It took effect at").wait_for()


async def test_of_two_officers_at_once_the_later_sees_by_whom_and_keeps_what_they_wrote(
    site: Site, console: Harness, clock: ManualClock
) -> None:
    anna, ben = await enter(site, "anna", clock), await enter(site, "ben", clock)
    await begin(site, anna, "Accept")
    await begin(site, ben, "Decline")
    await anna.get_by_label("Number of victims").check()
    await write_decline(ben)
    for page in (anna, ben):
        await look_at_it(page)
        await send_it(page)
    by = {"kind": "officer", "officer_id": ANNA}
    told = {"officer_id": BEN, "code": "already_decided", "changes": [], "command_id": sent_by(ben)}
    accepted = b.fact(triage.ReferralAccepted, decided_by=by, command_id=sent_by(anna))
    await tell(console, clock, accepted, b.fact(triage.CommandIgnored, **told))
    for page in (anna, ben):
        await page.get_by_role("link", name="Look again").click()
    await anna.get_by_text("It took effect at").wait_for()
    await ben.get_by_text("It changed nothing. What you wrote is kept.").wait_for()
    assert await ben.get_by_text("by Triage officer, days").count() >= 1
    assert await ben.get_by_text(WORDS).count() == 1
