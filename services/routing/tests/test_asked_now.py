"""An officer who does not wait for the clock: a late force is chased or escalated at once, in the clock's own way."""

from datetime import timedelta
from uuid import UUID

import pytest

from conduit_contracts.envelope import dump
from conduit_contracts.referral import Role
from conduit_contracts.routing import (
    CommandIgnored,
    HandoffChased,
    HandoffEscalated,
    HandoffOverdue,
    Leg,
    RoutingReviewOpened,
)
from services.routing.tests.builders import (
    NOW,
    OFFICER,
    Desk,
    Recorder,
    accepted,
    acknowledged,
    chase,
    declined,
    escalate,
    informed,
    person,
    place,
    received,
    referral,
    stand_down,
    supplement,
    withdrawn,
)

KENT, ESSEX = "kent", "essex"
HOUR, DAY, PAUSE = 3_600.0, 86_400.0, 14_400.0
"""Of the priority class: a receipt is due after an hour and an acknowledgement after a day, and steps are a pause apart."""


def open_case(desk: Desk) -> UUID:
    message = accepted(referral((place("L1", KENT), place("L2", KENT), place("L3", ESSEX))))
    desk.deliver(message)
    return message.referral_id


def ignored(outbox: Recorder) -> str:
    (told,) = outbox.facts()
    assert isinstance(told, CommandIgnored)
    return told.code


def test_a_late_force_is_chased_at_once_and_the_clock_waits_a_whole_pause_from_then(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.wait(HOUR)
    assert desk.case(referral_id).handoffs[KENT].chases == 1
    desk.work.now += timedelta(seconds=PAUSE / 2)
    outbox = desk.deliver(chase(referral_id, KENT))
    overdue = outbox.one(HandoffOverdue)
    assert (overdue.force_id, overdue.leg, overdue.chase) == (KENT, Leg.RECEIPT, 2)
    assert (overdue.officer_id, overdue.reason) == (OFFICER, "canary-reason")
    assert overdue.due_at == NOW + timedelta(seconds=HOUR)
    assert outbox.one(HandoffChased).due_at == overdue.due_at
    held = desk.case(referral_id).handoffs[KENT]
    assert held.next_action_at == desk.work.now + timedelta(seconds=PAUSE)
    assert desk.wait(PAUSE / 2).kinds(KENT) == [], "the clock's own step would have been due now"
    assert desk.wait(PAUSE / 2).kinds(KENT) == ["HandoffChased"]
    assert desk.case(referral_id).handoffs[KENT].level == 1, "both reminders are spent"


def test_an_officer_goes_to_the_next_level_before_the_clock_does(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.wait(HOUR)
    outbox = desk.deliver(escalate(referral_id, KENT))
    told = outbox.one(HandoffEscalated)
    assert (told.level, told.officer_id, told.reason) == (1, OFFICER, "canary-reason")
    assert outbox.one(HandoffChased).escalation_level == 1
    desk.deliver(escalate(referral_id, KENT))
    assert ignored(desk.deliver(escalate(referral_id, KENT))) == "no_level_left"


@pytest.mark.parametrize("ask", [chase, escalate])
def test_why_the_officer_did_it_stays_with_the_hub(desk: Desk, ask: object) -> None:
    referral_id = open_case(desk)
    desk.wait(HOUR)
    outbox = desk.deliver(ask(referral_id, KENT))  # type: ignore[operator]
    assert all(b"canary" not in dump(message) for message in outbox.to(KENT))
    lines = desk.case(referral_id).new_history
    assert (lines[-1].actor, lines[-1].why) == (f"officer:{OFFICER}", "receipt")
    assert all("canary" not in repr(line) for line in lines)


def test_what_says_that_a_deadline_has_passed_is_not_sent_before_one_has(desk: Desk) -> None:
    referral_id = open_case(desk)
    assert ignored(desk.deliver(chase(referral_id, KENT))) == "not_yet_due"
    desk.deliver(received(referral_id, KENT))
    desk.wait(2 * HOUR)
    assert ignored(desk.deliver(chase(referral_id, KENT))) == "not_yet_due", "the receipt came, and the other leg has a day"
    desk.wait(DAY)
    assert desk.deliver(chase(referral_id, KENT)).one(HandoffOverdue).leg is Leg.ACKNOWLEDGEMENT


def test_after_the_last_step_an_officer_may_still_chase_and_no_step_begins_again(desk: Desk) -> None:
    referral_id = open_case(desk)
    sent = [desk.wait(seconds) for seconds in (HOUR, *[PAUSE] * 4)]
    assert sent[-1].one(RoutingReviewOpened).silent
    desk.deliver(chase(referral_id, KENT))
    held = desk.case(referral_id).handoffs[KENT]
    assert (held.chases, held.next_action_at) == (3, None)
    assert desk.wait(10 * DAY).sent == []
    assert {review.about for review in desk.case(referral_id).open_reviews()} == {ESSEX, KENT}


def test_who_is_not_waited_for_is_not_asked(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.wait(HOUR)
    assert ignored(desk.deliver(chase(referral_id, "surrey"))) == "no_handoff"
    desk.deliver(acknowledged(referral_id, KENT))
    assert ignored(desk.deliver(chase(referral_id, KENT))) == "already_acknowledged"
    desk.deliver(stand_down(referral_id, ESSEX))
    assert ignored(desk.deliver(chase(referral_id, ESSEX))) == "already_stood_down"
    other = open_case(desk)
    desk.deliver(declined(other, ESSEX))
    assert ignored(desk.deliver(chase(other, ESSEX))) == "given_back"
    desk.deliver(withdrawn(other))
    assert ignored(desk.deliver(chase(other, KENT))) == "withdrawn"


def test_nothing_is_sent_to_a_force_that_the_case_is_kept_from(desk: Desk) -> None:
    referral_id = open_case(desk)
    suspect = person("S1", role=Role.SUSPECT, suspect_is_police=True, suspect_force_id=ESSEX)
    desk.deliver(informed(referral_id, supplement(persons=[suspect])))
    desk.wait(2 * HOUR)
    outbox = desk.deliver(chase(referral_id, ESSEX))
    assert ignored(outbox) == "kept_from_force"
    assert outbox.to(ESSEX) == []
