"""A call about a case that is not with routing: who keeps it, with whom it may have been, and where it stands then."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import deciding_handoffs
from conduit_contracts import intake, triage
from services.console.tests import builders as b
from services.console.tests.builders import CANARY, HOME, NOW, OTHER, REFERRAL
from services.console.tests.pages import Enter
from services.console.tests.test_deciding import answers_to, links, look, tell, write

NOTE, CALL = deciding_handoffs.NOTE_CALL, deciding_handoffs.RECORD_CALL


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await tell(console, clock, b.received(), b.review_opened())
    return console


def test_before_routing_has_the_case_triage_keeps_the_call_and_afterwards_routing_does() -> None:
    def keeper(*facts: Any) -> list[str]:
        case = b.case_of(*facts)
        return [each.code for each in (NOTE, CALL) if each.fits(case, NOW)]

    waits = (b.received(), b.review_opened())
    assert keeper(b.received()) == [], "triage does not know it yet"
    assert keeper(*waits) == keeper(*waits, b.asked()) == keeper(*waits, b.declined()) == ["note_call"]
    assert keeper(*waits, b.fact(intake.ReferralWithdrawn)) == ["note_call"]
    assert keeper(*waits, b.accepted()) == keeper(*waits, b.accepted(), b.routed(HOME)) == ["record_call"]
    assert keeper(*waits, b.fact(triage.ImmediateDangerRaised)) == ["record_call"], "danger goes to a force at once"


async def test_a_call_before_routing_may_be_with_the_partner_or_any_force_and_stands_in_the_history(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    (address,) = links((await anna.get(f"/cases/{REFERRAL}")).text, NOTE.path)
    text = (await anna.get(address)).text
    offered = re.findall(r'<option value="([^"]*)"', text)
    assert offered[:2] == ["", "partner"]
    assert {HOME, OTHER, "kent"} <= set(offered)
    assert "Choose whom" in text
    answer = await write(anna, NOTE, {**answers_to(NOTE, clock), "whom": "atlantis"})
    assert (answer.status_code, 'href="#whom"' in answer.text) == (400, True)
    shown = (await look(anna, await write(anna, NOTE, answers_to(NOTE, clock)))).text
    assert "West Midlands Police" in shown
    assert "What the partner will read" not in shown
    noted = {"force_id": HOME, "outcome": "will_call_back", "spoke_to": "Sergeant of nights", "comment": CANARY}
    await tell(held, clock, b.fact(triage.CallNoted, officer_id=b.OFFICER, **noted))
    happened = (await anna.get(f"/cases/{REFERRAL}")).text.partition("What happened</h2>")[2]
    for words in ("A call was recorded", "West Midlands Police", "With Sergeant of nights, at ", CANARY):
        assert words in happened, words
    assert CANARY not in (await anna.get(f"/cases/{REFERRAL}/timeline")).text
