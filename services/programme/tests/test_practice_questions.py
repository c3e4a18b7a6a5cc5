"""A partner asks without a referral: danger first, nobody identified, an officer answers, a force can be brought in."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_contracts.ids import uuid7
from conduit_programme.app import create_service
from conduit_programme.four_ps import Quarter
from conduit_programme.pages.front import create_desk
from conduit_programme.practice import conversation, counting, rules, store
from conduit_programme.practice.rules import MOST_MESSAGES, PRACTICE_ANSWER_DAYS, PracticeKind, PracticeOutcome, StrikeReason
from conduit_programme.practice.store import AskedQuestion
from conduit_programme.rules import day_of
from conduit_programme.wording import day
from conduit_web.html import LONDON
from conduit_web.lists import ROWS
from conduit_web.settings import DeskSettings
from services.programme.tests import builders as b
from services.programme.tests.builders import PARTNER
from services.programme.tests.pages import Enter, account, hidden_of, send, text_of
from services.programme.tests.practice import (
    ANSWER,
    ANSWERED,
    ASKED,
    AT_FORCE,
    AT_HUB,
    FORM,
    JOINED,
    LATER,
    NOT_YET,
    OURS,
    TOLD,
    asked,
    brought_in,
    done,
    taken,
)
from services.programme.tests.test_insight import read
from services.programme.tests.test_overtaken import overtaken
from services.web.tests.browser import URL
from services.web.tests.crafted import ISSUER


async def number_of(held: Harness, table: str) -> int:
    async with held.pool.acquire() as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - constants
        return found


async def test_danger_is_asked_first_and_whoever_says_yes_is_told_to_call_999_and_is_only_counted(
    enter: Enter, held: Harness
) -> None:
    cara = await enter("cara")
    for early in (await cara.get(f"{OURS}/new"), await send(cara, f"{OURS}/new", FORM)):
        assert (early.status_code, early.headers["location"]) == (303, f"{OURS}/danger")
    page = (await cara.get(f"{OURS}/danger")).text
    assert "If a child is in danger now, call 999." in text_of(page)
    assert (await send(cara, f"{OURS}/danger")).status_code == 400
    form = hidden_of(page)
    no = await cara.post(f"{OURS}/danger", form | {"danger": "no"})
    assert no.headers["location"] == f"{OURS}/new?danger=no"
    for _ in range(2):
        yes = await cara.post(f"{OURS}/danger", form | {"danger": "yes"})
        assert yes.headers["location"] == f"{OURS}/in-danger", "also of a form that said no before"
    told = await read(cara, f"{OURS}/in-danger")
    assert told.index("Call 999.") < told.index("Then send the hub a referral")
    assert [await number_of(held, each) for each in ("practice_questions", "practice_messages", "contents")] == [0, 0, 0]
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT number FROM practice_dangers") == 1, "twice the same form"
        lines = await connection.fetch("SELECT what, about_id, why FROM acts WHERE kind = 'alteration'")
    assert [tuple(each) for each in lines] == [("said_whether_in_danger", None, None)] * 2, "a line does not say which"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Synthetic: write to her at girl@people.example", "Strike what looks like an email address."),
        ("Synthetic: she lives in M1 1AA", "Strike what looks like a postcode. A force area is enough."),
        ("Synthetic: born 03/05/2012, call 01632 960147", "Several things here could identify somebody."),
    ],
    ids=["one", "another", "several"],
)
async def test_what_looks_as_if_it_identifies_is_struck_before_it_is_sent(
    enter: Enter, held: Harness, words: str, told: str
) -> None:
    cara = await enter("cara")
    answer = await send(cara, f"{OURS}/new", FORM | {"words": words}, danger="no")
    assert answer.status_code == 400
    summary = text_of(answer.text.partition("govuk-error-summary")[2].partition("</ul>")[0])
    assert told in summary
    assert not set(re.findall(r"\S+@\S+|M1|960147", words)) & set(summary.split())
    assert words in answer.text, "it can be corrected where it stands"
    assert await number_of(held, "contents") == 0
    question = await asked(cara)
    assert (await send(cara, f"{OURS}/{question}/write", {"words": words})).status_code == 400
    assert await number_of(held, "contents") == 1


async def test_an_officer_answers_and_the_partner_ends_it(enter: Enter, held: Harness, clock: ManualClock) -> None:
    cara, mara, anna = await enter("cara"), await enter("mara"), await enter("anna")
    question = await asked(cara)
    due = day(day_of(clock.now(), LONDON) + timedelta(days=PRACTICE_ANSWER_DAYS))
    seen = await read(cara, f"{OURS}/{question}")
    assert "How to keep what could be evidence" in seen
    assert "no officer has it yet" in seen
    assert f"An answer is due by the end of {due}: due in {PRACTICE_ANSWER_DAYS} days" in seen
    waiting = await read(anna, AT_HUB)
    assert ASKED in waiting
    assert "Northlight" in waiting
    assert (await send(anna, f"{AT_HUB}/{question}/write", ANSWER)).status_code == 409, "nobody has it yet"
    here = await taken(anna, question)
    assert "You have it." in await read(anna, here)
    assert "an officer has it" in await read(mara, f"{OURS}/{question}"), "colleagues read it, too"
    await done(anna, f"{here}/write", NOT_YET)
    assert "due in" in await read(cara, f"{OURS}/{question}"), "that was no answer yet"
    await done(anna, f"{here}/write", ANSWER | {"seen": "2"})
    told = await read(cara, f"{OURS}/{question}")
    assert told.index(ASKED) < told.index(NOT_YET["words"]) < told.index(ANSWERED)
    assert "The hub answer" in told
    assert "Triage officer" not in told, "who at the hub it is is the hub's"
    assert "No question waits for the hub." in await read(anna, AT_HUB)
    assert ASKED in await read(anna, f"{AT_HUB}?which=answered")
    await done(cara, f"{OURS}/{question}/end", {"how": "answered"})
    assert f"Answered, and ended on {day(clock.now())}." in await read(cara, f"{OURS}/{question}")
    assert ASKED in await read(anna, f"{AT_HUB}?which=ended")
    assert "Caseworker at Northlight ended a practice question" in await overtaken(anna, f"{here}/write", ANSWER)
    assert await number_of(held, "practice_messages") == 3
    async with held.pool.acquire() as connection:
        done_to_it = "SELECT what FROM acts WHERE about_id = $1 AND kind <> 'consultation' ORDER BY act_id"
        lines = [row["what"].split("_")[0] for row in await connection.fetch(done_to_it, UUID(question))]
    assert lines == ["asked", "took", "wrote", "answered", "ended"]


async def test_what_the_partner_wrote_after_the_officer_looked_is_still_to_be_answered(
    enter: Enter, clock: ManualClock
) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara)
    here = await taken(anna, question)
    assert 'name="seen" value="1"' in (await anna.get(here)).text
    await done(cara, f"{OURS}/{question}/write", {"words": LATER})
    await done(anna, f"{here}/write", ANSWER | {"seen": "1"})
    seen = await read(anna, AT_HUB)
    assert ASKED in seen
    assert "an officer has it" in seen
    assert (await send(anna, f"{here}/end", {"how": "answered"})).status_code == 409
    await done(anna, f"{here}/write", ANSWER | {"seen": "3"})
    assert "No question waits for the hub." in await read(anna, AT_HUB)
    clock.advance(timedelta(days=1))
    cara = await enter("cara")
    await done(cara, f"{OURS}/{question}/write", {"words": LATER})
    assert f"due in {PRACTICE_ANSWER_DAYS} days" in await read(cara, f"{OURS}/{question}"), "a new clock for what is new"


async def test_a_force_is_brought_in_and_reads_and_writes_from_then_on_and_nothing_from_before(
    enter: Enter, held: Harness
) -> None:
    await held.deliver(*b.registered(b.force("essex")))
    cara, anna, tom, kim, essa = [await enter(each) for each in ("cara", "anna", "tom", "kim", "essa")]
    question = await asked(cara)
    here, at_force = await taken(anna, question), f"{AT_FORCE}/{question}"
    await done(anna, f"{here}/write", NOT_YET)
    missing = await tom.get(f"{AT_FORCE}/{uuid7()}")
    not_yet = await tom.get(at_force)
    assert not_yet.status_code == missing.status_code == 404
    assert text_of(not_yet.text) == text_of(missing.text)
    await brought_in(anna, question)
    for who in (tom, kim):
        seen = await read(who, at_force)
        assert TOLD in seen
        assert ASKED not in seen
        assert NOT_YET["words"] not in seen
        assert question in (await who.get(AT_FORCE)).text
        assert ASKED not in await read(who, AT_FORCE)
    await done(tom, f"{at_force}/write", {"words": JOINED})
    await done(anna, f"{here}/write", ANSWER | {"seen": "4"})
    for who, path in ((cara, f"{OURS}/{question}"), (anna, here), (tom, at_force)):
        seen = await read(who, path)
        order = [seen.index(each) for each in (TOLD, "Kent Police was brought in here", JOINED, ANSWERED)]
        assert order == sorted(order)
        assert "Kent Police " in seen
    assert (await essa.get(at_force)).status_code == 404, "another force's"
    assert (await send(essa, f"{at_force}/write", {"words": JOINED})).status_code == 404
    assert question not in (await essa.get(AT_FORCE)).text
    assert (await send(anna, f"{here}/force", {"force": "kent", "words": TOLD})).status_code == 400, "it is part of it"
    await brought_in(anna, question, "essex")
    assert JOINED not in await read(essa, at_force)
    await done(cara, f"{OURS}/{question}/end", {"how": "answered"})
    assert "answered and ended" in await read(tom, at_force)
    assert (await send(tom, f"{at_force}/write", {"words": JOINED})).status_code == 409
    async with held.pool.acquire() as connection:
        kinds = await connection.fetch("SELECT kind FROM acts WHERE what = 'brought_force_in'")
    assert [each["kind"] for each in kinds] == ["disclosure"] * 2


async def test_no_force_is_brought_in_before_the_partner_agrees(enter: Enter, held: Harness) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara, force_may="no")
    here = await taken(anna, question)
    assert "The partner wants to be asked before a force is brought in." in await read(anna, here)
    assert (await anna.get(f"{here}/force")).status_code == 303
    assert (await send(anna, f"{here}/force", {"force": "kent", "words": TOLD})).status_code == 403
    assert await number_of(held, "practice_messages") == 1
    await done(cara, f"{OURS}/{question}/allow")
    await brought_in(anna, question)


async def test_two_officers_at_one_question_and_who_is_second_reads_who_was_first(enter: Enter) -> None:
    cara, anna, nick = await enter("cara"), await enter("anna"), await enter("nick")
    question = await asked(cara)
    here = await taken(anna, question)
    assert "Triage officer took a practice question on" in await overtaken(nick, f"{here}/take", {"held_by": ""})
    assert "Triage officer took a practice question" in await overtaken(nick, f"{here}/write", ANSWER)
    assert "Triage officer has it." in await read(nick, here)
    await taken(nick, question, account("anna"))
    second = await overtaken(anna, f"{here}/write", ANSWER)
    assert "Night officer took a practice question" in second
    assert ANSWERED in second, "what was typed is given back"
    await done(nick, f"{here}/write", ANSWER | {"seen": "1"})
    assert "answered" in await read(anna, here)


async def test_what_is_struck_is_gone_everywhere_and_the_partner_reads_why_and_may_ask_again(
    enter: Enter, held: Harness
) -> None:
    cara, anna, nick, tom = [await enter(each) for each in ("cara", "anna", "nick", "tom")]
    question, other = await asked(cara), await asked(cara, words="Synthetic: something else")
    here = await taken(anna, question)
    await brought_in(anna, question)
    await done(tom, f"{AT_FORCE}/{question}/write", {"words": JOINED})
    assert (await send(nick, f"{here}/strike")).status_code == 400, "it says why"
    await done(nick, f"{here}/strike", {"why": "names"})
    for who, path in ((cara, f"{OURS}/{question}"), (anna, here), (tom, f"{AT_FORCE}/{question}")):
        seen = await read(who, path)
        assert "Struck and ended. It names somebody." in seen
        assert "These words were deleted." in seen
        for words in (ASKED, TOLD, JOINED):
            assert words not in seen
    assert "Ask again" in await read(cara, f"{OURS}/{question}")
    for who, path in ((cara, OURS), (anna, f"{AT_HUB}?which=ended"), (tom, AT_FORCE)):
        assert ASKED not in await read(who, path)
    assert await number_of(held, "contents") == 1, "the other question's"
    assert other in (await anna.get(AT_HUB)).text
    for who, path, form in (
        (cara, f"{OURS}/{question}/write", {"words": LATER}),
        (anna, f"{here}/write", ANSWER),
        (tom, f"{AT_FORCE}/{question}/write", {"words": JOINED}),
        (anna, f"{here}/strike", {"why": "places"}),
    ):
        assert "Night officer struck a practice question" in await overtaken(who, path, form)
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT string_agg(convert_from(body, 'UTF8'), '') FROM contents") == (
            '{"words":"Synthetic: something else"}'
        )


async def test_what_ended_with_an_answer_can_be_struck_and_counts_as_answered(enter: Enter, held: Harness) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara)
    here = await taken(anna, question)
    await done(anna, f"{here}/write", ANSWER | {"seen": "1"})
    await done(anna, f"{here}/end", {"how": "answered"})
    await done(anna, f"{here}/strike", {"why": "details"})
    assert "Struck and ended." in await read(cara, f"{OURS}/{question}")
    async with held.pool.acquire() as connection:
        found = await store.find(connection, UUID(question))
    assert found is not None
    assert (found.outcome, found.struck_why) == (PracticeOutcome.ANSWERED, StrikeReason.DETAILS)


@pytest.mark.parametrize("who", ["cara", "anna"])
async def test_it_becomes_a_referral_and_nothing_joins_the_two(enter: Enter, held: Harness, who: str) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara)
    here = await taken(anna, question)
    browser, path = (cara, f"{OURS}/{question}/end") if who == "cara" else (anna, f"{here}/end")
    await done(browser, path, {"how": "referral"})
    told = await read(cara, f"{OURS}/{question}")
    assert "It became a referral." in told
    assert "Send it through the system with which your organisation always sends referrals" in told
    async with held.pool.acquire() as connection:
        columns = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name LIKE 'practice%'"
            " AND (column_name LIKE '%referral%' OR column_name LIKE '%reference%' OR column_name LIKE '%case%')"
        )
        assert columns == [], "there is no place for a case"


async def test_a_partner_takes_a_question_back_and_its_words_are_gone(enter: Enter, held: Harness) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara)
    assert (await send(cara, f"{OURS}/{question}/end", {"how": "answered"})).status_code == 403, "it is not answered"
    assert (await send(cara, f"{OURS}/{question}/end", {"how": "struck"})).status_code == 403
    await done(cara, f"{OURS}/{question}/end", {"how": "withdrawn"})
    assert await number_of(held, "contents") == 0
    assert "taken back" in await read(anna, f"{AT_HUB}/{question}")
    assert "Caseworker at Northlight took a practice question back" in await overtaken(
        anna, f"{AT_HUB}/{question}/take", {"held_by": ""}
    )


async def test_another_partners_question_is_answered_exactly_as_a_missing_one(enter: Enter) -> None:
    question = await asked(await enter("cara"))
    hanna = await enter("hanna")
    assert ASKED not in await read(hanna, OURS)
    theirs, missing = await hanna.get(f"{OURS}/{question}"), await hanna.get(f"{OURS}/{uuid7()}")
    assert theirs.status_code == missing.status_code == 404
    assert text_of(theirs.text) == text_of(missing.text)
    for act in ("write", "allow", "end"):
        theirs, missing = [await send(hanna, f"{OURS}/{one}/{act}", {"how": "withdrawn"}) for one in (question, uuid7())]
        assert theirs.status_code == missing.status_code == 404, act
        assert text_of(theirs.text) == text_of(missing.text)
    for who in ("emma", "lena", "fred", "audrey", "adam"):
        browser = await enter(who)
        for path in (OURS, f"{OURS}/{question}", AT_HUB, f"{AT_HUB}/{question}", AT_FORCE, f"{AT_FORCE}/{question}"):
            assert (await browser.get(path)).status_code == 403, (who, path)
    for who, paths in (("cara", (AT_HUB, AT_FORCE)), ("anna", (OURS, AT_FORCE)), ("tom", (OURS, AT_HUB))):
        for path in paths:
            assert (await (await enter(who)).get(path)).status_code == 403, (who, path)


async def test_it_is_due_sooner_where_the_partner_needs_it_sooner_and_later_than_usual_never(
    enter: Enter, clock: ManualClock
) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    today = day_of(clock.now(), LONDON)
    past = await send(cara, f"{OURS}/new", FORM | {"needed_by": day(today - timedelta(days=1))}, danger="no")
    assert past.status_code == 400
    assert "This day is past." in text_of(past.text)
    usual, soon = await asked(cara), await asked(cara, needed_by=day(today))
    assert f"end of {day(today)}: due in" in await read(cara, f"{OURS}/{soon}")
    listed = (await anna.get(AT_HUB)).text
    assert listed.index(soon) < listed.index(usual), "the most pressing first"
    clock.advance(timedelta(days=PRACTICE_ANSWER_DAYS + 2))
    assert "overdue by" in await read(await enter("anna"), AT_HUB)


@pytest.mark.parametrize(
    ("needed", "due"), [(None, 3), (0, 0), (2, 2), (9, 3), (-4, 0)], ids=["usual", "today", "sooner", "later", "past"]
)
def test_the_day_of_an_answer(needed: int | None, due: int) -> None:
    asked_on = date(2026, 11, 30)
    needed_by = None if needed is None else asked_on + timedelta(days=needed)
    assert rules.due_on(asked_on, 3, needed_by) == asked_on + timedelta(days=due)


async def test_an_answer_is_due_within_as_many_days_as_the_setting_says(
    enter: Enter, database: str, clock: ManualClock
) -> None:
    about = {"name": "hub", "label": "The hub", "issuer": ISSUER, "client_id": "programme", "client_secret": "s"}
    settings = DeskSettings.model_validate({"public_url": URL, "identity_providers": [about]})
    async with harness(create_service(), database, clock, practice_answer_days=5) as made:
        people = PeopleFollower(made.runtime.settings, clock, name="programme")
        days = create_desk(made.runtime, settings, people).practice_answer_days
    cara = await enter("cara", practice_days=days)
    assert "due in 5 days" in await read(cara, f"{OURS}/{await asked(cara)}")
    assert "within 5 days" in await read(cara, OURS)


async def test_questions_are_counted_apart_by_quarter_kind_and_outcome(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    quarter = Quarter.of(day_of(clock.now(), LONDON)).next
    begun = quarter.begins(LONDON) + timedelta(hours=12)
    clock.advance(begun - clock.now())
    cara, anna = await enter("cara"), await enter("anna")
    in_time, late, _open, struck = [await asked(cara) for _ in range(4)]
    await asked(cara, kind="recording")
    await done(cara, f"{OURS}/danger", {"danger": "yes"})
    for question in (in_time, late):
        await taken(anna, question)
    await done(anna, f"{AT_HUB}/{in_time}/write", ANSWER | {"seen": "1"})
    await brought_in(anna, in_time)
    await done(cara, f"{OURS}/{in_time}/end", {"how": "referral"})
    await done(anna, f"{AT_HUB}/{struck}/strike", {"why": "places"})
    clock.advance(timedelta(days=PRACTICE_ANSWER_DAYS + 1))
    await done(await enter("anna"), f"{AT_HUB}/{late}/write", ANSWER | {"seen": "1"})
    for who in ("lena", "audrey"):
        seen = await read(await enter(who), f"/practice-figures?quarter={quarter}")
        assert "told to call 999 and to refer: 1." in seen
        assert "How to keep what could be evidence, or what a child says 4 1 1 1 0 1" in seen
        assert "How to write something down 1 0 0 1 0 0" in seen
        assert "All 5 1 1 2 0 1" in seen
        assert "How to keep what could be evidence, or what a child says 2 0 1 0 1 1" in seen
        assert ASKED not in seen
    assert "All 0 0 0 0 0 0" in await read(await enter("lena"), f"/practice-figures?quarter={quarter.before}")
    assert (await (await enter("anna")).get("/practice-figures")).status_code == 403


async def test_a_question_belongs_to_the_quarter_of_the_day_on_which_it_was_asked_here(
    held: Harness, clock: ManualClock
) -> None:
    quarter = Quarter.of(day_of(clock.now(), LONDON))
    async with held.pool.acquire() as connection:
        for at in (quarter.begins(LONDON), quarter.next.begins(LONDON) - timedelta(seconds=1), quarter.next.begins(LONDON)):
            await store.ask(connection, AskedQuestion(PARTNER, PracticeKind.OTHER, ASKED, at.date()), "p-1", at)
        found = [await counting.counted(connection, each, clock.now(), LONDON) for each in (quarter, quarter.next)]
    assert [each.total.asked for each in found] == [2, 1]
    assert found[0].kinds[PracticeKind.OTHER].asked == 2


async def test_lists_go_on_by_key(held: Harness, clock: ManualClock) -> None:
    more, now = ROWS + 3, clock.now()
    async with held.pool.acquire() as connection:
        made = [await _asked(connection, now + timedelta(seconds=each)) for each in range(3 * more)]
        for place, question_id in enumerate(made):
            await conversation.bring(connection, question_id, "kent", 1, "p-1", now + timedelta(seconds=place))
        for place, question_id in enumerate(made[more:]):
            await store.note_answer(connection, question_id, now + timedelta(seconds=place), waits_on=False)
        for place, question_id in enumerate(made[2 * more :]):
            await store.end(connection, question_id, PracticeOutcome.ANSWERED, now + timedelta(seconds=place))
        for asking, number in ((store.waiting, more), (store.answered, more), (store.ended, more)):
            first = await asking(connection)
            second = await asking(connection, first.after)
            ids = [each.question_id for each in (*first.rows, *second.rows)]
            assert (len(ids), len(set(ids)), second.after) == (number, number, None), asking.__name__
        first = await store.of_partner(connection, PARTNER)
        second = await store.of_partner(connection, PARTNER, first.after)
        assert [each.question_id for each in (*first.rows, *second.rows)] == made[::-1][: 2 * ROWS]
        brought = await store.of_force(connection, "kent")
        then = await store.of_force(connection, "kent", brought.after)
        assert [each.question.question_id for each in (*brought.rows, *then.rows)] == made[::-1][: 2 * ROWS]
        assert (await store.of_force(connection, "essex")).rows == []


async def _asked(connection: asyncpg.Connection[asyncpg.Record], at: datetime) -> UUID:
    return await store.ask(connection, AskedQuestion(PARTNER, PracticeKind.OTHER, ASKED, at.date()), "p-1", at)


async def test_a_conversation_has_an_end(enter: Enter, held: Harness, clock: ManualClock) -> None:
    cara = await enter("cara")
    question = await asked(cara)
    async with held.pool.acquire() as connection:
        for _ in range(MOST_MESSAGES - 1):
            await conversation.write(connection, UUID(question), "hub", "Synthetic", "p-1", clock.now())
    assert "This conversation is full." in await read(cara, f"{OURS}/{question}")
    assert (await send(cara, f"{OURS}/{question}/write", {"words": LATER})).status_code == 403
    assert await number_of(held, "practice_messages") == MOST_MESSAGES


async def test_half_states_cannot_be_kept(enter: Enter, held: Harness) -> None:
    await asked(await enter("cara"))
    async with held.pool.acquire() as connection:
        for change in (
            "outcome = 'answered', ended_at = now(), waits_until = NULL",
            "outcome = 'struck', ended_at = now(), waits_until = NULL",
            "outcome = 'referral', waits_until = NULL",
            "outcome = 'referral', ended_at = now()",
            "waits_until = NULL",
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(f"UPDATE practice_questions SET {change}")  # noqa: S608 - constants
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE practice_messages SET answers = true")
