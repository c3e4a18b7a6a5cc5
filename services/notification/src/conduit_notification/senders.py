"""From a claimed notice to an attempt: whom it is for now, and over which channel."""

from collections.abc import Mapping
from datetime import datetime

from aiosmtplib import SMTPException

from conduit_chassis.clock import Clock
from conduit_contracts.programme import Contact
from conduit_notification import outcomes, rendering
from conduit_notification.mailer import Mailer
from conduit_notification.notices import HUB, SUPERVISORS, Claimed, Ladder, contact_at
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
        contact = resolve(notice, {HUB: self._basis.fallback, SUPERVISORS: self._basis.supervisors})
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
        contact = resolve(notice, {})
        if isinstance(contact, AttemptOutcome):
            return contact
        if contact.webhook_url is None or contact.webhook_secret is None:
            return outcomes.NO_CONTACT
        return await self._webhooks.send(notice, contact.webhook_url, contact.webhook_secret, self._now())

    def _now(self) -> datetime:
        return self._clock.now()


def resolve(notice: Claimed, told: Mapping[str, Ladder]) -> Contact | AttemptOutcome:
    """Whom a notice is for, as the register stands now, or why nobody can say. `told` are ladders of audiences that the
    settings name, which hold until the register has them."""
    ladder = notice.ladder or told.get(notice.audience)
    return contact_at(ladder, notice.level) if ladder else outcomes.CONTACT_UNKNOWN


def hub(settings: NotificationSettings) -> Ladder:
    """The hub as an audience. Without HUB_EMAIL it has no address, and nothing is queued for it."""
    return (Contact(email=settings.hub_email),)


def supervisors(settings: NotificationSettings) -> Ladder:
    """The hub's supervisors as an audience, where they have an address."""
    return (Contact(email=settings.supervisors_email),) if settings.supervisors_email else ()
