"""Who looks after a child: forces with an area before special ones, where the child is, and never a suspect's own force."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.concerned.people import SaidAt, born_by, earlier, later
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import NamedWithConsent, OffencePeriod, OffencePlace, Person, PlaceKind, Referral, Role
from conduit_contracts.routing import (
    AttachmentClosed,
    CaseDisseminated,
    CaseRestricted,
    CaseRouted,
    CommandIgnored,
    HandoffChased,
    HomeForceNamed,
    InformationDisseminated,
    ProfessionalStandardsInformed,
    RoutingReviewOpened,
    RoutingReviewReason,
)
from conduit_routing.case import CaseState
from conduit_routing.policy import RoutingPolicy
from services.routing.tests.builders import (
    NOW,
    Desk,
    Recorder,
    accepted,
    acknowledged,
    attached,
    danger,
    declined,
    district,
    informed,
    name_home,
    person,
    place,
    received,
    referral,
    reroute,
    stand_down,
    supplement,
    to_standards,
    triage_declined,
)

KENT, ESSEX, SURREY, SUSSEX, BTP, MDP, CNC = "kent", "essex", "surrey", "sussex", "btp", "mdp", "cnc"
ONLINE = OffencePlace(place_id="L1", kind=PlaceKind.ONLINE, description="canary-place-L1-end")
ABROAD = OffencePlace(place_id="L1", country="FR", description="canary-place-L1-end")
ADULT = {"age_at_report": 34}


def in_danger(*places: OffencePlace, persons: tuple[Person, ...] = ()) -> Referral:
    return referral(places, persons, immediate_danger=True)


def police(force_id: str | None = KENT, person_id: str = "S1") -> Person:
    return person(person_id, role=Role.SUSPECT, suspect_is_police=True, suspect_force_id=force_id)


# A special force has no area to safeguard a child in


@pytest.mark.parametrize("kind", [PlaceKind.RAILWAY, PlaceKind.DEFENCE_ESTATE, PlaceKind.CIVIL_NUCLEAR_SITE])
def test_in_a_tie_a_special_force_never_has_the_interim_duty_and_in_danger_the_area_is_told(
    desk: Desk, kind: PlaceKind
) -> None:
    tied = [place("L1", KENT, kind=kind), place("L2", ESSEX, kind=kind)]
    outbox = desk.deliver(danger(in_danger(*tied), uuid7()))
    assert outbox.one(CaseDisseminated).force_id == ESSEX
    assert outbox.one(CaseRouted).interim_safeguarding_owner == ESSEX


TRAIN = OffencePlace(place_id="L1", kind=PlaceKind.RAILWAY, description="a train")
BASE = OffencePlace(place_id="L1", kind=PlaceKind.DEFENCE_ESTATE, description="a base")
PLANT = OffencePlace(place_id="L1", kind=PlaceKind.CIVIL_NUCLEAR_SITE, description="a plant")
WITH_AN_AREA = {
    "by place": referral([place("L1", KENT, kind=PlaceKind.RAILWAY)]),
    "by the child's home": referral([TRAIN], [person("V1", "L1", lives=KENT)]),
    "by the child's whereabouts": referral([TRAIN], [person("V1", "L1", now_in=KENT)]),
    "by two places in a tie": referral([place("L1", KENT), place("L2", ESSEX), place("L3", BTP)]),
}


@pytest.mark.parametrize("told", WITH_AN_AREA.values(), ids=WITH_AN_AREA)
@pytest.mark.parametrize("special", [BTP, MDP, CNC])
def test_no_officer_makes_a_special_force_home_while_a_force_with_an_area_is_concerned(
    desk: Desk, told: Referral, special: str
) -> None:
    message = accepted(told)
    desk.deliver(message)
    before = desk.case(message.referral_id).home_force
    assert desk.deliver(name_home(message.referral_id, special)).one(CommandIgnored).code == "cannot_be_home"
    case = desk.case(message.referral_id)
    assert (case.home_force, case.interim_owner is not None) == (before, True)
    if case.home_force is not None:
        ignored = desk.deliver(reroute(message.referral_id, case.home_force, special)).one(CommandIgnored)
        assert ignored.code == "cannot_be_home"


@pytest.mark.parametrize("special", [BTP, MDP, CNC])
def test_a_home_force_that_gave_the_case_back_is_replaced_by_one_with_an_area(desk: Desk, special: str) -> None:
    message = accepted(referral([place("L1", KENT, kind=PlaceKind.RAILWAY)]))
    review = desk.deliver(message, declined(message.referral_id, KENT, special)).one(RoutingReviewOpened)
    assert review.reasons == (RoutingReviewReason.SUGGESTION_NOT_USABLE,)
    assert desk.deliver(reroute(message.referral_id, KENT, special)).one(CommandIgnored).code == "cannot_be_home"
    desk.deliver(reroute(message.referral_id, KENT, SUSSEX))
    assert desk.case(message.referral_id).home_force == SUSSEX


def test_a_special_force_may_stand_in_for_a_force_that_does_not_lead(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT), place("L2", KENT), place("L3", ESSEX)]))
    desk.deliver(message, reroute(message.referral_id, ESSEX, BTP))
    assert (desk.case(message.referral_id).home_force, desk.case(message.referral_id).active) == (KENT, (KENT, BTP))


def test_the_home_force_of_triages_officer_is_held_to_the_same_rule(desk: Desk) -> None:
    told = WITH_AN_AREA["by the child's home"]
    outbox = desk.deliver(accepted(told, home_force=BTP))
    assert outbox.one(CaseRouted).home_force is None
    assert outbox.one(RoutingReviewOpened).candidates == (KENT,)
    alone = accepted(referral([TRAIN]), home_force=MDP)
    desk.deliver(alone)
    assert desk.case(alone.referral_id).home_force == MDP


def test_where_no_force_has_an_area_an_officer_may_name_a_special_one(desk: Desk) -> None:
    message = accepted(referral([place("L1", BTP), place("L2", MDP)]))
    desk.deliver(message, name_home(message.referral_id, MDP))
    assert desk.case(message.referral_id).home_force == MDP


def test_a_special_force_that_led_before_leaves_the_interim_duty_where_it_is(desk: Desk) -> None:
    message = accepted(referral([TRAIN]))
    desk.deliver(message, acknowledged(message.referral_id, BTP))
    desk.deliver(informed(message.referral_id, supplement(place("M1", KENT))), acknowledged(message.referral_id, KENT))
    case = desk.case(message.referral_id)
    assert (case.home_force, case.interim_owner) == (BTP, KENT)


@pytest.mark.parametrize("nowhere", [TRAIN, BASE, PLANT], ids=["train", "base", "plant"])
@pytest.mark.parametrize("say", [lambda told: danger(told, uuid7()), accepted], ids=["in danger", "accepted"])
def test_where_only_a_special_force_has_the_case_an_officer_is_asked_for_one_with_an_area(
    desk: Desk, nowhere: OffencePlace, say: Callable[[Referral], Message]
) -> None:
    told = in_danger(nowhere)
    message = say(told)
    outbox = desk.deliver(message)
    review = outbox.one(RoutingReviewOpened)
    assert (review.reasons, review.immediate_danger) == ((RoutingReviewReason.UNKNOWN_PLACE,), True)
    referral_id = review.referral_id
    assert desk.case(referral_id).home_force == outbox.one(CaseRouted).home_force is not None
    assert RoutingReviewOpened.__name__ not in desk.deliver(accepted(told, referral_id)).kinds()
    desk.deliver(name_home(referral_id, KENT))
    case = desk.case(referral_id)
    assert (case.home_force, case.interim_owner, case.open_reviews()) == (KENT, KENT, [])
    later = supplement(text="canary-text", days=1)
    assert RoutingReviewOpened.__name__ not in desk.deliver(informed(referral_id, later)).kinds()


def test_a_special_force_passes_the_interim_duty_on_to_an_area_that_joins(desk: Desk) -> None:
    message = accepted(referral([OffencePlace(place_id="L1", kind=PlaceKind.RAILWAY, description="a train")]))
    desk.deliver(message, acknowledged(message.referral_id, BTP))
    assert desk.case(message.referral_id).interim_owner == BTP
    desk.deliver(informed(message.referral_id, supplement(place("M1", KENT))))
    assert desk.case(message.referral_id).interim_owner == KENT


def test_a_railway_place_alone_does_not_make_its_police_lead_a_case_of_a_child_who_lives_somewhere(desk: Desk) -> None:
    train = OffencePlace(place_id="L1", kind=PlaceKind.RAILWAY, description="a train")
    outbox = desk.deliver(accepted(referral([train], [person("V1", "L1", lives=KENT)])))
    routed = outbox.one(CaseRouted)
    assert (routed.home_force, routed.interim_safeguarding_owner, routed.forces) == (None, KENT, (KENT, BTP))
    assert outbox.one(RoutingReviewOpened).candidates == (KENT,)


# Where a child is


@pytest.mark.parametrize("nowhere", [ONLINE, ABROAD], ids=["online", "abroad"])
def test_where_no_place_gives_a_force_the_force_where_the_child_lives_is_told_at_once_in_danger(
    desk: Desk, nowhere: OffencePlace
) -> None:
    told = in_danger(nowhere, persons=(person("V1", "L1", lives=KENT),))
    outbox = desk.deliver(danger(told, uuid7()))
    copy = outbox.one(CaseDisseminated)
    assert (copy.force_id, copy.home_force, copy.interim_safeguarding_owner) == (KENT, None, KENT)
    assert (copy.referral, copy.summary.narrative) == (told, "canary-narrative")
    review = outbox.one(RoutingReviewOpened)
    assert review.candidates == (KENT,)
    assert RoutingReviewReason.NO_FORCE not in review.reasons


def test_on_acceptance_the_force_with_most_such_children_gets_the_case_and_the_others_their_part(desk: Desk) -> None:
    persons = (person("V1", lives=KENT), person("V2", lives=ESSEX, now_in=KENT), person("V3", lives=ESSEX))
    outbox = desk.deliver(accepted(referral([ONLINE], persons)))
    (kent,) = (each for each in outbox.to(KENT) if isinstance(each, CaseDisseminated))
    (essex,) = (each for each in outbox.to(ESSEX) if isinstance(each, CaseDisseminated))
    assert kent.interim_safeguarding_owner == KENT
    assert kent.referral is not None
    assert (essex.referral, essex.summary.narrative) == (None, None)
    assert [each.person_id for each in essex.persons] == ["V2", "V3"]


def test_where_a_child_is_now_counts_before_where_it_lives(desk: Desk) -> None:
    told = referral([ONLINE], [person("V1", lives=KENT, now_in=ESSEX)])
    assert desk.deliver(accepted(told)).one(CaseDisseminated).force_id == ESSEX


def test_a_childs_area_gets_its_part_beside_the_area_of_the_offence_and_never_leads_by_rule(desk: Desk) -> None:
    told = referral([place("L1", KENT)], [person("V1", "L1", lives=ESSEX), person("V2", lives=ESSEX), person("V3")])
    outbox = desk.deliver(accepted(told))
    routed = outbox.one(CaseRouted)
    assert (routed.home_force, routed.interim_safeguarding_owner, routed.forces) == (KENT, KENT, (ESSEX, KENT))
    (essex,) = (each for each in outbox.to(ESSEX) if isinstance(each, CaseDisseminated))
    assert [(each.person_id, each.place_ids) for each in essex.persons] == [("V1", ()), ("V2", ())]
    assert (essex.places, essex.referral, essex.summary.narrative) == ((), None, None)


def test_in_a_tie_of_places_the_interim_owner_is_one_of_them_however_many_children_are_elsewhere(desk: Desk) -> None:
    persons = tuple(person(f"V{number}", lives=SURREY) for number in range(3))
    routed = desk.deliver(accepted(referral([place("L1", KENT), place("L2", ESSEX)], persons))).one(CaseRouted)
    assert (routed.home_force, routed.interim_safeguarding_owner, routed.forces) == (None, ESSEX, (ESSEX, SURREY, KENT))


def test_in_danger_the_force_where_a_child_is_said_to_be_now_is_told_at_once_and_its_home_on_acceptance(desk: Desk) -> None:
    told, referral_id = (
        in_danger(place("L1", KENT), persons=(person("V1", now_in=ESSEX), person("V2", lives=SURREY))),
        uuid7(),
    )
    assert desk.deliver(danger(told, referral_id)).one(CaseRouted).forces == (ESSEX, KENT)
    assert desk.deliver(accepted(told, referral_id)).one(CaseRouted).added == (SURREY,)


def test_a_childs_whereabouts_told_later_make_its_force_join(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT)], [person("V1", "L1")]))
    desk.deliver(message)
    moved = supplement(persons=[person("V1", now_in=ESSEX)], corrects=True)
    assert desk.deliver(informed(message.referral_id, moved)).one(CaseRouted).added == (ESSEX,)


def test_a_suspects_and_a_witnesses_home_concern_nobody(desk: Desk) -> None:
    others = (person("S1", role=Role.SUSPECT, lives=ESSEX), person("W1", role=Role.WITNESS, lives=SURREY, age_at_report=9))
    assert desk.deliver(accepted(referral([place("L1", KENT)], others))).one(CaseRouted).forces == (KENT,)


def test_places_alone_count_for_who_leads_and_the_switch_brings_the_old_rule_back(policy: RoutingPolicy) -> None:
    off = policy.model_copy(
        update={"safeguarding": policy.safeguarding.model_copy(update={"forces_where_children_are_concerned": False})}
    )
    told = accepted(referral([ONLINE], [person("V1", lives=KENT)]))
    assert Desk(off).deliver(told).kinds() == ["RoutingReviewOpened"]


# An adult's home


def test_an_adults_home_area_learns_nothing_without_consent(desk: Desk) -> None:
    told = referral([place("L1", KENT), place("L2", KENT), place("L3", ESSEX)], [person("V1", "L1", lives=ESSEX, **ADULT)])
    outbox = desk.deliver(accepted(told))
    (essex,) = (each for each in outbox.to(ESSEX) if isinstance(each, CaseDisseminated))
    assert essex.persons == ()
    assert desk.deliver(accepted(referral([ONLINE], [person("V1", lives=KENT, **ADULT)]))).kinds() == ["RoutingReviewOpened"]


def test_an_adults_home_area_gets_its_part_with_consent(desk: Desk) -> None:
    agreed = person("V1", "L1", lives=ESSEX, home_area_consented_on=date(2026, 11, 1), **ADULT)
    outbox = desk.deliver(accepted(referral([place("L1", KENT)], [agreed, person("V2", "L1", **ADULT)])))
    assert outbox.one(CaseRouted).forces == (ESSEX, KENT)
    (essex,) = (each for each in outbox.to(ESSEX) if isinstance(each, CaseDisseminated))
    assert [each.person_id for each in essex.persons] == ["V1"]


def test_an_adults_home_area_gets_the_case_by_a_named_officers_decision(desk: Desk) -> None:
    message = accepted(referral([ONLINE], [person("V1", lives=KENT, **ADULT)]))
    assert desk.deliver(message).one(RoutingReviewOpened).candidates == (KENT,)
    assert desk.deliver(name_home(message.referral_id, KENT)).one(CaseDisseminated).referral is not None


@pytest.mark.parametrize(
    ("given", "adult"),
    [
        ({}, False),
        ({"age_at_report": 17}, False),
        ({"age_at_report": 18}, True),
        ({"age_at_offence": 17}, True),
        ({"age_at_offence": 10}, False),
        ({"identity": NamedWithConsent(name="x", consented_on=NOW.date(), date_of_birth=date(2008, 11, 23))}, True),
        ({"identity": NamedWithConsent(name="x", consented_on=NOW.date(), date_of_birth=date(2008, 11, 24))}, False),
        (
            {
                "identity": NamedWithConsent(name="x", consented_on=NOW.date(), date_of_birth=date(2010, 1, 1)),
                "age_at_report": 40,
            },
            False,
        ),
    ],
)
def test_somebody_is_an_adult_only_where_that_is_certain(desk: Desk, given: dict[str, object], adult: bool) -> None:
    victim = person("V1", lives=KENT).model_copy(update=given)
    told = referral([ONLINE], [victim], offence_period=OffencePeriod(last_on=date(2024, 1, 1)))
    assert (desk.deliver(accepted(told)).kinds() == ["RoutingReviewOpened"]) is adult


days = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1))


@given(born=days, said_on=days, ended_on=days, today=days)
def test_whoever_the_rules_take_for_an_adult_is_one(born: date, said_on: date, ended_on: date, today: date) -> None:
    def age(on: date) -> int:
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day))

    ended_on = max(born, min(ended_on, said_on))
    told = SaidAt(said_on, ended_on)
    if not 0 <= age(ended_on) <= age(said_on) <= 120 or today < said_on:
        return
    for field, on in (("age_at_report", said_on), ("age_at_offence", ended_on)):
        latest = born_by(person("V1", **{field: age(on)}), told)
        assert latest is not None
        assert latest >= born
        assert later(latest, 18) > today or age(today) >= 18
        assert earlier(later(born, 18), 18) >= born


# A suspect who belongs to a police force


def test_no_rule_sends_a_case_to_its_suspects_force_or_makes_it_home(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT), place("L2", KENT), place("L3", ESSEX)], [police()]))
    outbox = desk.deliver(message)
    assert outbox.to(KENT) == []
    restricted = outbox.one(CaseRestricted)
    assert (restricted.kept_from, restricted.immediate_danger) == ((KENT,), False)
    routed = outbox.one(CaseRouted)
    assert (routed.home_force, routed.interim_safeguarding_owner, routed.forces) == (None, ESSEX, (ESSEX,))
    assert outbox.one(CaseDisseminated).not_to_be_told == (KENT,)
    assert outbox.one(RoutingReviewOpened).candidates == (ESSEX,)


def test_another_force_leads_by_rule_where_it_would_have_led_anyway(desk: Desk) -> None:
    told = referral([place("L1", KENT), place("L2", ESSEX), place("L3", ESSEX)], [police()])
    outbox = desk.deliver(accepted(told))
    assert outbox.one(CaseRouted).home_force == ESSEX
    assert outbox.to(KENT) == []


def test_in_danger_the_hub_hears_at_once_and_the_other_forces_get_their_part(desk: Desk) -> None:
    told = in_danger(place("L1", KENT), place("L2", ESSEX), place("L3", SURREY), persons=(police(),))
    outbox = desk.deliver(danger(told, uuid7()))
    assert outbox.one(CaseRestricted).immediate_danger
    assert outbox.one(CaseRouted).forces == (ESSEX, SURREY)
    assert outbox.to(KENT) == []


def test_where_the_suspects_force_is_not_known_no_rule_sends_the_case_to_any(desk: Desk) -> None:
    for unknown in (None, "no-such-force"):
        message = accepted(referral([place("L1", KENT), place("L2", ESSEX)], [police(unknown)]))
        outbox = desk.deliver(message)
        assert outbox.kinds() == ["CaseRestricted", "RoutingReviewOpened"]
        assert outbox.one(CaseRestricted).kept_from == ()
        found = desk.deliver(to_standards(message.referral_id, KENT))
        assert found.one(CaseRouted).forces == (ESSEX,)
        assert found.to(KENT) == []


def test_a_suspect_named_later_ends_what_the_force_is_told_and_its_lead(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT), place("L2", KENT), place("L3", ESSEX)]))
    desk.deliver(message, acknowledged(message.referral_id, KENT), acknowledged(message.referral_id, ESSEX))
    assert desk.case(message.referral_id).state is CaseState.HANDED_OVER
    outbox = desk.deliver(informed(message.referral_id, supplement(persons=[police()], immediate_danger=True)))
    assert outbox.to(KENT) == []
    assert outbox.one(CaseRestricted).immediate_danger
    case = desk.case(message.referral_id)
    assert (case.home_force, case.interim_owner, case.state) == (None, ESSEX, CaseState.OPEN)
    more = desk.deliver(informed(message.referral_id, supplement(place("M1", KENT), text="more")))
    assert more.to(KENT) == []
    assert [type(each) for each in more.to(ESSEX)] == [InformationDisseminated]
    closed = desk.deliver(stand_down(message.referral_id, KENT))
    assert closed.kinds(KENT) == ["HandoffClosed"]


def test_danger_told_of_a_restricted_case_is_told_to_the_hub_again(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT), place("L2", ESSEX)], [police()]))
    desk.deliver(message)
    later_on = desk.deliver(informed(message.referral_id, supplement(immediate_danger=True)))
    assert later_on.one(CaseRestricted).immediate_danger


def test_an_officer_takes_it_to_professional_standards_first(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT)], [police()]))
    desk.deliver(message)
    for unaware in (name_home(message.referral_id, KENT), accepted(message.referral, home_force=KENT)):
        assert desk.deliver(unaware).to(KENT) == []
    assert desk.deliver(name_home(message.referral_id, KENT)).one(CommandIgnored).code == "kept_from_force"
    outbox = desk.deliver(to_standards(message.referral_id, KENT))
    assert outbox.one(ProfessionalStandardsInformed).force_id == KENT
    assert outbox.to(KENT) == []
    assert desk.deliver(to_standards(message.referral_id, KENT)).one(CommandIgnored).code == "standards_told_already"
    assert desk.deliver(name_home(message.referral_id, KENT)).one(CaseDisseminated).force_id == KENT
    desk.deliver(acknowledged(message.referral_id, KENT))
    assert desk.case(message.referral_id).state is CaseState.HANDED_OVER


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (lambda referral_id: to_standards(referral_id, SUSSEX), "not_kept_from"),
        (lambda referral_id: to_standards(referral_id, "no-such-force"), "force_unknown"),
        (lambda referral_id: reroute(referral_id, ESSEX, KENT), "kept_from_force"),
    ],
)
def test_a_command_that_does_not_fit_a_restricted_case_is_answered(desk: Desk, message: object, code: str) -> None:
    told = accepted(referral([place("L1", KENT), place("L2", ESSEX)], [police()]))
    desk.deliver(told)
    assert desk.deliver(message(told.referral_id)).one(CommandIgnored).code == code  # type: ignore[operator]


def test_a_case_without_a_police_suspect_has_nothing_to_take_to_professional_standards(desk: Desk) -> None:
    told = accepted(referral([place("L1", KENT)]))
    desk.deliver(told)
    assert desk.deliver(to_standards(told.referral_id, KENT)).one(CommandIgnored).code == "not_restricted"


def test_a_force_cannot_suggest_the_suspects_own(desk: Desk) -> None:
    told = accepted(referral([place("L1", ESSEX), place("L2", ESSEX), place("L3", KENT)], [police()]))
    desk.deliver(told)
    outbox = desk.deliver(declined(told.referral_id, ESSEX, KENT))
    assert outbox.to(KENT) == []
    assert RoutingReviewReason.SUGGESTION_NOT_USABLE in outbox.one(RoutingReviewOpened).reasons


def test_the_suspects_own_force_has_no_say_in_where_the_case_goes(desk: Desk) -> None:
    told = accepted(referral([place("L1", KENT), place("L2", ESSEX), place("L3", ESSEX)]))
    desk.deliver(told)
    desk.deliver(informed(told.referral_id, supplement(persons=[police()])))
    outbox = desk.deliver(declined(told.referral_id, KENT, SURREY))
    assert outbox.to(SURREY) == []
    assert outbox.one(RoutingReviewOpened).reasons == (RoutingReviewReason.SUGGESTION_NOT_USABLE,)


def test_a_suspects_force_that_becomes_known_later_leads_no_more_and_gets_no_attachment(desk: Desk) -> None:
    told = accepted(referral([place("L1", KENT), place("L2", KENT), place("L3", ESSEX)]))
    desk.deliver(told, attached(told.referral_id))
    desk.deliver(informed(told.referral_id, supplement(persons=[police(None)])))
    assert desk.case(told.referral_id).home_force == KENT
    outbox = desk.deliver(to_standards(told.referral_id, KENT))
    assert outbox.one(AttachmentClosed).force_id == KENT
    assert desk.case(told.referral_id).home_force is None
    assert outbox.one(RoutingReviewOpened).candidates == (ESSEX,)
    later_on = desk.deliver(attached(told.referral_id))
    assert (later_on.to(KENT), desk.case(told.referral_id).interim_owner) == ([], ESSEX)


@pytest.mark.parametrize("answered", [False, True])
def test_nobody_chases_the_suspects_own_force_until_an_officer_lets_it_in(desk: Desk, answered: bool) -> None:
    told = accepted(referral([place("L1", KENT), place("L2", ESSEX), place("L3", ESSEX)]))
    desk.deliver(told)
    desk.deliver(informed(told.referral_id, supplement(persons=[police()], immediate_danger=True)))
    if answered:
        desk.deliver(received(told.referral_id, KENT))
    for _ in range(9):
        assert desk.wait(100_000).to(KENT) == []
    desk.deliver(to_standards(told.referral_id, KENT))
    desk.deliver(name_home(told.referral_id, KENT))
    assert [type(each) for each in desk.wait(100_000).to(KENT)] == [HandoffChased]


LETS_IN = [
    pytest.param(lambda referral_id: name_home(referral_id, KENT), id="as home force"),
    pytest.param(lambda referral_id: reroute(referral_id, ESSEX, KENT), id="in the place of another"),
]


def kept_from(*told: Recorder) -> set[str]:
    """The forces that somebody who reads all that routing says keeps the case from, as notification does."""
    kept: set[str] = set()
    for fact in (fact for outbox in told for fact in outbox.facts()):
        if isinstance(fact, CaseRestricted):
            kept |= {*fact.kept_from}
        elif isinstance(fact, CaseRouted):
            kept -= {*fact.added, *fact.again}
        elif isinstance(fact, HomeForceNamed):
            kept.discard(fact.home_force)
    return kept


@pytest.mark.parametrize("let_in", LETS_IN)
@pytest.mark.parametrize("answer", [None, received, acknowledged], ids=["unheard", "received", "acknowledged"])
@pytest.mark.parametrize("held", [False, True], ids=["with nothing yet", "with a part from before"])
def test_a_force_that_an_officer_let_in_is_kept_from_the_case_no_more(
    desk: Desk, let_in: Callable[[UUID], Message], answer: Callable[..., Message] | None, held: bool
) -> None:
    """Whoever reads what routing says knows of it, also when danger is told of afterwards."""
    places, persons = [place("L1", KENT), place("L2", ESSEX), place("L3", ESSEX), place("L4", SURREY)], [police()]
    told = accepted(referral(places, () if held else persons))
    said = [desk.deliver(told)]
    if held:
        said += [desk.deliver(answer(told.referral_id, KENT))] if answer else []
        said += [desk.deliver(informed(told.referral_id, supplement(persons=persons)))]
    said += [desk.deliver(to_standards(told.referral_id, KENT))]
    assert kept_from(*said) == {KENT}
    said += [desk.deliver(let_in(told.referral_id))]
    assert CaseDisseminated in [type(each) for each in said[-1].to(KENT)]
    assert kept_from(*said) == set()
    said += [desk.deliver(informed(told.referral_id, supplement(immediate_danger=True)))]
    assert said[-1].to(KENT) != []
    assert kept_from(*said) == set()


def test_who_is_let_in_leaves_the_others_kept_from_it(desk: Desk) -> None:
    told = accepted(referral([place("L1", KENT), place("L2", ESSEX)], [police(), police(SURREY, "S2")]))
    desk.deliver(told, to_standards(told.referral_id, KENT), name_home(told.referral_id, KENT))
    later_on = desk.deliver(informed(told.referral_id, supplement(immediate_danger=True)))
    assert later_on.one(CaseRestricted).kept_from == (SURREY,)


def test_a_receipt_passes_on_the_duty_that_an_earlier_release_gave_to_a_special_force(desk: Desk) -> None:
    tied = [place("L1", KENT, kind=PlaceKind.RAILWAY), place("L2", ESSEX, kind=PlaceKind.RAILWAY)]
    told = accepted(referral(tied))
    desk.deliver(told)
    desk.case(told.referral_id).interim_owner = BTP
    assert desk.deliver(received(told.referral_id, KENT)).one(CaseRouted).interim_safeguarding_owner == ESSEX


# Danger told of after a decline


def test_danger_after_a_decline_goes_at_once_to_whoever_must_act_where_nobody_has_the_case(desk: Desk) -> None:
    referral_id = uuid7()
    assert desk.deliver(danger(in_danger(), referral_id)).to(KENT) == []
    desk.deliver(triage_declined(referral_id))
    outbox = desk.deliver(informed(referral_id, supplement(place("M1", KENT), immediate_danger=True)))
    copy = outbox.one(CaseDisseminated)
    assert (copy.force_id, copy.home_force, copy.immediate_danger, copy.provisional) == (KENT, KENT, True, True)


def test_danger_after_a_decline_goes_at_once_to_where_the_child_is_now(desk: Desk) -> None:
    referral_id = uuid7()
    desk.deliver(danger(in_danger(place("L1", KENT), persons=(person("V1", "L1"),)), referral_id))
    desk.deliver(triage_declined(referral_id))
    moved = supplement(persons=[person("V1", now_in=ESSEX)], corrects=True, immediate_danger=True)
    assert desk.deliver(informed(referral_id, moved)).one(CaseRouted).forces == (ESSEX, KENT)


def test_the_suspects_force_may_be_a_special_one(desk: Desk) -> None:
    told = referral([place("L1", KENT, kind=PlaceKind.RAILWAY)], [police(BTP)])
    outbox = desk.deliver(accepted(told))
    assert (outbox.one(CaseRouted).home_force, outbox.one(CaseRouted).forces) == (KENT, (KENT,))


def test_the_present_district_of_a_child_may_have_a_former_code(desk: Desk) -> None:
    child = person("V1").model_copy(update={"present_district_code": "E07000097"})
    assert desk.deliver(accepted(referral([ONLINE], [child]))).one(CaseDisseminated).force_id == "hertfordshire"
    assert district("hertfordshire")
