"""What the clock sets off: each second, every hand-off whose next step is due gets it. Silence never closes anything."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from conduit_chassis.errors import FailureCause, classify
from conduit_chassis.outbox import Outbox
from conduit_chassis.pieces import Pieces
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime, Tick
from conduit_contracts.routing import RoutingReviewReason
from conduit_routing import clocks, metrics, store
from conduit_routing.asking import ask
from conduit_routing.batch import begin
from conduit_routing.clocks import Step, StepKind
from conduit_routing.conclude import publish_reviews
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork

_log = structlog.get_logger()

BATCH = 500
"""Hand-offs."""
LATER = timedelta(minutes=10)
"""When a case whose steps fail is tried again."""


class ClockSweep:
    """A batch of due hand-offs at a time, danger first. One whose steps fail or always take too long holds up no other."""

    def __init__(self) -> None:
        self._pieces = Pieces()

    async def turn(self, runtime: Runtime, connection: Connection, outbox: Outbox) -> int:
        """Take the steps of one batch; returns how many there were."""
        work = begin(runtime, outbox)
        due = await store.due(connection, work.now, self._pieces.most(BATCH))
        try:
            taken = await _sweep(connection, work, due)
        except Exception as error:
            if not await self._pieces.gives_up(error, due, runtime.pool):
                raise
            await _put_off(connection, due[0], error, work.now)
            taken = 1
        self._pieces.done(due)
        return taken


async def _sweep(connection: Connection, work: RoutingWork, due: Sequence[UUID]) -> int:
    """Take the steps of these cases; where that fails, of each half, until the case that fails stands alone."""
    waiting = len(work.outbox.rows)
    try:
        async with connection.transaction():
            return await _take(connection, work, due)
    except Exception as error:  # whatever a case raises is that case's fault
        work.outbox.take_back(waiting)
        if classify(error) is not FailureCause.POISON:
            raise
        if len(due) > 1:
            middle = len(due) // 2
            return sum([await _sweep(connection, work, half) for half in (due[:middle], due[middle:])])
        await _put_off(connection, due[0], error, work.now)
        return 0


async def _take(connection: Connection, work: RoutingWork, due: Sequence[UUID]) -> int:
    work.cases = await store.load(connection, due)
    steps = [step for case in work.cases.values() for step in take_steps(work.turn(case, "clock"))]
    changed = work.changed()
    await store.save(connection, changed)
    for step in steps:
        metrics.STEPS.labels(step.kind.value, step.leg.value).inc()
    metrics.count(changed, work.now)
    return len(steps)


async def _put_off(connection: Connection, referral_id: UUID, error: Exception, now: datetime) -> None:
    """Say that nobody is chased for this case, and try it again later. Its deadlines stay."""
    metrics.NOT_CHASED.inc()
    _log.error("case_not_chased", referral_id=str(referral_id), exc_info=error)
    await store.put_off(connection, referral_id, now, now + LATER)


def take_steps(turn: Turn) -> list[Step]:
    """Take what steps are due in a case; returns them."""
    found = (clocks.next_step(handoff, turn.clock, turn.now) for handoff in list(turn.case.handoffs.values()))
    steps = [step for step in found if step is not None]
    for step in steps:
        if step.kind is StepKind.EXHAUST:
            _exhaust(turn, step)
        else:
            ask(turn, step)
    publish_reviews(turn)
    return steps


def _exhaust(turn: Turn, step: Step) -> None:
    """The hand-off stays open, and so does its review until the force answers or an officer acts."""
    turn.set_handoff(step.handoff, "escalation_exhausted", step.leg)
    turn.open_review(RoutingReviewReason.ESCALATION_EXHAUSTED, step.handoff.force_id)


def tick() -> Tick:
    """The periodic work. It goes on at once for as long as there was anything to do: a batch may be smaller than it was."""
    return Tick("clocks", timedelta(seconds=1), ClockSweep().turn, batch=1)
