"""The state of hand-offs, on `routing.cases.v1`, and who may fetch which attachment, on `routing.attachments.v1`."""

from typing import Annotated, ClassVar

from pydantic import Field

from conduit_contracts.base import Value
from conduit_contracts.commands import AnswerCode, CallOutcome, CommandId, _OutdatedCommand, _RefusedCommand
from conduit_contracts.envelope import Event
from conduit_contracts.force import ForceReference, NotOursReason, Part, VictimContact
from conduit_contracts.forms import WORD, WORD_WORDS, formed
from conduit_contracts.ids import AttachmentId, ForceId, OfficerId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.programme import Telephone
from conduit_contracts.referral import Line, Text, Urgency
from conduit_contracts.routing.states import HomeForceBasis, Leg, RoutingReviewReason
from conduit_contracts.times import Moment
from conduit_contracts.triage import PolicyVersion


class _AboutCase(Event):
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference


class _ByCommand(_AboutCase):
    command_id: CommandId | None = None
    """The `ce_id` of the officer's command that did it. Absent if no command did, and in records of version 0.1.0."""


class ForceClock(Value):
    """By when one force must answer."""

    force_id: ForceId
    part: Part
    """The version of its part that it must answer."""
    receipt_due_at: Moment
    """By when its connector should have confirmed receipt."""
    acknowledgement_due_at: Moment
    """By when a person there should have acknowledged."""


class CaseRouted(_ByCommand):
    """The case went to forces. Published again whenever a force joins, or must read and acknowledge its part again."""

    type: ClassVar[str] = "uk.conduit.routing.case-routed.v1"
    home_force: ForceId | None = None
    """Absent until a person names it."""
    basis: HomeForceBasis | None = None
    interim_safeguarding_owner: ForceId
    """The force that looks after the child until a home force has acknowledged."""
    forces: Annotated[tuple[ForceId, ...], Field(min_length=1)]
    added: tuple[ForceId, ...]
    """The forces whose hand-off starts now: new ones, and those that acknowledged before their part changed."""
    again: tuple[ForceId, ...] = ()
    """The forces that already hold the case and must read it again, because it changed or became more urgent."""
    urgency: Urgency
    immediate_danger: bool
    """True: a child is in danger now."""
    provisional: bool
    """True while triage goes on: only the home force has the case, because of immediate danger."""
    policy_version: PolicyVersion
    clocks: tuple[ForceClock, ...] = ()
    """The clocks of the forces in `added` and `again` that have still to answer. Empty in records of version 0.1.0."""


class RoutingReviewOpened(_AboutCase):
    """Routing is waiting for a named officer. A case that goes to no force pages someone."""

    type: ClassVar[str] = "uk.conduit.routing.routing-review-opened.v1"
    reasons: Annotated[tuple[RoutingReviewReason, ...], Field(min_length=1)]
    """Why a person must look."""
    candidates: tuple[ForceId, ...] = ()
    """The forces that the officer can choose from."""
    silent: tuple[ForceId, ...] = ()
    """With the reason escalation_exhausted: the forces that have not answered. Empty in records of version 0.1.0."""
    urgency: Urgency
    immediate_danger: bool
    """True: a child is in danger now."""


class RoutingReviewClosed(_ByCommand):
    """Something that routing asked an officer is settled: by an officer's act, or because a force answered."""

    type: ClassVar[str] = "uk.conduit.routing.routing-review-closed.v1"
    open_reasons: tuple[RoutingReviewReason, ...] = ()
    """Why a person must still look. Empty: nothing is asked any more."""
    silent: tuple[ForceId, ...] = ()
    """With escalation_exhausted among the open reasons: the forces that have still not answered."""


class HomeForceNamed(_ByCommand):
    """A named officer named the home force. It says nothing about which force records the crime."""

    type: ClassVar[str] = "uk.conduit.routing.home-force-named.v1"
    home_force: ForceId
    officer_id: OfficerId
    reason: Text
    """Why, in the officer's words."""


class _AboutHandoff(_AboutCase):
    force_id: ForceId


class _HandoffByCommand(_ByCommand):
    force_id: ForceId


class InterimOwnerNamed(_HandoffByCommand):
    """A named officer said which force looks after the child while the home force is not settled.

    Where another force has taken the case, the duty passes on once this one has acknowledged: CaseRouted says so.
    """

    type: ClassVar[str] = "uk.conduit.routing.interim-owner-named.v1"
    officer_id: OfficerId
    reason: Text
    """Why, in the officer's words."""


class CallRecorded(_ByCommand):
    """A named officer recorded a call with a force or with the partner, and what came of it."""

    type: ClassVar[str] = "uk.conduit.routing.call-recorded.v1"
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


class HandoffReceived(_AboutHandoff):
    """The force's connector confirmed receipt."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-received.v1"


class HandoffAcknowledged(_AboutHandoff):
    """The force's safeguarding team acknowledged."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-acknowledged.v1"
    force_reference: ForceReference | None = None
    victim_contact: VictimContact | None = None
    """Who at the force makes contact with each victim, how and when, as far as the force said it."""


class HandoffAcknowledgedByTelephone(_HandoffByCommand):
    """A named officer recorded that the force's team took its part on by telephone. Its connector may still be silent.

    If the force acknowledges by its connector later, HandoffAcknowledged says so.
    """

    type: ClassVar[str] = "uk.conduit.routing.handoff-acknowledged-by-telephone.v1"
    officer_id: OfficerId
    spoken_at: Moment
    """When they spoke."""
    spoke_for_hub: Line
    """Who spoke for the hub: what they do."""
    spoke_for_force: Line
    """Who spoke for the force: what they do."""
    called_back: Telephone
    """The force's number in the register, at which the hub called back."""
    part: Part
    """The version of its part that the force took on."""
    force_reference: ForceReference | None = None
    victim_contact: VictimContact | None = None
    comment: Text | None = None
    """More about the call, in the officer's words."""


class HandoffDeclined(_AboutHandoff):
    """The force said "not ours"."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-declined.v1"
    reason: NotOursReason
    rerouted_to: ForceId | None = None
    """Absent if a person has to decide."""


class HandoffStoodDown(_HandoffByCommand):
    """A named officer ended this force's part."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-stood-down.v1"
    officer_id: OfficerId
    reason: Text
    """Why, in the officer's words."""


class HandoffOverdue(_HandoffByCommand):
    """A deadline was missed, and the force is chased. `chase` counts from 1."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-overdue.v1"
    leg: Leg
    chase: Annotated[int, Field(ge=1)]
    """How often the force has been chased, including this time."""
    due_at: Moment
    """When it was due."""
    policy_version: PolicyVersion
    officer_id: OfficerId | None = None
    """The officer who did not wait for the clock. Absent: the clock did it."""
    reason: Text | None = None
    """Why, in the officer's words. Nobody outside the hub reads it."""


class HandoffEscalated(_HandoffByCommand):
    """Chasing did not help: the hand-off is escalated to the force's next level. The last level is the hub itself."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-escalated.v1"
    leg: Leg
    level: Annotated[int, Field(ge=1)]
    """The force's level that it is escalated to, from 1. Beyond the last level it is the hub."""
    due_at: Moment
    """When it was due."""
    policy_version: PolicyVersion
    officer_id: OfficerId | None = None
    """The officer who did not wait for the clock. Absent: the clock did it."""
    reason: Text | None = None
    """Why, in the officer's words. Nobody outside the hub reads it."""


class CaseHandedOver(_AboutCase):
    """Every force concerned has acknowledged, by its connector or by telephone."""

    type: ClassVar[str] = "uk.conduit.routing.case-handed-over.v1"
    home_force: ForceId


class HandoverCompleted(Event):
    """A case of this partner is handed over. The programme asks the partner how it went, and reads nothing else of it."""

    type: ClassVar[str] = "uk.conduit.routing.handover-completed.v1"
    referral_id: ReferralId
    partner_id: PartnerId


class CaseWithdrawn(_AboutCase):
    """The partner withdrew, and every force that holds the case was told. Deadlines end, records stay."""

    type: ClassVar[str] = "uk.conduit.routing.case-withdrawn.v1"
    reason: WithdrawalReason
    told: tuple[ForceId, ...]


class TriageDeclineForwarded(_AboutCase):
    """An officer declined a case that a force already has because of immediate danger; the force was told."""

    type: ClassVar[str] = "uk.conduit.routing.triage-decline-forwarded.v1"
    told: tuple[ForceId, ...]


class CaseRestricted(_AboutCase):
    """A suspect is a police officer or works for a force: no rule sends the case there, and a named officer must act.

    Published again if danger is reported later. No partner and no force receives it.
    """

    type: ClassVar[str] = "uk.conduit.routing.case-restricted.v1"
    kept_from: tuple[ForceId, ...] = ()
    """The forces to which no rule sends the case. Empty: the force is not known, so no rule sends it anywhere."""
    urgency: Urgency
    immediate_danger: bool
    """True: a child is in danger now."""


class ProfessionalStandardsInformed(_ByCommand):
    """A named officer took a restricted case to a force's professional standards department."""

    type: ClassVar[str] = "uk.conduit.routing.professional-standards-informed.v1"
    force_id: ForceId
    officer_id: OfficerId
    reason: Text
    """Why, in the officer's words."""


class CommandIgnored(_AboutCase):
    """An officer's command did not fit the case's state, so nothing changed. Shown to the hub."""

    type: ClassVar[str] = "uk.conduit.routing.command-ignored.v1"
    officer_id: OfficerId
    code: Annotated[str, formed(WORD, WORD_WORDS, max_length=64)]
    """Why it did not fit, for example case_withdrawn."""
    command_id: CommandId | None = None
    """The command's `ce_id`. Absent in records of version 0.1.0."""
    changes: tuple[AnswerCode, ...] = ()
    """With the code `case_changed`: what was new since the version that the officer saw."""


class CommandRefused(_RefusedCommand):
    """An officer's command could not be read, or names no case that routing has. Nothing changed."""

    type: ClassVar[str] = "uk.conduit.routing.command-refused.v1"


class CommandOutdated(_OutdatedCommand):
    """An officer's command took effect, although the case had changed since the officer saw it: this says what was new."""

    type: ClassVar[str] = "uk.conduit.routing.command-outdated.v1"


class _AboutAttachment(Event):
    referral_id: ReferralId
    attachment_id: AttachmentId
    force_id: ForceId


class AttachmentOpened(_AboutAttachment):
    """From now on this force may fetch the attachment, and no other force may."""

    type: ClassVar[str] = "uk.conduit.routing.attachment-opened.v1"


class AttachmentClosed(_AboutAttachment):
    """This force is no longer the home force, and may no longer fetch the attachment."""

    type: ClassVar[str] = "uk.conduit.routing.attachment-closed.v1"
