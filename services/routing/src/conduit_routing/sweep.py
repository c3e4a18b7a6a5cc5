"""What the clock sets off: each second, every hand-off whose next step is due gets it. Silence never closes anything."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from conduit_chassis.errors import Verdict, classify
from conduit_chassis.outbox import Outbox
from conduit_contracts.routing import HandoffChased, HandoffEscalated, HandoffOverdue, RoutingReviewReason
from conduit_routing import clocks, metrics, store
from conduit_routing.clocks import Step, StepKind
from conduit_routing.conclude import publish_reviews
from conduit_routing.turn import Turn
from conduit_routing.work import Work

_log = structlog.get_logger()

BATCH = 500
"""Hand-offs."""


LATER = timedelta(minutes=10)
"""When a case whose steps fail is tried again."""
TICK = "clocks"


class Sweep:
    """The tick. One batch of due hand-offs per run, danger first. A case whose steps fail holds up no other."""

    def __init__(self, begin: Callable[[], Work]) -> None:
        self._begin = begin

    async def __call__(self, connection: Any, outbox: Outbox, now: datetime) -> int:
        """Take the due steps; returns how many there were."""
        return await self._sweep(connection, outbox, await store.due(connection, now, BATCH), now)

    async def _sweep(self, connection: Any, outbox: Outbox, due: Sequence[UUID], now: datetime) -> int:
        """Take the steps of these cases; where that fails, of each half, until the case that fails stands alone."""
        waiting = len(outbox.rows)
        try:
            async with connection.transaction():
                return await self._take(connection, outbox, due, now)
        except Exception as error:  # whatever a case raises is that case's fault
            if classify(error) is not Verdict.POISON:
                raise
            outbox.take_back(waiting)
            if len(due) > 1:
                middle = len(due) // 2
                halves = due[:middle], due[middle:]
                return sum([await self._sweep(connection, outbox, half, now) for half in halves])
            await self._put_off(connection, due[0], error, now)
            return 0

    async def _take(self, connection: Any, outbox: Outbox, due: Sequence[UUID], now: datetime) -> int:
        work = self._begin()
        work.now = now
        work.cases = await store.load(connection, due)
        steps = [step for case in work.cases.values() for step in take_steps(work.turn(case, outbox, "clock"))]
        changed = work.changed()
        await store.save(connection, changed)
        for step in steps:
            metrics.STEPS.labels(step.kind.value, step.leg.value).inc()
        metrics.count(changed, now)
        return len(steps)

    async def _put_off(self, connection: Any, referral_id: UUID, error: Exception, now: datetime) -> None:
        """Say that nobody is chased for this case, and try it again later. Its deadlines stay."""
        metrics.NOT_CHASED.inc()
        _log.error("case_not_chased", referral_id=str(referral_id), exc_info=error)
        await store.put_off(connection, referral_id, now, now + LATER)


def take_steps(turn: Turn) -> list[Step]:
    """Take what steps are due in a case; returns them."""
    found = (clocks.next_step(handoff, turn.clock, turn.now) for handoff in list(turn.case.handoffs.values()))
    steps = [step for step in found if step is not None]
    for step in steps:
        _EFFECTS[step.kind](turn, step)
    publish_reviews(turn)
    return steps


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
