"""What a notice is, before and while it is delivered: references and codes, never the case.

A notice's id follows from the event that caused it, so that the same event cannot make a second notice, whatever is
delivered, replayed or restarted in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from conduit_contracts.notification import Channel
from conduit_contracts.programme import Contact
from conduit_notification.templates import COLLAPSED, Template

HUB = "hub:"
SUPERVISORS = "hub:supervisors"
"""Who is told where SUPERVISORS_EMAIL says so; the hub's contacts are in their place where it does not."""
SANDBOX = "--sandbox"
QUIET_SECONDS = 300
"""Of the templates that collapse, an audience gets at most one in each such span."""
PARAMETERS = frozenset(
    {
        "partner_reference",
        "force_id",
        "state",
        "leg",
        "chase",
        "level",
        "submission_id",
        "failed_audience",
        "failed_channel",
        "failed_code",
        "partner_id",
        "about_referral",
        "codes",
        "kind",
        "task_id",
        "token",
        "ring",
        "due",
        "change",
        "look_at",
    }
)
"""All that a notice may say of a referral, besides its id."""

_NAMESPACE = UUID("6f1b0c1e-8d0e-5a53-9f54-4b1d3f0f8a11")

Ladder = tuple[Contact, ...]
"""An audience's own contact first, then those of its escalation levels, in order."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to be queued."""

    notice_id: UUID
    audience: str
    level: int
    channel: Channel
    template: Template
    referral_id: UUID | None
    params: Mapping[str, Any]
    urgent: bool
    collapse: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice whose attempt of this number is this process's to make. `ladder` is None where nobody registered yet."""

    notice_id: UUID
    audience: str
    level: int
    channel: Channel
    template: str
    referral_id: UUID | None
    params: Mapping[str, Any]
    attempt: int
    created_at: datetime
    ladder: Ladder | None
    urgent: bool = False
    control_room: str | None = None
    """Of the force that it is for."""
    folded: "tuple[Claimed, ...]" = ()
    """Others that go out with it, as one e-mail."""

    @property
    def together(self) -> "tuple[Claimed, ...]":
        """All that goes out with it, itself included, in the order in which they were made."""
        return tuple(sorted((self, *self.folded), key=lambda each: (each.created_at, each.notice_id)))

    @property
    def message_id(self) -> UUID:
        """What tells a receiver that a message is the same again: the same of the same notices, and of no others."""
        if not self.folded:
            return self.notice_id
        return uuid5(_NAMESPACE, " ".join(str(each.notice_id) for each in self.together))


def partner(partner_id: str) -> str:
    """A partner as an audience."""
    return f"partner:{partner_id}"


def in_sandbox(audience: str) -> str | None:
    """A partner's sandbox as an audience; nobody else has one. No partner is called so: ids hold single hyphens."""
    return f"{audience}{SANDBOX}" if audience.startswith("partner:") else None


def is_sandbox(audience: str) -> bool:
    """Whether it is a partner's sandbox, so that nothing said to it is real."""
    return audience.endswith(SANDBOX)


def force(force_id: str) -> str:
    """A force's safeguarding team as an audience."""
    return f"force:{force_id}"


def professional_standards(force_id: str) -> str:
    """A force's professional standards department as an audience."""
    return f"force:{force_id}-professional-standards"


def on_duty_at(change_id: UUID, *, changed: bool) -> str:
    """Those who were on duty when a change was proposed or took effect, as an audience of its own that stays as it is."""
    letters = change_id.hex.translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))
    return f"{HUB}{'c' if changed else 'p'}{letters}"


def contact_at(ladder: Ladder, level: int) -> Contact:
    """The contact of this level, or of the highest one below it that can be reached at all."""
    for contact in reversed(ladder[: level + 1]):
        if channels_of(contact):
            return contact
    return ladder[0]


def channels_of(contact: Contact) -> tuple[Channel, ...]:
    """How this contact can be reached."""
    held = ((Channel.EMAIL, contact.email), (Channel.WEBHOOK, contact.webhook_url))
    return tuple(channel for channel, address in held if address is not None)


def channels_for(ladder: Ladder | None, level: int) -> tuple[Channel, ...]:
    """The channels to queue for. An audience whose registration has not been read yet may turn out to have any."""
    if ladder is None:
        return tuple(Channel)
    return channels_of(contact_at(ladder, level)) if ladder else ()


def notice_id(cause: str, audience: str, level: int, channel: Channel, template: Template) -> UUID:
    """The id of the one notice that this cause makes for this audience, level, channel and template."""
    return uuid5(_NAMESPACE, f"{cause} {audience} {level} {channel} {template}")


def collapse_key(template: Template, channel: Channel, about: str, now: datetime) -> str | None:
    """What makes e-mails of a kind count as one, so that a faulty sender or endpoint cannot flood a mailbox."""
    if channel is not Channel.EMAIL or template not in COLLAPSED:
        return None
    span = int(now.astimezone(UTC).timestamp()) // QUIET_SECONDS
    return f"{template}/{about}/{span}"
