"""Drives notification's delivery by hand, in tests."""

from datetime import timedelta

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.notification import Channel
from conduit_notification.app import read_policy
from conduit_notification.delivery import Courier, Pace, Send
from conduit_notification.mailer import Mailer
from conduit_notification.senders import EmailSender, WebhookSender, hub, supervisors
from conduit_notification.settings import NotificationSettings
from conduit_notification.webhooks import Webhooks
from conduit_notification.work import Basis

PACE = Pace(at_once=2, in_hand=8, share=8, longest=5, poll=0.01)
MOST_STEPS = 500


def settings_of(notification: Harness) -> NotificationSettings:
    settings = notification.runtime.settings
    assert isinstance(settings, NotificationSettings)
    return settings


def courier(notification: Harness, channel: Channel, send: Send, pace: Pace = PACE) -> Courier:
    settings = settings_of(notification)
    return Courier(notification.runtime, channel, send, read_policy(settings), pace, hub(settings))


async def deliver_email(notification: Harness, mailer: Mailer | None = None) -> None:
    """Deliver every e-mail that is due."""
    settings = settings_of(notification)
    used = mailer or Mailer(settings)
    sender = EmailSender(settings, Basis(read_policy(settings), hub(settings), supervisors(settings)), used)
    await until_idle(notification, courier(notification, Channel.EMAIL, sender))
    if mailer is None:
        used.close()


async def deliver_webhooks(notification: Harness) -> None:
    """Deliver every webhook that is due."""
    webhooks = Webhooks(settings_of(notification))
    sender = WebhookSender(webhooks, notification.runtime.clock)
    await until_idle(notification, courier(notification, Channel.WEBHOOK, sender))
    await webhooks.close()


async def until_idle(notification: Harness, made: Courier) -> None:
    """Step until nothing of the channel is due and nothing is in hand."""
    for _ in range(MOST_STEPS):
        await made.step()
        due = "SELECT count(*) FROM notices WHERE state = 'queued' AND channel = $1 AND next_attempt_at <= clock_timestamp()"
        if made.idle and not await notification.pool.fetchval(due, made.channel.value):
            return
    raise AssertionError("the queue does not empty")


async def let_pass(notification: Harness, by: timedelta) -> None:
    """As if so much time had passed, by the process' clock and by the database's."""
    clock = notification.runtime.clock
    assert isinstance(clock, ManualClock)
    clock.advance(by)
    await notification.pool.execute(
        "UPDATE notices SET queued_at = queued_at - $1::interval, next_attempt_at = next_attempt_at - $1::interval", by
    )


async def notices(notification: Harness) -> list[dict[str, object]]:
    """Every notice, in order of creation."""
    rows = await notification.pool.fetch("SELECT * FROM notices ORDER BY created_at, template, audience, channel")
    return [dict(row) for row in rows]


async def attempts(notification: Harness) -> list[tuple[int, str, int | None]]:
    """Every attempt: its number, outcome and status."""
    rows = await notification.pool.fetch("SELECT attempt, outcome, status FROM notice_attempts ORDER BY at, attempt")
    return [(row["attempt"], row["outcome"], row["status"]) for row in rows]
