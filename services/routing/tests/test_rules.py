"""Who is concerned, who leads, who has the interim duty, when a case is handed over."""

from dataclasses import replace
from typing import Any

import pytest

from conduit_contracts.concerned import proposal as proposals
from conduit_contracts.concerned.content import Content
from conduit_contracts.concerned.proposal import CaseContext, Proposal, named_in_vain, place_reasons
from conduit_contracts.referral import OffencePlace, Person, PlaceKind, Role
from conduit_contracts.routing import HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_routing import clocks, rules
from conduit_routing.case import Case, CaseState
from conduit_routing.handoffs import Handoff
from conduit_routing.policy import RoutingPolicy
from services.routing.tests.builders import NOW, accepted, person, place, referral, supplement

KENT, ESSEX, SURREY, BTP, MDP = "kent", "essex", "surrey", "btp", "mdp"


def propose(*places: OffencePlace, persons: tuple[Person, ...] = (), **scene: Any) -> Proposal:
    return judge(Content(referral(places, persons), size=1), **scene)


def judge(content: Content, **scene: Any) -> Proposal:
    return proposals.propose(content, CaseContext(NOW.date(), **scene))


def test_the_area_with_most_offence_places_leads() -> None:
    proposal = propose(place("L1", KENT), place("L2", ESSEX), place("L3", ESSEX))
    assert (proposal.home, proposal.basis) == (ESSEX, HomeForceBasis.MOST_OFFENCE_PLACES)
    assert proposal.forces == (ESSEX, KENT)
    assert proposal.candidates == ()
    assert proposal.unsettled is None


def test_among_equals_the_area_with_most_victims_leads() -> None:
    persons = (person("V1", "L1"), person("V2", "L2"), person("V3", "L2"), person("S1", "L1", role=Role.SUSPECT))
    proposal = propose(place("L1", KENT), place("L2", ESSEX), persons=persons)
    assert (proposal.home, proposal.basis) == (ESSEX, HomeForceBasis.MOST_VICTIMS)


def test_a_victim_described_twice_counts_once() -> None:
    first = (person("V1", "L1"), person("V2", "L2"), person("V3", "L2"))
    again = supplement(persons=(person("V1", "L1"), person("V4", "L1")))
    told = Content(referral((place("L1", KENT), place("L2", ESSEX)), first), (again, again), size=1)
    assert judge(told).unsettled is RoutingReviewReason.TIE


def test_then_it_is_where_the_first_victim_lives() -> None:
    persons = (person("S1", "L1", role=Role.SUSPECT, lives=ESSEX), person("V1", "L1", lives=KENT), person("V2", "L2"))
    proposal = propose(place("L1", KENT), place("L2", ESSEX), persons=persons)
    assert (proposal.home, proposal.basis) == (KENT, HomeForceBasis.FIRST_VICTIMS_HOME)


def test_a_tie_left_goes_to_an_officer_with_the_tied_forces_as_candidates() -> None:
    proposal = propose(place("L1", KENT), place("L2", ESSEX), place("L3", KENT), place("L4", ESSEX), place("L5", SURREY))
    assert proposal.home is None
    assert proposal.candidates == (ESSEX, KENT)
    assert proposal.unsettled is RoutingReviewReason.TIE


def test_in_a_tie_the_interim_duty_is_where_the_first_victim_lives_if_that_force_is_concerned() -> None:
    places = (place("L1", KENT), place("L2", ESSEX), place("L3", KENT), place("L4", ESSEX), place("L5", SURREY))
    assert propose(*places, persons=(person("V1", lives=SURREY),)).first_owner == SURREY
    assert propose(*places, persons=(person("V1", lives="dorset"),)).first_owner == ESSEX


def test_a_former_district_code_still_routes() -> None:
    assert propose(OffencePlace(place_id="L1", district_code="E06000028")).home == "dorset"


def test_a_place_given_by_force_routes_to_it() -> None:
    assert propose(OffencePlace(place_id="L1", force_id="police-scotland")).home == "police-scotland"


def test_a_railway_place_also_concerns_the_transport_police_which_does_not_lead() -> None:
    proposal = propose(place("L1", KENT, kind=PlaceKind.RAILWAY), place("L2", BTP), place("L3", BTP))
    assert proposal.forces == (KENT, BTP)
    assert proposal.home == KENT


def test_a_railway_place_of_unknown_district_is_the_transport_polices_alone_and_needs_no_review() -> None:
    told = OffencePlace(place_id="L1", kind=PlaceKind.RAILWAY, description="on a train")
    proposal = propose(told)
    assert (proposal.forces, proposal.home) == ((BTP,), BTP)
    assert place_reasons(Content(referral((told,)), size=1), ["L1"]) == ()


def test_special_forces_among_themselves_follow_the_same_rules() -> None:
    assert propose(place("L1", BTP), place("L2", MDP), place("L3", MDP)).home == MDP
    assert propose(place("L1", BTP), place("L2", MDP)).unsettled is RoutingReviewReason.TIE


def test_nobody_concerned_is_no_force_with_the_first_victims_area_as_a_candidate() -> None:
    adult = person("V1", lives=KENT, age_at_report=30)
    proposal = propose(OffencePlace(place_id="L1", description="somewhere"), persons=(adult,))
    assert proposal.unsettled is RoutingReviewReason.NO_FORCE
    assert proposal.forces == ()
    assert proposal.first_owner is None
    assert proposal.candidates == (KENT,)
    assert propose().candidates == ()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"country": "UK"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"description": "somewhere"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"kind": PlaceKind.ONLINE, "description": "a platform"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"district_code": "E99999999"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"district_code": "N99999999"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"force_id": "no-such-force"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"country": "GB"}, RoutingReviewReason.UNKNOWN_PLACE),
        ({"country": "FR"}, RoutingReviewReason.OVERSEAS_PLACE),
        ({"country": "FR", "force_id": "kent"}, RoutingReviewReason.OVERSEAS_PLACE),
        ({"country": "JE"}, RoutingReviewReason.OUTSIDE_FORCE_AREAS),
        ({"country": "IM"}, RoutingReviewReason.OUTSIDE_FORCE_AREAS),
        ({"district_code": "L99999999"}, RoutingReviewReason.OUTSIDE_FORCE_AREAS),
    ],
)
def test_a_place_that_no_force_is_known_for_is_looked_at_by_a_person(
    told: dict[str, str], reason: RoutingReviewReason
) -> None:
    places = (OffencePlace(place_id="L1", **told), OffencePlace(place_id="L2", **told))  # type: ignore[arg-type]
    assert place_reasons(Content(referral(places), size=1), ["L1", "L2"]) == (reason,)


def test_a_force_that_is_named_for_a_place_abroad_is_a_candidate_for_the_officer() -> None:
    abroad = OffencePlace(place_id="L1", country="FR", force_id=KENT)
    assert propose(abroad).candidates == (KENT,)
    assert propose(abroad, persons=(person("V1", lives=SURREY),)).candidates == (SURREY, KENT)
    corrected = OffencePlace(place_id="L1", country="FR", description="somewhere")
    content = Content(referral((abroad,)), (supplement(corrected),), size=1)
    assert named_in_vain(content, ["L1"], CaseContext(NOW.date())) == ()


def test_a_corrected_place_counts_where_it_was_last_said_to_be() -> None:
    told = Content(referral((place("L1", KENT),)), (supplement(place("L1", ESSEX), corrects=True),), size=1)
    assert judge(told).forces == (ESSEX,)


def test_what_triage_tells_twice_is_kept_once_where_it_first_arrived() -> None:
    first, second = supplement(days=1), supplement(days=2, text="more")
    told = Content(referral(), (second, first, second), size=1)
    assert told.supplements == (second, first)
    assert told.has(supplement(days=1))


def test_a_correction_holds_whatever_day_the_partner_puts_on_it() -> None:
    wrong, right = supplement(place("L1", ESSEX), days=9), supplement(place("L1", SURREY), days=1, corrects=True)
    told = Content(referral((place("L1", KENT),)), (wrong, right), size=1)
    assert judge(told).forces == (SURREY,)


def handoff(policy: RoutingPolicy, force_id: str, state: HandoffState) -> Handoff:
    start = clocks.started(force_id, (force_id,), policy.clocks.routine, NOW)
    return {
        HandoffState.DISSEMINATED: start,
        HandoffState.RECEIVED: clocks.received(start, NOW),
        HandoffState.ACKNOWLEDGED: clocks.acknowledged(start, None, NOW),
        HandoffState.DECLINED: clocks.declined(start, NOW),
        HandoffState.STOOD_DOWN: clocks.stood_down(start, NOW),
    }[state]


OPEN, ACK, DECLINED, DOWN = (
    HandoffState.DISSEMINATED,
    HandoffState.ACKNOWLEDGED,
    HandoffState.DECLINED,
    HandoffState.STOOD_DOWN,
)


@pytest.mark.parametrize(
    ("owner", "home", "states", "then"),
    [
        (None, KENT, {KENT: OPEN, ESSEX: OPEN}, KENT),
        (ESSEX, None, {KENT: OPEN, ESSEX: OPEN}, ESSEX),
        (ESSEX, KENT, {KENT: OPEN, ESSEX: OPEN}, KENT),
        (ESSEX, KENT, {KENT: OPEN, ESSEX: ACK}, ESSEX),
        (ESSEX, KENT, {KENT: ACK, ESSEX: ACK}, KENT),
        (KENT, ESSEX, {KENT: DECLINED, ESSEX: OPEN}, KENT),
        (KENT, ESSEX, {KENT: DECLINED, ESSEX: ACK}, ESSEX),
        (KENT, ESSEX, {KENT: DECLINED, ESSEX: OPEN, SURREY: ACK}, SURREY),
        (KENT, None, {KENT: DECLINED}, KENT),
        (KENT, None, {KENT: DOWN, ESSEX: OPEN, SURREY: ACK}, SURREY),
        (KENT, None, {KENT: DOWN, SURREY: OPEN, ESSEX: OPEN}, ESSEX),
        (KENT, ESSEX, {KENT: DOWN, ESSEX: OPEN}, ESSEX),
        (None, None, {}, None),
    ],
)
def test_the_interim_duty_never_ends_without_somebody_who_takes_it(
    policy: RoutingPolicy, owner: str | None, home: str | None, states: dict[str, HandoffState], then: str | None
) -> None:
    handoffs = {force_id: handoff(policy, force_id, state) for force_id, state in states.items()}
    assert rules.interim_owner(owner, home, handoffs) == then


def case_of(policy: RoutingPolicy, **states: HandoffState) -> Case:
    message = accepted(referral())
    case = Case(
        referral_id=message.referral_id,
        partner_id=message.partner_id,
        partner_reference=message.partner_reference,
        urgency=message.referral.urgency,
        immediate_danger=False,
        provisional=False,
        opened_at=NOW,
        policy_version="test",
        home_force=KENT,
    )
    for force_id, state in states.items():
        case.put(handoff(policy, force_id, state))
    return case


def test_a_case_is_handed_over_when_every_part_that_is_left_is_acknowledged(policy: RoutingPolicy) -> None:
    case = case_of(policy, kent=ACK, essex=DECLINED, surrey=DOWN)
    assert rules.is_handed_over(case)
    assert not rules.is_handed_over(case_of(policy, kent=ACK, essex=HandoffState.RECEIVED))
    assert not rules.is_handed_over(case_of(policy, essex=DECLINED))


@pytest.mark.parametrize("unsettled", [{"provisional": True}, {"home_force": None}, {"state": CaseState.WITHDRAWN}])
def test_a_case_is_not_handed_over_while_triage_or_the_home_force_is_open(
    policy: RoutingPolicy, unsettled: dict[str, object]
) -> None:
    assert not rules.is_handed_over(replace(case_of(policy, kent=ACK), **unsettled))  # type: ignore[arg-type]


def test_a_suggestion_is_followed_unless_it_leads_nowhere_or_in_a_circle(policy: RoutingPolicy) -> None:
    case = case_of(policy, kent=DECLINED, essex=OPEN, surrey=DECLINED, dorset=DOWN)
    usable = {
        force: rules.is_usable_suggestion(case, KENT, force) for force in ("sussex", ESSEX, SURREY, "dorset", KENT, "x")
    }
    assert usable == {"sussex": True, ESSEX: True, SURREY: False, "dorset": False, KENT: False, "x": False}
