"""What triage publishes and remembers for each record, in every state it may come in."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_chassis.dispatch import ignore
from conduit_chassis.testing import signed
from conduit_contracts import intake, topics
from conduit_contracts.geography import force_areas
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Concern, Ground, Numbers, Referral, Role
from conduit_contracts.triage import AssessedGround, ByOfficer, ByRules, DeclineReason, ReviewReason
from conduit_triage import acts
from conduit_triage.cases import State
from conduit_triage.handlers import HANDLERS
from conduit_triage.policy import TriagePolicy
from services.triage.tests import strategies
from services.triage.tests.builders import (
    LEEDS,
    NATURE,
    NOW,
    READER,
    Desk,
    accepting,
    as_record,
    asking,
    complex_referral,
    declining,
    names,
    persons,
    places,
    received,
    reconsideration,
    referral,
    supplied,
    withdrawn,
)


def test_a_referral_that_plainly_qualifies_is_accepted_by_the_rules(desk: Desk) -> None:
    message = received(complex_referral())
    (accepted,) = desk.take(message)
    assert names([accepted]) == ["ReferralAccepted"]
    assert accepted.referral == message.referral
    assert (accepted.decided_by, accepted.grounds) == (ByRules(), (Ground.NUMBER_OF_VICTIMS,))
    assert accepted.policy_version == "2026-11-30"
    assert desk.story(message.referral_id) == [("rules", "accepted", "number_of_victims")]


def test_everything_else_waits_for_a_named_officer(desk: Desk) -> None:
    message = received(claims=(NATURE,))
    (opened,) = desk.take(message)
    assert opened.reasons == (ReviewReason.NATURE_CLAIMED, ReviewReason.BELOW_EVERY_THRESHOLD)
    assert opened.due_at == message.received_at + timedelta(days=1)
    assert desk.story(message.referral_id) == [("rules", "review_opened", "nature_claimed below_every_threshold")]


def test_the_officer_is_told_what_was_counted_of_each_ground_met_or_not(desk: Desk) -> None:
    message = received(numbers=Numbers(victims_known=4, suspects_known=2))
    (opened,) = desk.take(message)
    counted = [(each.ground, each.known, each.at_least) for each in opened.assessment.grounds]
    assert counted == [
        (Ground.NUMBER_OF_VICTIMS, 4, desk.work.policy.victims_at_least),
        (Ground.NUMBER_OF_SUSPECTS, 2, desk.work.policy.suspects_at_least),
        (Ground.NUMBER_OF_FORCE_AREAS, len(force_areas(message.referral.places)), desk.work.policy.force_areas_at_least),
    ]
    desk.take(declining(message.referral_id))
    desk.take(supplied(message.referral_id, numbers=Numbers(victims_known=7, suspects_known=2)))
    (again,) = desk.take(reconsideration(message.referral_id))
    assert again.assessment.grounds[0].known == 7, "with what was added since"


def test_what_rules_accept_says_what_was_counted_and_what_an_officer_accepts_does_not_say_it_again(desk: Desk) -> None:
    (told,) = desk.take(received(numbers=Numbers(victims_known=9, suspects_known=2)))
    assert told.assessment.grounds[0] == AssessedGround(
        ground=Ground.NUMBER_OF_VICTIMS, known=9, at_least=desk.work.policy.victims_at_least
    )
    assert len(told.assessment.grounds) == 3, "met or not"
    by_officer, later = received(claims=(NATURE,)), received(numbers=Numbers(victims_known=1, suspects_known=1))
    desk.take(by_officer)
    (told,) = desk.take(accepting(by_officer.referral_id))
    assert told.assessment is None
    desk.take(later)
    (told,) = desk.take(supplied(later.referral_id, numbers=Numbers(victims_known=9, suspects_known=1)))
    assert told.assessment.grounds[0].known == 9, "with what was added"


def test_danger_without_an_agreement_in_force_goes_to_the_force_at_once_and_to_a_person_never_to_the_rules(
    desk: Desk,
) -> None:
    plain = received(immediate_danger=True, numbers=Numbers(victims_known=9, suspects_known=1))
    lapsed = plain.model_copy(update={"mou_lapsed": True})
    found = [type(event).__name__ for event in desk.take(lapsed)]
    assert found == ["ImmediateDangerRaised", "ReviewOpened"]


@settings(max_examples=60, deadline=None)
@given(sent=strategies.referrals, added=st.lists(strategies.supplements, max_size=4))
def test_without_an_agreement_in_force_no_rule_ever_accepts_whatever_is_added(
    policy: TriagePolicy, sent: Referral, added: list[Any]
) -> None:
    desk = Desk(policy)
    lapsed = received(sent.model_copy(update={"immediate_danger": True})).model_copy(update={"mou_lapsed": True})
    published = desk.take(lapsed)
    for each in (*added, supplied(lapsed.referral_id, persons=persons(Role.VICTIM, *range(1, 10))).supplement):
        published += desk.take(intake.InformationSupplied(referral_id=lapsed.referral_id, supplement=each))
    assert "ReferralAccepted" not in names(published)
    assert "ReferralAccepted" in names(desk.take(accepting(lapsed.referral_id)))


def test_immediate_danger_is_raised_before_anything_else(desk: Desk) -> None:
    message = received(complex_referral(immediate_danger=True))
    raised, accepted = desk.take(message)
    assert names([raised, accepted]) == ["ImmediateDangerRaised", "ReferralAccepted"]
    assert raised.referral == message.referral


def test_immediate_danger_also_puts_the_review_under_its_own_clock(desk: Desk) -> None:
    message = received(referral(immediate_danger=True))
    raised, opened = desk.take(message)
    assert names([raised, opened]) == ["ImmediateDangerRaised", "ReviewOpened"]
    assert opened.reasons[0] is ReviewReason.IMMEDIATE_DANGER
    assert opened.due_at == message.received_at + timedelta(minutes=15)


@settings(max_examples=150, deadline=None)
@given(sent=strategies.referrals, added=st.lists(strategies.supplements, max_size=3))
def test_whatever_partners_send_nothing_but_an_officer_declines(
    policy: TriagePolicy, sent: Referral, added: list[Any]
) -> None:
    desk = Desk(policy)
    message = received(sent)
    published = desk.take(message)
    for each in added:
        published += desk.take(intake.InformationSupplied(referral_id=message.referral_id, supplement=each))
    published += desk.take(reconsideration(message.referral_id))
    assert "ReferralDeclined" not in names(published)
    assert published
    assert desk.case(message.referral_id).state in {State.ACCEPTED, State.UNDER_REVIEW}
    assert (names(published)[0] == "ImmediateDangerRaised") == sent.immediate_danger
    forwarded = [getattr(each, "supplement", None) for each in published]
    gone_on = "ImmediateDangerRaised" in names(published) or any(each and each.immediate_danger for each in forwarded)
    assert gone_on == (sent.immediate_danger or any(each.immediate_danger for each in added))


def test_an_officer_accepts_with_grounds_a_home_force_and_what_was_added(desk: Desk) -> None:
    referral_id = desk.open(claims=(NATURE,))
    assert desk.take(supplied(referral_id, text="Synthetic: the school's name.")) == []
    grounds = (Ground.NATURE_OF_INVESTIGATION, Ground.NATURE_OF_INVESTIGATION, Ground.NUMBER_OF_VICTIMS)
    (accepted,) = desk.take(accepting(referral_id, grounds=grounds, home_force="west-yorkshire"))
    assert accepted.decided_by == ByOfficer(officer_id="a.officer")
    assert accepted.grounds == (Ground.NATURE_OF_INVESTIGATION, Ground.NUMBER_OF_VICTIMS)
    assert accepted.home_force == "west-yorkshire"
    assert [added.text for added in accepted.supplements] == ["Synthetic: the school's name."]
    assert desk.story(referral_id)[-1] == ("officer:a.officer", "accepted", "nature_of_investigation number_of_victims")


def test_a_decline_tells_the_partner_why_and_what_it_can_do_instead(desk: Desk, policy: TriagePolicy) -> None:
    referral_id = desk.open()
    (declined,) = desk.take(declining(referral_id, reason=DeclineReason.ALREADY_WITH_POLICE))
    assert declined.next_step == policy.decline_reasons[DeclineReason.ALREADY_WITH_POLICE].next_step
    assert (declined.comment, declined.reconsideration_open) == ("Synthetic reason.", True)
    assert desk.story(referral_id)[-1] == ("officer:a.officer", "declined", "already_with_police")


def test_a_question_leaves_the_review_open_and_marks_it_until_the_partner_answers(desk: Desk) -> None:
    referral_id = desk.open()
    before = desk.case(referral_id).review
    (asked,) = desk.take(asking(referral_id))
    assert (asked.question, asked.officer_id) == ("Synthetic question?", "a.officer")
    review = desk.case(referral_id).review
    assert review is not None
    assert review.waiting_for_partner
    assert desk.take(supplied(referral_id)) == []
    assert desk.case(referral_id).review == before


def test_a_second_look_is_another_officers(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id, "a.officer"))
    (opened,) = desk.take(reconsideration(referral_id))
    assert opened.reasons == (ReviewReason.RECONSIDERATION,)
    assert opened.due_at == NOW + timedelta(days=1)
    for command in (accepting(referral_id), declining(referral_id), asking(referral_id)):
        (ignored,) = desk.take(command)
        assert (names([ignored]), ignored.code) == (["CommandIgnored"], "same_officer")
    (accepted,) = desk.take(accepting(referral_id, "b.officer"))
    assert accepted.decided_by == ByOfficer(officer_id="b.officer")


def test_a_second_look_is_due_from_when_the_partner_asked(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id))
    (opened,) = desk.take(reconsideration(referral_id), time=NOW - timedelta(hours=5))
    assert opened.due_at == NOW - timedelta(hours=5) + timedelta(days=1)


def test_there_is_one_second_look_and_no_third(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id, "a.officer"))
    desk.take(reconsideration(referral_id))
    (declined,) = desk.take(declining(referral_id, "b.officer"))
    assert not declined.reconsideration_open
    (refused,) = desk.take(reconsideration(referral_id))
    assert refused.code == "second_look_already_taken"
    assert desk.story(referral_id)[-1] == ("partner:example-haven", "reconsideration_refused", "second_look_already_taken")
    assert desk.case(referral_id).state is State.DECLINED


def test_a_second_look_of_a_child_in_danger_is_at_the_head_of_the_queue_again(desk: Desk) -> None:
    referral_id = desk.open(immediate_danger=True)
    desk.take(declining(referral_id))
    (opened,) = desk.take(reconsideration(referral_id))
    assert names([opened]) == ["ReviewOpened"]
    assert opened.reasons == (ReviewReason.IMMEDIATE_DANGER, ReviewReason.RECONSIDERATION)
    assert opened.immediate_danger


@pytest.mark.parametrize("state", ["accepted", "under_review", "withdrawn"])
def test_a_reconsideration_of_what_was_not_declined_is_refused_with_a_code(desk: Desk, state: str) -> None:
    message = received(complex_referral() if state == "accepted" else None)
    desk.take(message)
    if state == "withdrawn":
        desk.take(withdrawn(message.referral_id))
    before = desk.case(message.referral_id).review
    (refused,) = desk.take(reconsideration(message.referral_id))
    assert refused.code == f"not_declined_but_{state}"
    assert desk.case(message.referral_id).review == before
    assert desk.story(message.referral_id)[-1][1:] == ("reconsideration_refused", f"not_declined_but_{state}")


@pytest.mark.parametrize(
    ("added", "ground"),
    [
        ({"persons": persons(Role.VICTIM, 2, 3, 4, 5, 6)}, Ground.NUMBER_OF_VICTIMS),
        ({"persons": persons(Role.SUSPECT, 2, 3, 4)}, Ground.NUMBER_OF_SUSPECTS),
        ({"places": places(LEEDS, "E08000025")}, Ground.NUMBER_OF_FORCE_AREAS),
    ],
)
def test_what_is_added_to_an_open_review_can_make_the_rules_accept(
    desk: Desk, added: dict[str, Any], ground: Ground
) -> None:
    referral_id = desk.open()
    (accepted,) = desk.take(supplied(referral_id, **added))
    assert (accepted.decided_by, accepted.grounds) == (ByRules(), (ground,))
    assert len(accepted.supplements) == 1
    assert desk.case(referral_id).review is None


def test_additions_count_together(desk: Desk) -> None:
    referral_id = desk.open(numbers=Numbers(victims_known=1), persons=persons(Role.VICTIM, 1))
    assert desk.take(supplied(referral_id, persons=persons(Role.VICTIM, 2, 3))) == []
    (accepted,) = desk.take(supplied(referral_id, persons=persons(Role.VICTIM, 4, 5)))
    assert len(accepted.supplements) == 2


def test_however_much_is_added_a_case_of_other_harm_stays_with_a_person(desk: Desk) -> None:
    referral_id = desk.open(concerns=(Concern.OTHER_HARM,))
    assert desk.take(supplied(referral_id, persons=persons(Role.VICTIM, *range(1, 9)))) == []
    assert desk.case(referral_id).state is State.UNDER_REVIEW


def test_information_about_an_accepted_case_goes_on_at_once(desk: Desk) -> None:
    message = received(complex_referral())
    desk.take(message)
    added = supplied(message.referral_id)
    (forwarded,) = desk.take(added)
    assert forwarded.supplement == added.supplement
    assert desk.story(message.referral_id)[-1][1:] == ("information_supplied", "forwarded")


def test_where_danger_was_raised_everything_added_goes_on_before_an_acceptance(desk: Desk) -> None:
    referral_id = desk.open(immediate_danger=True)
    assert names(desk.take(supplied(referral_id))) == ["InformationForwarded"]
    published = desk.take(supplied(referral_id, places=places(LEEDS, "E08000025")))
    assert names(published) == ["InformationForwarded", "ReferralAccepted"]
    assert len(published[1].supplements) == 2


def test_information_about_a_declined_case_is_kept_for_a_second_look_and_reopens_nothing(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(declining(referral_id))
    assert desk.take(supplied(referral_id, persons=persons(Role.VICTIM, *range(1, 9)))) == []
    assert desk.case(referral_id).state is State.DECLINED
    assert desk.story(referral_id)[-1] == ("partner:example-haven", "information_supplied", "declined")
    assert names(desk.take(reconsideration(referral_id))) == ["ReviewOpened"]
    (accepted,) = desk.take(accepting(referral_id, "b.officer"))
    assert len(accepted.supplements) == 1


def test_a_force_that_has_a_declined_case_because_of_danger_still_hears_what_is_added(desk: Desk) -> None:
    referral_id = desk.open(immediate_danger=True)
    desk.take(declining(referral_id))
    assert names(desk.take(supplied(referral_id))) == ["InformationForwarded"]


def test_a_withdrawal_before_any_force_has_the_case_closes_the_review(desk: Desk) -> None:
    referral_id = desk.open()
    assert desk.take(withdrawn(referral_id)) == []
    assert desk.case(referral_id).review is None
    assert desk.story(referral_id)[-1] == ("partner:example-haven", "withdrawn", "reported_directly_to_police")


@pytest.mark.parametrize("sent", [complex_referral(), referral(immediate_danger=True)])
def test_forces_that_have_the_case_are_told_of_a_withdrawal_once(desk: Desk, sent: Referral) -> None:
    message = received(sent)
    desk.take(message)
    (forwarded,) = desk.take(withdrawn(message.referral_id))
    assert names([forwarded]) == ["WithdrawalForwarded"]
    assert forwarded.comment == "Synthetic withdrawal."
    assert desk.take(withdrawn(message.referral_id)) == []


@pytest.mark.parametrize("sent", [complex_referral(), referral(immediate_danger=True)])
def test_information_after_a_withdrawal_is_kept_and_goes_nowhere(desk: Desk, sent: Referral) -> None:
    message = received(sent)
    desk.take(message)
    desk.take(withdrawn(message.referral_id))
    assert desk.take(supplied(message.referral_id)) == []
    assert desk.story(message.referral_id)[-1][1:] == ("information_supplied", "withdrawn")
    assert len(desk.case(message.referral_id).added) == 1


@pytest.mark.parametrize("made", [accepting, declining, asking])
def test_a_command_on_a_withdrawn_referral_changes_nothing_and_is_shown_to_the_hub(desk: Desk, made: Any) -> None:
    referral_id = desk.open()
    desk.take(withdrawn(referral_id))
    (ignored,) = desk.take(made(referral_id))
    assert (ignored.code, ignored.officer_id, ignored.partner_id) == ("withdrawn", "a.officer", "example-haven")
    assert desk.story(referral_id)[-1] == ("officer:a.officer", "command_ignored", "withdrawn")


def test_the_second_of_two_officers_hears_that_the_review_was_decided(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(accepting(referral_id, "a.officer"))
    (ignored,) = desk.take(declining(referral_id, "b.officer"))
    assert ignored.code == "already_decided"
    assert desk.case(referral_id).state is State.ACCEPTED


def test_a_reason_is_judged_by_when_the_hub_took_it_and_never_by_a_time_to_come(policy: TriagePolicy) -> None:
    the_day_before = Desk(policy, now=NOW.replace(month=10, day=31))
    message = received()
    the_day_before.take(message)
    (ignored,) = the_day_before.take(declining(message.referral_id), time=NOW)
    assert ignored.code == "reason_not_in_effect"


def test_what_an_officers_clock_says_brings_back_no_reason_that_has_ended(policy: TriagePolicy) -> None:
    terms = policy.decline_reasons["not_complex"].model_copy(update={"effective_to": NOW.date() - timedelta(days=1)})
    reasons = {**policy.decline_reasons, DeclineReason.NOT_COMPLEX: terms}
    desk = Desk(policy.model_copy(update={"decline_reasons": reasons}))
    referral_id = desk.open()
    made = as_record(declining(referral_id), time=NOW - timedelta(days=2))
    (ignored,) = desk.handle([READER.read(signed(made._replace(timestamp_ms=int(NOW.timestamp() * 1000)))).content])
    assert ignored.code == "reason_not_in_effect"
    (declined,) = desk.take(declining(referral_id), time=NOW - timedelta(days=2))
    assert declined.reason is DeclineReason.NOT_COMPLEX


@pytest.mark.parametrize("made", [supplied, withdrawn, reconsideration], ids=lambda made: made.__name__)
def test_a_record_about_a_referral_that_never_came_is_put_aside_for_a_person(desk: Desk, made: Any) -> None:
    assert desk.take(made(uuid7())) == []
    (letter,) = desk.put_aside
    assert letter.problem.code == "referral_unknown"


LIVES: list[list[Any]] = [
    [supplied],
    [supplied, accepting],
    [asking, supplied],
    [declining, reconsideration],
    [declining, supplied, reconsideration],
    [withdrawn],
    [accepting, withdrawn],
    [declining, withdrawn],
]


@pytest.mark.parametrize("steps", LIVES, ids=lambda steps: " then ".join(step.__name__ for step in steps))
def test_the_same_records_again_change_no_state(desk: Desk, steps: list[Any]) -> None:
    message = received(immediate_danger=True)
    desk.take(message)
    taken: list[Any] = [(step(message.referral_id), str(uuid7())) for step in steps]
    for made, event_id in taken:
        desk.take(made, event_id=event_id)
    case = desk.case(message.referral_id)
    before = (case.state, case.rounds, case.decided_by, list(case.added))
    published = desk.take(message)
    for made, event_id in taken:
        if made.type not in {asking(uuid7()).type, reconsideration(uuid7()).type}:
            published += desk.take(made, event_id=event_id)
    assert (case.state, case.rounds, case.decided_by, case.added) == before
    assert published == []


@pytest.mark.parametrize("made", [accepting, declining])
def test_a_decision_delivered_again_is_ignored_aloud(desk: Desk, made: Any) -> None:
    referral_id = desk.open()
    desk.take(made(referral_id))
    (ignored,) = desk.take(made(referral_id))
    assert ignored.code == "already_decided"


def test_an_acceptance_too_large_for_one_event_is_followed_by_the_rest(desk: Desk, monkeypatch: Any) -> None:
    referral_id = desk.open()
    for number in range(3):
        desk.take(supplied(referral_id, text=f"Synthetic {number}."))
    case = desk.case(referral_id)
    monkeypatch.setattr(acts, "MOST_BYTES", len(case.body) + sum(len(added.body) for added in case.added[:2]))
    accepted, forwarded = desk.take(accepting(referral_id))
    assert [added.text for added in accepted.supplements] == ["Synthetic 0.", "Synthetic 1."]
    assert forwarded.supplement.text == "Synthetic 2."


def test_what_was_forwarded_because_of_danger_is_not_forwarded_again(desk: Desk, monkeypatch: Any) -> None:
    referral_id = desk.open(immediate_danger=True)
    desk.take(supplied(referral_id))
    monkeypatch.setattr(acts, "MOST_BYTES", 0)
    (accepted,) = desk.take(accepting(referral_id))
    assert accepted.supplements == ()


def test_two_records_of_one_referral_in_a_batch_see_each_other(desk: Desk) -> None:
    message = received(claims=(NATURE,))
    published = desk.take(message) + desk.take(accepting(message.referral_id))
    assert names(published) == ["ReviewOpened", "ReferralAccepted"]


def test_what_people_wrote_is_kept_apart_from_history(desk: Desk) -> None:
    referral_id = desk.open()
    desk.take(asking(referral_id))
    desk.take(declining(referral_id))
    desk.take(reconsideration(referral_id))
    desk.take(withdrawn(referral_id))
    said = [(remark.actor, remark.what, remark.text) for remark in desk.work.remarks]
    assert said == [
        ("officer:a.officer", "information_requested", "Synthetic question?"),
        ("officer:a.officer", "declined", "Synthetic reason."),
        ("partner:example-haven", "reconsideration_requested", "Synthetic: please look again."),
        ("partner:example-haven", "withdrawn", "Synthetic withdrawal."),
    ]
    assert not any("Synthetic" in part for entry in desk.work.history for part in entry[2:])


def test_every_message_that_triage_consumes_has_a_handler_and_refusals_of_intakes_are_ignored() -> None:
    consumed = {message.type for topic in topics.consumed_by("triage") for message in topic.messages}
    assert set(HANDLERS) == consumed
    ignored = {kind for kind, handler in HANDLERS.items() if handler is ignore}
    assert ignored == {intake.SubmissionRejected.type, intake.SubmissionRepeated.type}


def test_numbers_alone_that_are_added_to_an_open_review_are_enough_for_the_rules(desk: Desk) -> None:
    referral_id = desk.open(numbers=Numbers(victims_known=1, suspects_known=1))
    assert names(desk.take(supplied(referral_id, numbers=Numbers(victims_known=4, suspects_known=2)))) == []
    (accepted,) = desk.take(supplied(referral_id, numbers=Numbers(victims_known=5, suspects_known=1)))
    assert accepted.grounds == (Ground.NUMBER_OF_VICTIMS,)
    assert accepted.supplements[-1].numbers == Numbers(victims_known=5, suspects_known=1)
