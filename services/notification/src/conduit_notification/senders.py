"""From a claimed notice to an attempt: whom it is for now, and over which channel."""

from datetime import datetime

from aiosmtplib import SMTPException

from conduit_chassis.clock import Clock
from conduit_contracts.programme import Contact
from conduit_notification import outcomes, rendering
from conduit_notification.mailer import Mailer
from conduit_notification.notices import HUB, Claimed, Ladder, contact_at
from conduit_notification.outcomes import AttemptOutcome
from conduit_notification.settings import NotificationSettings
from conduit_notification.webhooks import Webhooks
from conduit_notification.work import Basis


class EmailSender:
    """Attempts by e-mail. Addresses are looked up at the last moment, so a change in the register takes effect at once."""

    def __init__(self, settings: NotificationSettings, basis: Basis, mailer: Mailer) -> None:
        self._settings = settings
        self._basis = basis
        self._mailer = mailer

    async def __call__(self, notice: Claimed) -> AttemptOutcome:
        """One attempt; whatever the mail server does is an outcome."""
        contact = resolve(notice, self._basis.fallback)
        if isinstance(contact, AttemptOutcome):
            return contact
        if contact.email is None:
            return outcomes.NO_CONTACT
        try:
            await self._mailer.send(contact.email, self._message(notice, contact.email))
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            return outcomes.of_smtp(error)
        return outcomes.EMAIL_TAKEN

    def _message(self, notice: Claimed, recipient: str) -> bytes:
        settings, policy = self._settings, self._basis.policy
        ways = rendering.Ways(policy.danger_next_step, policy.hub_hours, settings.hub_url, settings.duty_url)
        return rendering.email(notice, recipient, sender=settings.smtp_sender, ways=ways)


class WebhookSender:
    """Attempts by webhook."""

    def __init__(self, webhooks: Webhooks, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock

    async def __call__(self, notice: Claimed) -> AttemptOutcome:
        """One attempt; whatever the endpoint does is an outcome."""
        contact = resolve(notice, None)
        if isinstance(contact, AttemptOutcome):
            return contact
        if contact.webhook_url is None or contact.webhook_secret is None:
            return outcomes.NO_CONTACT
        return await self._webhooks.send(notice, contact.webhook_url, contact.webhook_secret, self._now())

    def _now(self) -> datetime:
        return self._clock.now()


def resolve(notice: Claimed, hub_ladder: Ladder | None) -> Contact | AttemptOutcome:
    """Whom a notice is for, as the register stands now, or why nobody can say. `hub_ladder` holds until it has the hub."""
    ladder = notice.ladder or (hub_ladder if notice.audience == HUB else None)
    return contact_at(ladder, notice.level) if ladder else outcomes.CONTACT_UNKNOWN


def hub(settings: NotificationSettings) -> Ladder:
    """The hub as an audience. Without HUB_EMAIL it has no address, and nothing is queued for it."""
    return (Contact(email=settings.hub_email),)
