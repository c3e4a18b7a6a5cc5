"""How a force that is late is asked for its answer: in one way, whether the clock does it or a named officer."""

from typing import Any

from conduit_contracts.routing import (
    ChaseHandoff,
    EscalateHandoff,
    HandoffChased,
    HandoffEscalated,
    HandoffOverdue,
    HandoffState,
)
from conduit_routing import clocks
from conduit_routing.clocks import Step, StepKind
from conduit_routing.turn import Turn

AskNow = ChaseHandoff | EscalateHandoff
_NOT_WAITED_FOR = {HandoffState.DECLINED: "given_back", HandoffState.STOOD_DOWN: "already_stood_down"}


def ask(turn: Turn, step: Step, **by: Any) -> None:
    """Ask the force for an answer, and tell the hub: chased first, and where that does not help, at a higher level.

    `by` is the officer and why, for the hub alone; empty where the clock asks.
    """
    handoff = step.handoff
    about = turn.by_command | {"force_id": handoff.force_id, "leg": step.leg, "due_at": step.due_at}
    if step.kind is StepKind.CHASE:
        turn.set_handoff(handoff, "chased", step.leg)
        turn.tell(HandoffOverdue(**about, chase=handoff.chases, policy_version=turn.policy.version, **by))
    else:
        turn.set_handoff(handoff, "escalated", step.leg)
        turn.tell(HandoffEscalated(**about, level=handoff.level, policy_version=turn.policy.version, **by))
    message = HandoffChased(
        force_id=handoff.force_id,
        referral_id=turn.case.referral_id,
        leg=step.leg,
        due_at=step.due_at,
        escalation_level=handoff.level,
    )
    turn.send(handoff.force_id, message)


def misfit(turn: Turn, command: AskNow) -> str | None:
    """Why an officer cannot have the force asked now. What it is sent says that a deadline has passed, so one must have."""
    held = turn.case.handoffs.get(command.force_id)
    if held is None:
        return "no_handoff"
    if command.force_id in turn.case.barred.forces:
        return "kept_from_force"
    if not held.owes_answer:
        return _NOT_WAITED_FOR.get(held.state, "already_acknowledged")
    if clocks.due_at(held) > turn.now:
        return "not_yet_due"
    at_the_top = held.level >= turn.clock.escalation_levels
    return "no_level_left" if isinstance(command, EscalateHandoff) and at_the_top else None


def ask_now(turn: Turn, command: AskNow) -> None:
    """Take the step that the officer does not wait for."""
    kind = StepKind.CHASE if isinstance(command, ChaseHandoff) else StepKind.ESCALATE
    step = clocks.step_now(kind, turn.case.handoffs[command.force_id], turn.clock, turn.now)
    ask(turn, step, officer_id=command.officer_id, reason=command.reason)
