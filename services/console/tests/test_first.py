"""What leads an officer's first page is what really waits: not what was answered just now, nor what waits for a partner."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import deciding, desk, opinions
from conduit_console.cases import AskedBy
from conduit_console.first import DoFirst, FirstPage, do_first
from conduit_console.opinions import AskedOpinion
from conduit_console.queries.duties import DutyTaskRow
from conduit_console.queries.lists import QuestionRow
from conduit_console.queries.unanswered import HOLDS
from conduit_contracts import triage
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import ReferralState
from conduit_contracts.referral import Urgency
from services.console.tests import builders as b
from services.console.tests.builders import NOW, PARTNER, REFERENCE, REFERRAL
from services.console.tests.pages import ANNA, BEN, Enter
from services.console.tests.test_deciding import ANSWERS, send, sent_by, tell, write

TRIAGE, ROUTING = AskedBy.TRIAGE, AskedBy.ROUTING
NEXT = uuid7(NOW + timedelta(seconds=1))


def question(referral_id: UUID = REFERRAL, **changes: Any) -> QuestionRow:
    made = QuestionRow(
        referral_id=referral_id,
        partner_id=PARTNER,
        partner_reference=REFERENCE,
        asked_by=TRIAGE,
        reasons=("nature_claimed",),
        about=(),
        urgency=Urgency.ROUTINE,
        danger=False,
        opened_at=NOW,
        due_at=NOW,
        waits_for_partner=False,
        claimed_by=None,
        state=ReferralState.UNDER_REVIEW,
        restricted=False,
    )
    return replace(made, **changes)


def duty(kind: str = "no_force", *, danger: bool = False, referral_id: UUID | None = REFERRAL) -> DutyTaskRow:
    about: dict[str, Any] = {"partner_id": None, "partner_reference": None, "force_id": None, "codes": (), "said": 1}
    never: dict[str, Any] = dict.fromkeys(("unanswered_at", "taken_at", "taken_by", "next_call_at"))
    return DutyTaskRow(
        task_id=UUID(int=1),
        kind=kind,
        danger=danger,
        referral_id=referral_id,
        opened_at=NOW,
        done=False,
        **about,
        **never,
    )


def first(*held: Any, mine: Any = (), unclaimed: Any = (), duties: Any = (), opinions: Any = ()) -> DoFirst:
    return do_first(FirstPage(mine, unclaimed, duties, opinions), set(held))


SENT, WAITS = question(), question(NEXT)


def test_what_was_answered_just_now_leads_no_longer() -> None:
    assert first(mine=[SENT, WAITS]) == DoFirst(mine=SENT)
    assert first((REFERRAL, TRIAGE), mine=[SENT, WAITS]) == DoFirst(mine=WAITS)
    assert first((REFERRAL, ROUTING), mine=[SENT, WAITS]) == DoFirst(mine=SENT), "another question of the same case"
    assert first((REFERRAL, TRIAGE), mine=[SENT], unclaimed=[WAITS]) == DoFirst(unclaimed=WAITS)
    assert first((REFERRAL, TRIAGE), mine=[SENT]) == DoFirst()


def test_in_danger_too_and_with_the_duty_task_that_asks_for_the_same_answer() -> None:
    sent, other = replace(SENT, danger=True), replace(WAITS, danger=True)
    review = duty("danger_review", danger=True)
    assert first(mine=[sent], duties=[review]) == DoFirst(case_in_danger=sent, duty_in_danger=review)
    assert first((REFERRAL, TRIAGE), unclaimed=[sent], duties=[review], mine=[WAITS]) == DoFirst(mine=WAITS)
    assert first((REFERRAL, TRIAGE), unclaimed=[sent, other], duties=[review]) == DoFirst(case_in_danger=other)
    failed = duty("danger_notice_failed", danger=True)
    assert first((REFERRAL, TRIAGE), mine=[sent], duties=[review, failed]) == DoFirst(duty_in_danger=failed)


def test_what_waits_for_the_partner_leads_in_danger_alone_and_last() -> None:
    asked = replace(SENT, waits_for_partner=True)
    assert first(mine=[asked], unclaimed=[WAITS]) == DoFirst(unclaimed=WAITS)
    assert first(mine=[asked]) == DoFirst()
    danger, other = replace(asked, danger=True), replace(WAITS, danger=True)
    assert first(mine=[danger], unclaimed=[other]) == DoFirst(case_in_danger=other)
    assert first(mine=[danger]) == DoFirst(case_in_danger=danger)


def test_a_restricted_case_in_danger_leads_where_there_is_no_other() -> None:
    shut, other = replace(SENT, danger=True, restricted=True), replace(WAITS, danger=True)
    assert first(unclaimed=[shut, other]) == DoFirst(case_in_danger=other)
    assert first(unclaimed=[shut]) == DoFirst(case_in_danger=shut)


def test_where_no_case_waits_a_duty_task_leads_and_then_what_another_officer_asks() -> None:
    opinion: Any = object()
    assert first(duties=[duty()], opinions=[opinion]) == DoFirst(duty=duty())
    assert first(opinions=[opinion]) == DoFirst(opinion=opinion)


# On the page


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await tell(console, clock, b.received(), b.review_opened())
    return console


async def test_the_page_goes_on_to_the_next_until_the_answer_took_effect_or_is_asked_again(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    await desk.claim(held.pool, REFERRAL, ANNA, clock.now())

    async def leads() -> list[str]:
        top = (await anna.get("/asked")).text.partition("desk-as-of")[0]
        return re.findall(r'<p class="govuk-body-l"><a class="govuk-link" href="([^"]+)"', top)

    assert await leads() == [f"/cases/{REFERRAL}"]
    sent = await send(anna, await write(anna, deciding.ACCEPT, ANSWERS["accept"]))
    assert await leads() == []
    assert "Nothing waits for you." in (await anna.get("/asked")).text
    asked = AskedOpinion(uuid7(), REFERRAL, "decline", BEN, None, "Synthetic question.", "{}")
    await opinions.ask(held.pool, asked, clock.now())
    assert await leads() == [f"/cases/{REFERRAL}/opinions/{asked.opinion_id}"]
    await tell(held, clock, b.duty(1))
    assert await leads() == [f"/duties/{UUID(int=1)}"]
    await tell(held, clock, b.received(NEXT, reference="EH-2026-0199"), b.review_opened(NEXT))
    assert await leads() == [f"/cases/{NEXT}"]
    clock.advance(HOLDS)
    assert await leads() == [f"/cases/{REFERRAL}"], "the hub's rules take seconds, so something is wrong"
    ignored = b.fact(triage.CommandIgnored, officer_id=ANNA, changes=[], command_id=sent_by(sent))
    await tell(held, clock, ignored)
    assert await leads() == [f"/cases/{REFERRAL}"]
