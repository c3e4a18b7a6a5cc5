"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import Sequence
from typing import cast

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming, Refusal
from conduit_chassis.runtime import Runtime
from conduit_contracts.programme import ForceRegistered, PartnerRegistered, PersonRegistered
from conduit_contracts.registering import ORDERS, subject_of
from conduit_contracts.registering_people import PEOPLE_REGISTERS, PERSON_ORDERS
from conduit_programme import metrics, store
from conduit_programme.register import people_store
from conduit_programme.register import store as register
from conduit_programme.settings import ProgrammeSettings
from conduit_programme.work import ProgrammeWork

_REGISTERS = (PartnerRegistered, ForceRegistered, *ORDERS)


async def load(connection: Connection, runtime: Runtime, batch: Sequence[Incoming], outbox: Outbox) -> ProgrammeWork:
    """The entries that the batch is about. Of a hand-over its record says all that there is to know."""
    settings = cast("ProgrammeSettings", runtime.settings)
    work = ProgrammeWork(runtime.clock.now(), outbox, settings.mou_time_zone)
    subjects = {
        subject_of(each.message) for each in batch if isinstance(each, Delivery) and isinstance(each.message, _REGISTERS)
    }
    if subjects:
        work.register = await register.load(connection, subjects)
    if any(map(_is_about_people, batch)):
        work.people = await people_store.load(connection)
    return work


def _is_about_people(incoming: Incoming) -> bool:
    if isinstance(incoming, Refusal):
        return incoming.topic in PEOPLE_REGISTERS
    return isinstance(incoming.message, (PersonRegistered, *PERSON_ORDERS))


async def save(connection: Connection, work: ProgrammeWork) -> None:
    """Write what the records say, and count it."""
    await register.save(connection, work)
    await people_store.save(connection, work)
    await store.save(connection, work)
    metrics.count(work)
