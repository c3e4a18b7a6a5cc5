"""An officer says which force looks after the child while nobody leads."""

from uuid import UUID

import pytest

from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Role
from conduit_contracts.routing import CaseDisseminated, CaseRouted, CommandIgnored, InterimOwnerNamed, RoutingReviewReason
from services.routing.tests.builders import (
    OFFICER,
    Desk,
    Recorder,
    accepted,
    acknowledged,
    by_telephone,
    danger,
    declined,
    name_home,
    name_interim,
    person,
    place,
    referral,
    stand_down,
    triage_declined,
)

KENT, ESSEX, SURREY, BTP = "kent", "essex", "surrey", "btp"


def tied(desk: Desk) -> tuple[UUID, str, str]:
    """A case of two forces that nobody leads: who looks after the child, and who does not."""
    message = accepted(referral((place("L1", KENT), place("L2", ESSEX))))
    desk.deliver(message)
    case = desk.case(message.referral_id)
    assert case.home_force is None
    assert case.interim_owner is not None
    return message.referral_id, case.interim_owner, next(each for each in case.active if each != case.interim_owner)


def ignored(outbox: Recorder) -> str:
    (told,) = outbox.facts()
    assert isinstance(told, CommandIgnored)
    return told.code


def test_where_nobody_has_taken_the_case_the_duty_passes_at_once_and_who_leads_stays_asked(desk: Desk) -> None:
    referral_id, _, other = tied(desk)
    outbox = desk.deliver(name_interim(referral_id, other))
    named = outbox.one(InterimOwnerNamed)
    assert (named.force_id, named.officer_id, named.reason) == (other, OFFICER, "canary-reason")
    assert outbox.one(CaseRouted).interim_safeguarding_owner == other
    assert outbox.one(CaseDisseminated).because == "interim_owner"
    case = desk.case(referral_id)
    assert (case.interim_owner, case.home_force) == (other, None)
    assert [review.reason for review in case.open_reviews()] == [RoutingReviewReason.TIE]
    assert desk.wait(60).sent == []
    assert desk.case(referral_id).interim_owner == other


def test_a_force_without_a_part_gets_the_case(desk: Desk) -> None:
    referral_id, _, _ = tied(desk)
    outbox = desk.deliver(name_interim(referral_id, SURREY))
    assert outbox.one(CaseRouted).added == (SURREY,)
    assert [type(each) for each in outbox.to(SURREY)] == [CaseDisseminated]
    assert desk.case(referral_id).interim_owner == SURREY


@pytest.mark.parametrize("by", [acknowledged, by_telephone])
def test_from_a_force_that_took_the_case_the_duty_passes_once_the_named_one_has_taken_it(desk: Desk, by: object) -> None:
    referral_id, owner, other = tied(desk)
    desk.deliver(acknowledged(referral_id, owner))
    assert desk.deliver(name_interim(referral_id, other)).kinds() == ["InterimOwnerNamed"]
    assert desk.case(referral_id).interim_owner == owner
    outbox = desk.deliver(by(referral_id, other))  # type: ignore[operator]
    assert outbox.one(CaseRouted).interim_safeguarding_owner == other
    assert desk.case(referral_id).interim_owner == other


def test_from_a_force_that_gave_it_back_too(desk: Desk) -> None:
    referral_id, owner, other = tied(desk)
    desk.deliver(declined(referral_id, owner), name_interim(referral_id, other))
    assert desk.case(referral_id).interim_owner == owner
    desk.deliver(acknowledged(referral_id, other))
    assert desk.case(referral_id).interim_owner == other


def test_it_holds_until_a_home_force_has_acknowledged(desk: Desk) -> None:
    referral_id, owner, other = tied(desk)
    desk.deliver(name_interim(referral_id, other), acknowledged(referral_id, other))
    desk.deliver(name_home(referral_id, owner))
    assert desk.case(referral_id).interim_owner == other
    desk.deliver(acknowledged(referral_id, owner))
    assert desk.case(referral_id).interim_owner == owner


def test_a_named_force_whose_part_ends_looks_after_nobody(desk: Desk) -> None:
    referral_id, owner, other = tied(desk)
    desk.deliver(name_interim(referral_id, other), stand_down(referral_id, other))
    assert desk.case(referral_id).interim_owner == owner


def test_where_no_force_may_have_the_case_by_rule_the_named_one_has_it(desk: Desk) -> None:
    message = accepted(referral())
    desk.deliver(message)
    assert desk.case(message.referral_id).interim_owner is None
    outbox = desk.deliver(name_interim(message.referral_id, KENT))
    assert outbox.one(CaseRouted).interim_safeguarding_owner == KENT
    assert outbox.one(CaseDisseminated).referral is not None, "nobody else has it, so it gets the whole"


def test_no_special_force_beside_one_with_an_area(desk: Desk) -> None:
    referral_id, _, _ = tied(desk)
    assert ignored(desk.deliver(name_interim(referral_id, BTP))) == "cannot_be_home"


def test_no_force_that_the_case_is_kept_from(desk: Desk) -> None:
    suspect = person("S1", role=Role.SUSPECT, suspect_is_police=True, suspect_force_id=SURREY)
    message = accepted(referral((place("L1", KENT), place("L2", ESSEX)), [suspect]))
    desk.deliver(message)
    assert ignored(desk.deliver(name_interim(message.referral_id, SURREY))) == "kept_from_force"


def test_naming_that_does_not_fit_changes_nothing(desk: Desk) -> None:
    referral_id, owner, other = tied(desk)
    assert ignored(desk.deliver(name_interim(referral_id, "no-such-force"))) == "force_unknown"
    assert ignored(desk.deliver(name_interim(referral_id, owner))) == "already_interim_owner"
    desk.deliver(name_interim(referral_id, other))
    assert ignored(desk.deliver(name_interim(referral_id, other))) == "already_named"
    desk.deliver(name_interim(referral_id, owner))
    assert desk.case(referral_id).interim_owner == owner, "an officer may take their word back"
    desk.deliver(name_home(referral_id, owner))
    assert ignored(desk.deliver(name_interim(referral_id, other))) == "home_force_settled"
    told, provisional = referral((place("L1", KENT), place("L2", ESSEX)), immediate_danger=True), uuid7()
    desk.deliver(danger(told, provisional), triage_declined(provisional))
    assert ignored(desk.deliver(name_interim(provisional, ESSEX))) == "triage_declined"
