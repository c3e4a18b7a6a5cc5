"""Each force's own part of a case, on `force.<id>.cases.v1`."""

from typing import Annotated, ClassVar

from pydantic import Field

from conduit_contracts.base import Value
from conduit_contracts.envelope import Event
from conduit_contracts.force import Part
from conduit_contracts.forms import WORD, WORD_WORDS, formed
from conduit_contracts.ids import AttachmentId, ForceId, PartnerId, PartnerReference, ReferralId
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
from conduit_contracts.routing.states import Leg
from conduit_contracts.times import Moment


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
