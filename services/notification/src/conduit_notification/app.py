"""Wires notification together."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick, Worker
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.snapshots import publishing
from conduit_contracts.notification import Channel
from conduit_contracts.topics import NOTIFICATION_SANDBOX
from conduit_notification import batch, duty_store, duty_telling, metrics, queue, store
from conduit_notification.delivery import Courier, Pace
from conduit_notification.handlers import HANDLERS, refused
from conduit_notification.keeping import KEEPER
from conduit_notification.mailer import Mailer
from conduit_notification.notices import HUB, channels_of
from conduit_notification.pages import create_pages
from conduit_notification.policy import NotificationPolicy, from_file
from conduit_notification.readers import READERS
from conduit_notification.senders import EmailSender, WebhookSender, hub, supervisors
from conduit_notification.settings import NotificationSettings
from conduit_notification.webhooks import Webhooks
from conduit_notification.work import Basis, NotificationWork

MEASURE_SECONDS = 5.0
DUTY_EVERY = timedelta(seconds=2)
TELL_EVERY = timedelta(seconds=1)
FORGET_EVERY = timedelta(hours=6)
_PREFETCH = 4
"""E-mails claimed per connection: enough to settle in bunches, few enough for a short lease."""


def start(runtime: Runtime) -> Basis:
    """The policy, and whom to tell at the hub."""
    settings = _settings(runtime)
    return Basis(read_policy(settings), hub(settings), supervisors(settings))


def routes(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
    """The pages on which people on duty take their tasks."""
    return (("/duty", create_pages(runtime, _basis(runtime).policy)),)


async def keep_time(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Call whoever is next where nobody took a duty task."""
    basis = _basis(runtime)
    return await duty_store.keep_time(connection, basis.policy, basis.fallback)


async def tell_duty_tasks(_runtime: Runtime, connection: Connection, outbox: Outbox) -> int:
    """Publish what became of duty tasks."""
    return await duty_telling.tell(connection, outbox)


async def forget(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Delete the people to call back, some time after they were last needed."""
    await duty_store.forget_callbacks(connection, timedelta(days=_basis(runtime).policy.callback_days))
    return 0


async def forget_sandbox(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Delete where referrals of the sandbox stood, when the sandbox has forgotten them."""
    return await store.forget_sandbox(connection, runtime.clock.now() - NOTIFICATION_SANDBOX.retention)


def create_service() -> Service[NotificationWork]:
    """Notification."""
    return Service(
        "notification",
        handlers=HANDLERS,
        load=batch.load,
        save=batch.save,
        start=start,
        refused=refused,
        migrations=Path(__file__).parent / "migrations",
        settings=NotificationSettings,
        ticks=(
            Tick("keep_duty_time", DUTY_EVERY, keep_time, batch=duty_store.CALLS_AT_ONCE),
            Tick("tell_duty_tasks", TELL_EVERY, tell_duty_tasks, batch=duty_telling.AT_ONCE),
            Tick("forget_callbacks", FORGET_EVERY, forget),
            Tick("forget_sandbox", FORGET_EVERY, forget_sandbox, batch=store.FORGET_BATCH),
        ),
        workers=(
            Worker("deliver_email", deliver_email),
            Worker("deliver_webhooks", deliver_webhooks),
            Worker("measure_queue", measure_queue),
            publishing(KEEPER),
        ),
        routes=routes,
        readers=READERS,
    )


async def deliver_email(runtime: Runtime) -> None:
    """The worker that sends e-mails."""
    settings, basis = _settings(runtime), _basis(runtime)
    mailer, connections = Mailer(settings), settings.smtp_connections
    in_hand = connections * _PREFETCH
    pace = Pace(connections, in_hand, in_hand, settings.smtp_seconds, settings.notice_poll_seconds)
    sender = EmailSender(settings, basis, mailer)
    try:
        await Courier(runtime, Channel.EMAIL, sender, basis.policy, pace, basis.fallback).run()
    finally:
        mailer.close()


async def deliver_webhooks(runtime: Runtime) -> None:
    """The worker that sends webhook requests."""
    settings, basis = _settings(runtime), _basis(runtime)
    webhooks, requests = Webhooks(settings), settings.webhook_requests
    pace = Pace(requests, requests, requests // 4, settings.webhook_seconds, settings.notice_poll_seconds)
    sender = WebhookSender(webhooks, runtime.clock)
    try:
        await Courier(runtime, Channel.WEBHOOK, sender, basis.policy, pace, basis.fallback).run()
    finally:
        await webhooks.close()


async def measure_queue(runtime: Runtime) -> None:
    """The worker that keeps the queue's gauges."""
    while True:
        for channel, (number, age) in (await queue.measure(runtime.pool)).items():
            metrics.QUEUE.labels(channel.value).set(number)
            metrics.QUEUE_AGE.labels(channel.value).set(age)
        waiting, unanswered, oldest = await duty_store.measure(runtime.pool)
        metrics.DUTY_WAITING.set(waiting)
        metrics.DUTY_UNANSWERED.set(unanswered)
        metrics.DUTY_AGE.set(oldest)
        ladder = await queue.ladder_of(runtime.pool, HUB) or _basis(runtime).fallback
        metrics.DUTY_CONTACTS.set(sum(bool(channels_of(contact)) for contact in ladder))
        await asyncio.sleep(MEASURE_SECONDS)


def read_policy(settings: NotificationSettings) -> NotificationPolicy:
    """Notification's section of the policy file.

    Raises:
        ConfigurationError: naming what cannot be used.
    """
    return from_file(settings.policy_file)


def _basis(runtime: Runtime) -> Basis:
    return cast("Basis", runtime.context)


def _settings(runtime: Runtime) -> NotificationSettings:
    return cast("NotificationSettings", runtime.settings)


SERVICE = create_service()
