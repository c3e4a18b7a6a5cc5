"""Every command of an officer's is answered to that officer, and one that overlooks something new takes no effect."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conduit_chassis.testing import Harness, ManualClock, raw_record, signed
from conduit_contracts.envelope import dump
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Numbers
from conduit_contracts.triage import (
    CommandIgnored,
    CommandOutdated,
    CommandRefused,
    DecideReview,
    ReferralAccepted,
    ReferralDeclined,
)
from conduit_triage.policy import TriagePolicy
from services.triage.tests.builders import (
    READER,
    Desk,
    accepting,
    as_record,
    asking,
    declining,
    names,
    received,
    supplied,
)


def written(command: DecideReview, **changes: Any) -> Any:
    """The command as its officer's tool wrote it, with these fields changed, as triage receives it."""
    made = as_record(command, event_id="by-the-tool")
    body = json.loads(dump(command)) | changes
    return READER.read(signed(made._replace(value=json.dumps(body).encode()))).content


def seen(desk: Desk, referral_id: UUID) -> int:
    """The version that an officer sees now."""
    return len(desk.story(referral_id))


def test_an_officer_who_mistypes_a_reason_hears_which_field_and_nothing_changes(desk: Desk) -> None:
    referral_id = desk.open()
    (refused,) = desk.handle([written(declining(referral_id), decline_reason="not_complx")])
    assert isinstance(refused, CommandRefused)
    assert (refused.officer_id, refused.referral_id, refused.command_id) == ("a.officer", referral_id, "by-the-tool")
    assert [(problem.code, problem.field) for problem in refused.problems] == [("value_not_allowed", "decline_reason")]
    assert desk.put_aside == []
    assert names(desk.take(declining(referral_id))) == ["ReferralDeclined"]


@pytest.mark.parametrize("made", [accepting, declining, asking])
def test_what_a_command_did_says_which_one_it_was(desk: Desk, made: Any) -> None:
    (told,) = desk.handle([written(made(desk.open()))])
    assert told.command_id == "by-the-tool"


def test_what_rules_did_names_no_command(desk: Desk) -> None:
    (told,) = desk.take(received(numbers=Numbers(victims_known=99)))
    assert isinstance(told, ReferralAccepted)
    assert told.command_id is None


@pytest.mark.parametrize("made", [accepting, declining, asking])
def test_a_command_about_a_referral_that_nobody_knows_is_answered_to_its_officer(desk: Desk, made: Any) -> None:
    unknown = uuid7()
    (refused,) = desk.take(made(unknown))
    assert isinstance(refused, CommandRefused)
    assert (refused.officer_id, refused.referral_id) == ("a.officer", unknown)
    assert [(problem.code, problem.field) for problem in refused.problems] == [("referral_unknown", "referral_id")]
    assert desk.put_aside == []


FIELDS = [
    *("referral_id", "officer_id", "outcome", "grounds", "home_force", "decline_reason", "comment"),
    *("seen_version", "seen_until", "x"),
]
WRONG = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    made=st.sampled_from([accepting, declining, asking]),
    known=st.booleans(),
    changes=st.dictionaries(st.sampled_from(FIELDS), WRONG, max_size=3),
    cut=st.one_of(st.none(), st.integers(0, 60)),
)
@example(made=accepting, known=True, changes={"seen_version": 0}, cut=None)
@example(made=accepting, known=True, changes={"seen_until": "2026-11-23T09:00:00Z"}, cut=None)
@example(made=declining, known=True, changes={"seen_until": "9999-12-30T00:00:00Z"}, cut=None)
def test_whatever_an_officers_tool_writes_is_answered_once_and_is_no_dead_letter(
    policy: TriagePolicy, made: Any, known: bool, changes: dict[str, Any], cut: int | None
) -> None:
    desk = Desk(policy)
    referral_id = desk.open() if known else uuid7()
    body = json.dumps(json.loads(dump(made(referral_id))) | changes).encode()
    record = as_record(made(referral_id))._replace(value=body if cut is None else body[:cut])
    published = desk.handle([READER.read(signed(record)).content])
    assert names(published) == ["ReferralAccepted", "CommandOutdated"] or len(published) == 1
    assert desk.put_aside == []
    if isinstance(published[0], CommandRefused):
        assert desk.work.answers[-1].problems == published[0].problems


def test_a_decline_over_something_new_takes_no_effect_and_says_what_is_new(desk: Desk) -> None:
    referral_id = desk.open()
    version = seen(desk, referral_id)
    desk.take(supplied(referral_id))
    (ignored,) = desk.take(declining(referral_id).model_copy(update={"seen_version": version}))
    assert isinstance(ignored, CommandIgnored)
    assert (ignored.code, ignored.changes) == ("case_changed", ("information_supplied",))
    assert desk.case(referral_id).review is not None
    (declined,) = desk.take(declining(referral_id).model_copy(update={"seen_version": version + 1}))
    assert isinstance(declined, ReferralDeclined), "the ignored command made no new version"


def test_a_version_that_the_case_never_had_proves_that_nothing_was_seen(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(supplied(referral_id))
    for version in (seen(desk, referral_id) + 1, 10**30):
        (ignored,) = desk.take(declining(referral_id).model_copy(update={"seen_version": version}))
        assert isinstance(ignored, CommandIgnored)
        assert ignored.code == "case_changed"
    assert desk.case(referral_id).review is not None


def test_a_question_over_something_new_is_not_asked(desk: Desk) -> None:
    referral_id = desk.open()
    version = seen(desk, referral_id)
    desk.take(supplied(referral_id))
    (ignored,) = desk.take(asking(referral_id).model_copy(update={"seen_version": version}))
    assert ignored.code == "case_changed"


def test_an_acceptance_over_something_new_stands_and_its_officer_is_told(desk: Desk) -> None:
    referral_id = desk.open()
    version = seen(desk, referral_id)
    desk.take(supplied(referral_id, immediate_danger=True))
    accepted, outdated = desk.take(accepting(referral_id).model_copy(update={"seen_version": version}))
    assert isinstance(accepted, ReferralAccepted)
    assert isinstance(outdated, CommandOutdated)
    assert (outdated.code, outdated.seen_version, outdated.officer_id) == ("accept", version, "a.officer")
    assert outdated.changes == ("information_supplied", "danger_raised", "review_raised")


def test_what_the_officer_did_is_no_news_to_that_officer_but_to_another(desk: Desk) -> None:
    referral_id = desk.open()
    version = seen(desk, referral_id)
    desk.take(asking(referral_id, "a.officer"))
    (ignored,) = desk.take(declining(referral_id, "b.officer").model_copy(update={"seen_version": version}))
    assert ignored.changes == ("information_requested",)
    (declined,) = desk.take(declining(referral_id, "a.officer").model_copy(update={"seen_version": version}))
    assert isinstance(declined, ReferralDeclined)


def given_at(command: DecideReview, at: datetime) -> Any:
    """The command's record, which the broker took at this moment."""
    return as_record(command, time=at)


async def test_a_decline_from_a_page_that_does_not_know_what_was_added_takes_no_effect(
    triage: Harness, clock: ManualClock
) -> None:
    message = received()
    await triage.deliver(as_record(message, time=clock.now()))
    page = clock.now() + timedelta(seconds=10)
    clock.advance(timedelta(seconds=30))
    await triage.deliver(as_record(supplied(message.referral_id), time=clock.now()))
    clock.advance(timedelta(seconds=30))
    early = declining(message.referral_id).model_copy(update={"seen_until": page})
    (ignored,) = await triage.deliver(given_at(early, clock.now()))
    assert (ignored.message.code, ignored.message.changes) == ("case_changed", ("information_supplied",))
    both = early.model_copy(update={"seen_version": 99, "seen_until": clock.now()})
    (ignored,) = await triage.deliver(given_at(both, clock.now()))
    assert ignored.message.code == "case_changed", "a version that the case never had proves nothing beside the time"
    ahead = early.model_copy(update={"seen_until": clock.now() + timedelta(seconds=6)})
    (ignored,) = await triage.deliver(given_at(ahead, clock.now()))
    assert ignored.message.code == "case_changed", "nobody has seen a page of the future"
    (declined,) = await triage.deliver(given_at(early.model_copy(update={"seen_until": clock.now()}), clock.now()))
    assert isinstance(declined.message, ReferralDeclined)


async def test_an_acceptance_says_what_was_new_since_the_page_and_which_version_stood_then(
    triage: Harness, clock: ManualClock
) -> None:
    message = received()
    await triage.deliver(as_record(message, time=clock.now()))
    version = await triage.pool.fetchval("SELECT count(*) FROM history WHERE referral_id = $1", message.referral_id)
    page = clock.now() + timedelta(seconds=10)
    clock.advance(timedelta(seconds=30))
    command = accepting(message.referral_id).model_copy(update={"seen_until": page})
    _, told = await triage.deliver(
        as_record(supplied(message.referral_id), time=clock.now()), given_at(command, clock.now())
    )
    assert isinstance(told.message, CommandOutdated)
    assert (told.message.seen_version, told.message.seen_until) == (version, page)
    assert told.message.changes == ("information_supplied",)


async def test_what_became_of_commands_is_kept_under_their_officer_and_of_nobodys_under_nobody(triage: Harness) -> None:
    await triage.deliver(as_record(declining(uuid7(), "a.officer"), event_id="first"))
    await triage.deliver(raw_record("triage.reviews.v1", "key", [], b"no command"))
    first, nobodys = await triage.pool.fetch("SELECT * FROM command_answers ORDER BY id")
    assert (first["answer"], first["officer_id"], first["command_id"]) == ("refused", "a.officer", "first")
    assert json.loads(first["problems"])[0]["field"] == "referral_id"
    assert (nobodys["answer"], nobodys["officer_id"]) == ("refused", None)
