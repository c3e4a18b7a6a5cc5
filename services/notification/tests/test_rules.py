"""Where a referral stands, whatever is read first."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.notification import ReferralState
from conduit_contracts.routing import HandoffState
from conduit_notification import rules
from conduit_notification.rules import NOTHING, Routing, Standing, state_of
from services.notification.tests.builders import HOME, NOW, OTHER, interleave, routed

Step = Callable[[Standing], Standing]


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def supplied(at: int) -> Step:
    return lambda standing: rules.supplied(standing, NOW + minutes(at))


def asked(at: int) -> Step:
    return lambda standing: rules.asked(standing, NOW + minutes(at))


def opened(standing: Standing) -> Standing:
    return rules.review_opened(standing, immediate_danger=False)


def received(standing: Standing) -> Standing:
    return rules.received(standing, immediate_danger=False)


def sent_to(*forces: str, provisional: bool = False, added: Sequence[str] | None = None) -> Step:
    message = routed(*forces, provisional=provisional, added=added)
    return lambda standing: rules.routed(standing, message)


def moved(force_id: str, state: HandoffState) -> Step:
    return lambda standing: rules.handoff_moved(standing, force_id, state)


def handed_over(standing: Standing) -> Standing:
    return rules.handed_over(standing, HOME)


def after(*steps: Step) -> Standing:
    standing = NOTHING
    for step in steps:
        standing = step(standing)
    return standing


INTAKE_STEPS = [received, rules.in_danger, supplied(1), supplied(7), rules.withdrawn]
TRIAGE_STEPS = [opened, asked(3), asked(6), rules.accepted, rules.declined, rules.in_danger, rules.withdrawn]
ROUTING_STEPS = [
    sent_to(HOME, provisional=True),
    sent_to(HOME, OTHER),
    sent_to(HOME, OTHER, added=(OTHER,)),
    sent_to(HOME, added=()),
    moved(HOME, HandoffState.RECEIVED),
    moved(HOME, HandoffState.ACKNOWLEDGED),
    moved(OTHER, HandoffState.DECLINED),
    lambda standing: rules.home_force_named(standing, OTHER),
    handed_over,
    rules.withdrawn,
]


@given(
    st.lists(st.sampled_from(INTAKE_STEPS), max_size=5),
    st.lists(st.sampled_from(TRIAGE_STEPS), max_size=6),
    st.lists(st.sampled_from(ROUTING_STEPS), max_size=8),
    st.lists(st.integers(0, 2), max_size=19),
)
def test_whatever_the_producers_say_the_order_across_them_does_not_matter(
    intake: list[Step], triage: list[Step], routing: list[Step], order: list[int]
) -> None:
    in_turn = after(*intake, *triage, *routing)
    mixed = after(*interleave(order, intake, triage, routing))
    assert mixed == in_turn
    assert state_of(mixed) is state_of(in_turn)


STORIES: dict[str, tuple[list[Step], list[Step], list[Step], ReferralState]] = {
    "accepted by rules and handed over": (
        [received],
        [rules.accepted],
        [
            sent_to(HOME, OTHER),
            moved(HOME, HandoffState.RECEIVED),
            moved(HOME, HandoffState.ACKNOWLEDGED),
            moved(OTHER, HandoffState.ACKNOWLEDGED),
            handed_over,
        ],
        ReferralState.HANDED_OVER,
    ),
    "declined, reconsidered and accepted": (
        [received, received],
        [opened, rules.declined, opened, rules.accepted],
        [sent_to(HOME)],
        ReferralState.WITH_FORCES,
    ),
    "declined twice": ([received, received], [opened, rules.declined, opened, rules.declined], [], ReferralState.DECLINED),
    "asked and answered": ([received, supplied(9)], [opened, asked(5)], [], ReferralState.UNDER_REVIEW),
    "asked again after the answer": (
        [received, supplied(5)],
        [opened, asked(3), asked(8)],
        [],
        ReferralState.INFORMATION_REQUESTED,
    ),
    "supplied before anybody asked": ([received, supplied(1)], [opened, asked(5)], [], ReferralState.INFORMATION_REQUESTED),
    "in danger and declined": (
        [received],
        [opened, rules.in_danger, rules.declined],
        [sent_to(HOME, provisional=True), moved(HOME, HandoffState.ACKNOWLEDGED)],
        ReferralState.DECLINED,
    ),
    "in danger and accepted, with no further force": (
        [received],
        [opened, rules.in_danger, rules.accepted],
        [sent_to(HOME, provisional=True), moved(HOME, HandoffState.ACKNOWLEDGED)],
        ReferralState.WITH_FORCES,
    ),
    "a force joins a case that was handed over": (
        [received, supplied(9)],
        [rules.accepted],
        [sent_to(HOME), moved(HOME, HandoffState.ACKNOWLEDGED), handed_over, sent_to(HOME, OTHER, added=(OTHER,))],
        ReferralState.WITH_FORCES,
    ),
    "withdrawn after it was handed over": (
        [received, rules.withdrawn],
        [rules.accepted],
        [sent_to(HOME), moved(HOME, HandoffState.ACKNOWLEDGED), handed_over],
        ReferralState.WITHDRAWN,
    ),
}


def interleavings(*sequences: Sequence[Step]) -> Iterator[list[tuple[int, Step]]]:
    """Every order that keeps each producer's own, with who says each step."""
    labels = [number for number, sequence in enumerate(sequences) for _ in sequence]
    labelled = [[(number, step) for step in sequence] for number, sequence in enumerate(sequences)]
    for order in set(permutations(labels)):
        yield interleave(order, *labelled)


@pytest.mark.parametrize("story", STORIES)
def test_every_interleaving_of_a_story_ends_in_the_same_state(story: str) -> None:
    *sequences, state = STORIES[story]
    ends = [after(*(step for _, step in steps)) for steps in interleavings(*sequences)]
    assert len(ends) > 1
    assert all(end == ends[0] for end in ends)
    assert state_of(ends[0]) is state


ROUTING = 2


@pytest.mark.parametrize("story", STORIES)
def test_once_forces_have_the_case_a_late_fact_of_an_earlier_stage_leaves_the_state_as_it_is(story: str) -> None:
    for steps in interleavings(*STORIES[story][:3]):
        standing = NOTHING
        for producer, step in steps:
            before, standing = standing, step(standing)
            if before.routing in {Routing.WITH_FORCES, Routing.HANDED_OVER} and producer != ROUTING:
                assert state_of(standing) in {state_of(before), ReferralState.WITHDRAWN}


def test_nothing_takes_a_withdrawn_referral_back() -> None:
    for step in (*INTAKE_STEPS, *TRIAGE_STEPS, *ROUTING_STEPS):
        assert state_of(step(after(received, rules.withdrawn))) is ReferralState.WITHDRAWN


def test_danger_is_never_taken_back() -> None:
    for step in (*INTAKE_STEPS, *TRIAGE_STEPS, *ROUTING_STEPS):
        assert step(after(rules.in_danger)).immediate_danger


def test_a_force_that_joins_starts_anew_and_the_others_stay_where_they_are() -> None:
    standing = after(
        sent_to(HOME, OTHER),
        moved(HOME, HandoffState.ACKNOWLEDGED),
        moved(OTHER, HandoffState.DECLINED),
        sent_to(HOME, "kent", added=("kent",)),
    )
    assert standing.handoffs == {
        HOME: HandoffState.ACKNOWLEDGED,
        OTHER: HandoffState.DECLINED,
        "kent": HandoffState.DISSEMINATED,
    }


def test_a_force_that_gets_the_case_again_is_waited_for_again() -> None:
    standing = after(sent_to(HOME), moved(HOME, HandoffState.DECLINED), sent_to(HOME, added=(HOME,)))
    assert standing.handoffs == {HOME: HandoffState.DISSEMINATED}


def test_a_decline_says_that_a_second_look_is_open_only_where_it_is() -> None:
    assert rules.decline_next_step("Call 101.", reconsideration_open=False) == "Call 101."
    assert rules.decline_next_step("Call 101.", reconsideration_open=True).startswith("Call 101. If you think")


def test_a_next_step_never_outgrows_its_field() -> None:
    longest = "x" * 4_000
    assert rules.decline_next_step(longest, reconsideration_open=True) == longest
