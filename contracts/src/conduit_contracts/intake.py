"""What intake publishes on `intake.referrals.v1`: everything a partner said that was in order, and refusals that say why.

Also what it says of attachments on `intake.attachments.v1`, on `intake.dangers.v1` of danger in what it could not take, and
on `intake.sandbox.v1` of what partners try in the sandbox.
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
    """A partner says that a child is in danger now, in something that the hub has not taken, or that waits for its referral.

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
    waits_until: Moment | None = None
    """Given where it came before its referral and waits for it: after this it is refused. The sender is told at once."""
    event_id: SenderEventId | None = None
    """The id that the sender gave a record that waits."""


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


class SandboxOutcome(Term):
    """What a partner may ask for in the sandbox. The hub plays whatever lies between in a real referral's life."""

    UNDER_REVIEW = "under_review"
    """An officer at the hub looks at it."""
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
    """A person in a force's safeguarding team acknowledges it. Where all have, the case is handed over."""
    FORCE_DECLINED = "force_declined"
    """A force says that it is not theirs, and it goes to another."""
    HANDED_OVER = "handed_over"
    """Every force concerned acknowledges it."""
    REFUSED = "refused"
    """The hub refuses something that you sent about it. The referral stays as it was."""


class SandboxStep(Term):
    """One thing that happens to a referral in the sandbox, called as the fact that the partner reads."""

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
    CASE_HANDED_OVER = "case_handed_over"
    CASE_WITHDRAWN = "case_withdrawn"


class SandboxStepPlayed(Event):
    """Something happened to a referral that a partner sent in the sandbox. It is no case, and no officer and no force ever
    hears of it: notification makes the partner's update of it, and nothing else reads it.

    Nothing of what was referred is here.
    """

    type: ClassVar[str] = "uk.conduit.intake.sandbox-step-played.v1"
    referral_id: ReferralId
    """Of the sandbox's referral; no other one has it."""
    partner_id: PartnerId
    partner_reference: PartnerReference
    step: SandboxStep
    """What happened."""
    outcome: SandboxOutcome | None = None
    """What the partner asked for, where the step leads there. Absent: the partner did something itself."""
    reason: ProblemCode | None = None
    """Why, as a code, where the fact has a reason."""
    immediate_danger: bool = False
    """True: a child is in danger now, so the referral says."""
    provisional: bool = False
    """Of case_routed: true while triage goes on."""
    home_force: ForceId | None = None
    """Of case_routed, home_force_named and case_handed_over: the force that leads."""
    forces: tuple[ForceId, ...] = ()
    """Of case_routed: every force that has a part."""
    added: tuple[ForceId, ...] = ()
    """Of case_routed: those whose part starts now."""
    again: tuple[ForceId, ...] = ()
    """Of case_routed: those whose people must read it again."""
    force_id: ForceId | None = None
    """Of what one force did: which one."""
    rerouted_to: ForceId | None = None
    """Of handoff_declined: the force that gets it instead."""
    reconsideration_open: bool = False
    """Of referral_declined: true where the partner may ask for a second officer's look."""
    warnings: tuple[Advice, ...] = ()
    """What the partner should look at in what it sent."""


class SandboxSubmissionRejected(Event):
    """Something that a partner sent in the sandbox was not in order, or the partner asked to be refused."""

    type: ClassVar[str] = "uk.conduit.intake.sandbox-submission-rejected.v1"
    partner_id: PartnerId
    """From the token, never from the body."""
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    """Where it was about a referral that the sandbox holds, which stays as it was."""
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The HTTP request's id."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
