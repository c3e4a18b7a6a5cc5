"""What intake publishes on `intake.referrals.v1`: everything valid that a partner sent, and refusals with their reasons.

Also what it publishes about attachments on `intake.attachments.v1`, about danger in what it could not process on
`intake.dangers.v1`, and about partners' tests in the sandbox on `intake.sandbox.v1`.
"""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from conduit_contracts.advice import Advice
from conduit_contracts.base import Term, Value
from conduit_contracts.envelope import Event
from conduit_contracts.forms import formed
from conduit_contracts.ids import AttachmentId, ForceId, PartnerId, PartnerReference, ReferralId
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
    """A referral is valid and stored. From now on the hub is responsible for it."""

    type: ClassVar[str] = "uk.conduit.intake.referral-received.v1"
    referral_id: ReferralId
    received_at: Moment
    """When the hub received it."""
    partner_id: PartnerId
    partner_reference: PartnerReference
    urgency: Urgency
    """As the referral has it."""
    immediate_danger: bool
    """True: a child is in danger now."""
    referral: Referral
    warnings: tuple[Advice, ...] = ()
    """What the partner should check. The answer and the updates tell it."""
    mou_lapsed: bool = False
    """True: the Memorandum of Understanding has ended. It was taken because a child is in danger, and an officer decides."""


class ReferralReceivedNotice(Value):
    """The part of ReferralReceived for readers who do not need to know the case."""

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
    """What the partner should check. The answer and the updates tell it."""


class ReferralWithdrawn(Event):
    """A partner withdrew a referral."""

    type: ClassVar[str] = "uk.conduit.intake.referral-withdrawn.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference
    reason: WithdrawalReason
    comment: Text | None = None
    """More about why, in words."""


class ReconsiderationRequested(Event):
    """A partner asked for a second officer to look at a declined referral."""

    type: ClassVar[str] = "uk.conduit.intake.reconsideration-requested.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference
    comment: Text
    """Why the partner thinks that a second officer should look."""


class SubmissionRejected(Event):
    """A partner's record was not valid. Only this refusal was stored. The partner is told the problems."""

    type: ClassVar[str] = "uk.conduit.intake.submission-rejected.v1"
    partner_id: PartnerId
    """From the topic, never from the record."""
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    """The referral that the record was about, if the hub has it. It stays as it was."""
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The record's topic, partition and offset, or the HTTP request's id."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    event_id: SenderEventId | None = None
    """The id that the sender gave the record: `ce_id` in a header, `id` in an object. Absent if none could be read."""


class Callback(Value):
    """Who to call back: the caseworker named in the refused body. Nothing is checked, so no field is required."""

    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    """The person to ask for, if that could be read."""
    role: Annotated[str, StringConstraints(max_length=200)] | None = None
    """That person's role at the partner."""
    email: Annotated[str, StringConstraints(max_length=254)] | None = None
    """The e-mail address to write to."""
    telephone: Annotated[str, StringConstraints(max_length=60)] | None = None
    """The telephone number to call."""
    safe_contact: Annotated[str, StringConstraints(max_length=4_000)] | None = None
    """When and how to make contact."""


class DangerReported(Event):
    """A partner says that a child is in danger now, in something that the hub could not process or that waits for its
    referral.

    No force has it, so a person at the hub must be told. The answer tells the sender to call 999, but perhaps nobody has
    read it, and a sender that is not in the register gets no answer.
    """

    type: ClassVar[str] = "uk.conduit.intake.danger-reported.v1"
    partner_id: PartnerId
    """From the topic or the token, never from the body."""
    partner_reference: PartnerReference | None = None
    """The reference in the body, if it can be read."""
    referral_id: ReferralId | None = None
    """The referral that it was about, if the hub has it. It stays as it was."""
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The record's topic, partition and offset, or the HTTP request's id."""
    codes: Annotated[tuple[ProblemCode, ...], Field(min_length=1)]
    """Why it was not processed."""
    callback: Callback | None = None
    """Who to call back, if the body says so."""
    waits_until: Moment | None = None
    """Present if it came before its referral and waits for it: after this time it is refused. The sender is told at once."""
    event_id: SenderEventId | None = None
    """The id that the sender gave the waiting record."""


class SubmissionRepeated(Event):
    """A partner sent again exactly what the hub already has. It gets the first answer again."""

    type: ClassVar[str] = "uk.conduit.intake.submission-repeated.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference


class AttachmentCleared(Event):
    """An attachment of a referral was validated and scanned, and no threat was found: it is available.

    Its file name is not here, because it may name a person. Intake keeps the content; its HTTP API gives it to the force
    that routing names.
    """

    type: ClassVar[str] = "uk.conduit.intake.attachment-cleared.v1"
    referral_id: ReferralId
    partner_id: PartnerId
    attachment_id: AttachmentId
    media_type: MediaType
    """The media type of the content."""
    size: Annotated[int, Field(ge=1)]
    """The size in bytes."""
    sha256: Sha256
    """The content's SHA-256, in hexadecimal digits."""


class SandboxOutcome(Term):
    """What a partner can ask for in the sandbox. The hub also plays the steps in between, as for a real referral."""

    UNDER_REVIEW = "under_review"
    """An officer at the hub reviews it."""
    INFORMATION_REQUESTED = "information_requested"
    """The officer asks you something. Answer with information supplied."""
    ACCEPTED = "accepted"
    """It is accepted, and goes to the police forces concerned."""
    NO_FORCE = "no_force"
    """It is accepted, and no police force has it yet."""
    FORCE_NAMED = "force_named"
    """After no_force: an officer finds the force."""
    DECLINED = "declined"
    """A named officer declines it."""
    FORCE_RECEIVED = "force_received"
    """A force's connector confirms receipt."""
    FORCE_ACKNOWLEDGED = "force_acknowledged"
    """A person in a force's safeguarding team acknowledges it. Once all forces have, the case is handed over."""
    FORCE_DECLINED = "force_declined"
    """A force says that it is not theirs, and it goes to another."""
    FORCE_OVERDUE = "force_overdue"
    """A force has not answered in time, and is reminded."""
    FORCE_ESCALATED = "force_escalated"
    """The reminder did not help, and the hub turns to somebody higher in that force."""
    HANDED_OVER = "handed_over"
    """Every force concerned acknowledges it."""
    REFUSED = "refused"
    """The hub refuses something that you sent about it. The referral stays as it was."""


class SandboxStep(Term):
    """One thing that happens to a referral in the sandbox. It has the name of the fact in the partner's updates."""

    REFERRAL_RECEIVED = "referral_received"
    INFORMATION_SUPPLIED = "information_supplied"
    REFERRAL_WITHDRAWN = "referral_withdrawn"
    RECONSIDERATION_REQUESTED = "reconsideration_requested"
    SUBMISSION_REPEATED = "submission_repeated"
    REVIEW_OPENED = "review_opened"
    INFORMATION_REQUESTED = "information_requested"
    IMMEDIATE_DANGER_RAISED = "immediate_danger_raised"
    REFERRAL_ACCEPTED = "referral_accepted"
    REFERRAL_DECLINED = "referral_declined"
    RECONSIDERATION_REFUSED = "reconsideration_refused"
    CASE_ROUTED = "case_routed"
    ROUTING_REVIEW_OPENED = "routing_review_opened"
    HOME_FORCE_NAMED = "home_force_named"
    HANDOFF_RECEIVED = "handoff_received"
    HANDOFF_ACKNOWLEDGED = "handoff_acknowledged"
    HANDOFF_DECLINED = "handoff_declined"
    HANDOFF_OVERDUE = "handoff_overdue"
    HANDOFF_ESCALATED = "handoff_escalated"
    CASE_HANDED_OVER = "case_handed_over"
    CASE_WITHDRAWN = "case_withdrawn"


class SandboxStepPlayed(Event):
    """Something happened to a referral that a partner sent in the sandbox. It is not a case, and no officer and no force is
    told about it: notification turns it into the partner's update, and nothing else reads it.

    It contains nothing of what was referred.
    """

    type: ClassVar[str] = "uk.conduit.intake.sandbox-step-played.v1"
    referral_id: ReferralId
    """The id of the referral in the sandbox. No real referral has it."""
    partner_id: PartnerId
    partner_reference: PartnerReference
    step: SandboxStep
    """What happened."""
    outcome: SandboxOutcome | None = None
    """The outcome that the partner asked for. Absent if the partner did something itself."""
    reason: ProblemCode | None = None
    """The reason as a code, if the fact has one."""
    immediate_danger: bool = False
    """True: the referral says that a child is in danger now."""
    provisional: bool = False
    """For case_routed: true while triage goes on."""
    home_force: ForceId | None = None
    """For case_routed, home_force_named and case_handed_over: the force that leads."""
    forces: tuple[ForceId, ...] = ()
    """For case_routed: every force that has a part."""
    added: tuple[ForceId, ...] = ()
    """For case_routed: the forces whose part starts now."""
    again: tuple[ForceId, ...] = ()
    """For case_routed: the forces whose people must read it again."""
    force_id: ForceId | None = None
    """For something that one force did: that force."""
    rerouted_to: ForceId | None = None
    """For handoff_declined: the force that gets it instead."""
    reconsideration_open: bool = False
    """For referral_declined: true if the partner can ask for a second officer to look at it."""
    warnings: tuple[Advice, ...] = ()
    """What the partner should check in what it sent."""


class SandboxSubmissionRejected(Event):
    """Something that a partner sent in the sandbox was not valid, or the partner asked for a refusal."""

    type: ClassVar[str] = "uk.conduit.intake.sandbox-submission-rejected.v1"
    partner_id: PartnerId
    """From the token, never from the body."""
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    """The referral that it was about, if the sandbox has it. It stays as it was."""
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The HTTP request's id."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
