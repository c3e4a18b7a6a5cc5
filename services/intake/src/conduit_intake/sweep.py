"""What the clock sets off: updates that came before their referral are answered once it is there, or their time is over."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from conduit_chassis import dead_letters
from conduit_chassis.dead_letters import HANDLER_FAILED, Cause
from conduit_chassis.dispatch import dispatch
from conduit_chassis.errors import FailureCause, class_name, classify
from conduit_chassis.metrics import DEAD_LETTERS
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Item
from conduit_chassis.runtime import Runtime, Tick
from conduit_intake import early, metrics, store
from conduit_intake.batch import in_turn, load_at, scene_of
from conduit_intake.handlers import HANDLERS, refused
from conduit_intake.submissions import SubmissionContext

_log = structlog.get_logger()


async def answer_early(runtime: Runtime, connection: Connection, outbox: Outbox) -> int:
    """Answer what waited for its referral: that has come, or the time is over."""
    scene = scene_of(runtime)
    items = await early.take(connection, scene.now)
    if items:
        await answer_waiting(connection, scene, items, outbox)
    metrics.EARLY_WAITING.set(await early.count(connection))
    return len(items)


async def answer_waiting(connection: Connection, scene: SubmissionContext, items: Sequence[Item], outbox: Outbox) -> None:
    """Answer what waited for its referral, in order.

    One that cannot be handled is put aside as it would have been when it came: the others must not wait for it.
    """
    batch, rows = [item.content for item in items], len(outbox.rows)
    try:
        async with connection.transaction():
            work = await load_at(connection, scene, batch, outbox)
            work.awaited.clear()
            for _ in dispatch(HANDLERS, refused, work, in_turn(batch)):
                pass
            await store.save(connection, work)
    except Exception as error:  # whatever a rule raises is its record's fault or ours
        if classify(error) is not FailureCause.POISON:
            raise
        outbox.take_back(rows)
        outbox.put_aside.clear()
        if len(items) == 1:
            _log.error("handler_failed", exc_info=error)
            await _keep(connection, items[0], Cause(HANDLER_FAILED, class_name(error)), outbox, scene)
            return
        for item in items:
            await answer_waiting(connection, scene, [item], outbox)
    else:
        metrics.count(work.history)
        requests, outbox.put_aside = outbox.put_aside, []
        for request in requests:
            item = next(each for each in items if each.content is request.incoming)
            await _keep(connection, item, Cause(request.problem.code), outbox, scene)


async def _keep(connection: Connection, item: Item, cause: Cause, outbox: Outbox, scene: SubmissionContext) -> None:
    await dead_letters.put_aside(connection, outbox, "intake", item, cause, scene.now)
    DEAD_LETTERS.labels(cause.reason).inc()


TICK = Tick("settle_early_updates", timedelta(seconds=1), answer_early, batch=early.BATCH)
