"""What triage publishes on `triage.decisions.v1`, and the officers' commands to it, on `triage.reviews.v1`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from conduit_contracts.base import Inconsistent, Term, Value
from conduit_contracts.commands import (
    AnswerCode,
    CallOutcome,
    CommandId,
    SeenUntil,
    SeenVersion,
    _OfCall,
    _OutdatedCommand,
    _RefusedCommand,
)
from conduit_contracts.envelope import Command, Event
from conduit_contracts.forms import WORD, WORD_WORDS, formed
from conduit_contracts.ids import ForceId, OfficerId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.referral import Ground, Line, Referral, Supplement, Text, Urgency
from conduit_contracts.times import Moment

PolicyVersion = Annotated[str, formed(r"^[A-Za-z0-9][A-Za-z0-9.-]*$", "letters, digits, . and -", max_length=32)]
"""The version of the policy file at the time of the decision."""


class ReviewReason(Term):
    """Why a person must look."""

    BELOW_EVERY_THRESHOLD = "below_every_threshold"
    NATURE_CLAIMED = "nature_claimed"
    NOT_PLAINLY_CSA = "not_plainly_csa"
    ESTIMATES_ONLY = "estimates_only"
    IMMEDIATE_DANGER = "immediate_danger"
    RECONSIDERATION = "reconsideration"


class DeclineReason(Term):
    """The coded reasons. The policy file has their effective dates."""

    NOT_COMPLEX = "not_complex"
    NOT_CHILD_SEXUAL_ABUSE = "not_child_sexual_abuse"
    DUPLICATE = "duplicate"
    ALREADY_WITH_POLICE = "already_with_police"
    NOT_ENOUGH_INFORMATION = "not_enough_information"
    OUTSIDE_MOU = "outside_mou"


class ByRules(Value):
    """Decided by the acceptance rules. Rules accept; they never decline."""

    kind: Literal["rules"] = "rules"
    """Says who decided."""


class ByOfficer(Value):
    """Decided by a named officer."""

    kind: Literal["officer"] = "officer"
    """Says who decided."""
    officer_id: OfficerId


DecidedBy = Annotated[ByRules | ByOfficer, Field(discriminator="kind")]


class _AboutReferral(Event):
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference


class _ByCommand(_AboutReferral):
    command_id: CommandId | None = None
    """The `ce_id` of the officer's command that did it. Absent if no command did, and in records of version 0.1.0."""


class AssessedGround(Value):
    """One of the counted grounds, met or not: it is met where `known` is at least `at_least`."""

    ground: Ground
    """Which one."""
    known: Annotated[int, Field(ge=0)]
    """How many are known. Estimates do not count."""
    at_least: Annotated[int, Field(ge=1)]
    """From how many on the policy calls a case complex."""


class ReviewAssessment(Value):
    """What triage counted when it opened the review or accepted by rules, by the policy of `policy_version`."""

    grounds: tuple[AssessedGround, ...]
    """All grounds that are counted. The nature of the investigation is an officer's judgement and is not among them."""


class ReviewOpened(_AboutReferral):
    """The referral is waiting for a named officer."""

    type: ClassVar[str] = "uk.conduit.triage.review-opened.v1"
    reasons: Annotated[tuple[ReviewReason, ...], Field(min_length=1)]
    """Why a person must look."""
    urgency: Urgency
    immediate_danger: bool
    """True: a child is in danger now."""
    due_at: Moment
    """By when a person should have looked."""
    policy_version: PolicyVersion
    assessment: ReviewAssessment | None = None
    """What was counted. Absent in records of version 0.1.0."""


class ReviewRaised(_AboutReferral):
    """What was added makes an open review more urgent: it stands further up in the queue, and is due sooner."""

    type: ClassVar[str] = "uk.conduit.triage.review-raised.v1"
    reasons: Annotated[tuple[ReviewReason, ...], Field(min_length=1)]
    """Why a person must look, as it is now."""
    urgency: Urgency
    immediate_danger: bool
    """True: a child is in danger now."""
    due_at: Moment
    """By when a person should have looked. Never later than before."""
    policy_version: PolicyVersion


class InformationRequested(_ByCommand):
    """An officer asks the partner for information. The review stays open."""

    type: ClassVar[str] = "uk.conduit.triage.information-requested.v1"
    officer_id: OfficerId
    question: Text
    """What the officer asks."""


class ImmediateDangerRaised(_AboutReferral):
    """A child is in danger now: the home force gets the case at once, while triage goes on."""

    type: ClassVar[str] = "uk.conduit.triage.immediate-danger-raised.v1"
    referral: Referral
    supplements: tuple[Supplement, ...] = ()
    """What the partner has added so far, oldest first. The last addition may be the one that reported the danger."""
    policy_version: PolicyVersion


class ReferralAccepted(_ByCommand):
    """The referral meets the criteria."""

    type: ClassVar[str] = "uk.conduit.triage.referral-accepted.v1"
    referral: Referral
    supplements: tuple[Supplement, ...] = ()
    """What the partner added while the referral was under review, oldest first."""
    grounds: Annotated[tuple[Ground, ...], Field(min_length=1)]
    """The grounds on which the case is complex."""
    home_force: ForceId | None = None
    """The home force, if the deciding officer named one."""
    decided_by: DecidedBy
    """Who accepted it: the rules, or a named officer."""
    policy_version: PolicyVersion
    assessment: ReviewAssessment | None = None
    """What the rules counted, if they accepted it. Absent in records of version 0.1.0."""


class ReferralAcceptedNotice(Value):
    """The part of ReferralAccepted for readers who do not need to know the case."""

    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference
    grounds: tuple[Ground, ...]


class ReferralDeclined(_ByCommand):
    """A named officer found that the referral does not meet the criteria."""

    type: ClassVar[str] = "uk.conduit.triage.referral-declined.v1"
    officer_id: OfficerId
    reason: DeclineReason
    comment: Text
    """Goes to the partner."""
    next_step: Text
    """What the partner can do instead, from the policy file."""
    reconsideration_open: bool
    """True if the partner can still ask for a second officer to look at it."""
    policy_version: PolicyVersion


class ReconsiderationRefused(_AboutReferral):
    """A partner asked for a second officer to look at a referral when that is not possible. The referral stays as it was."""

    type: ClassVar[str] = "uk.conduit.triage.reconsideration-refused.v1"
    code: Annotated[str, formed(WORD, WORD_WORDS, max_length=64)]
    """Why: a second officer has already looked at it, or the referral is not declined."""


class InformationForwarded(_AboutReferral):
    """Added information goes on to the forces that hold the case."""

    type: ClassVar[str] = "uk.conduit.triage.information-forwarded.v1"
    supplement: Supplement


class WithdrawalForwarded(_AboutReferral):
    """The partner's withdrawal ends triage, and goes on to the forces that hold the case."""

    type: ClassVar[str] = "uk.conduit.triage.withdrawal-forwarded.v1"
    reason: WithdrawalReason
    comment: Text | None = None
    """More about why, in the partner's words."""


class CallNoted(_ByCommand):
    """A named officer recorded a call about a referral that is not with routing, and what came of it."""

    type: ClassVar[str] = "uk.conduit.triage.call-noted.v1"
    officer_id: OfficerId
    force_id: ForceId | None = None
    """The force that was spoken to. Absent: the partner."""
    spoken_at: Moment
    """When they spoke."""
    spoke_to: Line
    """Who was spoken to: what they do."""
    outcome: CallOutcome
    comment: Text
    """What was said, in the officer's words."""


class CommandIgnored(_AboutReferral):
    """An officer's command did not fit the referral's state, so nothing changed. Shown to the hub."""

    type: ClassVar[str] = "uk.conduit.triage.command-ignored.v1"
    officer_id: OfficerId
    code: Annotated[str, formed(WORD, WORD_WORDS, max_length=64)]
    """Why it did not fit, for example already_decided."""
    command_id: CommandId | None = None
    """The command's `ce_id`. Absent in records of version 0.1.0."""
    changes: tuple[AnswerCode, ...] = ()
    """With the code `case_changed`: what was new since the version that the officer saw."""


class CommandRefused(_RefusedCommand):
    """An officer's command could not be read, or names no referral that triage holds. Nothing changed."""

    type: ClassVar[str] = "uk.conduit.triage.command-refused.v1"


class CommandOutdated(_OutdatedCommand):
    """An officer's decision took effect, although the referral had changed since the officer saw it."""

    type: ClassVar[str] = "uk.conduit.triage.command-outdated.v1"


class ReviewOutcome(Term):
    """What an officer decides."""

    ACCEPT = "accept"
    DECLINE = "decline"
    REQUEST_INFORMATION = "request_information"


class DecideReview(Command):
    """A named officer decides an open review."""

    type: ClassVar[str] = "uk.conduit.triage.decide-review.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    outcome: ReviewOutcome
    grounds: tuple[Ground, ...] = ()
    home_force: ForceId | None = None
    decline_reason: DeclineReason | None = None
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, declining and asking have no
    effect and are answered with `case_changed`; accepting takes effect, and the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    comment: Text | None = None
    """The reason, which goes to the partner with a decline; with a request for information, the question."""

    @model_validator(mode="after")
    def _fits_outcome(self) -> Self:
        if (self.outcome is ReviewOutcome.ACCEPT) != bool(self.grounds):
            raise Inconsistent("Give grounds with the outcome accept, and only with it.")
        if (self.outcome is ReviewOutcome.DECLINE) != (self.decline_reason is not None):
            raise Inconsistent("Give decline_reason with the outcome decline, and only with it.")
        if self.outcome is not ReviewOutcome.ACCEPT and self.comment is None:
            raise Inconsistent("Give a comment to decline or to ask for information.")
        return self


class NoteCall(_OfCall):
    """A named officer records a call with the partner or a force about a referral that is not with routing, and what came of
    it. It decides nothing."""

    type: ClassVar[str] = "uk.conduit.triage.note-call.v1"
