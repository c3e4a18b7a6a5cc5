"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import Sequence
from typing import cast

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Incoming
from conduit_chassis.runtime import Runtime
from conduit_programme import metrics, store
from conduit_programme.settings import ProgrammeSettings
from conduit_programme.work import ProgrammeWork


async def load(_connection: Connection, runtime: Runtime, _batch: Sequence[Incoming], outbox: Outbox) -> ProgrammeWork:
    """Nothing: a record says all that there is to know."""
    settings = cast("ProgrammeSettings", runtime.settings)
    return ProgrammeWork(runtime.clock.now(), outbox, settings.mou_time_zone)


async def save(connection: Connection, work: ProgrammeWork) -> None:
    """Write what the records say, and count it."""
    await store.save(connection, work)
    metrics.count(work)
