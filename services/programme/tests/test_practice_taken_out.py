"""A force that was brought in by mistake is taken out again: it reads nothing any more, and what it wrote stays, by role."""

from __future__ import annotations

from datetime import timedelta

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_programme.practice.rules import PRACTICE_FORCE_DAYS
from services.programme.tests import builders as b
from services.programme.tests.pages import Enter, account, send, text_of
from services.programme.tests.practice import (
    ANSWER,
    ASKED,
    AT_FORCE,
    AT_HUB,
    JOINED,
    OURS,
    TOLD,
    asked,
    brought_in,
    done,
    taken,
)
from services.programme.tests.test_insight import read
from services.programme.tests.test_overtaken import overtaken
from services.web.tests.browser import Browser

WHY = {"why": "wrong_force"}


def out(question: str, force_id: str = "kent") -> str:
    return f"{AT_HUB}/{question}/forces/{force_id}/take-out"


async def with_force(enter: Enter) -> tuple[str, Browser, Browser]:
    """A question into which Kent was brought and to which it wrote; with an officer and one of the force."""
    anna, tom = await enter("anna"), await enter("tom")
    question = await asked(await enter("cara"))
    await taken(anna, question)
    await brought_in(anna, question)
    await done(tom, f"{AT_FORCE}/{question}/write", {"words": JOINED})
    return question, anna, tom


async def test_it_reads_and_writes_nothing_any_more_as_if_there_were_no_such_question(enter: Enter, held: Harness) -> None:
    question, _, tom = await with_force(enter)
    await done(await enter("nick"), out(question), WHY)
    gone, missing = await tom.get(f"{AT_FORCE}/{question}"), await tom.get(f"{AT_FORCE}/{uuid7()}")
    assert gone.status_code == missing.status_code == 404
    assert text_of(gone.text) == text_of(missing.text)
    assert (await send(tom, f"{AT_FORCE}/{question}/write", {"words": JOINED})).status_code == 404
    assert question not in (await tom.get(AT_FORCE)).text
    async with held.pool.acquire() as connection:
        row = await connection.fetchrow("SELECT why, brought_by, taken_out_by FROM practice_forces_taken_out")
        deed = await connection.fetchrow("SELECT kind, about_id::text, why FROM acts WHERE what = 'took_force_out'")
    assert tuple(row) == ("wrong_force", account("anna"), account("nick"))
    assert tuple(deed) == ("alteration", question, "wrong_force")
    assert "It was the wrong force" in await read(await enter("audrey"), "/trail?kind=alteration")


async def test_what_it_wrote_stays_with_its_author_named_by_role(enter: Enter) -> None:
    question, anna, _ = await with_force(enter)
    assert "Safeguarding team" in await read(anna, f"{AT_HUB}/{question}")
    await done(anna, out(question), WHY)
    for who, path in (("cara", OURS), ("anna", AT_HUB)):
        seen = await read(await enter(who), f"{path}/{question}")
        assert JOINED in seen
        assert "Kent Police, safeguarding team no longer takes part" in seen
        assert "was brought in here, and taken out again on" in seen
        assert "It was the wrong force." in seen
        assert account("tom") not in seen
        assert "Safeguarding team" not in seen, "not who it is"


async def test_it_says_why_and_whoever_is_second_reads_who_was_first(enter: Enter) -> None:
    question, anna, _ = await with_force(enter)
    assert "Take Kent Police out again" in await read(anna, f"{AT_HUB}/{question}")
    assert (await send(anna, out(question))).status_code == 400
    assert "Take a force out again" in await read(anna, out(question))
    await done(anna, out(question), WHY)
    assert "Triage officer took a force out of a practice question" in await overtaken(
        await enter("nick"), out(question), WHY
    )
    assert (await anna.get(out(question))).status_code == 303
    assert (await send(await enter("tom"), out(question), WHY)).status_code == 403
    assert (await send(await enter("cara"), out(question), WHY)).status_code == 403


async def test_of_an_ended_question_it_is_taken_out_as_well_and_another_force_reads_on(enter: Enter, held: Harness) -> None:
    await held.deliver(*b.registered(b.force("essex")))
    question, anna, tom = await with_force(enter)
    await brought_in(anna, question, "essex")
    await done(anna, f"{AT_HUB}/{question}/write", ANSWER | {"seen": "4"})
    await done(anna, f"{AT_HUB}/{question}/end", {"how": "answered"})
    await done(anna, out(question), WHY)
    assert (await tom.get(f"{AT_FORCE}/{question}")).status_code == 404
    assert TOLD in await read(await enter("essa"), f"{AT_FORCE}/{question}")


async def test_brought_in_again_it_reads_from_then_on(enter: Enter) -> None:
    question, anna, tom = await with_force(enter)
    await done(anna, out(question), WHY)
    await brought_in(anna, question)
    seen = await read(tom, f"{AT_FORCE}/{question}")
    assert TOLD in seen
    assert JOINED not in seen, "what was written before is not shown, its own neither"
    assert ASKED not in seen


async def test_a_silent_force_that_is_taken_out_is_no_task_any_more(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna = await enter("anna")
    question = await asked(await enter("cara"))
    here = await taken(anna, question)
    await brought_in(anna, question)
    await done(anna, f"{here}/write", ANSWER | {"seen": "2"})
    clock.advance(timedelta(days=PRACTICE_FORCE_DAYS + 1))
    assert len(await held.tick("tell_overdue")) == 1
    await done(await enter("anna"), out(question), {"why": "not_needed"})
    (settled,) = await held.tick("tell_overdue")
    assert (settled.message.force_id, settled.message.officer_id) == ("kent", account("anna"))
