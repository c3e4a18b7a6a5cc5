"""What notification says of notices: of those alone that it gave up on, since somebody at the hub must act."""

from conduit_chassis.records import Delivery
from conduit_console.work import RULES, ConsoleWork, FailedNotice
from conduit_contracts.notification import NoticeFailed


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
