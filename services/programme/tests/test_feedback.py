"""After a hand-over a partner is asked three questions, twice: answered once, counted, and joined to no case."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, ManualClock, record
from conduit_contracts import topics
from conduit_contracts.ids import uuid7
from conduit_contracts.routing import HandoverCompleted
from conduit_programme.feedback import rules, store
from conduit_programme.feedback.rules import LAPSE, SECOND_ROUND, FeedbackAnswer, FeedbackRound, HandoverQuestions
from conduit_programme.four_ps import Quarter
from conduit_programme.rules import day_of
from conduit_programme.wording import day
from conduit_web.html import LONDON
from services.programme.tests.builders import CANARY, PARTNER
from services.programme.tests.pages import Enter, hidden_of, send, text_of
from services.programme.tests.test_insight import read
from services.web.tests.browser import Browser

WELL = {"heard_back": "yes", "was_clear": "partly", "words": ""}
ILL = {"heard_back": "no", "was_clear": "yes", "words": CANARY}
HERE = "/after-hand-over"


def handed_over(referral_id: UUID, at: datetime, partner_id: str = PARTNER) -> Record:
    message = HandoverCompleted(referral_id=referral_id, partner_id=partner_id)
    return record(topics.ROUTING_HANDOVERS.name(), str(referral_id), message, time=at)


async def asked(browser: Browser) -> list[str]:
    """The addresses of the questions that wait, those first that lapse first."""
    return re.findall(rf'href="({HERE}/[0-9a-f-]{{36}})"', (await browser.get(HERE)).text)


async def test_a_partner_is_asked_at_hand_over_and_30_days_later_and_each_is_answered_once(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    referral_id, day_one = uuid7(), day_of(clock.now(), LONDON)
    await held.deliver(handed_over(referral_id, clock.now()))
    clock.advance(timedelta(hours=1))
    await held.deliver(handed_over(referral_id, clock.now()), handed_over(uuid7(), clock.now(), "harbour-trust"))
    cara = await enter("cara")
    seen = await read(cara, HERE)
    assert f"{day(day_one)} at hand-over at hand-over {day(day_one + LAPSE)} {referral_id}" in seen
    [first] = await asked(cara)
    opened = hidden_of((await cara.get(first)).text) | WELL
    for _ in range(2):
        assert (await cara.post(first, opened)).status_code == 303, "sent twice, it is answered as the first time"
    assert "Nothing is asked at the moment." in await read(cara, HERE)
    assert (await cara.get(first)).status_code == 404
    again = await send(cara, first, ILL)
    assert again.status_code == 409, "it is answered once"
    assert "Caseworker at Northlight said how a hand-over went on" in again.text
    assert CANARY in again.text, "and what was typed is not lost"
    clock.advance(SECOND_ROUND)
    mara = await enter("mara")
    [second] = await asked(mara)
    assert second != first
    assert f"How the hand-over went Handed over on {day(day_one)}. Referral: {referral_id}" in await read(mara, second)
    assert "30 days later" in await read(mara, HERE)
    clock.advance(LAPSE + timedelta(days=1))
    assert await asked(await enter("mara")) == [], "what nobody answers lapses quietly"


async def test_what_is_said_in_words_is_an_insight_that_leads_to_no_case(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    referral_id = uuid7()
    await held.deliver(handed_over(referral_id, clock.now()))
    cara, emma = await enter("cara"), await enter("emma")
    [one] = await asked(cara)
    refused = await send(cara, one, ILL | {"words": ""})
    assert refused.status_code == 400
    assert "Say what was missing." in text_of(refused.text)
    assert (await send(cara, one, ILL)).status_code == 303
    assert CANARY in await read(emma, "/insights")
    [at_hub] = re.findall(r'href="(/insights/[0-9a-f-]{36})"', (await emma.get("/insights")).text)
    seen = await read(emma, at_hub)
    assert "Practitioner or caseworker" in seen
    assert "said after a hand-over" in seen
    assert str(referral_id) not in (await emma.get(at_hub)).text
    assert CANARY in await read(await enter("mara"), "/our-insights"), "the manager reads what comes of it"
    async with held.pool.acquire() as connection:
        rows = await connection.fetch("SELECT handover_questions::text FROM handover_questions")
        insight_id = at_hub.rsplit("/", 1)[-1]
        assert insight_id not in str(rows)
        columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND column_name LIKE '%referral%'"
        assert await connection.fetchval(columns, "insights") == 0
        assert await connection.fetchval(columns, "handovers") == 1


async def test_another_partners_questions_are_answered_exactly_as_missing_ones(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await held.deliver(handed_over(uuid7(), clock.now()))
    [one] = await asked(await enter("cara"))
    hanna = await enter("hanna")
    assert await asked(hanna) == []
    theirs, missing = await hanna.get(one), await hanna.get(f"{HERE}/{uuid7()}")
    assert theirs.status_code == missing.status_code == 404
    assert text_of(theirs.text) == text_of(missing.text)
    for who in ("emma", "lena", "anna", "kim", "tom", "fred", "audrey"):
        assert (await (await enter(who)).get(HERE)).status_code == 403, who


async def test_pursue_counts_what_was_asked_answered_and_lapsed(enter: Enter, held: Harness, clock: ManualClock) -> None:
    quarter = Quarter.of(day_of(clock.now(), LONDON)).next
    begun = quarter.begins(LONDON) + timedelta(hours=12)
    await held.deliver(handed_over(uuid7(), begun), handed_over(uuid7(), begun))
    clock.advance(begun + timedelta(days=1) - clock.now())
    cara = await enter("cara")
    for path, said in zip(await asked(cara), (WELL, ILL), strict=True):
        assert (await send(cara, path, said)).status_code == 303
    lena = await enter("lena")
    told = "Asked after a hand-over: 2. Answered: 2; lapsed: 0; waiting: 0."
    for address in (f"/four-ps/pursue?quarter={quarter}", f"/quarterly-report?quarter={quarter}"):
        seen = await read(lena, address)
        assert told in seen
        assert "in time? 1 0 1 Is it clear who does what, and whom you can call? 1 1 0" in seen
    assert "Referrers' feedback" not in await read(lena, f"/four-ps/protect?quarter={quarter}")
    clock.advance(SECOND_ROUND + LAPSE)
    seen = await read(await enter("lena"), f"/four-ps/pursue?quarter={quarter}")
    assert "Asked after a hand-over: 4. Answered: 2; lapsed: 2; waiting: 0." in seen


def test_only_what_was_asked_by_now_is_counted_and_it_lapses_after_its_last_day() -> None:
    today = date(2026, 11, 30)

    def one(asked_on: date, answer: FeedbackAnswer | None = None) -> HandoverQuestions:
        about = (uuid7(), uuid7(), PARTNER, asked_on, FeedbackRound.AT_HAND_OVER, asked_on, asked_on + LAPSE)
        return HandoverQuestions(*about, answer, answer)

    last, gone, ahead = one(today - LAPSE), one(today - LAPSE - timedelta(days=1)), one(today + timedelta(days=1))
    assert [each.is_open(today) for each in (last, gone, ahead, one(today, FeedbackAnswer.YES))] == [
        True,
        False,
        False,
        False,
    ]
    counted = rules.counted([last, gone, ahead, one(today, FeedbackAnswer.NO)], today)
    assert (counted.asked, counted.answered, counted.lapsed, counted.waiting) == (3, 1, 1, 1)
    assert counted.heard_back == {FeedbackAnswer.YES: 0, FeedbackAnswer.PARTLY: 0, FeedbackAnswer.NO: 1}


async def test_half_an_answer_cannot_be_kept(held: Harness, clock: ManualClock) -> None:
    await held.deliver(handed_over(uuid7(), clock.now()))
    async with held.pool.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE handover_questions SET heard_back = 'yes'")
        assert len(await store.waiting(connection, PARTNER, day_of(clock.now(), LONDON))) == 1
