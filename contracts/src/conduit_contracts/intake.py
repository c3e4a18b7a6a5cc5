"""What intake publishes on `intake.referrals.v1`: everything a partner said that was in order, and refusals that say why.

Also what it says of attachments on `intake.attachments.v1`, and on `intake.dangers.v1` of danger in what it could not take.
"""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from conduit_contracts.advice import Advice
from conduit_contracts.base import Value
from conduit_contracts.envelope import Event
from conduit_contracts.forms import formed
from conduit_contracts.ids import AttachmentId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.names import SenderEventId
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.problems import Problem
from conduit_contracts.referral import Referral, Supplement, Text, Urgency
from conduit_contracts.times import Moment

MediaType = Annotated[
    str, formed(r"^[a-z]+/[a-z0-9.+-]+$", "a media type in lower case, for example application/pdf", max_length=100)
]
ProblemCode = Annotated[
    str, formed(r"^[a-z][a-z0-9_]*$", "lower-case letters, digits and underscores, for example case_routed", max_length=64)
]
Sha256 = Annotated[str, formed(r"^[0-9a-f]{64}$", "64 hexadecimal digits in lower case")]


class ReferralReceived(Event):
    """A referral is in order and stored. From here on the hub answers for it."""

    type: ClassVar[str] = "uk.conduit.intake.referral-received.v1"
    referral_id: ReferralId
    received_at: Moment
    """When the hub took it."""
    partner_id: PartnerId
    partner_reference: PartnerReference
    urgency: Urgency
    """As the referral has it."""
    immediate_danger: bool
    """True: a child is in danger now."""
    referral: Referral
    warnings: tuple[Advice, ...] = ()
    """What the partner should look at. It is told in the answer and in its updates."""
    mou_lapsed: bool = False
    """True: the Memorandum of Understanding has ended. It was taken since a child is in danger, and an officer decides."""


class ReferralReceivedNotice(Value):
    """The part of ReferralReceived that a reader without need to know the case may read."""

    referral_id: ReferralId
    received_at: Moment
    partner_id: PartnerId
    partner_reference: PartnerReference
    urgency: Urgency
    immediate_danger: bool
    warnings: tuple[Advice, ...] = ()


class InformationSupplied(Event):
    """A partner added to, corrected or answered a question about a referral that the hub holds."""

    type: ClassVar[str] = "uk.conduit.intake.information-supplied.v1"
    referral_id: ReferralId
    supplement: Supplement
    warnings: tuple[Advice, ...] = ()
    """What the partner should look at. It is told in the answer and in its updates."""


class ReferralWithdrawn(Event):
    """A partner took a referral back."""

    type: ClassVar[str] = "uk.conduit.intake.referral-withdrawn.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference
    reason: WithdrawalReason
    comment: Text | None = None
    """More about why, in words."""


class ReconsiderationRequested(Event):
    """A partner asked for a second officer's look."""

    type: ClassVar[str] = "uk.conduit.intake.reconsideration-requested.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference
    comment: Text
    """Why the partner thinks that a second officer should look."""


class SubmissionRejected(Event):
    """A partner's record was not in order. Nothing was stored but this refusal; the partner is told every problem."""

    type: ClassVar[str] = "uk.conduit.intake.submission-rejected.v1"
    partner_id: PartnerId
    """From the topic, never from the record."""
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    """Where the record was about a referral that the hub holds, which stays as it was."""
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The record's topic, partition and offset, or the HTTP request's id."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    event_id: SenderEventId | None = None
    """The id that the sender gave the record: `ce_id` in a header, `id` in an object. Absent where none could be read."""


class Callback(Value):
    """Whom to ring back: the caseworker as the refused body has it. Nothing of it is checked, so none of it is required."""

    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Whom to ask for, as far as it could be read."""
    role: Annotated[str, StringConstraints(max_length=200)] | None = None
    """What that person is at the partner."""
    email: Annotated[str, StringConstraints(max_length=254)] | None = None
    """Where to write."""
    telephone: Annotated[str, StringConstraints(max_length=60)] | None = None
    """Where to ring."""
    safe_contact: Annotated[str, StringConstraints(max_length=4_000)] | None = None
    """When and how to make contact."""


class DangerReported(Event):
    """A partner says that a child is in danger now, in something that the hub has not taken.

    Nothing is with any force: a person at the hub must hear of it. The answer tells the sender to call 999, but may not
    have been read, and nobody is answered whom the register does not know.
    """

    type: ClassVar[str] = "uk.conduit.intake.danger-reported.v1"
    partner_id: PartnerId
    """From the topic or the token, never from the body."""
    partner_reference: PartnerReference | None = None
    """As the body has it, where it can be read."""
    referral_id: ReferralId | None = None
    """Where it was about a referral that the hub holds, which stays as it was."""
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The record's topic, partition and offset, or the HTTP request's id."""
    codes: Annotated[tuple[ProblemCode, ...], Field(min_length=1)]
    """Why it was not taken."""
    callback: Callback | None = None
    """Whom to ring back, where the body says it."""


class SubmissionRepeated(Event):
    """A partner sent again what the hub already holds, to the letter. The answer is the first one's."""

    type: ClassVar[str] = "uk.conduit.intake.submission-repeated.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference


class AttachmentCleared(Event):
    """An attachment of a referral was validated and scanned, and no threat was found: it is available.

    Its file name is not here, since that may name somebody. The content stays with intake, whose HTTP API gives it to the
    force that routing names.
    """

    type: ClassVar[str] = "uk.conduit.intake.attachment-cleared.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    attachment_id: AttachmentId
    media_type: MediaType
    """What the content is."""
    size: Annotated[int, Field(ge=1)]
    """Bytes."""
    sha256: Sha256
    """The content's SHA-256, in hexadecimal digits."""
