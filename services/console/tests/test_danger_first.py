"""Danger leads: the first page names all that waits in danger, and a case in danger says 999 and is taken first."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk
from services.console.tests import builders as b
from services.console.tests.builders import NOW, REFERRAL
from services.console.tests.pages import ANNA, Enter
from services.console.tests.test_deciding import tell

TASK = f"/duties/{UUID(int=1)}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await tell(console, clock, b.received(danger=True), b.review_opened(danger=True))
    return console


async def test_the_first_page_leads_to_the_case_and_to_the_duty_task_that_are_in_danger(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    await tell(held, clock, b.duty(2))

    async def leads() -> list[str]:
        box = re.findall(r'<div class="desk-first" role="region".*?</div>', (await anna.get("/asked")).text, re.DOTALL)
        return re.findall(r'href="([^"]+)"', "".join(box))

    assert await leads() == [f"/cases/{REFERRAL}"]
    await tell(held, clock, b.duty(1, danger=True))
    assert await leads() == [f"/cases/{REFERRAL}", TASK]
    await tell(held, clock, b.declined())
    assert await leads() == [TASK]


async def test_on_a_case_in_danger_to_take_it_is_the_one_primary_button(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")

    async def primary() -> list[str]:
        text = (await anna.get(f"/cases/{REFERRAL}")).text
        assert "If nobody has called 999, call 999 yourself." in text.partition("What is asked")[0]
        asked = text.partition('class="desk-asked"')[2].partition("</section>")[0]
        buttons = re.findall(r'class="govuk-button(?!-)([^"]*)"[^>]*>([^<]+)<', asked)
        return [words for more, words in buttons if "secondary" not in more]

    assert await primary() == ["Take this case"]
    await desk.claim(held.pool, REFERRAL, ANNA, NOW)
    assert await primary() == ["Accept", "Ask for information", "Decline"]
