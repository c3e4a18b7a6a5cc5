"""A partner's message as a record to send.

Its event id stays the same however often it is sent, so that the hub takes it once. A submission that was answered with a
retryable problem is sent again as a new one, under a new event id.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from conduit_contracts.advice import Advice
from conduit_contracts.doubts import advice_on
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import InformationSupplied, ReconsiderationRequested, ReferralSubmitted, ReferralWithdrawn
from conduit_contracts.topics import PARTNER_REFERRALS

_log = logging.getLogger(__name__)

PartnerMessage = ReferralSubmitted | InformationSupplied | ReferralWithdrawn | ReconsiderationRequested


@dataclass(frozen=True, slots=True)
class Submission:
    """One record, ready to send and to send again. Store `event_id` with your own record of the case before you send."""

    event_id: str
    topic: str
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    warnings: tuple[Advice, ...] = ()
    """What to check before you send it. The hub takes it anyway."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission that the broker has confirmed. The hub's answer names it by `submission_id`."""

    submission: Submission
    submission_id: str
    """Topic, partition and offset, as `SubmissionRejected.submission_id` has them."""


def prepare(
    partner_id: str, message: PartnerMessage, *, event_id: str | None = None, said_at: datetime | None = None
) -> Submission:
    """The record of a message. To send again after a crash, give the event id that you kept."""
    attributes = Attributes(
        id=event_id or str(uuid7()),
        source=f"/partners/{partner_id}",
        type=message.type,
        time=said_at or datetime.now(UTC),
    )
    headers, value = encode(message, attributes)
    topic = PARTNER_REFERRALS.name(partner_id)
    return Submission(attributes.id, topic, reference_of(message).encode(), tuple(headers), value, warnings_of(message))


def warnings_of(message: PartnerMessage) -> tuple[Advice, ...]:
    """What the hub would warn about."""
    match message:
        case ReferralSubmitted(referral=told):
            return advice_on(told)
        case InformationSupplied(supplement=added):
            return advice_on(added)
        case _:
            return ()


def log_warnings(warnings: tuple[Advice, ...]) -> None:
    """Log them for the people who run the program. They contain nothing of the case."""
    for each in warnings:
        _log.warning("%s: %s: %s", each.field, each.code, each.message)


def reference_of(message: PartnerMessage) -> str:
    """The partner's own reference, which is also the record's key."""
    match message:
        case ReferralSubmitted(referral=referral):
            return referral.partner_reference
        case InformationSupplied(supplement=supplement):
            return supplement.partner_reference
        case _:
            return message.partner_reference
