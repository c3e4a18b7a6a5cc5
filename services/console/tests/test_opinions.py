"""Second opinions: asked of another person, read with what would be sent, answered once; and a decline that needs one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import content, deciding, deciding_handoffs, decision_forms, opinions
from conduit_console.opinions import AskedOpinion, GivenOpinion, OpinionAnswer, mark_of
from conduit_console.queries import audit
from conduit_console.queries import opinions as queries
from conduit_contracts import intake, routing, triage
from conduit_contracts.ids import uuid7
from services.console.tests import builders as b
from services.console.tests.builders import REFERRAL
from services.console.tests.pages import ANNA, BEN, SUE, Enter, all_read, shown_policy
from services.console.tests.test_deciding import ANSWERS, answers_to, hidden, look, outbox, send, write
from services.web.tests.browser import Browser

QUESTION, REASONS = "Synthetic canary: does it belong to one force alone?", "Synthetic canary: I read it as two."
TWO_EYES = {"second_opinion_before_decline": True}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    clock.advance(timedelta(minutes=1))
    await console.deliver(*b.records(b.received(), b.review_opened(), start=clock.now() - timedelta(seconds=20)))
    await all_read(console, clock)
    return console


async def ask(browser: Browser, **said: str) -> Any:
    address = f"/cases/{REFERRAL}/opinions/ask"
    form = dict(
        re.findall(r'<input type="hidden" name="(key|form_token)" value="([^"]*)">', (await browser.get(address)).text)
    )
    return await browser.post(address, {**form, "about": "decline", "of": "", "question": QUESTION, **said})


async def give(
    browser: Browser, opinion_id: UUID, answer: str = "agrees", why: str = REASONS, *, reading: bool = True
) -> Any:
    if reading:
        await browser.get(f"/cases/{REFERRAL}")
    address = f"/cases/{REFERRAL}/opinions/{opinion_id}"
    token = re.findall(r'name="form_token" value="([^"]+)"', (await browser.get(address)).text)[0]
    return await browser.post(address, {"form_token": token, "answer": answer, "why": why})


async def rows(console: Harness) -> list[queries.OpinionRow]:
    async with console.pool.acquire() as connection:
        return list(await queries.of_case(connection, REFERRAL))


async def test_one_asks_another_reads_and_answers_and_both_find_it_on_their_first_page(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    assert (await ask(anna, of=BEN)).status_code == 303
    (opinion,) = await rows(held)
    assert "waits for Triage officer, nights" in (await anna.get("/asked")).text
    assert f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}" in (await ben.get("/asked")).text
    assert QUESTION in (await ben.get(f"/cases/{REFERRAL}")).text
    clock.advance(timedelta(minutes=1))
    assert (await give(ben, opinion.opinion_id, "disagrees")).status_code == 303
    assert "Triage officer, nights does not agree" in (await anna.get("/asked")).text
    case = (await anna.get(f"/cases/{REFERRAL}")).text
    assert REASONS in case
    assert "does not agree" in case
    clock.advance(timedelta(seconds=1))
    assert "Second opinions that you asked for" not in (await anna.get("/asked")).text, "read by now"
    async with held.pool.acquire() as connection:
        acts = (await audit.acts(connection, audit.ActFilter(kind="alteration"))).rows
    assert [(each.officer_id, each.what, each.why, each.about) for each in acts] == [
        (BEN, "gave_opinion", "disagrees", ANNA),
        (ANNA, "asked_opinion", "decline", BEN),
    ]


async def test_the_other_sees_what_would_be_sent_as_it_was_when_they_were_asked(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    await write(anna, deciding.DECLINE, ANSWERS["decline"])
    await ask(anna)
    await write(anna, deciding.DECLINE, {**ANSWERS["decline"], "comment": "Something else by now."})
    (opinion,) = await rows(held)
    page = (await (await enter("ben")).get(f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}")).text
    assert ANSWERS["decline"]["comment"].replace("'", "&#39;") in page
    assert "Something else by now." not in page


async def test_who_asked_does_not_answer_nor_does_anybody_who_was_not_asked_and_nobody_answers_twice(
    enter: Enter, held: Harness
) -> None:
    anna, ben, sue = await enter("anna"), await enter("ben"), await enter("sue")
    await ask(anna, of=BEN)
    (opinion,) = await rows(held)
    for browser in (anna, sue):
        answer = await give(browser, opinion.opinion_id)
        assert "not yours to answer now" in answer.text
        assert REASONS in answer.text, "and what was written is still there"
    assert (await give(ben, opinion.opinion_id)).status_code == 303
    assert "not yours to answer now" in (await give(ben, opinion.opinion_id, "disagrees")).text
    (opinion,) = await rows(held)
    assert (opinion.answer, opinion.answered_by) == ("agrees", BEN)


async def test_the_table_itself_takes_no_answer_of_whoever_asked(held: Harness, clock: ManualClock) -> None:
    asked = AskedOpinion(uuid7(), REFERRAL, "decline", ANNA, None, QUESTION)
    assert await opinions.ask(held.pool, asked, clock.now())
    mine = GivenOpinion(asked.opinion_id, REFERRAL, ANNA, OpinionAnswer.AGREES, REASONS)
    assert not await opinions.answer(held.pool, mine, clock.now())
    statement = "UPDATE second_opinions SET answered_by = asked_by, answered_at = now(), answer = 'agrees'"
    with pytest.raises(asyncpg.CheckViolationError, match="another_person"):
        await held.pool.execute(statement)


async def test_of_two_who_answer_at_once_one_is_first(held: Harness, clock: ManualClock) -> None:
    asked = AskedOpinion(uuid7(), REFERRAL, "accept", ANNA, None, QUESTION)
    await opinions.ask(held.pool, asked, clock.now())
    said = [(BEN, OpinionAnswer.AGREES), (SUE, OpinionAnswer.DISAGREES)]
    given = [GivenOpinion(asked.opinion_id, REFERRAL, who, what, REASONS) for who, what in said]
    came = [await opinions.answer(held.pool, each, clock.now()) for each in given]
    assert came == [True, False]


async def test_an_opinion_of_one_case_is_not_answered_by_way_of_another(held: Harness, clock: ManualClock) -> None:
    asked = AskedOpinion(uuid7(), REFERRAL, "accept", ANNA, None, QUESTION)
    await opinions.ask(held.pool, asked, clock.now())
    elsewhere = GivenOpinion(asked.opinion_id, uuid7(), BEN, OpinionAnswer.AGREES, REASONS)
    assert not await opinions.answer(held.pool, elsewhere, clock.now())


async def test_what_is_asked_no_more_waits_for_nobody(enter: Enter, held: Harness) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    await ask(anna)
    (opinion,) = await rows(held)
    for browser, status in ((ben, "not answered yet"), (anna, "not asked any more")):
        text = (await browser.get(f"/cases/{REFERRAL}")).text
        token = re.findall(r'name="form_token" value="([^"]+)"', text)[0]
        await browser.post(f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}/withdraw", {"form_token": token})
        assert status in (await anna.get(f"/cases/{REFERRAL}")).text, "who did not ask does not take it back"
    assert str(opinion.opinion_id) not in (await ben.get("/asked")).text


async def test_a_supervisor_asks_too_and_a_form_that_is_sent_twice_asks_once(enter: Enter, held: Harness) -> None:
    sue = await enter("sue")
    key = str(uuid7())
    assert [(await ask(sue, of=BEN, key=key)).status_code for _ in range(2)] == [303, 303]
    (opinion,) = await rows(held)
    assert (opinion.asked_by, opinion.asked_of) == (SUE, BEN)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"question": " "}, "Write what the other officer should look at."),
        ({"question": "x" * 4_001}, "Shorten this"),
        ({"about": "reroute"}, "Choose what it is about."),
        ({"about": ""}, "Choose what it is about."),
    ],
)
async def test_a_question_that_lacks_something_is_not_lost(
    enter: Enter, held: Harness, said: dict[str, str], told: str
) -> None:
    answer = await ask(await enter("anna"), **said)
    assert answer.status_code == 400
    assert told in answer.text
    assert await rows(held) == []


async def test_what_answers_nothing_that_is_asked_leads_to_no_second_opinion(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await held.deliver(*b.records(b.accepted(), b.routed(), b.fact(routing.CaseWithdrawn), start=clock.now()))
    await all_read(held, clock)
    anna = await enter("anna")
    assert "opinions/ask" not in (await anna.get(f"/cases/{REFERRAL}")).text
    page = await look(
        anna, await write(anna, deciding_handoffs.RECORD_CALL, answers_to(deciding_handoffs.RECORD_CALL, clock))
    )
    assert "opinions/ask" not in page.text


async def test_nobody_is_asked_who_is_not_in_the_register_or_is_oneself(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    for whom in (ANNA, "p-0000000000000004", "p-9999999999999999"):
        assert (await ask(anna, of=whom)).status_code == 403
    assert await rows(held) == []


async def test_of_a_restricted_case_only_those_are_asked_to_whom_it_is_open(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    restricted = b.fact(routing.CaseRestricted, REFERRAL, kept_from=["kent"])
    await held.deliver(b.record_of(restricted, clock.now()))
    await held.pool.execute("INSERT INTO officers_named VALUES ($1, $2, 's', now())", REFERRAL, ANNA)
    anna, ben = await enter("anna"), await enter("ben")
    assert "This case is not open to them." in (await ask(anna, of=BEN)).text
    assert (await ask(anna)).status_code == 303
    (opinion,) = await rows(held)
    answer = await ben.get(f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}")
    assert (answer.status_code, QUESTION in answer.text) == (403, False)
    assert QUESTION not in (await ben.get("/asked")).text


async def test_words_of_an_opinion_stand_with_the_words_of_cases_and_in_no_other_table(enter: Enter, held: Harness) -> None:
    await ask(await enter("anna"))
    (opinion,) = await rows(held)
    await give(await enter("ben"), opinion.opinion_id)
    tables = await held.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    counting = "SELECT count(*) FROM {} AS row WHERE row::text LIKE '%canary%'"
    holding = [name for (name,) in tables if await held.pool.fetchval(counting.format(name))]
    assert holding == []
    async with held.pool.acquire() as connection:
        words = (await content.opinions(connection, [opinion.opinion_id]))[opinion.opinion_id]
    assert words == {"asked": QUESTION, "answered": REASONS}


async def test_a_decline_that_needs_another_officers_word_is_not_sent_without_it(enter: Enter, held: Harness) -> None:
    policy = shown_policy().model_copy(update=TWO_EYES)
    anna, ben = await enter("anna", policy=policy), await enter("ben", policy=policy)
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    page = await look(anna, written)
    assert "Another officer must agree to this decline" in page.text
    assert "Send it as your decision" not in page.text
    forced = await anna.post(written.headers["location"].partition("?")[0], hidden(page.text) | _form(page.text, written))
    assert forced.status_code == 409
    assert await outbox(held) == []
    await ask(anna)
    (opinion,) = await rows(held)
    await give(ben, opinion.opinion_id)
    assert (await send(anna, written)).status_code == 303
    assert len(await outbox(held)) == 1


def _form(text: str, written: Any) -> dict[str, str]:
    """What the form would have sent that is not shown."""
    query = dict(re.findall(r"(seen|key)=([^&]+)", written.headers["location"]))
    token = re.findall(r'name="form_token" value="([^"]+)"', text)[0]
    return {**query, "form_token": token, "mark": mark_of(_draft_of())}


def _draft_of() -> str:
    return json.dumps(decision_forms.read_answers(deciding.DECLINE, ANSWERS["decline"], datetime.now(UTC)))


@pytest.mark.parametrize("what", ["a letter changed", "it was about something else", "the other does not agree"])
async def test_an_agreement_holds_for_what_was_read_and_for_nothing_else(
    enter: Enter, held: Harness, clock: ManualClock, what: str
) -> None:
    policy = shown_policy().model_copy(update=TWO_EYES)
    anna, ben = await enter("anna", policy=policy), await enter("ben", policy=policy)
    await write(anna, deciding.DECLINE, ANSWERS["decline"])
    await ask(anna, about="accept" if what == "it was about something else" else "decline")
    (opinion,) = await rows(held)
    await give(ben, opinion.opinion_id, "disagrees" if what == "the other does not agree" else "agrees")
    answers = dict(ANSWERS["decline"])
    if what == "a letter changed":
        answers["comment"] += "!"
    page = await look(anna, await write(anna, deciding.DECLINE, answers))
    assert "Another officer must agree to this decline" in page.text


async def test_an_agreement_to_ones_own_words_is_not_ones_own(enter: Enter, held: Harness, clock: ManualClock) -> None:
    """Who agreed to a colleague's decline does not send the same words as their own on the strength of it."""
    policy = shown_policy().model_copy(update=TWO_EYES)
    anna, ben = await enter("anna", policy=policy), await enter("ben", policy=policy)
    await write(anna, deciding.DECLINE, ANSWERS["decline"])
    await ask(anna)
    (opinion,) = await rows(held)
    await give(ben, opinion.opinion_id)
    page = await look(ben, await write(ben, deciding.DECLINE, ANSWERS["decline"]))
    assert "Another officer must agree to this decline" in page.text


async def test_without_the_policy_a_decline_needs_nobody_and_says_what_others_think(enter: Enter, held: Harness) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    await ask(anna)
    (opinion,) = await rows(held)
    await give(ben, opinion.opinion_id, "disagrees")
    page = await look(anna, written)
    assert REASONS in page.text
    assert "Send it as your decision" in page.text


async def looked_at(console: Harness, officer_id: str) -> list[str]:
    async with console.pool.acquire() as connection:
        found = (await audit.acts(connection, audit.ActFilter(officer_id=officer_id, kind="consultation"))).rows
    return [each.what for each in found]


async def test_whoever_reads_an_opinion_is_in_the_trail_on_whichever_page_it_stands(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    assert await looked_at(held, ANNA) == ["viewed_case"]
    await look(anna, written)
    assert await looked_at(held, ANNA) == ["viewed_case"], "there is none to read yet"
    await ask(anna)
    (opinion,) = await rows(held)
    address = f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}"
    page = (await ben.get(address)).text
    assert QUESTION in page
    assert await looked_at(held, BEN) == ["read_opinions"]
    token = re.findall(r'name="form_token" value="([^"]+)"', page)[0]
    assert QUESTION in (await ben.post(address, {"form_token": token, "answer": "", "why": ""})).text
    assert await looked_at(held, BEN) == ["read_opinions"] * 2, "a form that lacks something shows it again"
    before = len(await looked_at(held, ANNA))
    page = (await look(anna, written)).text
    assert QUESTION in page
    assert len(await looked_at(held, ANNA)) == before + 1
    missing = await ben.get(f"/cases/{REFERRAL}/opinions/{uuid7()}")
    assert (missing.status_code, await looked_at(held, BEN)) == (404, ["read_opinions"] * 2)
    assert "read second opinions about a case" in (await (await enter("audrey")).get("/trail")).text


async def test_to_read_an_opinion_is_no_look_at_the_case(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    await ask(anna)
    (opinion,) = await rows(held)
    await ben.get(f"/cases/{REFERRAL}")
    await held.deliver(b.record_of(b.supplied(), clock.now()))
    clock.advance(timedelta(minutes=10))
    await ben.get(f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}")
    clock.advance(timedelta(minutes=4))
    assert "New since you looked at" in (await ben.get(f"/cases/{REFERRAL}")).text


SENDS, LACKS = "Send it as your decision", "Another officer must agree to this decline"


async def agreed(enter: Enter, held: Harness) -> tuple[Browser, Browser, Any]:
    """Anna's decline, to which Ben agrees; what she is shown, and his browser."""
    policy = shown_policy().model_copy(update=TWO_EYES)
    anna, ben = await enter("anna", policy=policy), await enter("ben", policy=policy)
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    await ask(anna)
    (opinion,) = await rows(held)
    await give(ben, opinion.opinion_id)
    assert SENDS in (await look(anna, written)).text
    return anna, ben, written


async def tell_and_rewrite(browser: Browser, held: Harness, clock: ManualClock, *facts: Any) -> Any:
    """Something happens, the officer reads the case again, and writes the same."""
    clock.advance(timedelta(minutes=1))
    await held.deliver(*b.records(*facts, start=clock.now() - timedelta(seconds=20)))
    await all_read(held, clock)
    return await write(browser, deciding.DECLINE, ANSWERS["decline"])


async def test_an_agreement_ends_with_what_the_partner_adds_and_another_is_asked_for(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna, ben, _ = await agreed(enter, held)
    written = await tell_and_rewrite(anna, held, clock, b.supplied())
    page = await look(anna, written)
    assert (LACKS in page.text, SENDS in page.text) == (True, False)
    forced = await anna.post(written.headers["location"].partition("?")[0], hidden(page.text) | _form(page.text, written))
    assert (forced.status_code, await outbox(held)) == (409, [])
    await ask(anna)
    await give(ben, (await rows(held))[-1].opinion_id)
    assert (await send(anna, written)).status_code == 303


async def test_an_agreement_does_not_outlive_a_second_look(enter: Enter, held: Harness, clock: ManualClock) -> None:
    """A third officer who copies what was declined before needs somebody's word on the case as it is now."""
    await agreed(enter, held)
    sue = await enter("sue", policy=shown_policy().model_copy(update=TWO_EYES))
    again = [b.declined(), b.fact(intake.ReconsiderationRequested), b.review_opened()]
    page = await look(sue, await tell_and_rewrite(sue, held, clock, *again))
    assert (LACKS in page.text, SENDS in page.text) == (True, False)


async def test_silence_and_what_changed_nothing_end_no_agreement(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna, _, _ = await agreed(enter, held)
    ignored = b.fact(triage.CommandIgnored, officer_id=BEN)
    page = await look(anna, await tell_and_rewrite(anna, held, clock, b.overdue(), ignored))
    assert SENDS in page.text


async def test_news_behind_much_silence_are_news(enter: Enter, held: Harness, clock: ManualClock) -> None:
    """What holds a decision up is looked for among all that happened, not among the first lines."""
    anna, _, written = await agreed(enter, held)
    clock.advance(timedelta(minutes=2))
    chased = [b.overdue(chase=number) for number in range(1, 60)]
    await held.deliver(*b.records(*chased, b.supplied(), start=clock.now() - timedelta(seconds=80)))
    await all_read(held, clock)
    assert "Read the case again" in (await look(anna, written)).text
    assert LACKS in (await look(anna, await write(anna, deciding.DECLINE, ANSWERS["decline"]))).text


async def test_whoever_agrees_without_having_read_the_case_is_told_to_read_it_and_covers_nothing(
    enter: Enter, held: Harness
) -> None:
    policy = shown_policy().model_copy(update=TWO_EYES)
    anna, ben = await enter("anna", policy=policy), await enter("ben", policy=policy)
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    await ask(anna)
    (opinion,) = await rows(held)
    unread = "You have not read the case as it is now."
    address = f"/cases/{REFERRAL}/opinions/{opinion.opinion_id}"
    assert unread in (await ben.get(address)).text
    await give(ben, opinion.opinion_id, reading=False)
    assert LACKS in (await look(anna, written)).text
    await ben.get(f"/cases/{REFERRAL}")
    assert unread not in (await ben.get(address)).text


async def test_an_agreement_that_an_earlier_release_took_covers_what_came_before_it(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna, _, written = await agreed(enter, held)
    await held.pool.execute("UPDATE second_opinions SET seen_version = NULL")
    assert SENDS in (await look(anna, written)).text
    assert LACKS in (await look(anna, await tell_and_rewrite(anna, held, clock, b.supplied()))).text


async def test_of_very_many_opinions_the_latest_count(enter: Enter, held: Harness, clock: ManualClock) -> None:
    for number in range(100):
        asked = AskedOpinion(uuid7(), REFERRAL, "accept", SUE, None, QUESTION)
        await opinions.ask(held.pool, asked, clock.now() - timedelta(minutes=number + 1))
    anna, ben = await enter("anna"), await enter("ben")
    await ask(anna, of=BEN)
    latest = (await rows(held))[-1]
    assert latest.asked_by == ANNA
    assert (await give(ben, latest.opinion_id)).status_code == 303
