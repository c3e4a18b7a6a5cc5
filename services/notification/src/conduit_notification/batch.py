"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import Sequence

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.runtime import Runtime
from conduit_notification import duty_commands, duty_store, metrics, store
from conduit_notification.hub import change
from conduit_notification.notices import HUB, SUPERVISORS
from conduit_notification.work import Basis, NotificationWork


async def load(connection: Connection, runtime: Runtime, batch: Sequence[Incoming], outbox: Outbox) -> NotificationWork:
    """The referrals that the batch is about, locked, and the contacts of everyone whom it names."""
    basis: Basis = runtime.context
    work = NotificationWork(basis.policy, runtime.clock.now(), outbox, basis.fallback)
    await store.load(connection, work, [incoming.message for incoming in batch if isinstance(incoming, Delivery)])
    await duty_commands.load(connection, work, batch)
    work.ladders.setdefault(HUB, work.fallback)
    if basis.supervisors:
        work.ladders[SUPERVISORS] = basis.supervisors
    return work


async def save(connection: Connection, work: NotificationWork) -> None:
    """Write what the batch changed, and count it."""
    await store.save(connection, work)
    await change(connection, work)
    await duty_store.keep_callbacks(connection, work.callbacks)
    # First: what an officer was told that they have, nobody else takes in this batch.
    await duty_commands.save(connection, work)
    await duty_store.open_tasks(connection, work.duties, work.policy, work.fallback)
    metrics.count(work)
