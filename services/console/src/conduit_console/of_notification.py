"""What notification says: notices that it gave up on, and duty tasks. Somebody at the hub must act on either."""

from collections.abc import Sequence
from typing import Any

from conduit_chassis.records import Delivery
from conduit_chassis.trail import uuid_in
from conduit_console.cases import CALM, DANGER, FailedNotice
from conduit_console.content import HeldCalls
from conduit_console.duties import AnsweredTaking
from conduit_console.readers import TaskTaken
from conduit_console.work import RULES, ConsoleWork, ToldDuty
from conduit_contracts.notification import DutyTaskNotTaken, DutyTaskUpdated, NoticeFailed


def notice_failed(work: ConsoleWork, delivery: Delivery[NoticeFailed]) -> None:
    message = delivery.message
    work.failed.append(
        FailedNotice(
            notice_id=message.notice_id,
            audience=message.audience,
            channel=message.channel.value,
            template=message.template,
            referral_id=message.referral_id,
            attempts=message.attempts,
            code=message.code,
            failed_at=delivery.attributes.time,
        )
    )
    if message.referral_id in work.cases:
        kind, _, name = message.audience.partition(":")
        work.note(delivery, RULES, (message.code,), (name,) if kind == "force" else ())


def duty_task_updated(work: ConsoleWork, delivery: Delivery[DutyTaskUpdated]) -> None:
    message = delivery.message
    told = work.duties.get(message.task_id)
    if told is not None and told.said_at > delivery.record.timestamp:
        return
    work.duties[message.task_id] = ToldDuty(
        task_id=message.task_id,
        kind=message.kind,
        rank=DANGER if message.danger else CALM,
        partner_id=message.partner_id,
        partner_reference=message.partner_reference,
        referral_id=message.referral_id,
        force_id=message.force_id,
        codes=message.codes,
        said=message.said,
        opened_at=message.opened_at,
        unanswered_at=message.unanswered_at,
        taken_at=message.taken_at,
        taken_by=message.taken_by,
        next_call_at=message.next_call_at,
        said_at=delivery.record.timestamp,
    )


def duty_task_taken(work: ConsoleWork, delivery: Delivery[TaskTaken]) -> None:
    """An officer has it. Whom to call is kept for that officer alone."""
    message, said_at = delivery.message, delivery.attributes.time
    work.calls.append(HeldCalls(message.task_id, message.officer_id, said_at, delivery.record.value or b""))
    _answered(work, delivery, taken=True, why=())


def duty_task_not_taken(work: ConsoleWork, delivery: Delivery[DutyTaskNotTaken]) -> None:
    _answered(work, delivery, taken=False, why=[each.code for each in delivery.message.problems])


def _answered(work: ConsoleWork, delivery: Delivery[Any], *, taken: bool, why: Sequence[str]) -> None:
    command_id = uuid_in(delivery.message.command_id)
    if command_id is not None:  # else, whoever wrote it, it was not this console
        work.takings.append(AnsweredTaking(command_id, taken, delivery.attributes.time, tuple(why)))
