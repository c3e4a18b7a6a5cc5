"""An officer records a call about a referral that is not with routing: a line in its history, which decides nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis import facts
from conduit_chassis.testing import Harness, signed
from conduit_contracts.commands import CallOutcome
from conduit_contracts.ids import uuid7
from conduit_contracts.triage import CallNoted, CommandIgnored, CommandOutdated, CommandRefused, NoteCall
from conduit_triage.cases import State
from services.triage.tests.builders import (
    NOW,
    Desk,
    accepting,
    as_record,
    declining,
    names,
    received,
    supplied,
    withdrawn,
)

SAID = "canary: they ring at nine."


def noting(referral_id: UUID, officer: str = "a.officer", **changes: Any) -> NoteCall:
    said = {"spoken_at": NOW, "spoke_to": "Caseworker", "outcome": CallOutcome.WILL_CALL_BACK, "comment": SAID} | changes
    return NoteCall(referral_id=referral_id, officer_id=officer, **said)


@pytest.mark.parametrize(("force_id", "why"), [(None, "will_call_back"), ("kent", "will_call_back kent")])
def test_a_call_is_told_and_stands_in_the_history_and_the_review_stays_as_it_is(
    desk: Desk, force_id: str | None, why: str
) -> None:
    referral_id = desk.open()
    before = desk.case(referral_id).review
    (told,) = desk.take(noting(referral_id, force_id=force_id))
    assert isinstance(told, CallNoted)
    assert (told.officer_id, told.force_id, told.spoken_at, told.spoke_to) == ("a.officer", force_id, NOW, "Caseworker")
    assert (told.outcome, told.comment) == (CallOutcome.WILL_CALL_BACK, SAID)
    assert told.command_id
    assert desk.story(referral_id)[-1] == ("officer:a.officer", "call_recorded", why)
    assert [remark.text for remark in desk.work.remarks] == [SAID]
    assert desk.case(referral_id).review == before
    assert "canary" not in repr(desk.work.history)


def test_somebody_may_ring_in_every_state(desk: Desk) -> None:
    declined, taken_back, accepted = (desk.open() for _ in range(3))
    for each in (declining(declined), withdrawn(taken_back), accepting(accepted)):
        desk.take(each)
    for referral_id, state in ((declined, State.DECLINED), (taken_back, State.WITHDRAWN), (accepted, State.ACCEPTED)):
        assert names(desk.take(noting(referral_id))) == ["CallNoted"]
        assert desk.case(referral_id).state is state


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"force_id": "no-such-force"}, "force_unknown"),
        ({"spoken_at": NOW + timedelta(seconds=61)}, "spoken_later"),
        ({"spoken_at": NOW + timedelta(seconds=59)}, None),
    ],
)
def test_a_call_with_nobody_or_in_the_future_is_not_recorded(desk: Desk, changes: dict[str, Any], code: str | None) -> None:
    (answer,) = desk.take(noting(desk.open(), **changes))
    assert (answer.code if isinstance(answer, CommandIgnored) else None) == code


def test_a_call_about_a_referral_that_nobody_knows_is_answered(desk: Desk) -> None:
    (refused,) = desk.take(noting(unknown := uuid7()))
    assert isinstance(refused, CommandRefused)
    assert (refused.referral_id, refused.problems[0].code) == (unknown, "referral_unknown")


def test_a_call_over_something_new_is_recorded_and_its_officer_told(desk: Desk) -> None:
    referral_id = desk.open()
    version = len(desk.story(referral_id))
    desk.take(supplied(referral_id))
    noted, outdated = desk.take(noting(referral_id, seen_version=version))
    assert isinstance(noted, CallNoted)
    assert isinstance(outdated, CommandOutdated)
    assert (outdated.code, outdated.changes) == ("note_call", ("information_supplied",))


def test_who_declines_reads_first_that_another_officer_spoke_to_somebody(desk: Desk) -> None:
    referral_id = desk.open()
    version = len(desk.story(referral_id))
    desk.take(noting(referral_id, "b.officer"))
    (ignored,) = desk.take(declining(referral_id).model_copy(update={"seen_version": version}))
    assert (ignored.code, ignored.changes) == ("case_changed", ("call_recorded",))
    desk.take(noting(referral_id))
    mine = declining(referral_id).model_copy(update={"seen_version": version + 1})
    assert names(desk.take(mine)) == ["ReferralDeclined"], "one's own call is no news"


async def test_the_database_keeps_the_line_the_words_and_what_was_seen(triage: Harness) -> None:
    message = received()
    await triage.deliver(as_record(message))
    await triage.deliver(as_record(supplied(message.referral_id)))
    published = await triage.deliver(signed(as_record(noting(message.referral_id, seen_version=1))))
    assert names(published) == ["CallNoted", "CommandOutdated"]
    line = await triage.pool.fetchrow("SELECT actor, what, why FROM history ORDER BY id DESC LIMIT 1")
    assert tuple(line) == ("officer:a.officer", "call_recorded", "will_call_back")
    assert await triage.pool.fetchval("SELECT text FROM remarks WHERE what = 'call_recorded'") == SAID
    assert await triage.pool.fetchval("SELECT state FROM assessments") == "under_review"


def test_its_words_come_back_for_the_console_while_the_referral_is_open_alone() -> None:
    assert facts.WORDS[CallNoted] == {"spoke_to", "comment"}
