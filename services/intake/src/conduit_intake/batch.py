"""What a batch needs in memory, and what is written of it. Between the two, `handlers` take its records one by one."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.runtime import Runtime
from conduit_intake import metrics, store, suspensions
from conduit_intake.handlers import submission_of
from conduit_intake.policy import IntakePolicy
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Partner, SubmissionContext, SubmissionKind
from conduit_intake.suspensions import OrderedSuspension
from conduit_intake.work import IntakeWork


async def load(connection: Connection, runtime: Runtime, batch: Sequence[Incoming], outbox: Outbox) -> IntakeWork:
    """All that the batch is about. What it holds of a referral that has not come may wait for it."""
    policy: IntakePolicy = runtime.context
    work = await load_at(connection, scene_of(runtime), batch, outbox)
    work.patience = policy.patience
    return work


async def load_at(connection: Connection, scene: SubmissionContext, batch: Sequence[Incoming], outbox: Outbox) -> IntakeWork:
    """All that the batch is about; its referrals are locked."""
    work = IntakeWork(scene, outbox)
    submissions = [submission_of(each) for each in batch if isinstance(each, Delivery) and each.topic.edge]
    keys = {submission.key for submission in submissions}
    supplemented = {submission.key for submission in submissions if submission.docket.kind is SubmissionKind.INFORMATION}
    if registering := {each.message.partner_id for each in batch if isinstance(each, Delivery) and _registers(each)}:
        work.suspensions = await suspensions.load(connection, registering)
    await store.load(connection, work, [_sender(incoming) for incoming in batch], keys, supplemented)
    return work


async def parts(
    _connection: Connection, _work: IntakeWork, batch: Sequence[Incoming]
) -> AsyncGenerator[Sequence[Incoming], None]:
    """The whole batch, the register's records first: no order holds between its topic and the partners'."""
    yield in_turn(batch)


def in_turn(batch: Sequence[Incoming]) -> Sequence[Incoming]:
    """The records in the order in which they are handled."""
    return sorted(batch, key=lambda each: each.topic.edge)


async def save(connection: Connection, work: IntakeWork) -> None:
    """Write what the batch changed, and count it."""
    await store.save(connection, work)
    metrics.count(work.history)


def scene_of(runtime: Runtime) -> SubmissionContext:
    """What rules may know at this moment."""
    settings = cast("IntakeSettings", runtime.settings)
    return SubmissionContext(
        now=runtime.clock.now(),
        latest=runtime.clock.latest(),
        max_bytes=settings.max_referral_bytes,
        zone=settings.mou_time_zone,
    )


def _registers(delivery: Delivery[Any]) -> bool:
    """Whether it says how a partner stands, or is to stand."""
    return isinstance(delivery.message, Partner | OrderedSuspension)


def _sender(incoming: Incoming) -> str:
    """The partner that a record comes from, or is about."""
    if isinstance(incoming, Delivery) and _registers(incoming):
        partner_id: str = incoming.message.partner_id
        return partner_id
    return incoming.principal
