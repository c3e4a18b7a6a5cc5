"""A partner says later that a child is in danger, or that it is more urgent: in every state that the referral may be in."""

from datetime import timedelta
from typing import Any

from conduit_contracts.referral import Role, Urgency
from conduit_contracts.triage import ReviewReason
from conduit_triage import acts, rules
from conduit_triage.cases import State
from services.triage.tests.builders import (
    NOW,
    Desk,
    accepting,
    asking,
    complex_referral,
    declining,
    names,
    persons,
    received,
    reconsideration,
    supplied,
    withdrawn,
)


def test_danger_said_while_a_person_has_still_to_decide_goes_to_the_home_force_with_all_that_was_added(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(supplied(referral_id, text="Synthetic: before."))
    raised, sooner = desk.take(supplied(referral_id, text="Synthetic: now.", immediate_danger=True))
    assert names([raised, sooner]) == ["ImmediateDangerRaised", "ReviewRaised"]
    assert [added.text for added in raised.supplements] == ["Synthetic: before.", "Synthetic: now."]
    assert desk.story(referral_id)[-2:] == [
        ("rules", "danger_raised", "immediate_danger"),
        ("rules", "review_raised", "immediate_danger"),
    ]


def test_danger_said_later_puts_the_review_at_the_head_of_the_queue_under_the_clock_of_danger(desk: Desk) -> None:
    waiting, raised = desk.open(urgency=Urgency.URGENT), desk.open(urgency=Urgency.ROUTINE)
    desk.take(supplied(raised, immediate_danger=True))
    review, other = desk.case(raised).review, desk.case(waiting).review
    assert review is not None
    assert other is not None
    assert review.reasons[0] is ReviewReason.IMMEDIATE_DANGER
    assert review.due_at == NOW + timedelta(seconds=900)
    assert rules.queue_key(review, raised) < rules.queue_key(other, waiting)


def test_from_then_on_everything_added_goes_on_and_an_acceptance_holds_all_of_it(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(supplied(referral_id, immediate_danger=True))
    assert names(desk.take(supplied(referral_id, text="Synthetic: more."))) == ["InformationForwarded"]
    (accepted,) = desk.take(accepting(referral_id))
    assert len(accepted.supplements) == 2


def test_danger_that_also_makes_a_counted_ground_hold_is_raised_before_the_acceptance(desk: Desk) -> None:
    referral_id = desk.open()
    published = desk.take(supplied(referral_id, immediate_danger=True, persons=persons(Role.VICTIM, 1, 2, 3, 4, 5)))
    assert names(published) == ["ImmediateDangerRaised", "ReviewRaised", "ReferralAccepted"]


def test_danger_in_an_answer_to_a_question_is_raised_as_well(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(asking(referral_id))
    assert names(desk.take(supplied(referral_id, immediate_danger=True))) == ["ImmediateDangerRaised", "ReviewRaised"]


def test_danger_of_a_case_that_forces_have_goes_on_to_them(desk: Desk) -> None:
    message = received(complex_referral())
    desk.take(message)
    (forwarded,) = desk.take(supplied(message.referral_id, immediate_danger=True))
    assert forwarded.supplement.immediate_danger
    assert desk.case(message.referral_id).state is State.ACCEPTED


def test_danger_said_after_a_decline_is_raised_and_put_before_a_second_officer(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id, "a.officer"))
    raised, opened = desk.take(supplied(referral_id, immediate_danger=True))
    assert names([raised, opened]) == ["ImmediateDangerRaised", "ReviewOpened"]
    assert (opened.reasons, opened.immediate_danger) == ((ReviewReason.IMMEDIATE_DANGER,), True)
    assert opened.due_at == NOW + timedelta(seconds=900)
    assert names(desk.take(accepting(referral_id, "a.officer"))) == ["CommandIgnored"]
    assert names(desk.take(accepting(referral_id, "b.officer"))) == ["ReferralAccepted"]


def test_danger_said_after_the_second_look_declined_is_looked_at_once_more(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id, "a.officer"))
    desk.take(reconsideration(referral_id))
    desk.take(declining(referral_id, "b.officer"))
    assert names(desk.take(supplied(referral_id, immediate_danger=True))) == ["ImmediateDangerRaised", "ReviewOpened"]
    (declined,) = desk.take(declining(referral_id, "a.officer"))
    assert not declined.reconsideration_open


def test_danger_said_again_after_a_decline_goes_to_the_force_and_before_a_person_again(desk: Desk) -> None:
    referral_id = desk.open(immediate_danger=True)
    desk.take(declining(referral_id, "a.officer"))
    assert names(desk.take(supplied(referral_id, immediate_danger=True))) == ["InformationForwarded", "ReviewOpened"]


def test_danger_that_came_to_be_known_counts_in_a_second_look(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(supplied(referral_id, immediate_danger=True))
    desk.take(declining(referral_id))
    (opened,) = desk.take(reconsideration(referral_id))
    assert opened.reasons == (ReviewReason.IMMEDIATE_DANGER, ReviewReason.RECONSIDERATION)
    assert opened.immediate_danger


def test_the_end_of_danger_and_less_urgency_change_no_review_and_open_none(desk: Desk) -> None:
    calmer: dict[str, Any] = {"immediate_danger": False, "urgency": Urgency.ROUTINE}
    referral_id = desk.open(immediate_danger=True, urgency=Urgency.URGENT)
    before = desk.case(referral_id).review
    assert names(desk.take(supplied(referral_id, **calmer))) == ["InformationForwarded"]
    assert desk.case(referral_id).review == before
    desk.take(declining(referral_id))
    assert names(desk.take(supplied(referral_id, **calmer))) == ["InformationForwarded"]


def test_more_urgency_moves_the_review_and_sends_nothing_to_any_force(desk: Desk) -> None:
    referral_id = desk.open(urgency=Urgency.ROUTINE)
    (raised,) = desk.take(supplied(referral_id, urgency=Urgency.URGENT))
    review = desk.case(referral_id).review
    assert review is not None
    assert (review.urgency, review.due_at) == (Urgency.URGENT, NOW + timedelta(seconds=14_400))
    assert names([raised]) == ["ReviewRaised"]
    assert (raised.urgency, raised.due_at, raised.reasons) == (review.urgency, review.due_at, review.reasons)
    assert desk.take(supplied(referral_id, urgency=Urgency.ROUTINE)) == [], "less urgent raises nothing"


def test_a_withdrawn_referral_is_not_raised(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(withdrawn(referral_id))
    assert desk.take(supplied(referral_id, immediate_danger=True)) == []


def test_the_same_record_again_raises_nothing_twice(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id))
    said = supplied(referral_id, immediate_danger=True)
    assert len(desk.take(said, event_id="said-once")) == 2
    assert desk.take(said, event_id="said-once") == []
    assert desk.case(referral_id).rounds == 2


def test_what_does_not_fit_beside_the_referral_follows_it(desk: Desk, monkeypatch: Any) -> None:
    referral_id = desk.open()
    desk.take(supplied(referral_id, text="Synthetic: before."))
    monkeypatch.setattr(acts, "MOST_BYTES", len(desk.case(referral_id).body) + 10)
    published = desk.take(supplied(referral_id, text="Synthetic: now.", immediate_danger=True))
    assert names(published) == ["ImmediateDangerRaised", "InformationForwarded", "InformationForwarded", "ReviewRaised"]
    assert published[0].supplements == ()
    assert [each.supplement.text for each in published[1:3]] == ["Synthetic: before.", "Synthetic: now."]
