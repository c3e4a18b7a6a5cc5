"""Once a person has declined, only a person accepts; whoever says danger is heard all the same."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_contracts.referral import Person, Pseudonymous, Role
from conduit_contracts.triage import ByOfficer, ReferralAccepted
from conduit_triage.policy import TriagePolicy
from services.triage.tests import strategies
from services.triage.tests.builders import (
    Desk,
    accepting,
    asking,
    declining,
    names,
    reconsideration,
    supplied,
    withdrawn,
)

FIVE = tuple(
    Person(person_id=f"V{number}", role=Role.VICTIM, identity=Pseudonymous(pseudonym=f"Synthetic {number}"))
    for number in range(5)
)


def test_five_victims_told_of_during_a_second_look_are_put_before_the_second_officer(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id))
    desk.take(reconsideration(referral_id))
    assert desk.take(supplied(referral_id, persons=FIVE)) == []
    (accepted,) = desk.take(accepting(referral_id, "b.officer"))
    assert accepted.decided_by == ByOfficer(officer_id="b.officer")


def test_danger_with_five_victims_after_a_decline_goes_to_the_force_at_once_and_before_a_person(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id))
    published = desk.take(supplied(referral_id, persons=FIVE, immediate_danger=True))
    assert names(published) == ["ImmediateDangerRaised", "ReviewOpened"]
    assert desk.case(referral_id).review is not None


OFFICERS = st.sampled_from(["a.officer", "b.officer", "c.officer"])


def steps(referral_id: UUID) -> st.SearchStrategy[Any]:
    """What partners and officers may do with a referral."""
    added = st.builds(
        lambda told, danger, persons: supplied(referral_id, persons=persons or told.persons, immediate_danger=danger),
        strategies.supplements,
        st.sampled_from([None, True]),
        st.sampled_from([(), FIVE]),
    )
    return st.one_of(
        added,
        OFFICERS.map(lambda officer: declining(referral_id, officer)),
        OFFICERS.map(lambda officer: asking(referral_id, officer)),
        st.just(reconsideration(referral_id)),
        st.just(withdrawn(referral_id)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_happens_after_a_decline_no_rule_accepts(policy: TriagePolicy, data: st.DataObject) -> None:
    desk = Desk(policy)
    referral_id = desk.open()
    desk.take(declining(referral_id))
    for step in data.draw(st.lists(steps(referral_id), min_size=1, max_size=6)):
        assert not any(isinstance(each, ReferralAccepted) for each in desk.take(step))


@pytest.mark.parametrize("danger", [False, True])
def test_before_any_decline_the_rules_still_accept(desk: Desk, danger: bool) -> None:
    referral_id = desk.open()
    assert names(desk.take(supplied(referral_id, persons=FIVE, immediate_danger=danger or None)))[-1] == "ReferralAccepted"
