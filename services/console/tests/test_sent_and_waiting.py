"""What was sent and is not answered yet is said to everybody who may read the case, and nobody is asked for it again."""

from datetime import UTC, datetime, timedelta

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import deciding, desk
from conduit_console.queries.unanswered import HOLDS
from conduit_contracts import routing, triage
from services.console.tests import builders as b
from services.console.tests.builders import HOME, OTHER, REFERRAL
from services.console.tests.pages import ANNA, Enter
from services.console.tests.test_deciding import ANSWERS, links, outbox, send, sent_by, tell, write

ASKED_OF_TRIAGE = (deciding.ACCEPT, deciding.ASK, deciding.DECLINE)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await tell(console, clock, b.received(), b.review_opened())
    return console


def offered(text: str) -> list[str]:
    return [each.code for each in ASKED_OF_TRIAGE if links(text, each.path)]


async def test_what_was_sent_stands_on_the_case_and_the_list_until_it_is_answered(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    (address,) = links((await ben.get(f"/cases/{REFERRAL}")).text, "accept")
    await desk.claim(held.pool, REFERRAL, ANNA, clock.now())
    sent = await send(anna, await write(anna, deciding.ACCEPT, ANSWERS["accept"]))
    for reader, is_sender in ((anna, True), (ben, False)):
        text = (await reader.get(f"/cases/{REFERRAL}")).text
        assert "Triage officer, days sent at" in text
        assert "accepted; waits for the hub's rules" in text
        assert (sent.headers["location"] in text) == is_sender
        assert offered(text) == []
        assert "Ask another officer for a second opinion" not in text
        assert "sent, waits" in (await reader.get("/asked/everybody")).text
    assert "sent, waits" in (await anna.get("/asked")).text
    late = (await ben.get(address)).text
    assert ("Triage officer, days sent at" in late, "Look at it before you send it" in late) == (True, False)
    await tell(held, clock, b.fact(triage.CommandIgnored, officer_id=ANNA, changes=[], command_id=sent_by(sent)))
    text = (await anna.get(f"/cases/{REFERRAL}")).text
    assert ("waits for the hub" in text, offered(text)) == (False, ["accept", "ask", "decline"])
    assert "sent, waits" not in (await anna.get("/asked/everybody")).text


async def test_an_officer_sends_no_second_answer_while_the_first_waits(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    accepting, asking = [await write(anna, each, ANSWERS[each.code]) for each in (deciding.ACCEPT, deciding.ASK)]
    assert (await send(anna, accepting)).status_code == 303
    refused = await send(anna, asking)
    assert refused.status_code == 409
    assert "You sent an answer to this already, and it waits for the hub" in refused.text
    assert len(await outbox(held)) == 1


async def test_what_is_not_answered_for_long_stays_said_and_is_asked_again(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    await send(anna, await write(anna, deciding.ACCEPT, ANSWERS["accept"]))
    clock.advance(HOLDS)
    text = (await anna.get(f"/cases/{REFERRAL}")).text
    assert ("accepted; waits for the hub" in text, offered(text)) == (True, ["accept", "ask", "decline"])
    clock.advance(timedelta(minutes=10))
    assert "sent, waits" in (await (await enter("ben")).get("/asked/everybody")).text


def test_what_answers_no_open_question_holds_nothing_up() -> None:
    case = b.case_of(b.accepted(), b.routed(HOME, OTHER))
    now = b.NOW + timedelta(minutes=1)
    by_code = deciding.BY_CODE
    assert deciding.is_offered(by_code["stand_down"], case, ["reroute", "record_call"], now), "nothing is asked"
    asked = b.case_of(b.accepted(), b.routed(HOME, OTHER), b.fact(routing.RoutingReviewOpened, reasons=["tie"]))
    assert not deciding.is_offered(by_code["name_home_force"], asked, ["reroute"], now)
    assert deciding.is_offered(by_code["name_home_force"], asked, ["record_call", "accept", "gone"], now)
    assert deciding.is_offered(by_code["record_call"], asked, ["reroute", "record_call"], now)
