"""What the clock sets off: each second, every hand-off whose next step is due gets it. Silence never closes anything."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from conduit_chassis.outbox import Outbox
from conduit_contracts.routing import HandoffChased, HandoffEscalated, HandoffOverdue, RoutingReviewReason
from conduit_routing import clocks, metrics, store
from conduit_routing.clocks import Step, StepKind
from conduit_routing.conclude import publish_reviews
from conduit_routing.turn import Turn
from conduit_routing.work import Work

BATCH = 500


class Sweep:
    """The tick. One batch of due hand-offs per run."""

    def __init__(self, begin: Callable[[], Work]) -> None:
        self._begin = begin

    async def __call__(self, connection: Any, outbox: Outbox, now: datetime) -> int:
        """Take the due steps; returns how many cases had one."""
        work = self._begin()
        work.now = now
        work.cases = await store.load(connection, await store.due(connection, now, BATCH))
        for case in work.cases.values():
            take_steps(work.turn(case, outbox, "clock"))
        await store.save(connection, work.changed())
        metrics.count(work.changed(), now)
        return len(work.cases)


def take_steps(turn: Turn) -> None:
    """Take what steps are due in a case."""
    for handoff in list(turn.case.handoffs.values()):
        step = clocks.next_step(handoff, turn.clock, turn.now)
        if step is not None:
            metrics.STEPS.labels(step.kind.value, step.leg.value).inc()
            _EFFECTS[step.kind](turn, step)
    publish_reviews(turn)


def _chase(turn: Turn, step: Step) -> None:
    handoff = step.handoff
    turn.set_handoff(handoff, "chased", step.leg)
    turn.tell(
        HandoffOverdue(
            **turn.about,
            force_id=handoff.force_id,
            leg=step.leg,
            chase=handoff.chases,
            due_at=step.due_at,
            policy_version=turn.policy.version,
        )
    )
    _ask_force(turn, step)


def _escalate(turn: Turn, step: Step) -> None:
    handoff = step.handoff
    turn.set_handoff(handoff, "escalated", step.leg)
    turn.tell(
        HandoffEscalated(
            **turn.about,
            force_id=handoff.force_id,
            leg=step.leg,
            level=handoff.level,
            due_at=step.due_at,
            policy_version=turn.policy.version,
        )
    )
    _ask_force(turn, step)


def _exhaust(turn: Turn, step: Step) -> None:
    """The hand-off stays open, and so does its review until the force answers or an officer acts."""
    turn.set_handoff(step.handoff, "escalation_exhausted", step.leg)
    turn.open_review(RoutingReviewReason.ESCALATION_EXHAUSTED, step.handoff.force_id)


def _ask_force(turn: Turn, step: Step) -> None:
    handoff = step.handoff
    message = HandoffChased(
        force_id=handoff.force_id,
        referral_id=turn.case.referral_id,
        leg=step.leg,
        due_at=step.due_at,
        escalation_level=handoff.level,
    )
    turn.send(handoff.force_id, message)


_EFFECTS: dict[StepKind, Callable[[Turn, Step], None]] = {
    StepKind.CHASE: _chase,
    StepKind.ESCALATE: _escalate,
    StepKind.EXHAUST: _exhaust,
}
