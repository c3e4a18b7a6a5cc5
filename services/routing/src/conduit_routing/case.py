"""A case and its hand-offs as they stand: who received what, and where each force is with it.

A hand-off is a value: what happens to it makes a new one. A case changes only in a Turn, which writes history.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.seen import PastLine
from conduit_contracts.concerned.content import Content
from conduit_contracts.concerned.proposal import ALL_ON, NOBODY_BARRED, Barred, Safeguarding
from conduit_contracts.geography import in_order
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import HomeForceBasis, RoutingReviewReason
from conduit_routing.handoffs import Handoff, Handoffs
from conduit_routing.policy import priority_class

ASKS_FOR_HOME = frozenset(
    {
        RoutingReviewReason.NO_FORCE,
        RoutingReviewReason.TIE,
        RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION,
        RoutingReviewReason.SUGGESTION_NOT_USABLE,
    }
)
"""Reviews that settle a missing home force when an officer answers them."""


class CaseState(StrEnum):
    """Where the case stands as a whole. It says nothing of what forces do with it."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    DECLINED = "declined"
    """Triage declined what had gone out for immediate danger. Hand-offs and their clocks go on: the force has a duty."""
    WITHDRAWN = "withdrawn"


class Review(NamedTuple):
    """Why a named officer must look. `about` is the force whose hand-off is meant, or "" for the case as a whole."""

    number: int
    reason: RoutingReviewReason
    about: str
    candidates: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None = None


class AttachedFile(NamedTuple):
    """A file that intake keeps, and the one force that may fetch it there."""

    attachment_id: UUID
    referral_id: UUID
    media_type: str
    size: int
    sha256: str
    opened_to: str | None = None


class CaseEntry(NamedTuple):
    """One line of history: codes and ids only. `version` counts a case's lines from 1 without gaps."""

    version: int
    at: datetime
    actor: str
    what: str
    why: str
    force_id: str | None
    policy_version: str
    cause_id: str | None
    """The record that caused it: an event id within the hub, its place on the topic where it came from outside."""
    sent_id: str | None
    """The event by which the force was told."""


class ForceMark(StrEnum):
    """What else is to be remembered of a force: what a police suspect makes of it, and whether it got the whole case."""

    KEPT_FROM = "kept_from"
    """A suspect belongs to it: no rule sends it the case."""
    STANDARDS_TOLD = "standards_told"
    """A named officer took the case to its professional standards department."""
    LET_IN = "let_in"
    """After that, a named officer gave it the case anyway."""
    HAS_ALL = "has_all"
    """It got the whole as interim owner, since no place leads to a force."""


SOME_FORCE = ""
"""Stands for the force of a police suspect where it is not known."""


@dataclass(slots=True)
class Case:
    """A case in memory. `content` is there only where a record of the batch may need it."""

    referral_id: UUID
    partner_id: str
    partner_reference: str
    urgency: Urgency
    immediate_danger: bool
    provisional: bool
    opened_at: datetime
    policy_version: str
    state: CaseState = CaseState.OPEN
    home_force: str | None = None
    basis: HomeForceBasis | None = None
    interim_owner: str | None = None
    named_home: str | None = None
    """The home force that an officer named last, also after it gave the case back."""
    named_interim: str | None = None
    """The force that an officer named last to look after the child while no home force is settled."""
    marks: frozenset[tuple[str, ForceMark]] = frozenset()
    """By force, what else is to be remembered of it."""
    safeguarding: Safeguarding = ALL_ON
    """The switches of the policy under which a turn is taken. Not stored."""
    version: int = 0
    handoffs: Handoffs = field(default_factory=Handoffs)
    """By force."""
    reviews: dict[int, Review] = field(default_factory=dict)
    content: Content | None = None
    new_body: bytes | None = None
    supplements_stored: int = 0
    new_supplements: list[bytes] = field(default_factory=list)
    new_history: list[CaseEntry] = field(default_factory=list)
    lines: list[PastLine] = field(default_factory=list)
    """The stored history, oldest first, where a command says what its officer had seen."""
    stored: "Stored | None" = None

    def put(self, handoff: Handoff) -> None:
        """Put a force's hand-off in the place of what it had."""
        self.handoffs[handoff.force_id] = handoff

    @property
    def active(self) -> tuple[str, ...]:
        """The forces that have a part, in the order of the register."""
        return self.handoffs.active

    @property
    def priority(self) -> str | None:
        """Its priority class; None once it is withdrawn, as nobody is waited for."""
        withdrawn = self.state is CaseState.WITHDRAWN
        return None if withdrawn else priority_class(self.urgency, immediate_danger=self.immediate_danger)

    @property
    def barred(self) -> Barred:
        """To whom no rule sends the case."""
        if not self.marks:
            return NOBODY_BARRED
        kept = self.marked(ForceMark.KEPT_FROM) - self.marked(ForceMark.LET_IN)
        return Barred(frozenset(kept - {SOME_FORCE}), SOME_FORCE in kept)

    @property
    def restricted(self) -> bool:
        """Whether a suspect belongs to a police force."""
        return bool(self.marks) and bool(self.marked(ForceMark.KEPT_FROM))

    def marked(self, mark: ForceMark) -> set[str]:
        """The forces that have this mark."""
        return {force_id for force_id, held in self.marks if held is mark}

    def mark(self, force_id: str, mark: ForceMark) -> None:
        """Set a mark."""
        self.marks |= {(force_id, mark)}

    @property
    def told_forces(self) -> tuple[str, ...]:
        """The forces with a part that rules go on sending to."""
        return (
            tuple(force_id for force_id in self.active if force_id not in self.barred.forces) if self.marks else self.active
        )

    @property
    def holders(self) -> tuple[str, ...]:
        """The forces to be told what follows: the active ones, and a decliner that still keeps the interim duty."""
        if self.interim_owner is None or self.interim_owner in self.barred.forces:
            return self.told_forces
        return in_order({*self.told_forces, self.interim_owner})

    @property
    def told(self) -> Content:
        """What was told of the case.

        Raises:
            LookupError: it was not loaded, which is a fault of ours.
        """
        if self.content is None:
            raise LookupError("the case's content was not loaded")
        return self.content

    @property
    def home_is_asked_for(self) -> bool:
        """Whether a named officer is asked to settle the home force. Always so while an open case has none."""
        return any(review.reason in ASKS_FOR_HOME for review in self.open_reviews())

    @property
    def left_by(self) -> str | None:
        """The force whose declining left the case without a home force, where nothing else asks an officer for one."""
        if self.home_force is not None:
            return None
        asked_about = {review.about for review in self.open_reviews() if review.reason in ASKS_FOR_HOME}
        return asked_about.pop() if len(asked_about) == 1 else None

    def open_reviews(self, about: str | None = None) -> list[Review]:
        """The reviews that wait: about this force, about the case as a whole (""), or all (None)."""
        waiting = (review for review in self.reviews.values() if review.closed_at is None)
        return [review for review in waiting if about is None or review.about == about]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database has, to save only what differs."""

    version: int
    priority: str | None
    handoffs: dict[str, Handoff]
    reviews: dict[int, Review]
