"""What routing publishes: hand-off state on `routing.cases.v1`, and each force's own part on `force.<id>.cases.v1`.

On `routing.attachments.v1` it says which force may fetch an attachment. Also the officers' commands to it, on
`routing.reviews.v1`.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from conduit_contracts.base import Term, Value
from conduit_contracts.commands import AnswerCode, CommandId, SeenVersion, _OutdatedCommand, _RefusedCommand
from conduit_contracts.envelope import Command, Event
from conduit_contracts.force import ForceReference, NotOursReason, Part
from conduit_contracts.forms import WORD, WORD_WORDS, formed
from conduit_contracts.ids import AttachmentId, ForceId, OfficerId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.intake import MediaType, Sha256
from conduit_contracts.names import SenderEventId
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.problems import Problem
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    Count,
    HandlingCaveat,
    Narrative,
    Numbers,
    OffencePeriod,
    OffencePlace,
    Person,
    Referral,
    Setting,
    Supplement,
    Text,
    Urgency,
)
from conduit_contracts.times import Moment
from conduit_contracts.triage import PolicyVersion


class HandoffState(Term):
    """The state of one force's hand-off. Only that force's own answer moves it past `disseminated`."""

    DISSEMINATED = "disseminated"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    DECLINED = "declined"
    STOOD_DOWN = "stood_down"


class HomeForceBasis(Term):
    """Which rule proposed the home force, in the order in which the rules apply."""

    NAMED_BY_OFFICER = "named_by_officer"
    MOST_OFFENCE_PLACES = "most_offence_places"
    MOST_VICTIMS = "most_victims"
    FIRST_VICTIMS_HOME = "first_victims_home"
    SUGGESTED_BY_FORCE = "suggested_by_force"
    """The home force said that the case belongs to another force."""


class RoutingReviewReason(Term):
    """Why a person must look at the routing."""

    NO_FORCE = "no_force"
    TIE = "tie"
    UNKNOWN_PLACE = "unknown_place"
    OVERSEAS_PLACE = "overseas_place"
    OUTSIDE_FORCE_AREAS = "outside_force_areas"
    DECLINED_WITHOUT_SUGGESTION = "declined_without_suggestion"
    SUGGESTION_NOT_USABLE = "suggestion_not_usable"
    ESCALATION_EXHAUSTED = "escalation_exhausted"


class _AboutCase(Event):
    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference


class CaseRouted(_AboutCase):
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


class HomeForceNamed(_AboutCase):
    """A named officer named the home force. It says nothing about which force records the crime."""

    type: ClassVar[str] = "uk.conduit.routing.home-force-named.v1"
    home_force: ForceId
    officer_id: OfficerId
    reason: Text
    """Why, in the officer's words."""


class _AboutHandoff(_AboutCase):
    force_id: ForceId


class HandoffReceived(_AboutHandoff):
    """The force's connector confirmed receipt."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-received.v1"


class HandoffAcknowledged(_AboutHandoff):
    """The force's safeguarding team acknowledged."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-acknowledged.v1"
    force_reference: ForceReference | None = None


class HandoffDeclined(_AboutHandoff):
    """The force said "not ours"."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-declined.v1"
    reason: NotOursReason
    rerouted_to: ForceId | None = None
    """Absent if a person has to decide."""


class HandoffStoodDown(_AboutHandoff):
    """A named officer ended this force's part."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-stood-down.v1"
    officer_id: OfficerId
    reason: Text
    """Why, in the officer's words."""


class Leg(Term):
    """What a clock waits for."""

    RECEIPT = "receipt"
    ACKNOWLEDGEMENT = "acknowledgement"


class HandoffOverdue(_AboutHandoff):
    """A deadline was missed, and the force is chased. `chase` counts from 1."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-overdue.v1"
    leg: Leg
    chase: Annotated[int, Field(ge=1)]
    """How often the force has been chased, including this time."""
    due_at: Moment
    """When it was due."""
    policy_version: PolicyVersion


class HandoffEscalated(_AboutHandoff):
    """Chasing did not help: the hand-off is escalated to the force's next level. The last level is the hub itself."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-escalated.v1"
    leg: Leg
    level: Annotated[int, Field(ge=1)]
    """The force's level that it is escalated to, from 1. Beyond the last level it is the hub."""
    due_at: Moment
    """When it was due."""
    policy_version: PolicyVersion


class CaseHandedOver(_AboutCase):
    """Every force concerned has acknowledged."""

    type: ClassVar[str] = "uk.conduit.routing.case-handed-over.v1"
    home_force: ForceId


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


class ProfessionalStandardsInformed(_AboutCase):
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


class CaseSummary(Value):
    """What every force concerned sees."""

    concerns: tuple[Concern, ...]
    setting: Setting
    group_based: bool | None = None
    """Two or more offenders, whether identified or not. Absent means not known."""
    offence_period: OffencePeriod
    numbers: Numbers
    narrative: Narrative | None = None
    """Only in the home force's copy: a narrative may name persons from other areas."""
    persons_elsewhere: Count
    """How many of the described persons are tied only to other areas."""


class _ToForce(Event):
    force_id: ForceId
    """Always the topic's force."""
    referral_id: ReferralId


class CaseDisseminated(_ToForce):
    """A force's part of a case: the summary, and the persons and places tied to its area. The home force gets everything."""

    type: ClassVar[str] = "uk.conduit.routing.case-disseminated.v1"
    partner_id: PartnerId
    partner_reference: PartnerReference
    caseworker: Caseworker
    urgency: Urgency
    immediate_danger: bool
    """True: a child is in danger now."""
    provisional: bool
    """True while triage goes on: it was sent at once because of immediate danger."""
    home_force: ForceId | None = None
    """The force that leads. Absent until a person names it."""
    interim_safeguarding_owner: ForceId
    """The force that looks after the child until a home force has acknowledged."""
    forces: tuple[ForceId, ...]
    """Every force that has a part in the case."""
    summary: CaseSummary
    persons: tuple[Person, ...] = ()
    """The persons tied to this force's area; for the home force, all persons."""
    places: tuple[OffencePlace, ...] = ()
    """The places in this force's area; for the home force, all places."""
    referral: Referral | None = None
    """The whole referral, for the home force; also for the interim owner if no offence place leads to a force and no force
    has been named to lead."""
    supplements: tuple[Supplement, ...] = ()
    handling: HandlingCaveat
    receipt_due_at: Moment
    """By when the connector should have confirmed receipt."""
    acknowledgement_due_at: Moment
    """By when a person should have acknowledged it."""
    part: Part = 1
    """The version of this force's part. A higher version replaces a lower one, and must be acknowledged again."""
    adds_to: Part | None = None
    """If the case is too large to send whole again: the version that this one adds to. Keep what you have of that version;
    what is new follows as InformationDisseminated. Absent: this record replaces what you have."""
    because: Annotated[str, formed(WORD, WORD_WORDS, max_length=64)] | None = None
    """Why it was sent, for example `joined`, `home_force`, `information_added` or `immediate_danger`."""
    not_to_be_told: tuple[ForceId, ...] = ()
    """Forces whose own people are among the suspects. Do not discuss the case with them: the hub does that."""


class InformationDisseminated(_ToForce):
    """Added information, as far as this force needs to know it."""

    type: ClassVar[str] = "uk.conduit.routing.information-disseminated.v1"
    corrects: bool
    """True if it replaces something that was said before; the text says what."""
    text: Text | None = None
    """Only in the home force's copy."""
    persons: tuple[Person, ...] = ()
    """The persons in it who are tied to this force's area; for the home force, all persons."""
    places: tuple[OffencePlace, ...] = ()
    """The places in it that are in this force's area; for the home force, all places."""
    numbers: Numbers | None = None
    """How many victims and suspects the whole case has by now. Absent: nothing was said about it."""
    supplied_at: Moment
    """When the partner learned of it."""
    immediate_danger: bool | None = None
    """What the partner said about danger, for every force to see. False never extends a deadline."""
    urgency: Urgency | None = None


class HomeForceChanged(_ToForce):
    """The home force of a case this force holds was named or changed."""

    type: ClassVar[str] = "uk.conduit.routing.home-force-changed.v1"
    home_force: ForceId


class ForcesChanged(_ToForce):
    """Other forces joined or left a case this force holds."""

    type: ClassVar[str] = "uk.conduit.routing.forces-changed.v1"
    forces: tuple[ForceId, ...]


class AttachmentDisseminated(_ToForce):
    """The case has an attachment, which this force can fetch from intake's HTTP API. Only the home force gets this, because
    an attachment may show any person.

    Its file name is not here, because it may name a person.
    """

    type: ClassVar[str] = "uk.conduit.routing.attachment-disseminated.v1"
    attachment_id: AttachmentId
    media_type: MediaType
    """The media type of the content."""
    size: Annotated[int, Field(ge=1)]
    """The size in bytes."""
    sha256: Sha256
    """The content's SHA-256, in hexadecimal digits."""


class WithdrawalDisseminated(_ToForce):
    """The partner withdrew. The force decides what to do with what it knows."""

    type: ClassVar[str] = "uk.conduit.routing.withdrawal-disseminated.v1"
    reason: WithdrawalReason


class DeclineDisseminated(_ToForce):
    """Triage declined a case that went out because of immediate danger. The force keeps its own duty."""

    type: ClassVar[str] = "uk.conduit.routing.decline-disseminated.v1"


class AcceptanceDisseminated(_ToForce):
    """Triage accepted a case that this force already holds, even if it had declined it before. The case is no longer
    provisional."""

    type: ClassVar[str] = "uk.conduit.routing.acceptance-disseminated.v1"


class HandoffChased(_ToForce):
    """The hub reminds the force of an overdue answer."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-chased.v1"
    leg: Leg
    due_at: Moment
    """When it was due."""
    escalation_level: Annotated[int, Field(ge=0)]
    """The force's level that it was escalated to; 0 for none."""


class HandoffClosed(_ToForce):
    """This force has no further part in the case."""

    type: ClassVar[str] = "uk.conduit.routing.handoff-closed.v1"


class ResponseRejected(Event):
    """A force's record was not valid; the hand-off stays as it was."""

    type: ClassVar[str] = "uk.conduit.routing.response-rejected.v1"
    force_id: ForceId
    referral_id: ReferralId | None = None
    response_id: Annotated[str, Field(max_length=200)]
    """The record's topic, partition and offset."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    event_id: SenderEventId | None = None
    """The id that the sender gave the record: `ce_id` in a header, `id` in an object. Absent if none could be read."""


class NameHomeForce(Command):
    """A named officer names the home force. If that force does not have the case yet, it gets it."""

    type: ClassVar[str] = "uk.conduit.routing.name-home-force.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    home_force: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    reason: Text
    """The reason, for the case's history."""


class RerouteHandoff(Command):
    """A named officer sends a declined or open hand-off to another force instead."""

    type: ClassVar[str] = "uk.conduit.routing.reroute-handoff.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    from_force: ForceId
    to_force: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    reason: Text
    """The reason, for the case's history."""


class StandDownHandoff(Command):
    """A named officer ends one force's part. Refused for the last force: a child is never with nobody."""

    type: ClassVar[str] = "uk.conduit.routing.stand-down-handoff.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, nothing happens: `case_changed`."""
    reason: Text
    """The reason, for the case's history."""


class SendToProfessionalStandards(Command):
    """A named officer takes a restricted case to a force's professional standards department, which gets a notice without
    content. From then on an officer may also name that force or reroute to it."""

    type: ClassVar[str] = "uk.conduit.routing.send-to-professional-standards.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    reason: Text
    """The reason, for the case's history."""
