"""A force that acknowledged is asked again when its part changes; danger said later hastens every hand-off."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Numbers, OffencePlace, Urgency
from conduit_contracts.routing import (
    CaseDisseminated,
    CaseHandedOver,
    CaseRouted,
    HandoffAcknowledged,
    InformationDisseminated,
    ResponseRejected,
    RoutingReviewOpened,
    RoutingReviewReason,
)
from conduit_routing.case import CaseState
from services.routing.tests.builders import (
    Desk,
    accepted,
    acknowledged,
    danger,
    declined,
    informed,
    name_home,
    person,
    place,
    received,
    referral,
    stand_down,
    standing_of,
    supplement,
    triage_declined,
    withdrawn,
)

KENT, ESSEX, SURREY = "kent", "essex", "surrey"
KENT_LEADS = (place("L1", KENT), place("L2", KENT), place("L3", ESSEX))
IN_DANGER = supplement(immediate_danger=True)


def open_case(desk: Desk, *places: OffencePlace, **given: object) -> UUID:
    message = accepted(referral(places or KENT_LEADS, **given))
    desk.deliver(message)
    return message.referral_id


def handed_over(desk: Desk, *places: OffencePlace, **given: object) -> UUID:
    referral_id = open_case(desk, *places, **given)
    for force_id in desk.case(referral_id).active:
        desk.deliver(acknowledged(referral_id, force_id, f"{force_id}/1"))
    assert desk.case(referral_id).state is CaseState.HANDED_OVER
    return referral_id


# The part changes


def test_a_force_that_acknowledged_its_part_and_is_named_home_acknowledges_the_whole(desk: Desk) -> None:
    referral_id = handed_over(desk)
    outbox = desk.deliver(name_home(referral_id, ESSEX))
    routed, copy = outbox.one(CaseRouted), outbox.one(CaseDisseminated)
    assert (routed.added, routed.again, routed.interim_safeguarding_owner) == ((ESSEX,), (ESSEX,), KENT)
    assert (copy.force_id, copy.part, copy.because) == (ESSEX, 2, "home_force")
    assert copy.referral is not None
    assert desk.case(referral_id).state is CaseState.OPEN
    assert desk.deliver(acknowledged(referral_id, ESSEX, part=2)).kinds() == ["HandoffAcknowledged", "CaseHandedOver"]
    assert desk.case(referral_id).interim_owner == ESSEX


def test_a_force_that_is_asked_again_has_clocks_from_now_and_keeps_its_own_reference(desk: Desk) -> None:
    referral_id = handed_over(desk)
    desk.wait(100_000)
    desk.deliver(name_home(referral_id, ESSEX))
    handoff = desk.case(referral_id).handoffs[ESSEX]
    assert handoff.receipt_due_at == desk.work.now + timedelta(seconds=3600)
    assert (handoff.force_reference, handoff.received_at, handoff.acknowledged_at) == ("essex/1", None, None)
    assert handoff.first_acknowledged_at == desk.work.now - timedelta(seconds=100_000)
    assert desk.wait(3_601).kinds(ESSEX) == ["HandoffChased"]


def test_a_force_that_answers_for_another_area_as_well_acknowledges_that(desk: Desk) -> None:
    referral_id = open_case(desk, *KENT_LEADS, place("L4", SURREY))
    desk.deliver(acknowledged(referral_id, SURREY))
    outbox = desk.deliver(declined(referral_id, ESSEX, SURREY))
    assert outbox.one(CaseRouted).again == (SURREY,)
    assert standing_of(desk.case(referral_id))[SURREY] == "disseminated"


@pytest.mark.parametrize(
    ("added", "asked"),
    [
        (supplement(persons=[person("V7", "L3")]), (ESSEX, KENT)),
        (supplement(place("M1", KENT)), (KENT,)),
        (supplement(text="words alone"), ()),
    ],
)
def test_what_was_added_is_acknowledged_by_those_whose_part_it_belongs_to(
    desk: Desk, added: object, asked: tuple[str, ...]
) -> None:
    referral_id = handed_over(desk)
    outbox = desk.deliver(informed(referral_id, added))  # type: ignore[arg-type]
    copies = [each for _, _, each in outbox.sent if isinstance(each, CaseDisseminated)]
    assert tuple(copy.force_id for copy in copies) == asked
    assert {copy.because for copy in copies} <= {"information_added"}
    assert [each.again for each in outbox.facts() if isinstance(each, CaseRouted)] == ([asked] if asked else [])
    assert desk.case(referral_id).state is (CaseState.OPEN if asked else CaseState.HANDED_OVER)
    news = [each.force_id for _, _, each in outbox.sent if isinstance(each, InformationDisseminated)]
    assert news == [ESSEX, KENT], "whoever holds the case is also shown what is new in it"


def test_a_correction_that_moves_a_place_shows_the_new_force_who_is_tied_to_it(desk: Desk) -> None:
    places = (*KENT_LEADS, place("L4", SURREY))
    message = accepted(referral(places, [person("V1", "L3")]))
    desk.deliver(message)
    outbox = desk.deliver(informed(message.referral_id, supplement(place("L3", SURREY), corrects=True)))
    (copy,) = [each for each in outbox.to(SURREY) if isinstance(each, CaseDisseminated)]
    assert [each.person_id for each in copy.persons] == ["V1"]


def test_a_part_that_grows_before_it_is_acknowledged_keeps_its_clock(desk: Desk) -> None:
    referral_id = open_case(desk)
    due = desk.case(referral_id).handoffs[KENT].acknowledgement_due_at
    desk.deliver(received(referral_id, KENT))
    desk.wait(1_000)
    outbox = desk.deliver(informed(referral_id, supplement(place("M1", KENT))))
    assert outbox.kinds() == []
    assert outbox.one(CaseDisseminated).acknowledgement_due_at == due
    assert standing_of(desk.case(referral_id))[KENT] == "received"


def test_an_acknowledgement_of_an_earlier_part_says_that_somebody_is_there_and_no_more(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.deliver(informed(referral_id, supplement(place("M1", KENT))))
    late = acknowledged(referral_id, KENT, "KP/1", part=1)
    assert desk.deliver(late).sent == []
    handoff = desk.case(referral_id).handoffs[KENT]
    assert (handoff.state, handoff.answered, handoff.force_reference) == ("disseminated", True, "KP/1")
    version = desk.case(referral_id).version
    assert desk.deliver(late, received(referral_id, KENT, part=1)).sent == []
    assert desk.case(referral_id).version == version
    now = desk.deliver(acknowledged(referral_id, KENT, part=2))
    assert now.one(HandoffAcknowledged).force_reference == "KP/1"
    assert now.kinds() == ["HandoffAcknowledged", "CaseHandedOver"]


@pytest.mark.parametrize("answer", [acknowledged, received])
@pytest.mark.parametrize("widened", [False, True])
def test_a_part_that_never_was_is_refused_to_the_force_and_changes_nothing(
    desk: Desk, answer: Callable[..., Message], widened: bool
) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    if widened:
        desk.deliver(informed(referral_id, supplement(place("M1", KENT))))
    version, newest = desk.case(referral_id).version, desk.case(referral_id).handoffs[KENT].part
    for part in (newest + 1, 1_000_000):
        outbox = desk.deliver(answer(referral_id, KENT, part=part))
        assert [topic for topic, _, _ in outbox.sent] == ["force.kent.cases.v1"]
        assert [(each.code, each.field) for each in outbox.one(ResponseRejected).problems] == [("part_unknown", "part")]
        assert desk.case(referral_id).version == version
    assert desk.deliver(answer(referral_id, KENT, part=newest)).kinds() != []


def test_a_force_that_takes_back_what_it_declined_is_sent_it_and_acknowledges_that(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, KENT), declined(referral_id, ESSEX))
    outbox = desk.deliver(acknowledged(referral_id, ESSEX, part=1))
    assert outbox.kinds() == ["HandoffAcknowledged", "CaseRouted", "RoutingReviewClosed"]
    assert (outbox.one(CaseDisseminated).part, outbox.one(CaseRouted).again) == (2, ())
    assert "CaseHandedOver" in desk.deliver(acknowledged(referral_id, ESSEX, part=2)).kinds()


def test_the_duty_stays_with_who_took_the_case_while_it_is_asked_again(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT), place("L2", ESSEX))
    assert desk.case(referral_id).interim_owner == ESSEX
    desk.deliver(acknowledged(referral_id, ESSEX))
    added = supplement(place("M1", ESSEX), OffencePlace(place_id="M2", force_id=SURREY, description="x"))
    desk.deliver(informed(referral_id, added))
    assert standing_of(desk.case(referral_id))[ESSEX] == "disseminated"
    desk.deliver(name_home(referral_id, KENT))
    assert desk.case(referral_id).interim_owner == ESSEX, "nobody in kent has taken the case"
    desk.deliver(acknowledged(referral_id, KENT))
    assert desk.case(referral_id).interim_owner == KENT


def test_the_duty_of_a_force_that_leaves_goes_to_one_that_answered_before_one_that_has_not(desk: Desk) -> None:
    referral_id = open_case(desk, *KENT_LEADS, place("L4", SURREY))
    desk.deliver(acknowledged(referral_id, SURREY))
    desk.deliver(name_home(referral_id, ESSEX))
    assert desk.case(referral_id).interim_owner == SURREY
    assert desk.deliver(stand_down(referral_id, KENT)).kinds() == ["HandoffStoodDown"]


def test_an_officers_word_on_who_leads_outlives_that_force_s_taking_the_case_back(desk: Desk) -> None:
    message = accepted(referral(KENT_LEADS), home_force=KENT)
    desk.deliver(message)
    referral_id = message.referral_id
    desk.deliver(declined(referral_id, KENT))
    desk.deliver(acknowledged(referral_id, KENT))
    outbox = desk.deliver(declined(referral_id, KENT, SURREY))
    review = outbox.one(RoutingReviewOpened)
    assert desk.case(referral_id).home_force is None
    assert (review.reasons, review.candidates) == ((RoutingReviewReason.SUGGESTION_NOT_USABLE,), (SURREY,))
    assert outbox.one(CaseRouted).added == (SURREY,)


def test_the_rules_make_no_other_force_home_once_an_officer_has_named_one(desk: Desk) -> None:
    referral_id, told = uuid7(), referral(KENT_LEADS, immediate_danger=True)
    desk.deliver(danger(told, referral_id), name_home(referral_id, SURREY), declined(referral_id, SURREY))
    desk.deliver(accepted(told, referral_id))
    case = desk.case(referral_id)
    assert (case.home_force, case.named_home) == (None, SURREY)
    assert case.home_is_asked_for


# Danger said later


def test_danger_said_after_the_hand_over_is_acknowledged_by_every_force_by_its_own_clock(desk: Desk) -> None:
    referral_id = handed_over(desk)
    outbox = desk.deliver(informed(referral_id, IN_DANGER))
    routed = outbox.one(CaseRouted)
    assert (routed.added, routed.again, routed.immediate_danger) == ((ESSEX, KENT), (ESSEX, KENT), True)
    for copy in (each for _, _, each in outbox.sent if isinstance(each, CaseDisseminated)):
        assert (copy.immediate_danger, copy.because, copy.part) == (True, "immediate_danger", 2)
        assert copy.receipt_due_at == desk.work.now + timedelta(seconds=300)
        assert copy.acknowledgement_due_at == desk.work.now + timedelta(seconds=900)
    told = [each for _, _, each in outbox.sent if isinstance(each, InformationDisseminated)]
    assert [(each.immediate_danger, each.text is None) for each in told] == [(True, True), (True, False)]
    assert "CaseHandedOver" not in desk.deliver(acknowledged(referral_id, KENT)).kinds()
    assert desk.deliver(acknowledged(referral_id, ESSEX)).one(CaseHandedOver).home_force == KENT


def test_danger_said_again_is_new_danger(desk: Desk) -> None:
    referral_id = handed_over(desk, place("L1", KENT), immediate_danger=True)
    assert desk.deliver(informed(referral_id, IN_DANGER)).one(CaseRouted).again == (KENT,)


def test_danger_hastens_a_force_that_is_waited_for_and_never_gives_it_longer(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.wait(3_500)
    before = desk.case(referral_id).handoffs[KENT]
    routed = desk.deliver(informed(referral_id, IN_DANGER)).one(CaseRouted)
    assert (routed.added, routed.again) == ((), (KENT,))
    after = desk.case(referral_id).handoffs[KENT]
    assert [(clock.force_id, clock.part, clock.acknowledgement_due_at) for clock in routed.clocks] == [
        (KENT, after.part, after.acknowledgement_due_at)
    ]
    assert after.receipt_due_at == before.receipt_due_at, "which is sooner than five minutes from now"
    assert after.acknowledgement_due_at == desk.work.now + timedelta(seconds=900)
    assert desk.wait(101).kinds(KENT) == ["HandoffChased"]


def test_danger_starts_the_chasing_of_a_force_anew_where_every_step_was_taken(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.wait(3600)
    for _ in range(4):
        desk.wait(14_400)
    assert desk.case(referral_id).handoffs[KENT].next_action_at is None
    outbox = desk.deliver(informed(referral_id, IN_DANGER))
    assert outbox.one(RoutingReviewOpened).immediate_danger, "officers are told again of what waits for them"
    assert desk.wait(301).kinds(KENT) == ["HandoffChased"]


def test_the_end_of_danger_and_less_urgency_are_told_and_slow_nothing_down(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT), immediate_danger=True)
    before = desk.case(referral_id).handoffs[KENT]
    calmer = supplement(text="canary: safe now", immediate_danger=False, urgency=Urgency.ROUTINE)
    outbox = desk.deliver(informed(referral_id, calmer))
    told = outbox.one(InformationDisseminated)
    assert (told.immediate_danger, told.urgency) == (False, Urgency.ROUTINE)
    assert desk.case(referral_id).handoffs[KENT] == before
    assert desk.case(referral_id).immediate_danger


def test_more_urgency_is_acknowledged_by_the_clock_of_that_urgency(desk: Desk) -> None:
    referral_id = handed_over(desk, place("L1", KENT))
    outbox = desk.deliver(informed(referral_id, supplement(urgency=Urgency.URGENT)))
    copy = outbox.one(CaseDisseminated)
    assert (copy.urgency, copy.immediate_danger, copy.because) == (Urgency.URGENT, False, "urgency")
    assert copy.receipt_due_at == desk.work.now + timedelta(seconds=900)
    again = desk.deliver(informed(referral_id, supplement(text="once more", urgency=Urgency.URGENT)))
    assert again.kinds() == []


def test_a_force_that_joins_because_of_what_was_added_with_danger_has_the_clock_of_danger(desk: Desk) -> None:
    referral_id = handed_over(desk, place("L1", KENT))
    outbox = desk.deliver(informed(referral_id, supplement(place("M1", ESSEX), immediate_danger=True)))
    (copy,) = [each for each in outbox.to(ESSEX) if isinstance(each, CaseDisseminated)]
    assert (copy.immediate_danger, copy.receipt_due_at) == (True, desk.work.now + timedelta(seconds=300))


def test_danger_that_a_supplement_told_of_opens_the_case_with_all_that_was_said(desk: Desk) -> None:
    referral_id, told = uuid7(), referral(KENT_LEADS)
    outbox = desk.deliver(danger(told, referral_id, supplement(text="before"), IN_DANGER))
    copy = outbox.one(CaseDisseminated)
    assert (copy.force_id, copy.immediate_danger, copy.provisional) == (KENT, True, True)
    assert [each.text for each in copy.supplements] == ["before", IN_DANGER.text]
    assert outbox.one(CaseRouted).immediate_danger
    later = desk.deliver(accepted(told, referral_id, supplements=(supplement(text="before"), IN_DANGER)))
    assert later.kinds(KENT) == ["AcceptanceDisseminated", "ForcesChanged"]


def test_a_force_that_declined_and_still_has_the_duty_is_told_of_danger(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.deliver(declined(referral_id, KENT))
    outbox = desk.deliver(informed(referral_id, IN_DANGER))
    assert outbox.one(InformationDisseminated).immediate_danger
    assert (outbox.one(CaseRouted).again, outbox.one(CaseRouted).added) == ((KENT,), ())
    assert outbox.one(RoutingReviewOpened).immediate_danger


def test_danger_in_a_case_that_triage_declined_reaches_the_force_that_has_it(desk: Desk) -> None:
    referral_id = uuid7()
    desk.deliver(danger(referral(KENT_LEADS, immediate_danger=True), referral_id), acknowledged(referral_id, KENT))
    desk.deliver(triage_declined(referral_id))
    outbox = desk.deliver(informed(referral_id, IN_DANGER))
    assert outbox.one(CaseRouted).again == (KENT,)
    assert standing_of(desk.case(referral_id)) == {KENT: "disseminated"}


def test_a_withdrawn_case_is_not_raised(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.deliver(withdrawn(referral_id))
    outbox = desk.deliver(informed(referral_id, IN_DANGER))
    assert outbox.kinds() == []
    assert outbox.one(InformationDisseminated).immediate_danger


# Numbers said later


def test_new_numbers_are_told_to_every_force_and_stand_in_every_part_sent_after(desk: Desk) -> None:
    referral_id = handed_over(desk)
    more = supplement(numbers=Numbers(victims_known=9, suspects_known=2))
    told = [
        each for _, _, each in desk.deliver(informed(referral_id, more)).sent if isinstance(each, InformationDisseminated)
    ]
    assert [each.numbers for each in told] == [more.numbers, more.numbers]
    fewer = supplement(numbers=Numbers(victims_known=7), days=1)
    told = [
        each for _, _, each in desk.deliver(informed(referral_id, fewer)).sent if isinstance(each, InformationDisseminated)
    ]
    assert [each.numbers for each in told] == [more.numbers, more.numbers], "the larger number holds"
    silent = desk.deliver(informed(referral_id, supplement(days=2)))
    assert {each.numbers for _, _, each in silent.sent if isinstance(each, InformationDisseminated)} == {None}
    corrected = supplement(numbers=Numbers(victims_known=7), corrects=True, days=3)
    desk.deliver(informed(referral_id, corrected))
    outbox = desk.deliver(informed(referral_id, IN_DANGER))
    copies = [each for _, _, each in outbox.sent if isinstance(each, CaseDisseminated)]
    assert [copy.summary.numbers for copy in copies] == [corrected.numbers, corrected.numbers]
