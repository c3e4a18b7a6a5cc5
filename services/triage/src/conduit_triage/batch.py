"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from conduit_chassis import commands
from conduit_chassis.dispatch import ignore
from conduit_chassis.outbox import Outbox
from conduit_chassis.parts import in_parts
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.runtime import Runtime
from conduit_chassis.seen import is_dated
from conduit_chassis.weights import weigh
from conduit_contracts import intake
from conduit_contracts.triage import DecideReview, NoteCall
from conduit_triage import acts, metrics, store
from conduit_triage.cases import Assessment, State
from conduit_triage.handlers import HANDLERS
from conduit_triage.work import TriageWork

MOST_TOLD = 4_000_000
"""Bytes told of stored referrals that are read for one part of a batch, unless one referral alone is larger."""
_NEED_TOLD = frozenset({intake.InformationSupplied.type, intake.ReconsiderationRequested.type, DecideReview.type})


async def load(connection: Connection, runtime: Runtime, batch: Sequence[Incoming], outbox: Outbox) -> TriageWork:
    """The cases that the batch is about, locked."""
    work = TriageWork(runtime.context, runtime.clock.now(), outbox, signed=commands.signed(batch))
    await store.load(connection, work, concerned(batch), additions(batch))
    await store.load_lines(connection, work, dated(batch))
    return work


async def parts(
    connection: Connection, work: TriageWork, batch: Sequence[Incoming]
) -> AsyncGenerator[Sequence[Incoming], None]:
    """The batch a part at a time, each with what was told of its cases where rules may ask for that."""
    needed = in_need(work, batch)
    weights = await weigh(connection, "assessments", needed) if len(needed) > 1 else {}
    for part in in_parts([(_about_whom(each), each) for each in batch], weights, MOST_TOLD):
        told = {key: needed[key] for key in concerned(part) if key in needed}
        await store.load_told(connection, told, acts.MOST_BYTES)
        yield part
        for case in told.values():
            case.forget()


async def forward_rest(connection: Connection, work: TriageWork) -> None:
    """Forward what did not fit beside a referral, read from the store bit by bit."""
    pending, work.rest = work.rest, []
    for act, fitting in pending:
        async for supplement in store.supplements_of(connection, act.case.referral_id, fitting):
            acts.forward_information(act, supplement)
            await work.outbox.spill(connection)
        for added in act.case.added[act.case.leading :]:
            acts.forward_information(act, added.supplement)
    await work.outbox.spill(connection)


async def save(connection: Connection, work: TriageWork) -> None:
    """Write what the batch changed, and count it."""
    await store.save(connection, work)
    metrics.count(work.history, work.answers)


def in_need(work: TriageWork, batch: Sequence[Incoming]) -> dict[UUID, Assessment]:
    """The stored cases whose words rules may ask for. A decided one that forces have only passes on what is added."""
    deliveries = (each for each in batch if isinstance(each, Delivery) and each.attributes.type in _NEED_TOLD)
    cases = {each.message.referral_id: work.cases.get(each.message.referral_id) for each in deliveries}
    open_to_rules = {State.UNDER_REVIEW, State.DECLINED}
    return {key: case for key, case in cases.items() if case is not None and case.state in open_to_rules}


def dated(batch: Sequence[Incoming]) -> set[UUID]:
    """The referrals of which a command says what its officer had seen."""
    messages = (each.message for each in batch if isinstance(each, Delivery))
    commands = (each for each in messages if isinstance(each, DecideReview | NoteCall))
    return {command.referral_id for command in commands if is_dated(command)}


def additions(batch: Sequence[Incoming]) -> list[str]:
    """The event ids of what the batch adds to referrals."""
    deliveries = (each for each in batch if isinstance(each, Delivery))
    return [each.attributes.id for each in deliveries if each.attributes.type == intake.InformationSupplied.type]


def _about_whom(incoming: Incoming) -> UUID | None:
    return getattr(incoming.message, "referral_id", None) if isinstance(incoming, Delivery) else None


def concerned(batch: Sequence[Incoming]) -> set[UUID]:
    """The referrals that a batch is about."""
    deliveries = (incoming for incoming in batch if isinstance(incoming, Delivery))
    return {each.message.referral_id for each in deliveries if HANDLERS[each.attributes.type] is not ignore}
