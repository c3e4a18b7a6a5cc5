"""What each record sets off, said once, said twice, and said when it no longer fits."""

import json
from uuid import UUID

import pytest

from conduit_contracts.force import ReceiptConfirmed
from conduit_contracts.ids import uuid7
from conduit_contracts.problems import Origin
from conduit_contracts.referral import OffencePlace, Referral
from conduit_contracts.routing import (
    CaseDisseminated,
    CaseHandedOver,
    CaseRouted,
    CaseWithdrawn,
    CommandIgnored,
    ForcesChanged,
    HandoffAcknowledged,
    HandoffChased,
    HandoffDeclined,
    HandoffEscalated,
    HandoffOverdue,
    HomeForceBasis,
    HomeForceNamed,
    InformationDisseminated,
    Leg,
    ResponseRejected,
    RoutingReviewClosed,
    RoutingReviewOpened,
    RoutingReviewReason,
    TriageDeclineForwarded,
)
from conduit_contracts.topics import FORCE_RESPONSES, consumed_by
from conduit_routing.case import CaseState
from conduit_routing.handlers import HANDLERS
from services.routing.tests.builders import (
    OFFICER,
    Desk,
    Recorder,
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
    reroute,
    stand_down,
    standing_of,
    supplement,
    triage_declined,
    withdrawn,
)

KENT, ESSEX, SURREY = "kent", "essex", "surrey"
KENT_LEADS = (place("L1", KENT), place("L2", KENT), place("L3", ESSEX))
TIED = (place("L1", KENT), place("L2", ESSEX))
NOWHERE = (OffencePlace(place_id="L1", description="somewhere"),)


def open_case(desk: Desk, *places: OffencePlace, **given: object) -> UUID:
    message = accepted(referral(places or KENT_LEADS, **given))
    desk.deliver(message)
    return message.referral_id


def in_danger(*places: OffencePlace) -> Referral:
    return referral(places, immediate_danger=True)


def reasons(desk: Desk, referral_id: UUID) -> list[str]:
    return [review.reason.value for review in desk.case(referral_id).open_reviews()]


def test_the_handlers_cover_exactly_what_the_registry_says_is_consumed() -> None:
    assert set(HANDLERS) == {message.type for topic in consumed_by("routing") for message in topic.messages}


# Acceptance


def test_an_accepted_referral_goes_to_every_force_concerned_and_the_hub_is_told_once(desk: Desk) -> None:
    message = accepted(referral(KENT_LEADS))
    outbox = desk.deliver(message)
    routed = outbox.one(CaseRouted)
    assert (routed.home_force, routed.basis) == (KENT, HomeForceBasis.MOST_OFFENCE_PLACES)
    assert routed.interim_safeguarding_owner == KENT
    assert routed.forces == routed.added == (ESSEX, KENT)
    assert not routed.provisional
    assert outbox.kinds(KENT) == outbox.kinds(ESSEX) == ["CaseDisseminated"]
    assert outbox.kinds() == ["CaseRouted"]
    assert {key for _, key, _ in outbox.sent} == {str(message.referral_id)}


def test_an_acceptance_said_again_changes_nothing(desk: Desk) -> None:
    message = accepted(referral(KENT_LEADS))
    desk.deliver(message)
    assert desk.deliver(message).sent == []


def test_an_officers_home_force_goes_before_the_rules_and_joins_the_case(desk: Desk) -> None:
    outbox = desk.deliver(accepted(referral(KENT_LEADS), home_force=SURREY))
    routed = outbox.one(CaseRouted)
    assert (routed.home_force, routed.basis) == (SURREY, HomeForceBasis.NAMED_BY_OFFICER)
    assert routed.forces == (ESSEX, SURREY, KENT)


def test_a_tie_goes_to_an_officer_while_one_of_the_forces_has_the_interim_duty(desk: Desk) -> None:
    outbox = desk.deliver(accepted(referral(TIED)))
    routed, review = outbox.one(CaseRouted), outbox.one(RoutingReviewOpened)
    assert routed.home_force is None
    assert routed.interim_safeguarding_owner == ESSEX
    assert (review.reasons, review.candidates) == ((RoutingReviewReason.TIE,), (ESSEX, KENT))


def test_unknown_and_overseas_places_are_looked_at_beside_routing_the_known_ones(desk: Desk) -> None:
    places = (
        *KENT_LEADS,
        *(OffencePlace(place_id=f"X{i}", country=c, description="x") for i, c in enumerate((None, "FR", "JE"))),
    )
    outbox = desk.deliver(accepted(referral(places)))
    assert outbox.kinds() == ["CaseRouted", "RoutingReviewOpened"]
    assert outbox.one(RoutingReviewOpened).reasons == (
        RoutingReviewReason.UNKNOWN_PLACE,
        RoutingReviewReason.OVERSEAS_PLACE,
        RoutingReviewReason.OUTSIDE_FORCE_AREAS,
    )


def test_a_case_that_routes_to_nobody_is_no_success_until_an_officer_names_a_home_force(desk: Desk) -> None:
    message = accepted(referral(NOWHERE, [person("V1", lives=KENT, age_at_report=34)]))
    outbox = desk.deliver(message)
    assert outbox.kinds() == ["RoutingReviewOpened"]
    review = outbox.one(RoutingReviewOpened)
    assert review.reasons == (RoutingReviewReason.NO_FORCE, RoutingReviewReason.UNKNOWN_PLACE)
    assert review.candidates == (KENT,)
    named = desk.deliver(name_home(message.referral_id, SURREY))
    assert named.kinds() == ["HomeForceNamed", "CaseRouted", "RoutingReviewClosed"]
    assert named.one(CaseRouted).added == (SURREY,)
    assert named.one(RoutingReviewClosed).open_reasons == ()
    assert named.one(CaseDisseminated).referral == message.referral
    assert reasons(desk, message.referral_id) == []


# Immediate danger


def test_immediate_danger_goes_to_the_home_force_at_once_and_to_nobody_else(desk: Desk) -> None:
    outbox = desk.deliver(danger(in_danger(*KENT_LEADS), uuid7()))
    routed, copy = outbox.one(CaseRouted), outbox.one(CaseDisseminated)
    assert (routed.forces, routed.provisional, copy.force_id, copy.provisional) == ((KENT,), True, KENT, True)
    assert copy.referral is not None


def test_immediate_danger_in_a_tie_goes_to_the_interim_owner(desk: Desk) -> None:
    told = referral(TIED, [person("V1", "L1", "L2", lives=SURREY)], immediate_danger=True)
    outbox = desk.deliver(danger(told, uuid7()))
    assert outbox.one(CaseDisseminated).force_id == ESSEX
    assert outbox.one(RoutingReviewOpened).reasons == (RoutingReviewReason.TIE,)
    assert outbox.one(RoutingReviewOpened).immediate_danger


def test_immediate_danger_that_routes_to_nobody_asks_a_person_at_once(desk: Desk) -> None:
    outbox = desk.deliver(danger(in_danger(*NOWHERE), uuid7()))
    assert outbox.kinds() == ["RoutingReviewOpened"]
    assert outbox.one(RoutingReviewOpened).immediate_danger


def test_acceptance_after_danger_adds_the_others_and_does_not_send_the_home_force_its_case_again(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(*KENT_LEADS)
    assert desk.deliver(danger(told, referral_id), danger(told, referral_id)).kinds() == ["CaseRouted"]
    outbox = desk.deliver(accepted(told, referral_id))
    routed = outbox.one(CaseRouted)
    assert (routed.added, routed.forces, routed.provisional) == ((ESSEX,), (ESSEX, KENT), False)
    assert outbox.kinds(KENT) == ["AcceptanceDisseminated", "ForcesChanged"]
    assert outbox.kinds(ESSEX) == ["CaseDisseminated"]


def test_acceptance_after_danger_tells_the_home_force_only_what_it_has_not_been_told(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(*KENT_LEADS)
    first, second = supplement(days=1), supplement(days=2, text="more")
    desk.deliver(danger(told, referral_id))
    assert desk.deliver(informed(referral_id, first)).kinds(KENT) == ["InformationDisseminated"]
    outbox = desk.deliver(accepted(told, referral_id, supplements=(first, second)))
    assert [each.text for each in outbox.to(KENT) if isinstance(each, InformationDisseminated)] == ["more"]
    assert desk.case(referral_id).told.supplements == (first, second)


def test_danger_and_acceptance_in_one_batch_work(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(*KENT_LEADS)
    outbox = desk.deliver(danger(told, referral_id), accepted(told, referral_id))
    assert [each.provisional for each in outbox.facts() if isinstance(each, CaseRouted)] == [True, False]


def test_a_decline_by_triage_tells_the_force_that_has_the_case_and_its_clock_runs_on(desk: Desk) -> None:
    referral_id = uuid7()
    desk.deliver(danger(in_danger(*KENT_LEADS), referral_id))
    outbox = desk.deliver(triage_declined(referral_id))
    assert outbox.one(TriageDeclineForwarded).told == (KENT,)
    assert outbox.kinds(KENT) == ["DeclineDisseminated"]
    assert desk.deliver(triage_declined(referral_id)).sent == []
    assert desk.wait(301).kinds(KENT) == ["HandoffChased"]
    assert desk.deliver(acknowledged(referral_id, KENT)).kinds() == ["HandoffAcknowledged"]


def test_a_decline_by_triage_without_a_case_here_is_of_no_concern(desk: Desk) -> None:
    assert desk.deliver(triage_declined(uuid7())).sent == []
    referral_id = open_case(desk)
    assert desk.deliver(triage_declined(referral_id)).sent == []


def test_a_second_look_that_accepts_goes_on_where_danger_began(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(*KENT_LEADS)
    desk.deliver(danger(told, referral_id), triage_declined(referral_id))
    outbox = desk.deliver(accepted(told, referral_id))
    assert outbox.one(CaseRouted).added == (ESSEX,)
    assert outbox.kinds(KENT) == ["AcceptanceDisseminated", "ForcesChanged"]
    assert desk.case(referral_id).state is CaseState.OPEN


def test_a_decliner_that_still_has_the_interim_duty_hears_that_triage_accepted(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(place("L1", KENT))
    desk.deliver(danger(told, referral_id), declined(referral_id, KENT), triage_declined(referral_id))
    assert desk.deliver(accepted(told, referral_id)).kinds(KENT) == ["AcceptanceDisseminated"]


def test_a_force_that_gets_a_declined_case_from_another_is_told_of_the_decline(desk: Desk) -> None:
    referral_id = uuid7()
    desk.deliver(danger(in_danger(*KENT_LEADS), referral_id), triage_declined(referral_id))
    outbox = desk.deliver(declined(referral_id, KENT, SURREY))
    assert outbox.kinds(SURREY) == ["CaseDisseminated", "DeclineDisseminated"]


def test_after_a_second_look_officers_are_asked_again_what_the_decline_had_settled(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(*TIED, OffencePlace(place_id="L9", description="somewhere"))
    desk.deliver(danger(told, referral_id))
    assert reasons(desk, referral_id) == ["tie", "unknown_place"]
    desk.deliver(triage_declined(referral_id))
    assert reasons(desk, referral_id) == []
    desk.deliver(accepted(told, referral_id))
    assert reasons(desk, referral_id) == ["tie", "unknown_place"]


def test_an_officer_who_was_asked_about_a_place_while_triage_went_on_is_not_asked_again(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(*KENT_LEADS, OffencePlace(place_id="L9", description="somewhere"))
    desk.deliver(danger(told, referral_id), name_home(referral_id, KENT))
    assert desk.deliver(accepted(told, referral_id)).kinds() == ["CaseRouted"]


# Responses


def test_a_hand_off_is_received_then_acknowledged_and_each_is_a_fact_of_its_own(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    assert desk.deliver(received(referral_id, KENT)).kinds() == ["HandoffReceived"]
    outbox = desk.deliver(acknowledged(referral_id, KENT, "KP/1"))
    assert outbox.kinds() == ["HandoffAcknowledged", "CaseHandedOver"]
    assert outbox.one(HandoffAcknowledged).force_reference == "KP/1"
    assert outbox.one(CaseHandedOver).home_force == KENT
    assert desk.case(referral_id).state is CaseState.HANDED_OVER


def test_an_acknowledgement_implies_receipt(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.deliver(acknowledged(referral_id, KENT))
    handoff = desk.case(referral_id).handoffs[KENT]
    assert handoff.received_at == handoff.acknowledged_at is not None
    assert desk.deliver(received(referral_id, KENT)).sent == []


def test_answers_said_again_change_nothing(desk: Desk) -> None:
    referral_id = open_case(desk)
    for answer in (received(referral_id, KENT), acknowledged(referral_id, KENT, "KP/1"), declined(referral_id, ESSEX)):
        assert desk.deliver(answer).sent
        version = desk.case(referral_id).version
        assert desk.deliver(answer).sent == []
        assert desk.case(referral_id).version == version


def test_a_reference_given_later_is_kept_and_told(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, KENT))
    assert desk.deliver(acknowledged(referral_id, KENT, "KP/2")).one(HandoffAcknowledged).force_reference == "KP/2"
    assert desk.deliver(acknowledged(referral_id, KENT)).sent == []
    assert desk.case(referral_id).handoffs[KENT].force_reference == "KP/2"


def test_a_case_is_handed_over_only_when_every_force_has_acknowledged(desk: Desk) -> None:
    referral_id = open_case(desk)
    assert desk.deliver(acknowledged(referral_id, KENT)).kinds() == ["HandoffAcknowledged"]
    assert desk.deliver(acknowledged(referral_id, ESSEX)).kinds() == ["HandoffAcknowledged", "CaseHandedOver"]


def test_unknown_places_do_not_hold_a_case_up_but_a_missing_home_force_does(desk: Desk) -> None:
    unknown = open_case(desk, place("L1", KENT), *(OffencePlace(place_id="L9", description="somewhere"),))
    assert "CaseHandedOver" in desk.deliver(acknowledged(unknown, KENT)).kinds()
    tied = open_case(desk, *TIED)
    outbox = desk.deliver(acknowledged(tied, KENT), acknowledged(tied, ESSEX))
    assert "CaseHandedOver" not in outbox.kinds()
    assert desk.deliver(name_home(tied, KENT)).kinds() == ["HomeForceNamed", "CaseRouted", "RoutingReviewClosed"]
    assert desk.deliver(acknowledged(tied, KENT)).kinds() == ["HandoffAcknowledged", "CaseHandedOver"]


def test_a_force_cannot_speak_for_another(desk: Desk) -> None:
    referral_id = open_case(desk)
    outbox = desk.deliver(acknowledged(referral_id, KENT), principal=ESSEX)
    rejected = outbox.one(ResponseRejected)
    assert [topic for topic, _, _ in outbox.sent] == ["force.essex.cases.v1"]
    assert [(each.code, each.field) for each in rejected.problems] == [("identity_mismatch", "force_id")]
    assert rejected.response_id.startswith("force.essex.responses.v1/0/")
    assert (rejected.event_id is not None, rejected.referral_id) == (True, referral_id)
    assert standing_of(desk.case(referral_id))[KENT] == "disseminated"


def test_a_case_of_others_looks_to_a_force_like_no_case_at_all(desk: Desk) -> None:
    theirs = desk.deliver(acknowledged(open_case(desk), SURREY)).one(ResponseRejected)
    nobodys = desk.deliver(acknowledged(uuid7(), SURREY)).one(ResponseRejected)
    assert theirs.problems == nobodys.problems
    assert theirs.problems[0].code == "case_not_yours"
    assert theirs.problems[0].origin is Origin.SENDER


@pytest.mark.parametrize("held", [True, False])
def test_an_answer_stands_under_the_referral_that_the_record_names_in_so_far_as_it_names_one(desk: Desk, held: bool) -> None:
    referral_id = open_case(desk) if held else uuid7()
    body = json.dumps({"force_id": KENT, "referral_id": str(referral_id), "team": "T", "no_such_field": 1}).encode()
    ((_, key, message),) = desk.refuse(FORCE_RESPONSES.name(KENT), body).sent
    assert isinstance(message, ResponseRejected)
    assert (key, message.referral_id) == (str(referral_id), referral_id)
    ((_, key, message),) = desk.refuse(FORCE_RESPONSES.name(KENT), b"canary").sent
    assert isinstance(message, ResponseRejected)
    assert (key, message.referral_id) == (KENT, None)


def test_a_record_that_cannot_be_read_is_answered_to_its_force_alone(desk: Desk) -> None:
    outbox = desk.refuse(FORCE_RESPONSES.name(KENT), b"canary")
    assert outbox.kinds(KENT) == ["ResponseRejected"]
    assert outbox.put_aside == []


# Declining


def test_a_suggestion_gives_the_suggested_force_a_part(desk: Desk) -> None:
    referral_id = open_case(desk)
    outbox = desk.deliver(declined(referral_id, ESSEX, SURREY))
    assert outbox.kinds() == ["HandoffDeclined", "CaseRouted"]
    assert outbox.one(HandoffDeclined).rerouted_to == SURREY
    assert outbox.one(CaseRouted).added == (SURREY,)
    assert outbox.one(ForcesChanged).forces == tuple(outbox.one(CaseRouted).forces)
    assert outbox.kinds(ESSEX) == ["HandoffClosed"]


def test_a_home_force_that_declines_keeps_the_interim_duty_until_another_has_acknowledged(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    outbox = desk.deliver(declined(referral_id, KENT, SURREY))
    routed = outbox.one(CaseRouted)
    assert (routed.home_force, routed.basis, routed.interim_safeguarding_owner) == (
        SURREY,
        HomeForceBasis.SUGGESTED_BY_FORCE,
        KENT,
    )
    copy = outbox.one(CaseDisseminated)
    assert (copy.force_id, copy.interim_safeguarding_owner) == (SURREY, KENT)
    assert copy.referral is not None
    assert outbox.kinds(KENT) == []
    after = desk.deliver(acknowledged(referral_id, SURREY))
    assert after.kinds(KENT) == ["HandoffClosed"]
    assert after.kinds() == ["HandoffAcknowledged", "CaseHandedOver"]
    assert desk.case(referral_id).interim_owner == SURREY


def test_another_force_that_acknowledges_first_takes_the_duty_and_is_told_so(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, KENT, SURREY))
    outbox = desk.deliver(acknowledged(referral_id, ESSEX))
    assert outbox.one(CaseDisseminated).interim_safeguarding_owner == ESSEX
    assert outbox.one(CaseRouted).interim_safeguarding_owner == ESSEX
    assert outbox.kinds(KENT) == ["HandoffClosed"]


def test_an_acknowledged_force_may_still_decline_and_reopens_the_case(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, KENT), acknowledged(referral_id, ESSEX))
    outbox = desk.deliver(declined(referral_id, ESSEX, SURREY))
    assert outbox.kinds() == ["HandoffDeclined", "CaseRouted"]
    assert desk.case(referral_id).state is CaseState.OPEN
    assert desk.deliver(acknowledged(referral_id, SURREY)).kinds() == ["HandoffAcknowledged", "CaseHandedOver"]


@pytest.mark.parametrize(
    ("suggestion", "reason"),
    [
        (None, RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION),
        ("no-such-force", RoutingReviewReason.SUGGESTION_NOT_USABLE),
        (KENT, RoutingReviewReason.SUGGESTION_NOT_USABLE),
    ],
)
def test_a_decline_that_leads_nowhere_asks_an_officer(
    desk: Desk, suggestion: str | None, reason: RoutingReviewReason
) -> None:
    referral_id = open_case(desk)
    outbox = desk.deliver(declined(referral_id, KENT, suggestion))
    assert outbox.one(HandoffDeclined).rerouted_to is None
    review, routed = outbox.one(RoutingReviewOpened), outbox.one(CaseRouted)
    assert (review.reasons, review.candidates) == ((reason,), (ESSEX,))
    assert (routed.home_force, routed.interim_safeguarding_owner, routed.added) == (None, KENT, ())


def test_the_last_force_that_declines_still_has_the_duty(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    routed = desk.deliver(declined(referral_id, KENT)).one(CaseRouted)
    assert (routed.forces, routed.interim_safeguarding_owner) == ((KENT,), KENT)
    assert desk.deliver(informed(referral_id, supplement())).kinds(KENT) == ["InformationDisseminated"]


def test_a_suggestion_in_a_circle_asks_an_officer(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.deliver(declined(referral_id, KENT, SURREY))
    outbox = desk.deliver(declined(referral_id, SURREY, KENT))
    assert outbox.one(RoutingReviewOpened).reasons == (RoutingReviewReason.SUGGESTION_NOT_USABLE,)
    assert desk.case(referral_id).interim_owner == KENT


def test_a_suggestion_that_has_the_case_gets_no_second_hand_off_but_the_decliners_part(desk: Desk) -> None:
    referral_id = open_case(desk, *KENT_LEADS, place("L4", SURREY))
    due = desk.case(referral_id).handoffs[SURREY].receipt_due_at
    outbox = desk.deliver(declined(referral_id, ESSEX, SURREY))
    assert outbox.kinds() == ["HandoffDeclined"]
    copy = outbox.one(CaseDisseminated)
    assert copy.force_id == SURREY
    assert [each.place_id for each in copy.places] == ["L3", "L4"]
    assert copy.receipt_due_at == due


def test_a_force_does_not_replace_the_home_force_that_an_officer_named(desk: Desk) -> None:
    message = accepted(referral(KENT_LEADS), home_force=KENT)
    desk.deliver(message)
    outbox = desk.deliver(declined(message.referral_id, KENT, SURREY))
    routed, review = outbox.one(CaseRouted), outbox.one(RoutingReviewOpened)
    assert (routed.added, routed.home_force) == ((SURREY,), None)
    assert (review.reasons, review.candidates) == ((RoutingReviewReason.SUGGESTION_NOT_USABLE,), (SURREY,))
    assert outbox.one(CaseDisseminated).referral is None


def test_an_acknowledgement_after_declining_takes_the_case_back(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, ESSEX))
    outbox = desk.deliver(acknowledged(referral_id, ESSEX, "EP/1"))
    assert outbox.kinds() == ["HandoffAcknowledged", "CaseRouted", "RoutingReviewClosed"]
    assert outbox.one(CaseRouted).added == (ESSEX,)
    assert outbox.kinds(ESSEX) == ["CaseDisseminated"]
    assert reasons(desk, referral_id) == []


def test_who_leads_stays_the_officers_to_say_when_the_home_force_takes_its_decline_back(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, KENT), acknowledged(referral_id, KENT), acknowledged(referral_id, ESSEX))
    assert desk.case(referral_id).home_force is None
    assert reasons(desk, referral_id) == ["declined_without_suggestion"]
    desk.deliver(name_home(referral_id, KENT))
    assert desk.deliver(acknowledged(referral_id, KENT)).kinds()[-1] == "CaseHandedOver"


def test_a_force_that_declines_again_with_a_suggestion_answers_who_leads(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, KENT))
    desk.deliver(acknowledged(referral_id, KENT))
    outbox = desk.deliver(declined(referral_id, KENT, SURREY))
    assert desk.case(referral_id).home_force == SURREY
    assert outbox.one(CaseRouted).home_force == SURREY
    desk.deliver(acknowledged(referral_id, SURREY), acknowledged(referral_id, ESSEX))
    assert desk.case(referral_id).state is CaseState.HANDED_OVER
    assert reasons(desk, referral_id) == []


def test_a_suggestion_does_not_settle_a_tie_that_an_officer_was_asked_about(desk: Desk) -> None:
    referral_id = open_case(desk, *TIED)
    desk.deliver(declined(referral_id, KENT))
    desk.deliver(acknowledged(referral_id, KENT))
    desk.deliver(declined(referral_id, KENT, SURREY))
    assert desk.case(referral_id).home_force is None
    assert reasons(desk, referral_id) == ["tie"]


def test_a_part_rerouted_after_triage_declined_leads_when_a_second_look_accepts(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(place("L1", KENT))
    desk.deliver(danger(told, referral_id))
    desk.deliver(declined(referral_id, KENT))
    desk.deliver(triage_declined(referral_id))
    desk.deliver(reroute(referral_id, KENT, SURREY))
    desk.deliver(accepted(told, referral_id))
    assert desk.case(referral_id).home_force == SURREY
    desk.deliver(acknowledged(referral_id, SURREY))
    assert desk.case(referral_id).state is CaseState.HANDED_OVER


def test_a_second_look_asks_who_leads_where_nothing_else_asks(desk: Desk) -> None:
    referral_id, told = uuid7(), in_danger(place("L1", KENT))
    desk.deliver(danger(told, referral_id))
    desk.deliver(triage_declined(referral_id))
    desk.deliver(declined(referral_id, KENT, "no-such-force"), acknowledged(referral_id, KENT))
    desk.deliver(declined(referral_id, KENT, SURREY))
    outbox = desk.deliver(accepted(told, referral_id))
    assert desk.case(referral_id).home_force is None
    review = outbox.one(RoutingReviewOpened)
    assert review.reasons == (RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION,)
    assert review.candidates == (SURREY,)
    assert desk.deliver(name_home(referral_id, SURREY), acknowledged(referral_id, SURREY)).kinds()[-1] == "CaseHandedOver"
    assert reasons(desk, referral_id) == []


# Clocks


def test_silence_is_chased_escalated_and_shown_to_the_hub_once(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    seen = [desk.wait(3600), *(desk.wait(14_400) for _ in range(6))]
    assert [outbox.kinds() for outbox in seen] == [
        ["HandoffOverdue"],
        ["HandoffOverdue"],
        ["HandoffEscalated"],
        ["HandoffEscalated"],
        ["RoutingReviewOpened"],
        [],
        [],
    ]
    assert [outbox.kinds(KENT) for outbox in seen[:5]] == [["HandoffChased"]] * 4 + [[]]
    assert [each.one(HandoffOverdue).chase for each in seen[:2]] == [1, 2]
    assert [each.one(HandoffEscalated).level for each in seen[2:4]] == [1, 2]
    assert [each.one(HandoffChased).escalation_level for each in seen[:4]] == [0, 0, 1, 2]
    assert seen[4].one(RoutingReviewOpened).silent == (KENT,)
    assert reasons(desk, referral_id) == ["escalation_exhausted"]
    desk.deliver(acknowledged(referral_id, KENT))
    assert reasons(desk, referral_id) == []


def test_after_receipt_the_other_leg_runs(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    desk.deliver(received(referral_id, KENT))
    assert desk.wait(86_000).sent == []
    assert desk.wait(401).one(HandoffOverdue).leg is Leg.ACKNOWLEDGEMENT


# Withdrawal and information


def test_a_withdrawal_reaches_every_force_that_holds_the_case_and_stops_the_clocks(desk: Desk) -> None:
    referral_id = open_case(desk, *KENT_LEADS, place("L4", SURREY))
    desk.deliver(declined(referral_id, SURREY))
    outbox = desk.deliver(withdrawn(referral_id))
    assert outbox.one(CaseWithdrawn).told == (ESSEX, KENT)
    assert outbox.kinds(KENT) == outbox.kinds(ESSEX) == ["WithdrawalDisseminated"]
    assert outbox.kinds(SURREY) == []
    assert desk.deliver(withdrawn(referral_id)).sent == []
    assert desk.wait(1_000_000).sent == []
    assert reasons(desk, referral_id) == []


def test_answers_on_a_withdrawn_case_are_recorded_and_lead_to_nothing_else(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(withdrawn(referral_id))
    assert desk.deliver(received(referral_id, KENT)).kinds() == ["HandoffReceived"]
    assert desk.deliver(acknowledged(referral_id, KENT)).kinds() == ["HandoffAcknowledged"]
    outbox = desk.deliver(declined(referral_id, ESSEX, SURREY))
    assert outbox.kinds() == ["HandoffDeclined"]
    assert outbox.one(HandoffDeclined).rerouted_to is None
    assert desk.wait(1_000_000).sent == []


def test_a_withdrawal_without_a_case_has_nobody_to_tell(desk: Desk) -> None:
    assert desk.deliver(withdrawn(uuid7())).sent == []


def test_information_reaches_each_force_as_far_as_it_may_see_it(desk: Desk) -> None:
    referral_id = open_case(desk)
    added = supplement(place("M1", KENT), persons=[person("V7", "L3")])
    outbox = desk.deliver(informed(referral_id, added))
    (home,) = [each for each in outbox.to(KENT) if isinstance(each, InformationDisseminated)]
    (part,) = [each for each in outbox.to(ESSEX) if isinstance(each, InformationDisseminated)]
    assert (home.text, home.places, home.persons) == (added.text, added.places, added.persons)
    assert (part.text, part.places, part.persons) == (None, (), added.persons)
    assert outbox.kinds() == []
    assert desk.deliver(informed(referral_id, added)).sent == []


def test_information_may_add_a_force_and_open_a_review(desk: Desk) -> None:
    referral_id = open_case(desk)
    added = supplement(place("M1", SURREY), OffencePlace(place_id="M2", description="somewhere"))
    outbox = desk.deliver(informed(referral_id, added))
    assert outbox.kinds() == ["CaseRouted", "RoutingReviewOpened"]
    assert outbox.one(CaseRouted).added == (SURREY,)
    assert outbox.kinds(SURREY) == ["CaseDisseminated"]
    assert outbox.kinds(ESSEX) == ["ForcesChanged", "InformationDisseminated"]


def test_information_may_settle_what_was_tied_or_concerned_nobody(desk: Desk) -> None:
    tied, nobody = open_case(desk, *TIED), open_case(desk, *NOWHERE)
    assert desk.deliver(informed(tied, supplement(place("M1", KENT)))).one(CaseRouted).home_force == KENT
    outbox = desk.deliver(informed(nobody, supplement(place("M1", KENT))))
    assert outbox.one(CaseRouted).added == (KENT,)
    assert reasons(desk, tied) == []
    assert reasons(desk, nobody) == ["unknown_place"]
    assert desk.case(nobody).home_force == KENT


def test_information_does_not_bring_back_a_force_that_declined(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, ESSEX))
    outbox = desk.deliver(informed(referral_id, supplement(place("M1", ESSEX))))
    assert outbox.kinds(ESSEX) == []
    assert standing_of(desk.case(referral_id))[ESSEX] == "declined"


def test_information_does_not_make_a_force_home_that_gave_the_case_back(desk: Desk) -> None:
    referral_id = open_case(desk, *TIED)
    desk.deliver(declined(referral_id, ESSEX))
    outbox = desk.deliver(informed(referral_id, supplement(place("M1", ESSEX))))
    assert desk.case(referral_id).home_force is None
    assert reasons(desk, referral_id) == ["tie", "declined_without_suggestion"]
    assert outbox.kinds() == []


def test_information_does_not_move_a_settled_home_force(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(informed(referral_id, supplement(*(place(f"M{number}", ESSEX) for number in range(5)))))
    assert desk.case(referral_id).home_force == KENT


def test_information_without_a_case_waits_for_a_person(desk: Desk) -> None:
    outbox = desk.deliver(informed(uuid7(), supplement()))
    assert [problem.code for _, problem in outbox.put_aside] == ["referral_unknown"]


def test_information_on_a_withdrawn_case_still_reaches_those_who_hold_it(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(withdrawn(referral_id))
    outbox = desk.deliver(informed(referral_id, supplement(place("M1", SURREY))))
    assert outbox.kinds(KENT) == outbox.kinds(ESSEX) == ["InformationDisseminated"]
    assert outbox.kinds(SURREY) == outbox.kinds() == []


# Officers


def ignored(outbox: Recorder) -> str:
    assert outbox.kinds() == ["CommandIgnored"]
    assert len(outbox.sent) == 1
    return outbox.one(CommandIgnored).code


def test_a_named_home_force_is_a_fact_with_the_officer_and_the_reason(desk: Desk) -> None:
    referral_id = open_case(desk, *TIED)
    outbox = desk.deliver(name_home(referral_id, KENT))
    named = outbox.one(HomeForceNamed)
    assert (named.home_force, named.officer_id, named.reason) == (KENT, OFFICER, "canary-reason")
    assert outbox.kinds() == ["HomeForceNamed", "RoutingReviewClosed"]
    assert desk.case(referral_id).interim_owner == KENT
    assert ignored(desk.deliver(name_home(referral_id, KENT))) == "already_named"


def test_an_officer_may_name_a_force_that_declined(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, ESSEX))
    outbox = desk.deliver(name_home(referral_id, ESSEX))
    assert outbox.one(CaseRouted).added == (ESSEX,)
    assert standing_of(desk.case(referral_id)) == {KENT: "disseminated", ESSEX: "disseminated"}
    assert reasons(desk, referral_id) == []


def test_rerouting_lets_one_force_stand_in_for_another(desk: Desk) -> None:
    referral_id = open_case(desk)
    outbox = desk.deliver(reroute(referral_id, ESSEX, SURREY))
    assert outbox.kinds() == ["HandoffStoodDown", "CaseRouted"]
    assert outbox.kinds(ESSEX) == ["HandoffClosed"]
    assert [each.place_id for each in outbox.one(CaseDisseminated).places] == ["L3"]
    assert desk.case(referral_id).home_force == KENT


def test_rerouting_the_home_force_makes_the_other_home(desk: Desk) -> None:
    referral_id = open_case(desk, place("L1", KENT))
    outbox = desk.deliver(reroute(referral_id, KENT, SURREY))
    assert outbox.kinds() == ["HandoffStoodDown", "HomeForceNamed", "CaseRouted"]
    assert desk.case(referral_id).interim_owner == SURREY


def test_rerouting_a_declined_home_force_settles_the_case(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, KENT))
    outbox = desk.deliver(reroute(referral_id, KENT, SURREY))
    assert outbox.one(HomeForceNamed).home_force == SURREY
    assert outbox.one(CaseRouted).interim_safeguarding_owner == KENT
    assert reasons(desk, referral_id) == []


def test_rerouting_in_a_tie_leaves_the_tie_to_be_settled(desk: Desk) -> None:
    referral_id = open_case(desk, *TIED)
    desk.deliver(reroute(referral_id, ESSEX, SURREY))
    assert desk.case(referral_id).home_force is None
    assert reasons(desk, referral_id) == ["tie"]
    assert desk.case(referral_id).interim_owner == SURREY


def test_standing_down_ends_a_force_s_part(desk: Desk) -> None:
    referral_id = open_case(desk)
    outbox = desk.deliver(stand_down(referral_id, ESSEX))
    assert outbox.kinds() == ["HandoffStoodDown"]
    assert outbox.kinds(ESSEX) == ["HandoffClosed"]
    assert outbox.kinds(KENT) == ["ForcesChanged"]
    rejected = desk.deliver(acknowledged(referral_id, ESSEX)).one(ResponseRejected)
    assert rejected.problems[0].code == "part_closed"
    assert desk.deliver(ReceiptConfirmed(force_id=ESSEX, referral_id=referral_id)).sent == []


def test_standing_down_who_has_the_interim_duty_passes_it_on_at_once(desk: Desk) -> None:
    referral_id = open_case(desk, *TIED)
    outbox = desk.deliver(stand_down(referral_id, ESSEX))
    assert outbox.one(CaseRouted).interim_safeguarding_owner == KENT
    assert outbox.one(CaseDisseminated).force_id == KENT


def test_commands_that_do_not_fit_change_nothing_and_say_why(desk: Desk) -> None:
    referral_id = open_case(desk)
    alone = open_case(desk, place("L1", KENT))
    assert ignored(desk.deliver(name_home(referral_id, "no-such-force"))) == "force_unknown"
    assert ignored(desk.deliver(reroute(referral_id, ESSEX, "no-such-force"))) == "force_unknown"
    assert ignored(desk.deliver(reroute(referral_id, ESSEX, ESSEX))) == "same_force"
    assert ignored(desk.deliver(reroute(referral_id, SURREY, "dorset"))) == "no_handoff"
    assert ignored(desk.deliver(stand_down(referral_id, SURREY))) == "no_handoff"
    assert ignored(desk.deliver(stand_down(alone, KENT))) == "last_force"
    assert ignored(desk.deliver(stand_down(referral_id, KENT))) == "home_force"
    desk.deliver(acknowledged(referral_id, ESSEX))
    assert ignored(desk.deliver(reroute(referral_id, ESSEX, SURREY))) == "already_acknowledged"
    desk.deliver(stand_down(referral_id, ESSEX))
    assert ignored(desk.deliver(stand_down(referral_id, ESSEX))) == "already_stood_down"
    assert ignored(desk.deliver(reroute(referral_id, ESSEX, SURREY))) == "already_stood_down"
    desk.deliver(withdrawn(referral_id))
    assert ignored(desk.deliver(name_home(referral_id, KENT))) == "withdrawn"


def test_a_force_that_left_the_case_without_a_home_force_is_not_stood_down_before_another_leads(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, KENT))
    assert ignored(desk.deliver(stand_down(referral_id, KENT))) == "home_force"
    desk.deliver(name_home(referral_id, ESSEX))
    assert desk.deliver(stand_down(referral_id, KENT)).kinds() == ["HandoffStoodDown"]


def test_triage_s_decline_is_not_overruled_by_naming_a_home_force(desk: Desk) -> None:
    referral_id = uuid7()
    desk.deliver(danger(in_danger(*NOWHERE), referral_id), triage_declined(referral_id))
    assert ignored(desk.deliver(name_home(referral_id, KENT))) == "triage_declined"


def test_history_has_every_change_without_gaps_and_nobodys_words(desk: Desk) -> None:
    referral_id = open_case(desk, *TIED)
    desk.deliver(declined(referral_id, ESSEX), name_home(referral_id, KENT), informed(referral_id, supplement()))
    entries = desk.case(referral_id).new_history
    assert [entry.version for entry in entries] == list(range(1, desk.case(referral_id).version + 1))
    assert {entry.actor for entry in entries} == {"rules", "force:essex", f"officer:{OFFICER}", "partner:lantern-trust"}
    assert "canary" not in repr(entries)
    disclosed = [(entry.what, entry.force_id) for entry in entries if entry.what == "disseminated"]
    assert disclosed[:2] == [("disseminated", ESSEX), ("disseminated", KENT)]
    assert all(entry.sent_id for entry in entries if entry.what == "disseminated")
