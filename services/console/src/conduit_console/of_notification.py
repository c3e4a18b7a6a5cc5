"""What notification says: notices that it gave up on, and duty tasks. Somebody at the hub must act on either."""

from conduit_chassis.records import Delivery
from conduit_console.cases import CALM, DANGER, FailedNotice
from conduit_console.work import RULES, ConsoleWork, ToldDuty
from conduit_contracts.notification import DutyTaskUpdated, NoticeFailed


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
        said_at=delivery.record.timestamp,
    )
