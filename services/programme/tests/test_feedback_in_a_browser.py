"""The questions after a hand-over in a real browser, by keyboard alone. Pictures go to .conduit/pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_local.identity_provider import EmbeddedProvider
from services.programme.tests import test_in_a_browser as pages
from services.programme.tests.test_feedback import HERE, handed_over
from services.programme.tests.test_in_a_browser import enter, serving
from services.web.tests.test_in_a_browser import Site, is_good, tab_to

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
    await cara.get_by_role("link", name="at hand-over").first.focus()
    await cara.keyboard.press("Enter")
    await cara.wait_for_url(f"{site.url}{HERE}/*")
    for place, answer in enumerate(("Partly", "No")):
        await cara.get_by_label(answer, exact=True).nth(place).focus()
        await cara.keyboard.press("Space")
    await cara.get_by_label("What should the hub or the force do differently?").focus()
    await cara.keyboard.type("Synthetic: tell us whom to call at night.")
    await is_good(cara, "programme-after-hand-over-questions-desk")
    await tab_to(cara, "Tell the hub")
    await cara.keyboard.press("Enter")
    await cara.wait_for_url(f"{site.url}{HERE}")
    lena = await enter(site, "lena", clock, path="/four-ps/pursue")
    await lena.get_by_text("Answered: 1; lapsed: 0; waiting: 1.").wait_for()
    await is_good(lena, "programme-pursue-feedback-desk")
