"""What partners publish, each on a topic of its own: `partner.<id>.referrals.v1`."""

from typing import ClassVar

from conduit_contracts.base import Term
from conduit_contracts.envelope import Event
from conduit_contracts.ids import PartnerId, PartnerReference
from conduit_contracts.referral import Referral, Supplement, Text


class ReferralSubmitted(Event):
    """A partner refers a case. Idempotent on partner and partner reference, with a hash of the content."""

    type: ClassVar[str] = "uk.conduit.partner.referral-submitted.v1"
    referral: Referral
    """The whole referral."""


class InformationSupplied(Event):
    """A partner adds to a referral, corrects it, or answers a question."""

    type: ClassVar[str] = "uk.conduit.partner.information-supplied.v1"
    supplement: Supplement
    """What is added."""


class WithdrawalReason(Term):
    """Why a partner withdraws. Forces that already hold the case are told, and decide what to do."""

    SENT_IN_ERROR = "sent_in_error"
    DUPLICATE = "duplicate"
    REPORTED_DIRECTLY_TO_POLICE = "reported_directly_to_police"
    VICTIM_WITHDREW_CONSENT = "victim_withdrew_consent"
    OTHER = "other"


class ReferralWithdrawn(Event):
    """A partner withdraws a referral."""

    type: ClassVar[str] = "uk.conduit.partner.referral-withdrawn.v1"
    partner_id: PartnerId
    partner_reference: PartnerReference
    reason: WithdrawalReason
    """Why the partner withdraws it."""
    comment: Text | None = None
    """More about why, in words. Forces that hold the case are told only the reason."""


class ReconsiderationRequested(Event):
    """A partner asks, once, for a second officer to look at a declined referral."""

    type: ClassVar[str] = "uk.conduit.partner.reconsideration-requested.v1"
    partner_id: PartnerId
    partner_reference: PartnerReference
    comment: Text
    """Why the partner thinks that a second officer should look."""
