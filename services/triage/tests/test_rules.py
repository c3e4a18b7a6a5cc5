"""The acceptance rules, the queue's order and what an officer's command must fit."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from conduit_contracts.geography import force_areas
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Concern, Ground, Numbers, Referral, Role, Supplement, Urgency
from conduit_contracts.told import Told
from conduit_contracts.triage import DeclineReason, ReviewReason
from conduit_triage import rules
from conduit_triage.cases import Assessment, OpenReview, State
from conduit_triage.policy import DeclineTerms, TriagePolicy
from conduit_triage.rules import Accept, NeedsReview, assess
from services.triage.tests import strategies
from services.triage.tests.builders import (
    BIRMINGHAM,
    GLASGOW,
    LEEDS,
    NATURE,
    NOW,
    accepting,
    asking,
    complex_referral,
    declining,
    persons,
    places,
    received,
    referral,
    supplement,
)

CSA = [concern for concern in Concern if concern is not Concern.OTHER_HARM]


@pytest.mark.parametrize(
    ("sent", "ground"),
    [
        (referral(numbers=Numbers(victims_known=5)), Ground.NUMBER_OF_VICTIMS),
        (referral(persons=persons(Role.VICTIM, 1, 2, 3, 4, 5)), Ground.NUMBER_OF_VICTIMS),
        (referral(numbers=Numbers(victims_known=1, suspects_known=3)), Ground.NUMBER_OF_SUSPECTS),
        (referral(persons=persons(Role.SUSPECT, 1, 2, 3)), Ground.NUMBER_OF_SUSPECTS),
        (referral(places=places(BIRMINGHAM, LEEDS)), Ground.NUMBER_OF_FORCE_AREAS),
    ],
)
def test_each_counted_ground_alone_is_enough(policy: TriagePolicy, sent: Referral, ground: Ground) -> None:
    assert assess(policy, sent) == Accept((ground,))


@pytest.mark.parametrize(
    "sent",
    [
        referral(numbers=Numbers(victims_known=4, suspects_known=2)),
        referral(persons=persons(Role.VICTIM, 1, 2, 3, 4)),
        referral(persons=persons(Role.SUSPECT, 1, 2)),
        referral(persons=persons(Role.WITNESS, 1, 2, 3, 4, 5, 6)),
        referral(places=places(BIRMINGHAM)),
    ],
)
def test_one_fewer_than_a_threshold_goes_to_a_person(policy: TriagePolicy, sent: Referral) -> None:
    assert assess(policy, sent) == NeedsReview((ReviewReason.BELOW_EVERY_THRESHOLD,))


def test_known_numbers_and_persons_described_are_not_added_up(policy: TriagePolicy) -> None:
    sent = referral(numbers=Numbers(victims_known=3), persons=persons(Role.VICTIM, 1, 2, 3))
    assert isinstance(assess(policy, sent), NeedsReview)


def test_all_grounds_that_hold_are_given_in_a_fixed_order(policy: TriagePolicy) -> None:
    sent = referral(numbers=Numbers(victims_known=9, suspects_known=9), places=places(BIRMINGHAM, LEEDS, GLASGOW))
    grounds = (Ground.NUMBER_OF_VICTIMS, Ground.NUMBER_OF_SUSPECTS, Ground.NUMBER_OF_FORCE_AREAS)
    assert assess(policy, sent) == Accept(grounds)


def test_numbers_that_were_added_count_as_the_referrals_do(policy: TriagePolicy) -> None:
    sent = referral(numbers=Numbers(victims_known=4, suspects_known=2))
    assert assess(policy, sent, [supplement(numbers=Numbers(victims_known=5))]) == Accept((Ground.NUMBER_OF_VICTIMS,))
    guessed = supplement(numbers=Numbers(victims_known=4, victims_estimated=9))
    assert assess(policy, sent, [guessed]) == NeedsReview((ReviewReason.ESTIMATES_ONLY,))


COUNTS = st.builds(
    Numbers,
    victims_known=st.integers(0, 9),
    victims_estimated=st.none() | st.integers(0, 9),
    suspects_known=st.integers(0, 9),
    suspects_estimated=st.none() | st.integers(0, 9),
)


@given(first=COUNTS, later=st.lists(st.tuples(st.none() | COUNTS, st.booleans()), max_size=5))
def test_the_larger_number_counts_until_a_correction_takes_the_place_of_all_before(
    first: Numbers, later: list[tuple[Numbers | None, bool]]
) -> None:
    told = Told(referral(numbers=first), [supplement(numbers=said, corrects=corrects) for said, corrects in later])
    said = [(first, True), *((numbers, corrects) for numbers, corrects in later if numbers is not None)]
    last = max(index for index, (_, corrects) in enumerate(said) if corrects)
    for name in Numbers.model_fields:
        given_ones = [getattr(numbers, name) for numbers, _ in said[last:] if getattr(numbers, name) is not None]
        assert getattr(told.numbers, name) == (max(given_ones) if given_ones else None)


def test_a_claim_of_nature_neither_stops_nor_joins_an_acceptance_on_counted_grounds(policy: TriagePolicy) -> None:
    assert assess(policy, complex_referral(claims=(NATURE,))) == Accept((Ground.NUMBER_OF_VICTIMS,))


def test_a_claim_of_nature_alone_is_for_a_person(policy: TriagePolicy) -> None:
    verdict = assess(policy, referral(claims=(NATURE,)))
    assert verdict == NeedsReview((ReviewReason.NATURE_CLAIMED, ReviewReason.BELOW_EVERY_THRESHOLD))


@pytest.mark.parametrize("numbers", [{"victims_estimated": 5}, {"suspects_estimated": 3}])
def test_estimates_alone_go_to_a_person_who_is_told_so(policy: TriagePolicy, numbers: dict[str, int]) -> None:
    assert assess(policy, referral(numbers=Numbers(victims_known=1, **numbers))) == NeedsReview(
        (ReviewReason.ESTIMATES_ONLY,)
    )


def test_a_case_of_other_harm_alone_goes_to_a_person_however_large(policy: TriagePolicy) -> None:
    verdict = assess(policy, complex_referral(concerns=(Concern.OTHER_HARM,)))
    assert verdict == NeedsReview((ReviewReason.NOT_PLAINLY_CSA,))


def test_estimates_are_no_reason_where_known_numbers_reach_a_threshold(policy: TriagePolicy) -> None:
    sent = referral(numbers=Numbers(victims_known=5, victims_estimated=9), concerns=(Concern.OTHER_HARM,))
    assert assess(policy, sent) == NeedsReview((ReviewReason.NOT_PLAINLY_CSA,))


@pytest.mark.parametrize("concern", CSA)
def test_every_concern_but_other_harm_is_child_sexual_abuse(policy: TriagePolicy, concern: Concern) -> None:
    assert isinstance(assess(policy, complex_referral(concerns=(Concern.OTHER_HARM, concern))), Accept)


def test_immediate_danger_comes_first_among_the_reasons(policy: TriagePolicy) -> None:
    verdict = assess(policy, referral(immediate_danger=True))
    assert verdict == NeedsReview((ReviewReason.IMMEDIATE_DANGER, ReviewReason.BELOW_EVERY_THRESHOLD))


def test_two_places_in_one_force_area_count_once(policy: TriagePolicy) -> None:
    coventry = "E08000026"
    assert isinstance(assess(policy, referral(places=places(BIRMINGHAM, coventry))), NeedsReview)


def test_what_is_added_counts_with_the_referral(policy: TriagePolicy) -> None:
    sent = referral(persons=persons(Role.VICTIM, 1, 2, 3), places=places(BIRMINGHAM))
    more_victims = supplement(persons=persons(Role.VICTIM, 4, 5))
    another_area = supplement(places=places(LEEDS))
    assert assess(policy, sent, [more_victims]) == Accept((Ground.NUMBER_OF_VICTIMS,))
    assert assess(policy, sent, [another_area]) == Accept((Ground.NUMBER_OF_FORCE_AREAS,))


def test_a_person_or_place_described_again_counts_once_as_last_described(policy: TriagePolicy) -> None:
    sent = referral(persons=persons(Role.VICTIM, 1, 2, 3), places=places(BIRMINGHAM))
    again = supplement(persons=persons(Role.VICTIM, 1, 2, 3))
    moved = places(LEEDS)[0].model_copy(update={"place_id": f"L{BIRMINGHAM}"})
    assert isinstance(assess(policy, sent, [again, again]), NeedsReview)
    assert isinstance(assess(policy, sent, [supplement(corrects=True, places=(moved,))]), NeedsReview)


@settings(max_examples=300, deadline=None)
@given(sent=strategies.referrals, added=st.lists(strategies.supplements, max_size=3))
def test_no_referral_is_ever_declined_by_the_rules(policy: TriagePolicy, sent: Referral, added: list[Supplement]) -> None:
    verdict = assess(policy, sent, added)
    assert isinstance(verdict, Accept | NeedsReview)
    assert verdict.grounds if isinstance(verdict, Accept) else verdict.reasons


def test_the_rules_have_no_way_to_say_declined() -> None:
    verdicts = get_args(get_type_hints(assess)["return"])
    assert set(verdicts) == {Accept, NeedsReview}
    fields = {name for verdict in verdicts for name in get_type_hints(verdict)}
    assert fields == {"grounds", "reasons"}


@settings(max_examples=300, deadline=None)
@given(sent=strategies.referrals)
def test_the_rules_accept_exactly_what_plainly_qualifies(policy: TriagePolicy, sent: Referral) -> None:
    victims = max(sent.numbers.victims_known, sum(person.role is Role.VICTIM for person in sent.persons))
    suspects = max(sent.numbers.suspects_known, sum(person.role is Role.SUSPECT for person in sent.persons))
    counted = {
        Ground.NUMBER_OF_VICTIMS: victims >= 5,
        Ground.NUMBER_OF_SUSPECTS: suspects >= 3,
        Ground.NUMBER_OF_FORCE_AREAS: len(force_areas(sent.places)) >= 2,
    }
    grounds = tuple(ground for ground, holds in counted.items() if holds)
    csa = set(sent.concerns) != {Concern.OTHER_HARM}
    verdict = assess(policy, sent)
    assert verdict == Accept(grounds) if grounds and csa else isinstance(verdict, NeedsReview)


@settings(max_examples=200, deadline=None)
@given(sent=strategies.referrals)
def test_review_reasons_say_what_is_so(policy: TriagePolicy, sent: Referral) -> None:
    verdict = assess(policy, sent)
    if isinstance(verdict, NeedsReview):
        assert (ReviewReason.IMMEDIATE_DANGER in verdict.reasons) == sent.immediate_danger
        assert ReviewReason.RECONSIDERATION not in verdict.reasons
        assert not {ReviewReason.ESTIMATES_ONLY, ReviewReason.BELOW_EVERY_THRESHOLD} <= set(verdict.reasons)


reviews = st.builds(
    OpenReview,
    reasons=st.just((ReviewReason.NATURE_CLAIMED,)),
    urgency=st.sampled_from(Urgency),
    immediate_danger=st.booleans(),
    opened_at=strategies.moments,
    due_at=strategies.moments,
    waiting_for_partner=st.booleans(),
)


@given(one=reviews, other=reviews)
def test_officers_see_danger_first_then_urgency_then_what_is_due_then_what_waits_longest(
    one: OpenReview, other: OpenReview
) -> None:
    urgencies = list(Urgency)
    first, second = sorted([one, other], key=lambda review: rules.queue_key(review, uuid7()))
    assert first.immediate_danger >= second.immediate_danger
    if first.immediate_danger == second.immediate_danger:
        assert urgencies.index(first.urgency) <= urgencies.index(second.urgency)
        if first.urgency == second.urgency:
            assert (first.due_at, first.opened_at) <= (second.due_at, second.opened_at)


@given(review=reviews)
def test_a_partners_answer_puts_a_review_back_at_its_place(review: OpenReview) -> None:
    referral_id = uuid7()
    asked = replace(review, waiting_for_partner=True)
    assert rules.queue_key(asked, referral_id) == rules.queue_key(review, referral_id)


@pytest.mark.parametrize(
    ("urgency", "danger", "seconds"),
    [
        (Urgency.URGENT, False, 14_400),
        (Urgency.PRIORITY, False, 86_400),
        (Urgency.ROUTINE, False, 259_200),
        (Urgency.ROUTINE, True, 900),
    ],
)
def test_a_review_is_due_from_when_the_hub_took_the_referral(
    policy: TriagePolicy, urgency: Urgency, danger: bool, seconds: int
) -> None:
    sent = Assessment.received(received(urgency=urgency, immediate_danger=danger), b"", "2026-11-01")
    hours_ago = NOW - timedelta(hours=3)
    review = rules.new_review(policy, sent, (ReviewReason.NATURE_CLAIMED,), hours_ago, NOW)
    assert review.opened_at == NOW
    assert review.due_at == hours_ago + timedelta(seconds=seconds)


def test_a_senders_clock_that_runs_ahead_does_not_put_off_a_review(policy: TriagePolicy) -> None:
    review = rules.new_review(policy, case_in(State.WITHDRAWN), (ReviewReason.NATURE_CLAIMED,), NOW + timedelta(days=9), NOW)
    assert review.due_at == NOW + timedelta(days=1)


MORE_URGENT = [
    ({"urgency": Urgency.URGENT}, Urgency.URGENT, False, 14_400),
    ({"immediate_danger": True}, Urgency.PRIORITY, True, 900),
    ({"immediate_danger": True, "urgency": Urgency.ROUTINE}, Urgency.PRIORITY, True, 900),
]


@pytest.mark.parametrize(("said", "urgency", "danger", "seconds"), MORE_URGENT)
def test_a_review_is_raised_by_what_is_said_later_and_due_by_the_new_clock(
    policy: TriagePolicy, said: Any, urgency: Urgency, danger: bool, seconds: int
) -> None:
    before = OpenReview((ReviewReason.NATURE_CLAIMED,), Urgency.PRIORITY, False, NOW, NOW + timedelta(days=1))
    review = rules.raised(policy, before, supplement(**said), NOW)
    assert (review.urgency, review.immediate_danger) == (urgency, danger)
    assert review.due_at == NOW + timedelta(seconds=seconds)
    assert (ReviewReason.IMMEDIATE_DANGER in review.reasons) == danger
    assert review.opened_at == before.opened_at


@given(
    danger=st.booleans(),
    urgency=st.sampled_from(Urgency),
    said=st.none() | st.booleans(),
    said_urgency=st.none() | st.sampled_from(Urgency),
    minutes=st.integers(-3_000, 3_000),
)
def test_nothing_said_later_puts_a_review_off_or_back(
    policy: TriagePolicy, danger: bool, urgency: Urgency, said: bool | None, said_urgency: Urgency | None, minutes: int
) -> None:
    due_at = NOW + timedelta(minutes=minutes)
    before = OpenReview((ReviewReason.NATURE_CLAIMED,), urgency, danger, NOW - timedelta(days=2), due_at)
    after = rules.raised(policy, before, supplement(immediate_danger=said, urgency=said_urgency), NOW)
    assert after.due_at <= before.due_at
    assert rules.queue_key(after, CASE_ID) <= rules.queue_key(before, CASE_ID)


CASE_ID = uuid7()


def case_in(state: State, **changes: Any) -> Assessment:
    case = Assessment.received(received(), b"", "2026-11-01")
    case.state = state
    if state is State.UNDER_REVIEW:
        case.review = OpenReview((ReviewReason.NATURE_CLAIMED,), Urgency.ROUTINE, False, NOW, NOW)
        case.rounds = 1
    for name, value in changes.items():
        setattr(case, name, value)
    return case


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (case_in(State.UNDER_REVIEW), None),
        (case_in(State.UNDER_REVIEW, rounds=2, declined_by="b.officer"), None),
        (case_in(State.UNDER_REVIEW, rounds=2, declined_by="a.officer"), "same_officer"),
        (case_in(State.WITHDRAWN, rounds=1), "withdrawn"),
        (case_in(State.ACCEPTED, rounds=0), "no_open_review"),
        (case_in(State.ACCEPTED, rounds=1), "already_decided"),
        (case_in(State.DECLINED, rounds=1), "already_decided"),
    ],
)
def test_a_command_must_fit_the_referrals_state(policy: TriagePolicy, case: Assessment, code: str | None) -> None:
    for command in (accepting(uuid7()), declining(uuid7()), asking(uuid7())):
        assert rules.command_misfit(policy, case, command, NOW) == code


def test_a_home_force_must_be_a_force(policy: TriagePolicy) -> None:
    case = case_in(State.UNDER_REVIEW)
    assert rules.command_misfit(policy, case, accepting(uuid7(), home_force="west-midlands"), NOW) is None
    assert rules.command_misfit(policy, case, accepting(uuid7(), home_force="atlantis"), NOW) == "home_force_unknown"


@pytest.mark.parametrize("special", ["btp", "mdp", "cnc"])
def test_a_force_without_an_area_may_lead_only_where_no_place_lies_in_anothers(policy: TriagePolicy, special: str) -> None:
    case, command = case_in(State.UNDER_REVIEW), accepting(uuid7(), home_force=special)
    assert rules.command_misfit(policy, case, command, NOW) is None
    case.told.add(supplement(places=places(BIRMINGHAM)))
    assert rules.command_misfit(policy, case, command, NOW) == "cannot_be_home"


def test_a_decline_reason_must_be_in_effect_when_the_officer_decides(policy: TriagePolicy) -> None:
    case, command = case_in(State.UNDER_REVIEW), declining(uuid7())
    before = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    assert rules.command_misfit(policy, case, command, before) == "reason_not_in_effect"
    assert rules.command_misfit(policy, case, command, before + timedelta(minutes=1)) is None


@pytest.mark.parametrize(
    ("said_at", "in_effect"),
    [
        ("2026-06-09T22:59:59+00:00", False),
        ("2026-06-09T23:00:00+00:00", True),  # midnight in London, where officers and partners are
        ("2026-06-30T22:59:59+00:00", True),
        ("2026-06-30T23:00:00+00:00", False),
    ],
)
def test_the_days_of_a_decline_reason_are_londons(policy: TriagePolicy, said_at: str, *, in_effect: bool) -> None:
    terms = DeclineTerms(effective_from=date(2026, 6, 10), effective_to=date(2026, 6, 30), next_step="Example.")
    case, command = case_in(State.UNDER_REVIEW), declining(uuid7())
    assert command.decline_reason
    summer = policy.model_copy(update={"decline_reasons": {command.decline_reason: terms}})
    misfit = rules.command_misfit(summer, case, command, datetime.fromisoformat(said_at))
    assert misfit == (None if in_effect else "reason_not_in_effect")


def test_a_decline_reason_that_the_policy_lacks_is_not_in_effect(policy: TriagePolicy) -> None:
    reduced = policy.model_copy(update={"decline_reasons": {}})
    assert rules.command_misfit(reduced, case_in(State.UNDER_REVIEW), declining(uuid7()), NOW) == "reason_not_in_effect"


def test_the_last_day_of_a_decline_reason_is_included() -> None:
    terms = DeclineTerms(effective_from=date(2026, 1, 1), effective_to=date(2026, 6, 30), next_step="Example.")
    assert terms.in_effect(date(2026, 6, 30))
    assert not terms.in_effect(date(2026, 7, 1))


def test_a_partner_may_ask_once_for_a_second_look() -> None:
    assert rules.reconsideration_misfit(case_in(State.DECLINED, rounds=1)) is None
    assert rules.reconsideration_misfit(case_in(State.DECLINED, rounds=2)) == "second_look_already_taken"
    for state in (State.UNDER_REVIEW, State.ACCEPTED, State.WITHDRAWN):
        assert rules.reconsideration_misfit(case_in(state)) == f"not_declined_but_{state}"


def test_items_fit_from_the_first_until_the_room_is_full() -> None:
    assert rules.how_many_fit([3, 3, 3], 6) == 2
    assert rules.how_many_fit([7, 1], 6) == 0
    assert rules.how_many_fit([1], -5) == 0
    assert rules.how_many_fit([], 0) == 0


def test_the_deployed_policy_has_terms_for_every_decline_reason(policy: TriagePolicy) -> None:
    assert set(policy.decline_reasons) == set(DeclineReason)


@pytest.mark.parametrize("change", [{"victims_at_least": 0}, {"suspects_atleast": 3}, {"decline_reasons": {"dislike": {}}}])
def test_a_policy_with_a_misspelt_or_senseless_value_is_refused(policy: TriagePolicy, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TriagePolicy.model_validate(policy.model_dump() | change)
