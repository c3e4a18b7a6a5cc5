"""A case as the console knows it: where it stands, each force's part in it, and what is asked of an officer.

Nothing here holds what people wrote about people; `content` has that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from conduit_contracts.notification import ReferralState
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import HandoffState
from conduit_contracts.told import CountedGround

SOME_FORCE = ""
"""Stands for the force of a police suspect where it is not known."""
DANGER, CALM = 0, 1
"""The rank of what is in danger, and of everything else: what is first stands first."""


class TriageWord(StrEnum):
    """What triage said last of a case."""

    UNDER_REVIEW = "under_review"
    INFORMATION_REQUESTED = "information_requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class RoutingWord(StrEnum):
    """What routing said last of a case."""

    PROVISIONAL = "provisional"
    """A force has it because of immediate danger, while triage goes on."""
    WITH_FORCES = "with_forces"
    HANDED_OVER = "handed_over"


class AskedBy(StrEnum):
    """Whose question it is."""

    TRIAGE = "triage"
    ROUTING = "routing"


@dataclass(slots=True)
class FollowedHandoff:
    """One force's part, in three facts that none stands for another: transport, a connector, a person. Times are UTC."""

    force_id: str
    state: HandoffState
    disseminated_at: datetime | None = None
    """Transport: the part is on the force's own topic."""
    received_at: datetime | None = None
    """The force's connector has it."""
    acknowledged_at: datetime | None = None
    """A person in the force's team has it as it is now."""
    first_acknowledged_at: datetime | None = None
    """When a person first took it. It stays when the force is asked again."""
    ended_at: datetime | None = None
    """When the force declined it, or an officer ended the part."""
    receipt_due_at: datetime | None = None
    acknowledgement_due_at: datetime | None = None
    due_at: datetime | None = None
    """The deadline of the leg that runs. Once it has passed, the force is silent."""
    chases: int = 0
    level: int = 0
    reminded_at: datetime | None = None
    """When it was last chased or escalated."""
    part: int | None = None
    """The version of the part, where routing said it."""
    force_reference: str | None = None
    by_telephone: bool = False
    """Whether a person took it on in a call, and the force's connector has not acknowledged since."""

    @property
    def active(self) -> bool:
        """Whether the force has a part in the case."""
        return self.state not in (HandoffState.DECLINED, HandoffState.STOOD_DOWN)

    @property
    def waiting(self) -> bool:
        """Whether the hub waits for this force."""
        return self.state in (HandoffState.DISSEMINATED, HandoffState.RECEIVED)

    @property
    def lacks_receipt(self) -> bool:
        """Whether a person at the force has it, and its connector has confirmed nothing."""
        return self.state is HandoffState.ACKNOWLEDGED and self.received_at is None


@dataclass(slots=True)
class OpenQuestion:
    """What waits for a named officer."""

    asked_by: AskedBy
    reasons: tuple[str, ...]
    """Codes; never empty."""
    about: tuple[str, ...]
    """The forces to choose from, or those that are silent."""
    urgency: Urgency
    danger: bool
    opened_at: datetime
    due_at: datetime
    waits_for_partner: bool = False
    """An officer asked the partner something, and no answer has come."""
    claimed_by: str | None = None


@dataclass(frozen=True, slots=True)
class HeldAssessment:
    """What triage counted when it last put the case to an officer, or accepted it by rules."""

    grounds: tuple[CountedGround, ...]
    policy_version: str
    at: datetime

    def as_text(self) -> str:
        """As it is stored."""
        return _ASSESSMENT.dump_json(self).decode()


_ASSESSMENT = TypeAdapter(HeldAssessment)


def held_assessment(text: str | None) -> HeldAssessment | None:
    """As it was stored; None where triage said none."""
    return None if text is None else _ASSESSMENT.validate_json(text)


@dataclass(slots=True)
class FollowedCase:
    """Where one case stands, as what the services said last has it."""

    referral_id: UUID
    partner_id: str
    partner_reference: str
    received_at: datetime | None = None
    """When the hub took it, as intake says; None until that was read."""
    urgency: Urgency | None = None
    danger: bool = False
    mou_lapsed: bool = False
    triage: TriageWord | None = None
    triage_at: datetime | None = None
    """The broker's time of what triage said last; what is older moves nothing. `routing_at` likewise."""
    asked_at: datetime | None = None
    supplied_at: datetime | None = None
    routing: RoutingWord | None = None
    routing_at: datetime | None = None
    withdrawn: bool = False
    for_forces: bool = False
    """Triage accepted it or raised immediate danger: some force must have it."""
    home_force: str | None = None
    interim_owner: str | None = None
    kept_from: tuple[str, ...] = ()
    """Forces that a suspect belongs to. Not empty: the case is restricted."""
    policy_version: str | None = None
    assessment: HeldAssessment | None = None
    version: int = 0
    """How many lines its timeline has."""
    claimed_by: str | None = None
    handoffs: dict[str, FollowedHandoff] = field(default_factory=dict)
    questions: dict[AskedBy, OpenQuestion] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """`DANGER` or `CALM`."""
        return DANGER if self.danger else CALM

    @property
    def without_force(self) -> bool:
        """A force must have it, and none has."""
        return self.for_forces and not self.withdrawn and not any(each.active for each in self.handoffs.values())

    @property
    def state(self) -> ReferralState:
        """Where it stands as a whole: routing's word goes before triage's, and the partner's withdrawal before both."""
        if self.withdrawn:
            return ReferralState.WITHDRAWN
        if self.routing is RoutingWord.HANDED_OVER:
            return ReferralState.HANDED_OVER
        accepted = self.triage is TriageWord.ACCEPTED
        if self.routing is RoutingWord.WITH_FORCES or (accepted and self.routing is RoutingWord.PROVISIONAL):
            return ReferralState.WITH_FORCES
        if self.is_answered:
            return ReferralState.UNDER_REVIEW
        return ReferralState(self.triage.value) if self.triage else ReferralState.RECEIVED

    @property
    def is_answered(self) -> bool:
        """Whether the partner added something after an officer asked. Two services say it: the broker's times decide."""
        asked, supplied = self.asked_at, self.supplied_at
        return self.triage is TriageWord.INFORMATION_REQUESTED and bool(asked and supplied and supplied > asked)

    def stop_clocks(self) -> None:
        """Nobody is waited for any more."""
        for handoff in self.handoffs.values():
            handoff.due_at = None


class FailedNotice(NamedTuple):
    """A notice that the hub gave up on."""

    notice_id: UUID
    audience: str
    """`partner:`, `force:` or `hub:` with an id."""
    channel: str
    template: str
    referral_id: UUID | None
    attempts: int
    code: str
    failed_at: datetime

    @property
    def partner_id(self) -> str | None:
        """The partner whom it was for; None where it was for somebody else."""
        kind, _, name = self.audience.partition(":")
        return name if kind == "partner" else None


class TimelineLine(NamedTuple):
    """One event of a case: codes and ids, never anybody's words. Times are UTC."""

    referral_id: UUID
    event_id: str
    ordered_at: datetime
    """The broker's time, in the order of which things became true."""
    stage: int
    """Which service said it, in flow order."""
    place: int
    happened_at: datetime
    """When, by the clock of the service that says it."""
    actor: str
    """`rules`, `clock`, or `officer:`, `partner:` or `force:` with an id."""
    what: str
    why: tuple[str, ...]
    force_ids: tuple[str, ...]
    policy_version: str | None
    command_id: str | None
    """The officer's command that it follows from."""
    version: int
    """How many lines the case has with this one, in the order in which the console came to know them."""


def merged(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Each once, in the order in which they came."""
    return tuple(dict.fromkeys((*known, *more)))
