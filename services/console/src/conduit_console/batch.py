"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import Sequence

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.runtime import Runtime
from conduit_console import metrics, rebuilding, store
from conduit_console.work import ConsoleWork


async def load(connection: Connection, runtime: Runtime, batch: Sequence[Incoming], outbox: Outbox) -> ConsoleWork:
    """The cases that the batch is about, locked."""
    work = ConsoleWork(runtime.clock.now(), outbox)
    for incoming in batch:
        record = incoming.record
        if record.replay is None:  # what is brought back says nothing of what came after it
            work.followed[record.topic, record.partition] = record.timestamp
    await store.load(connection, work, [incoming.message for incoming in batch if isinstance(incoming, Delivery)])
    await rebuilding.load(connection, work, batch)
    return work


parts = rebuilding.parts


async def save(connection: Connection, work: ConsoleWork) -> None:
    """Write what the batch changed, and count it."""
    await store.save(connection, work)
    await rebuilding.save(connection, work)
    metrics.count(work)
