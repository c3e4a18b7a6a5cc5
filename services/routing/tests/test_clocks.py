"""What silence leads to."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.referral import Urgency
from conduit_contracts.routing import Leg
from conduit_routing import clocks
from conduit_routing.clocks import StepKind
from conduit_routing.policy import Deadlines, RoutingPolicy
from services.routing.tests.builders import NOW

CLOCK = Deadlines(receipt=60, acknowledgement=600, chase_every=30, chases=2, escalation_levels=2)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_both_deadlines_run_from_dissemination() -> None:
    start = clocks.started("kent", ("kent",), CLOCK, NOW)
    assert (start.receipt_due_at, start.acknowledgement_due_at) == (after(60), after(600))


def test_nothing_happens_before_a_deadline() -> None:
    assert clocks.next_step(clocks.started("kent", ("kent",), CLOCK, NOW), CLOCK, after(59.9)) is None


def test_silence_is_chased_then_escalated_then_shown_to_the_hub_and_never_closed() -> None:
    handoff, now, seen = clocks.started("kent", ("kent",), CLOCK, NOW), after(60), []
    while (step := clocks.next_step(handoff, CLOCK, now)) is not None:
        seen.append((step.kind, step.leg, step.due_at, step.handoff.chases, step.handoff.level))
        handoff, now = step.handoff, now + timedelta(seconds=30)
    assert seen == [
        (StepKind.CHASE, Leg.RECEIPT, after(60), 1, 0),
        (StepKind.CHASE, Leg.RECEIPT, after(60), 2, 0),
        (StepKind.ESCALATE, Leg.RECEIPT, after(60), 2, 1),
        (StepKind.ESCALATE, Leg.RECEIPT, after(60), 2, 2),
        (StepKind.EXHAUST, Leg.RECEIPT, after(60), 2, 2),
    ]
    assert handoff.waiting
    assert clocks.next_step(handoff, CLOCK, after(1_000_000)) is None


def test_receipt_starts_the_other_leg_with_its_own_chases_and_the_first_deadline() -> None:
    chased = clocks.next_step(clocks.started("kent", ("kent",), CLOCK, NOW), CLOCK, after(60))
    assert chased is not None
    handoff = clocks.received(chased.handoff, after(70))
    assert clocks.next_step(handoff, CLOCK, after(599)) is None
    step = clocks.next_step(handoff, CLOCK, after(600))
    assert step is not None
    assert (step.kind, step.leg, step.due_at, step.handoff.chases) == (StepKind.CHASE, Leg.ACKNOWLEDGEMENT, after(600), 1)


def test_a_hub_that_was_down_takes_one_step_not_all_it_missed() -> None:
    step = clocks.next_step(clocks.started("kent", ("kent",), CLOCK, NOW), CLOCK, after(100_000))
    assert step is not None
    assert step.handoff.next_action_at == after(100_030)


@pytest.mark.parametrize("answer", ["acknowledged", "declined", "stood_down"])
def test_an_answer_stops_the_clocks(answer: str) -> None:
    start = clocks.started("kent", ("kent",), CLOCK, NOW)
    ended = {
        "acknowledged": clocks.acknowledged(start, None, NOW),
        "declined": clocks.declined(start, NOW),
        "stood_down": clocks.stood_down(start, NOW),
    }[answer]
    assert clocks.next_step(ended, CLOCK, after(1_000_000)) is None


@given(chases=st.integers(1, 5), levels=st.integers(0, 4), waits=st.lists(st.integers(0, 90), min_size=40, max_size=40))
def test_whenever_the_clock_is_looked_at_the_steps_are_the_same_and_end_once(
    chases: int, levels: int, waits: list[int]
) -> None:
    clock = CLOCK.model_copy(update={"chases": chases, "escalation_levels": levels})
    handoff, now, kinds = clocks.started("kent", ("kent",), clock, NOW), NOW, []
    for wait in [*waits, *[60] * 12]:
        now += timedelta(seconds=wait)
        step = clocks.next_step(handoff, clock, now)
        if step is not None:
            kinds.append(step.kind)
            handoff = step.handoff
    assert kinds == [StepKind.CHASE] * chases + [StepKind.ESCALATE] * levels + [StepKind.EXHAUST]


def test_immediate_danger_has_a_clock_of_its_own_whatever_the_urgency(policy: RoutingPolicy) -> None:
    assert policy.clock(Urgency.ROUTINE, immediate_danger=True) == policy.clocks.immediate_danger
    assert policy.clock(Urgency.URGENT, immediate_danger=False) == policy.clocks.urgent
