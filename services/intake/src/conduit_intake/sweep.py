"""Updates that came before their referral are answered once it is there, or their time is over: by the clock, or before a
request about the same referral.

A piece at a time, so that no sender's crowd takes the process's memory or keeps others waiting. One that cannot be handled
is put aside as it would have been when it came.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from conduit_chassis import dead_letters
from conduit_chassis.dead_letters import HANDLER_FAILED, Cause
from conduit_chassis.dispatch import dispatch
from conduit_chassis.errors import FailureCause, class_name, classify
from conduit_chassis.metrics import DEAD_LETTERS
from conduit_chassis.outbox import Outbox
from conduit_chassis.pieces import Pieces
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Item, Record
from conduit_chassis.runtime import Runtime, Tick, take_step
from conduit_chassis.yielding import Yielding
from conduit_intake import early, metrics, store
from conduit_intake.batch import in_turn, load_at, scene_of
from conduit_intake.handlers import HANDLERS, refused
from conduit_intake.submissions import Key, SubmissionContext

MOST_SETTLED = 4 * early.MOST_BYTES
"""Before one request. Beyond it the sender asks again, and others have their turns in between."""
_log = structlog.get_logger()


class EarlySweep:
    """Answers by the clock."""

    def __init__(self) -> None:
        self._pieces = Pieces()

    async def turn(self, runtime: Runtime, connection: Connection, outbox: Outbox) -> int:
        """Answer one piece; returns how many that were."""
        scene = scene_of(runtime)
        records = await early.take(connection, scene.now, self._pieces.most(early.BATCH))
        places = [(record.topic, record.partition, record.offset) for record in records]
        items = await _read(runtime, records)
        try:
            await _answer(runtime, connection, scene, items, outbox)
        except Exception as error:
            if not await self._pieces.gives_up(error, places, runtime.pool):
                raise
            await _put_aside(connection, items[0], error, outbox, scene)
        self._pieces.done(places)
        metrics.EARLY_WAITING.set(await early.count(connection))
        return len(items)


async def settle(runtime: Runtime, connection: Connection, scene: SubmissionContext, key: Key, outbox: Outbox) -> bool:
    """Answer what came by Kafka before a request about this referral; returns whether that was all of it."""
    settled = 0
    while settled < MOST_SETTLED:
        records = await early.take_of(connection, key)
        if not records:
            return True
        await _answer(runtime, connection, scene, await _read(runtime, records), outbox)
        await outbox.flush(connection)
        settled += sum(len(record.value or b"") for record in records)
    return not await early.awaited(connection, [key])


async def _read(runtime: Runtime, records: Sequence[Record]) -> list[Item]:
    items: list[Item] = []
    yielding = Yielding(runtime.haste)
    for record in records:
        items.append(early.READER.read(record))
        await yielding.pause()
    return items


async def _answer(
    runtime: Runtime, connection: Connection, scene: SubmissionContext, items: Sequence[Item], outbox: Outbox
) -> None:
    """Answer these, in order. The others must not wait for one that cannot be handled."""
    if not items:
        return
    batch, rows = in_turn([item.content for item in items]), len(outbox.rows)
    yielding = Yielding(runtime.haste)
    try:
        async with connection.transaction():
            work = await load_at(connection, scene, batch, outbox)
            work.awaited.clear()
            steps = dispatch(HANDLERS, refused, work, batch)
            for incoming in batch:
                await take_step(steps, incoming)
                await yielding.pause()
            await store.save(connection, work)
    except Exception as error:  # whatever a rule raises is its record's fault or ours
        outbox.take_back(rows)
        outbox.put_aside.clear()
        if classify(error) is not FailureCause.POISON:
            raise
        if len(items) == 1:
            await _put_aside(connection, items[0], error, outbox, scene)
            return
        for item in items:
            await _answer(runtime, connection, scene, [item], outbox)
    else:
        metrics.count(work.history)
        requests, outbox.put_aside = outbox.put_aside, []
        for request in requests:
            item = next(each for each in items if each.content is request.incoming)
            await _keep(connection, item, Cause(request.problem.code), outbox, scene)


async def _put_aside(connection: Connection, item: Item, error: Exception, outbox: Outbox, scene: SubmissionContext) -> None:
    _log.error("handler_failed", exc_info=error)
    await _keep(connection, item, Cause(HANDLER_FAILED, class_name(error)), outbox, scene)


async def _keep(connection: Connection, item: Item, cause: Cause, outbox: Outbox, scene: SubmissionContext) -> None:
    await dead_letters.put_aside(connection, outbox, "intake", item, cause, scene.now)
    DEAD_LETTERS.labels(cause.reason).inc()


def tick() -> Tick:
    """The periodic work. It goes on at once for as long as anything was answered: a piece may be cut by its size."""
    return Tick("settle_early_updates", timedelta(seconds=1), EarlySweep().turn, batch=1)
