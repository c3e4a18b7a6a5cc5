"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from conduit_chassis.commands import keep, keep_signatures, signed
from conduit_chassis.dispatch import ignore
from conduit_chassis.outbox import Outbox
from conduit_chassis.parts import in_parts
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.runtime import Runtime
from conduit_chassis.seen import is_dated
from conduit_chassis.weights import weigh
from conduit_contracts import force, routing, triage
from conduit_contracts.topics import ROUTING_REVIEWS
from conduit_routing import attachments, metrics, store
from conduit_routing.handlers import HANDLERS
from conduit_routing.work import RoutingWork

MOST_TOLD = 4_000_000
"""Bytes told of stored cases that are in memory at a time, unless one case alone is larger."""
_NEED_CONTENT = frozenset(
    {
        triage.ReferralAccepted.type,
        triage.InformationForwarded.type,
        routing.NameHomeForce.type,
        routing.RerouteHandoff.type,
        routing.StandDownHandoff.type,
        routing.SendToProfessionalStandards.type,
        routing.NameInterimOwner.type,
        force.CaseDeclined.type,
    }
)
"""The records whose effect may send a case that is stored already."""


def begin(runtime: Runtime, outbox: Outbox) -> RoutingWork:
    """Work to do now, under the policy in force."""
    return RoutingWork(runtime.context, runtime.clock.now(), outbox, metrics.COUNTED)


async def load(connection: Connection, runtime: Runtime, batch: Sequence[Incoming], outbox: Outbox) -> RoutingWork:
    """The cases that the batch is about, locked, without what was told of them."""
    work, ids = begin(runtime, outbox), wanted(batch)
    work.signed = signed(batch)
    work.cases = await store.load(connection, ids)
    await attachments.load(connection, work, ids)
    await store.load_lines(connection, work.cases, dated(batch))
    return work


async def parts(
    connection: Connection, work: RoutingWork, batch: Sequence[Incoming]
) -> AsyncGenerator[Sequence[Incoming], None]:
    """The batch a part at a time, each with what was told of the cases that it may send on."""
    ids = wanted(batch)
    needed = {each: case for each, case in work.cases.items() if ids[each] or store.may_pass_on(case)}
    weights = await weigh(connection, "cases", needed) if len(needed) > 1 else {}
    for part in in_parts([(_about_whom(each), each) for each in batch], weights, MOST_TOLD):
        told = {each: needed[each] for each in wanted(part) if each in needed}
        await store.load_content(connection, told)
        yield part
        for case in told.values():
            case.content = None


async def save(connection: Connection, work: RoutingWork) -> None:
    """Write what the batch changed, and count it."""
    changed = work.changed()
    await store.save(connection, changed)
    await attachments.save(connection, work.changed_attachments())
    await keep(connection, work.answers, work.now)
    await keep_signatures(connection, work.signed, work.now)
    metrics.count(changed, work.now)


def wanted(batch: Sequence[Incoming]) -> dict[UUID, bool]:
    """The cases that a batch is about, and whether what was told of them is needed."""
    ids: dict[UUID, bool] = {}
    for incoming in batch:
        if isinstance(incoming, Delivery) and HANDLERS[incoming.attributes.type] is not ignore:
            referral_id = incoming.message.referral_id
            ids[referral_id] = ids.get(referral_id, False) or incoming.attributes.type in _NEED_CONTENT
    return ids


def dated(batch: Sequence[Incoming]) -> set[UUID]:
    """The cases of which a command says what its officer had seen."""
    deliveries = (each for each in batch if isinstance(each, Delivery) and each.topic is ROUTING_REVIEWS)
    return {each.message.referral_id for each in deliveries if is_dated(each.message)}


def _about_whom(incoming: Incoming) -> UUID | None:
    return incoming.message.referral_id if isinstance(incoming, Delivery) else None
