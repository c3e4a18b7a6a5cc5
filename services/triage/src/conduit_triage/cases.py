"""What triage knows of a referral, in memory. Every change of state is a method here, so that no half-state can arise."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from conduit_contracts.ids import ForceId, OfficerId, PartnerId, PartnerReference
from conduit_contracts.intake import InformationSupplied, ReferralReceived
from conduit_contracts.referral import Ground, Referral, Supplement, Urgency
from conduit_contracts.told import Told
from conduit_contracts.triage import DeclineReason, ReviewReason

RULES = "rules"


class State(StrEnum):
    """Where triage stands with a referral."""

    UNDER_REVIEW = "under_review"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A place in the queue. A partner that is asked something keeps its place: only the mark changes."""

    reasons: tuple[ReviewReason, ...]
    urgency: Urgency
    immediate_danger: bool
    opened_at: datetime
    due_at: datetime
    waiting_for_partner: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """What the partner added: the event as it came, and its id."""

    event_id: str
    body: bytes
    arrived_at: datetime

    @property
    def supplement(self) -> Supplement:
        """The added information itself."""
        return InformationSupplied.model_validate_json(self.body, extra="ignore").supplement


@dataclass(slots=True)
class Assessment:
    """One referral. `body` is the ReferralReceived event as it came, `added` the beginning of what was added, and what this
    batch adds: all that fits one event. Both are there only where a record of the batch may need them.

    `rounds` counts the reviews opened so far: 0, 1, 2 after a reconsideration, and one more each time that danger is told
    of after a decline. `declined_by` stays after a review opened again, because that officer may not decide again.
    """

    referral_id: UUID
    partner_id: PartnerId
    partner_reference: PartnerReference
    received_at: datetime
    state: State
    policy_version: str
    body: bytes = b""
    danger_raised: bool = False
    rounds: int = 0
    decided_by: str | None = None
    decided_at: datetime | None = None
    grounds: tuple[Ground, ...] = ()
    home_force: ForceId | None = None
    decline_reason: DeclineReason | None = None
    declined_by: OfficerId | None = None
    mou_lapsed: bool = False
    """Taken for the danger alone, since no agreement with its partner was in force."""
    review: OpenReview | None = None
    added: list[Added] = field(default_factory=list)
    leading: int = 0
    """How many of `added` are stored; they are the first."""
    left_out: int = 0
    """How many stored ones after them are not in memory."""
    _referral: Referral | None = None
    _told: Told | None = None
    _words: int = 0

    @classmethod
    def received(cls, message: ReferralReceived, body: bytes, policy_version: str) -> "Assessment":
        """A referral that triage sees for the first time. The caller decides on it or opens its review."""
        return cls(
            referral_id=message.referral_id,
            partner_id=message.partner_id,
            partner_reference=message.partner_reference,
            received_at=message.received_at,
            body=body,
            state=State.UNDER_REVIEW,
            policy_version=policy_version,
            mou_lapsed=message.mou_lapsed,
            _referral=message.referral,
        )

    @property
    def referral(self) -> Referral:
        """The referral as the partner sent it.

        Raises:
            LookupError: it was not loaded, which is a fault of ours.
        """
        if self._referral is None:
            if not self.body:
                raise LookupError("what was told of the referral was not loaded")
            self._referral = ReferralReceived.model_validate_json(self.body, extra="ignore").referral
        return self._referral

    @property
    def told(self) -> Told:
        """What rules ask of all that was told."""
        if self._told is None:
            self._told = Told(self.referral, (added.supplement for added in self.added))
        return self._told

    def load(self, body: bytes) -> None:
        """Begin with the referral as it is stored; what was added follows by `recall`."""
        self.body, self.added, self.leading, self.left_out = body, [], 0, 0
        self._referral, self._words = None, len(body)
        self._told = Told(self.referral)

    def recall(self, added: Added, room: int) -> None:
        """Take in an addition that is stored, and keep its words while all of them fit `room` bytes."""
        self.told.add(added.supplement)
        self._words += len(added.body)
        if self._words > room:
            self.left_out += 1
        else:
            self.added.append(added)
            self.leading += 1

    def forget(self) -> None:
        """Keep no words in memory: none of the batch's records needs them any more."""
        self.body, self.added, self.leading, self.left_out = b"", [], 0, 0
        self._referral = self._told = None

    def add(self, added: Added, supplement: Supplement) -> None:
        """Take in what is added now."""
        if self._told is not None:
            self._told.add(supplement)
        self.added.append(added)

    @property
    def held_by_routing(self) -> bool:
        """Whether forces have the case or are getting it, so that they must be told what follows."""
        return self.danger_raised or self.state is State.ACCEPTED

    def open_review(self, review: OpenReview, policy_version: str) -> None:
        """Put the case before a named officer, for the first time or again after a decline."""
        self.state, self.review, self.policy_version = State.UNDER_REVIEW, review, policy_version
        self.rounds += 1
        self.decided_by = self.decided_at = self.decline_reason = None

    def wait_for_partner(self, *, waiting: bool) -> None:
        """Mark whether the open review waits for the partner's answer."""
        if self.review is not None:
            self.review = replace(self.review, waiting_for_partner=waiting)

    def accept(
        self, grounds: tuple[Ground, ...], by: str, now: datetime, policy_version: str, home_force: ForceId | None = None
    ) -> None:
        """The referral meets the criteria. `by` is `rules` or an officer, who may have named the home force."""
        self._decide(State.ACCEPTED, by, now, policy_version)
        self.grounds, self.home_force = grounds, home_force

    def decline(self, officer: OfficerId, reason: DeclineReason, now: datetime, policy_version: str) -> None:
        """A named officer found that the referral does not meet the criteria. Nobody else can decline."""
        self._decide(State.DECLINED, by_officer(officer), now, policy_version)
        self.decline_reason, self.declined_by = reason, officer

    def withdraw(self) -> None:
        """The partner took the referral back. What was decided before stays on record."""
        self.state, self.review = State.WITHDRAWN, None

    def _decide(self, state: State, by: str, now: datetime, policy_version: str) -> None:
        self.state, self.review = state, None
        self.decided_by, self.decided_at, self.policy_version = by, now, policy_version


def by_officer(officer: OfficerId) -> str:
    """A named officer, as history and decisions write it."""
    return f"officer:{officer}"


def by_partner(partner: PartnerId) -> str:
    """A partner, as history writes it."""
    return f"partner:{partner}"
