"""A force's team takes its part on in a call: a person has it, and whether the connector has it stays another question."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock, record
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Role
from conduit_contracts.routing import (
    CallRecorded,
    CaseHandedOver,
    CommandIgnored,
    HandoffAcknowledged,
    HandoffAcknowledgedByTelephone,
    HandoffOverdue,
    Leg,
    RoutingReviewClosed,
)
from conduit_contracts.topics import ROUTING_REVIEWS
from conduit_routing import outstanding, queries
from services.routing.tests.builders import (
    NOW,
    OFFICER,
    Desk,
    Recorder,
    about,
    accepted,
    acknowledged,
    by_telephone,
    called,
    declined,
    informed,
    person,
    place,
    received,
    referral,
    stand_down,
    standing_of,
    supplement,
    topic_of,
    withdrawn,
)
from services.routing.tests.test_service_levels import ID, Hours

KENT, ESSEX, SURREY = "kent", "essex", "surrey"
HOUR, PAUSE = 3_600.0, 14_400.0
CONTACT = "V1: a detective rings the caseworker first, today before 18:00."


def open_case(desk: Desk, *more: Any) -> UUID:
    message = accepted(referral((place("L1", KENT), place("L2", KENT), place("L3", ESSEX)), *more))
    desk.deliver(message)
    return message.referral_id


def ignored(outbox: Recorder) -> str:
    (told,) = outbox.facts()
    assert isinstance(told, CommandIgnored)
    return told.code


def test_a_person_has_it_and_the_interim_duty_passes_on_as_after_any_acknowledgement(desk: Desk) -> None:
    referral_id = open_case(desk)
    outbox = desk.deliver(by_telephone(referral_id, KENT, victim_contact=CONTACT, force_reference="KP/1", comment="canary"))
    told = outbox.one(HandoffAcknowledgedByTelephone)
    assert (told.officer_id, told.force_id, told.part) == (OFFICER, KENT, 1)
    assert (told.spoke_for_force, told.called_back) == ("Sergeant on duty", "+441632960147")
    assert (told.victim_contact, told.force_reference, told.comment) == (CONTACT, "KP/1", "canary")
    assert outbox.to(KENT) == []
    case = desk.case(referral_id)
    held = case.handoffs[KENT]
    assert (held.state, held.acknowledged_at, held.received_at, held.by_telephone) == ("acknowledged", NOW, None, True)
    assert (case.interim_owner, held.answered) == (KENT, True)
    assert "canary" not in repr(case.new_history)
    assert CONTACT not in repr(held)


def test_the_case_is_handed_over_when_the_others_acknowledge_by_their_connectors(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, ESSEX))
    outbox = desk.deliver(by_telephone(referral_id, KENT))
    assert outbox.kinds() == ["HandoffAcknowledgedByTelephone", "CaseHandedOver"]
    assert outbox.one(CaseHandedOver).home_force == KENT


def test_the_connector_is_chased_for_its_receipt_through_every_step_until_it_confirms(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, ESSEX), by_telephone(referral_id, KENT))
    overdue = desk.wait(HOUR).one(HandoffOverdue)
    assert (overdue.force_id, overdue.leg, overdue.due_at) == (KENT, Leg.RECEIPT, NOW + timedelta(seconds=HOUR))
    assert [desk.wait(PAUSE).kinds() for _ in range(3)] == [["HandoffOverdue"], ["HandoffEscalated"], ["HandoffEscalated"]]
    assert desk.deliver(received(referral_id, KENT)).kinds() == ["HandoffReceived"]
    held = desk.case(referral_id).handoffs[KENT]
    assert (held.state, held.received_at, held.next_action_at) == ("acknowledged", desk.work.now, None)
    assert (held.chases, held.level) == (0, 0)
    assert desk.wait(10 * PAUSE).sent == []


@pytest.mark.parametrize("answer", [received, acknowledged])
def test_an_officer_is_asked_about_a_connector_that_stays_silent_until_it_says_something(desk: Desk, answer: Any) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, ESSEX), by_telephone(referral_id, KENT))
    for seconds in (HOUR, *[PAUSE] * 4):
        desk.wait(seconds)
    assert [review.about for review in desk.case(referral_id).open_reviews()] == [KENT]
    assert desk.deliver(answer(referral_id, KENT)).facts()[-1] == RoutingReviewClosed(**about(referral_id))
    assert desk.case(referral_id).open_reviews() == []


def test_where_the_connector_has_it_already_nobody_is_waited_for_any_more(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(received(referral_id, KENT), by_telephone(referral_id, KENT))
    held = desk.case(referral_id).handoffs[KENT]
    assert (held.state, held.received_at, held.next_action_at) == ("acknowledged", NOW, None)


def test_the_connectors_own_acknowledgement_stands_above_the_call_and_counts_once(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, ESSEX), by_telephone(referral_id, KENT))
    desk.work.now += timedelta(minutes=30)
    outbox = desk.deliver(acknowledged(referral_id, KENT, "KP/1"))
    assert outbox.kinds() == ["HandoffAcknowledged"], "it is handed over already"
    held = desk.case(referral_id).handoffs[KENT]
    assert (held.by_telephone, held.received_at, held.acknowledged_at) == (False, desk.work.now, NOW)
    assert held.next_action_at is None
    assert desk.deliver(acknowledged(referral_id, KENT, "KP/1")).sent == []


def test_an_acknowledgement_of_an_earlier_part_says_less_than_the_call(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(informed(referral_id, supplement(place("L9", KENT))))
    desk.deliver(by_telephone(referral_id, KENT))
    assert desk.deliver(acknowledged(referral_id, KENT, part=1)).sent == []
    assert desk.case(referral_id).handoffs[KENT].by_telephone


def test_a_force_may_still_say_that_it_is_not_theirs_and_keeps_the_duty_until_another_has_it(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, ESSEX), by_telephone(referral_id, KENT))
    outbox = desk.deliver(declined(referral_id, KENT, SURREY))
    assert outbox.kinds() == ["HandoffDeclined", "CaseRouted"]
    case = desk.case(referral_id)
    assert (case.state, case.home_force, case.interim_owner) == ("open", SURREY, ESSEX)
    assert not case.handoffs[KENT].by_telephone
    assert desk.wait(HOUR).kinds() == ["HandoffOverdue"], "of the new force alone"


def test_what_changed_since_they_spoke_a_person_there_must_hear(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.work.now += timedelta(minutes=10)
    desk.deliver(informed(referral_id, supplement(place("L9", KENT))))
    spoken = NOW + timedelta(minutes=5)
    assert ignored(desk.deliver(by_telephone(referral_id, KENT, spoken))) == "part_changed"
    same_minute = desk.work.now - timedelta(seconds=59)
    desk.deliver(by_telephone(referral_id, KENT, same_minute))
    held = desk.case(referral_id).handoffs[KENT]
    assert (held.state, held.acknowledged_at) == ("acknowledged", desk.work.now), "never before it was sent"


def test_a_force_that_took_it_in_a_call_is_asked_again_where_its_part_changes(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(by_telephone(referral_id, KENT))
    desk.work.now += timedelta(minutes=10)
    desk.deliver(informed(referral_id, supplement(place("L9", KENT))))
    held = desk.case(referral_id).handoffs[KENT]
    assert (held.state, held.part, held.by_telephone, held.first_acknowledged_at) == ("disseminated", 2, False, NOW)


def test_an_acknowledgement_that_does_not_fit_is_not_recorded(desk: Desk) -> None:
    referral_id = open_case(desk)
    assert ignored(desk.deliver(by_telephone(referral_id, SURREY))) == "no_handoff"
    assert ignored(desk.deliver(by_telephone(referral_id, KENT, NOW + timedelta(minutes=2)))) == "spoken_later"
    assert ignored(desk.deliver(by_telephone(referral_id, KENT, NOW - timedelta(minutes=1)))) == "part_changed"
    desk.deliver(by_telephone(referral_id, KENT))
    assert ignored(desk.deliver(by_telephone(referral_id, KENT))) == "already_acknowledged"
    desk.deliver(declined(referral_id, ESSEX))
    assert ignored(desk.deliver(by_telephone(referral_id, ESSEX))) == "given_back", "it is sent its part again first"
    desk.deliver(stand_down(referral_id, ESSEX))
    assert ignored(desk.deliver(by_telephone(referral_id, ESSEX))) == "already_stood_down"
    desk.deliver(withdrawn(referral_id))
    assert ignored(desk.deliver(by_telephone(referral_id, KENT))) == "withdrawn"


def test_a_force_that_the_case_is_kept_from_takes_nothing_on_in_a_call(desk: Desk) -> None:
    referral_id = open_case(desk)
    suspect = person("S1", role=Role.SUSPECT, suspect_is_police=True, suspect_force_id=ESSEX)
    desk.deliver(informed(referral_id, supplement(persons=[suspect])))
    assert ignored(desk.deliver(by_telephone(referral_id, ESSEX))) == "kept_from_force"


def test_what_a_force_says_of_contact_with_victims_is_told_once_and_not_kept(desk: Desk) -> None:
    referral_id = open_case(desk)
    answer = acknowledged(referral_id, KENT).model_copy(update={"victim_contact": CONTACT})
    assert desk.deliver(answer).one(HandoffAcknowledged).victim_contact == CONTACT
    assert CONTACT not in repr(desk.case(referral_id).handoffs) + repr(desk.case(referral_id).new_history)
    assert desk.deliver(answer).sent == []
    later = answer.model_copy(update={"victim_contact": "V1: tomorrow."})
    assert desk.deliver(later).one(HandoffAcknowledged).victim_contact == "V1: tomorrow."
    assert desk.case(referral_id).new_history[-1].what == "victim_contact_given"
    assert desk.deliver(acknowledged(referral_id, KENT)).sent == []


def test_the_clock_of_the_person_is_judged_by_when_they_spoke_and_that_of_the_connector_by_its_receipt(desk: Desk) -> None:
    hours = Hours(desk).wait(239)
    desk.work.now += timedelta(minutes=30)
    hours.say(by_telephone(ID, KENT, NOW + timedelta(minutes=239)))
    assert hours.counted == {"receipt breached": 1, "acknowledgement kept": 1}
    hours.wait(60, times=9).say(received(ID, KENT), KENT).say(acknowledged(ID, KENT), KENT)
    assert hours.counted == {"receipt breached": 1, "acknowledgement kept": 1}
    assert hours.states == ["disseminated", "acknowledged"]


def test_a_receipt_in_time_after_a_call_is_kept(desk: Desk) -> None:
    hours = Hours(desk).wait(5).say(by_telephone(ID, KENT, NOW + timedelta(minutes=5)))
    assert hours.counted == {"acknowledgement kept": 1}
    assert hours.wait(5).say(received(ID, KENT), KENT).counted == {"acknowledgement kept": 1, "receipt kept": 1}


def test_a_receipt_that_never_comes_is_one_breach(desk: Desk) -> None:
    hours = Hours(desk).say(by_telephone(ID, KENT)).wait(60, times=12)
    assert hours.counted == {"acknowledgement kept": 1, "receipt breached": 1}
    assert hours.say(declined(ID, KENT), KENT).counted.total() == 2


@pytest.mark.parametrize("force_id", [None, KENT, SURREY])
def test_a_call_is_a_line_and_moves_nothing(desk: Desk, force_id: str | None) -> None:
    referral_id = open_case(desk)
    before = standing_of(desk.case(referral_id)), dict(desk.case(referral_id).handoffs)
    outbox = desk.deliver(called(referral_id, force_id))
    assert outbox.kinds() == ["CallRecorded"]
    told = outbox.one(CallRecorded)
    assert (told.officer_id, told.force_id, told.outcome, told.comment) == (
        OFFICER,
        force_id,
        "will_call_back",
        "canary-comment",
    )
    case = desk.case(referral_id)
    assert (standing_of(case), dict(case.handoffs)) == before
    line = case.new_history[-1]
    assert (line.what, line.why, line.force_id) == ("call_recorded", "will_call_back", force_id)
    assert "canary" not in repr(case.new_history)


def test_a_call_about_a_withdrawn_case_is_recorded_too_and_none_in_the_future_or_with_nobody(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(withdrawn(referral_id))
    assert desk.deliver(called(referral_id, KENT)).kinds() == ["CallRecorded"]
    assert ignored(desk.deliver(called(referral_id, "no-such-force"))) == "force_unknown"
    assert ignored(desk.deliver(called(referral_id, KENT, NOW + timedelta(minutes=2)))) == "spoken_later"


async def test_the_database_keeps_a_call_and_goes_on_asking_the_connector(routing: Harness, clock: ManualClock) -> None:
    message = accepted(referral((place("L1", KENT),)), uuid7())
    referral_id = message.referral_id

    async def say(*messages: Message) -> list[str]:
        made = [record(topic_of(each), str(referral_id), each) for each in messages]
        return [type(each.message).__name__ for each in await routing.deliver(*made)]

    await say(message)
    assert await say(by_telephone(referral_id, KENT, clock.now())) == [
        "HandoffAcknowledgedByTelephone",
        "CaseHandedOver",
        "HandoverCompleted",
    ]
    clock.advance(timedelta(hours=1))
    assert [type(each.message).__name__ for each in await routing.tick("clocks")] == ["HandoffOverdue", "HandoffChased"]
    async with routing.pool.acquire() as connection:
        clock.advance(timedelta(seconds=1))
        figures = await queries.figures(connection, clock.now())
        (waits,) = await outstanding.handoffs(connection, 10, late=False, exhausted=False)
    assert (figures.receipt_breached, figures.acknowledgement_breached) == (1, 0)
    assert (waits.what, waits.who) == ("a connector's receipt", KENT)
    assert await say(received(referral_id, KENT)) == ["HandoffReceived"]
    async with routing.pool.acquire() as connection:
        assert await outstanding.handoffs(connection, 10, late=False, exhausted=False) == []
        assert (await queries.figures(connection, clock.now())).receipt_breached == 0
    assert ROUTING_REVIEWS.name() == topic_of(by_telephone(referral_id, KENT))
