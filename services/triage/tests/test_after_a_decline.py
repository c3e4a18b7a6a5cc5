"""Once a person has declined, only a person accepts; whoever says danger is heard all the same."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_contracts.referral import Person, Pseudonymous, Role
from conduit_contracts.triage import ByOfficer, ReferralAccepted, ReferralDeclined
from conduit_triage.policy import TriagePolicy
from services.triage.tests import strategies
from services.triage.tests.builders import (
    Desk,
    accepting,
    asking,
    declining,
    names,
    received,
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(sent=strategies.referrals, data=st.data())
def test_whatever_happens_after_a_decline_no_rule_accepts(policy: TriagePolicy, sent: Any, data: st.DataObject) -> None:
    desk, message = Desk(policy), received(sent)
    published = desk.take(message)
    referral_id = message.referral_id
    officers = st.sampled_from(["a.officer", "b.officer", "c.officer"])
    added = st.builds(
        lambda told, danger, persons: supplied(referral_id, persons=persons or told.persons, immediate_danger=danger),
        strategies.supplements,
        st.sampled_from([None, True]),
        st.sampled_from([(), FIVE]),
    )
    steps = st.one_of(
        added,
        officers.map(lambda officer: declining(referral_id, officer)),
        officers.map(lambda officer: asking(referral_id, officer)),
        st.just(reconsideration(referral_id)),
        st.just(withdrawn(referral_id)),
    )
    declined = False
    for step in data.draw(st.lists(steps, min_size=2, max_size=8)):
        published = desk.take(step)
        accepted = [each for each in published if isinstance(each, ReferralAccepted)]
        assert not (declined and accepted), "a rule accepted what a person had declined"
        declined = declined or any(isinstance(each, ReferralDeclined) for each in published)


@pytest.mark.parametrize("danger", [False, True])
def test_before_any_decline_the_rules_still_accept(desk: Desk, danger: bool) -> None:
    referral_id = desk.open()
    assert names(desk.take(supplied(referral_id, persons=FIVE, immediate_danger=danger or None)))[-1] == "ReferralAccepted"
