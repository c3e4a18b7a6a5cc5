"""Of what nobody answers in time the hub is told once, by ids alone; and once somebody has seen to it, who did."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.programme import PracticeQuestionOverdue, PracticeQuestionSettled, PracticeSide
from conduit_programme.practice.rules import PRACTICE_ANSWER_DAYS, PRACTICE_FORCE_DAYS
from services.programme.tests.builders import FORCE, PARTNER
from services.programme.tests.pages import Enter, account
from services.programme.tests.practice import ANSWER, AT_FORCE, AT_HUB, JOINED, OURS, asked, brought_in, done, taken
from services.web.tests.browser import Browser

TICK = "tell_overdue"
LATE = timedelta(days=PRACTICE_ANSWER_DAYS + 1)


async def told(held: Harness) -> list[Any]:
    return [each.message for each in await held.tick(TICK)]


async def overdue(enter: Enter, held: Harness, clock: ManualClock) -> tuple[Browser, str]:
    """A question that nobody answered in time, with who asked it."""
    question = await asked(await enter("cara"))
    assert await told(held) == []
    clock.advance(LATE)
    await told(held)
    return await enter("cara"), question


async def test_the_hub_is_told_once_of_what_it_has_not_answered(enter: Enter, held: Harness, clock: ManualClock) -> None:
    question = await asked(await enter("cara"))
    clock.advance(LATE)
    (published,) = await held.tick(TICK)
    assert (published.topic, published.key) == ("programme.questions.v1", question)
    assert published.message == PracticeQuestionOverdue(question_id=UUID(question), partner_id=PARTNER)
    assert await told(held) == []


async def test_of_two_processes_at_once_one_tells(enter: Enter, held: Harness, clock: ManualClock) -> None:
    await asked(await enter("cara"))
    clock.advance(LATE)
    await asyncio.gather(*(held.tick(TICK) for _ in range(3)))
    assert len(await held.published()) == 1


@pytest.mark.parametrize(("who", "side"), [("anna", PracticeSide.HUB), ("cara", PracticeSide.PARTNER)])
async def test_it_is_settled_by_whoever_sees_to_it(
    enter: Enter, held: Harness, clock: ManualClock, who: str, side: PracticeSide
) -> None:
    cara, question = await overdue(enter, held, clock)
    anna = await enter("anna")
    here = await taken(anna, question)
    assert await told(held) == [], "to have it is no answer"
    if who == "anna":
        await done(anna, f"{here}/write", ANSWER | {"seen": "1"})
    else:
        await done(cara, f"{OURS}/{question}/end", {"how": "withdrawn"})
    officer = account("anna") if who == "anna" else None
    assert await told(held) == [
        PracticeQuestionSettled(question_id=UUID(question), partner_id=PARTNER, settled_by=side, officer_id=officer)
    ]
    assert await told(held) == []


@pytest.mark.parametrize("by", ["force", "hub"])
async def test_a_silent_force_is_told_of_apart_from_the_question(
    enter: Enter, held: Harness, clock: ManualClock, by: str
) -> None:
    cara, anna = await enter("cara"), await enter("anna")
    question = await asked(cara)
    here = await taken(anna, question)
    await brought_in(anna, question)
    await done(anna, f"{here}/write", ANSWER | {"seen": "2"})
    clock.advance(timedelta(days=PRACTICE_FORCE_DAYS + 1))
    about = {"question_id": UUID(question), "partner_id": PARTNER, "force_id": FORCE}
    assert await told(held) == [PracticeQuestionOverdue(**about)]
    if by == "force":
        await done(await enter("tom"), f"{AT_FORCE}/{question}/write", {"words": JOINED})
    else:
        await done(await enter("nick"), f"{AT_HUB}/{question}/strike", {"why": "names"})
    (settled,) = await told(held)
    side, officer = (PracticeSide.FORCE, None) if by == "force" else (PracticeSide.HUB, account("nick"))
    assert settled == PracticeQuestionSettled(**about, settled_by=side, officer_id=officer)


async def test_what_is_asked_further_after_a_late_answer_has_a_new_day(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    cara, question = await overdue(enter, held, clock)
    anna = await enter("anna")
    here = await taken(anna, question)
    await done(anna, f"{here}/write", ANSWER | {"seen": "1"})
    await done(cara, f"{OURS}/{question}/write", {"words": "Synthetic: and then?"})
    (settled,) = await told(held)
    assert settled.officer_id == account("anna")
    clock.advance(LATE)
    assert len(await told(held)) == 1, "and is overdue once more"
