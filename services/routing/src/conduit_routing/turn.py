"""One record's effect on one case. Nothing about a case changes but through here, and each change is a line of history."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_contracts.concerned.proposal import CaseContext
from conduit_contracts.envelope import Attributes, Message
from conduit_contracts.referral import Supplement
from conduit_contracts.routing import CaseDisseminated, HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_contracts.topics import FORCE_CASES, ROUTING_CASES
from conduit_routing import clocks, extract
from conduit_routing.case import AttachedFile, Case, CaseEntry, CaseState, Review
from conduit_routing.handoffs import Handoff
from conduit_routing.observer import NOBODY, RoutingObserver
from conduit_routing.policy import Deadlines, RoutingPolicy

INTERIM_DUTY = "interim_owner"
JOINED, LEADS, MORE_AREAS = "joined", "home_force", "answers_for_more_areas"
LOOKS_AFTER_ALL = "looks_after_all"
_SEES_MORE = frozenset({JOINED, LEADS, MORE_AREAS, LOOKS_AFTER_ALL})


class WrongReaderError(Exception):
    """What is for one force was about to go to another."""


class LastTold(NamedTuple):
    """What forces and partners were last told of a case."""

    home: str | None
    owner: str | None
    active: tuple[str, ...]
    provisional: bool


def standing(case: Case) -> LastTold:
    """How the case stands now."""
    return LastTold(case.home_force, case.interim_owner, case.active, case.provisional)


@dataclass(slots=True)
class Turn:
    """A case, who acts on it and why, and where what follows is published."""

    case: Case
    now: datetime
    actor: str
    policy: RoutingPolicy
    outbox: Outbox
    before: LastTold
    cause: Attributes | None = None
    cause_id: str | None = None
    observer: RoutingObserver = NOBODY
    command_id: str | None = None
    """The officer's command, where one is the cause."""
    widened: dict[str, str] = field(default_factory=dict)
    """Forces whose part changed, so that they must get it again, and why."""
    again: set[str] = field(default_factory=set)
    """Forces whose people must read again what they hold: they acknowledged before it changed, it became more urgent, or
    an officer gave them a case that was kept from them."""
    added: list[Supplement] = field(default_factory=list)
    """What the partner added, for those who hold the case already."""
    opened: list[Review] = field(default_factory=list)
    closed: bool = False
    """Whether something that an officer was asked is settled."""
    restricted: bool = False
    """Whether the hub is to be told that no rule sends the case to some force."""
    acted_at: datetime | None = None
    """When the partner referred, where no person decided since, so that forces must have the case soon."""
    attachments: dict[UUID, AttachedFile] = field(default_factory=dict)
    """The case's, as far as they came."""
    shown: set[str] = field(default_factory=set)
    """Forces that may see from now on more of what was told earlier, because of what was added."""
    to_follow: dict[str, str] = field(default_factory=dict)
    """Forces that were given a case too large for one record, and why. What was added to it follows when the turn ends."""
    key: str = field(init=False)
    """What every event about the case has for its key and subject."""

    def __post_init__(self) -> None:
        """Spell the id once: an event or two would each do it again."""
        self.key = str(self.case.referral_id)

    @property
    def clock(self) -> Deadlines:
        """The clock of the case's priority class."""
        return self.policy.clock(self.case.urgency, immediate_danger=self.case.immediate_danger)

    @property
    def scene(self) -> CaseContext:
        """What rules may know beside what was told of the case."""
        return CaseContext(self.now.date(), self.policy.safeguarding, self.case.barred)

    @property
    def about(self) -> dict[str, Any]:
        """The fields that every event about the case has."""
        case = self.case
        return {
            "referral_id": case.referral_id,
            "partner_id": case.partner_id,
            "partner_reference": case.partner_reference,
        }

    @property
    def by_command(self) -> dict[str, Any]:
        """The same of events that an officer's command may lead to."""
        return {**self.about, "command_id": self.command_id}

    def tell(self, message: Message) -> str:
        """Publish a fact about the case."""
        return self.outbox.publish(ROUTING_CASES.name(), self.key, message, subject=self.key, cause=self.cause)

    def send(self, force_id: str, message: Message) -> str:
        """Publish to one force, on its own topic.

        Raises:
            WrongReaderError: the message is for another force, which is a fault of ours.
        """
        if getattr(message, "force_id", None) != force_id:
            self.observer.wrong_reader()
            raise WrongReaderError
        topic = FORCE_CASES.name(force_id)
        acted_at = self.acted_at if isinstance(message, CaseDisseminated) else None
        return self.outbox.publish(topic, self.key, message, subject=self.key, cause=self.cause, acted_at=acted_at)

    def note(self, what: str, why: str = "", force_id: str | None = None, sent_id: str | None = None) -> int:
        """Write a line of history; returns its number. `what` and `why` are codes, never anybody's words."""
        self.case.version += 1
        entry = CaseEntry(
            version=self.case.version,
            at=self.now,
            actor=self.actor,
            what=what,
            why=why,
            force_id=force_id,
            policy_version=self.policy.version,
            cause_id=self.cause_id,
            sent_id=sent_id,
        )
        self.case.new_history.append(entry)
        return entry.version

    def set_handoff(self, handoff: Handoff, what: str, why: str = "") -> None:
        """Put a hand-off's new state in its place. No clock runs on a withdrawn case, nor for a force it is kept from."""
        stopped = self.case.state is CaseState.WITHDRAWN or handoff.force_id in self.case.barred.forces
        if stopped and handoff.next_action_at is not None:
            handoff = handoff._replace(next_action_at=None)
        self.case.put(handoff)
        self.note(what, why, handoff.force_id)

    def hand_to(self, force_id: str, *also: str) -> None:
        """Give the force a part for its own area and the areas of `also`. Each force has one hand-off at most.

        A force without an active one gets a new start: its clocks run from now.
        """
        held = self.case.handoffs.get(force_id)
        areas = tuple(sorted({force_id, *also, *(held.areas if held else ())}))
        if held is None or not held.active:
            fresh = clocks.started(force_id, areas, self.clock, self.now)
            if held is not None:
                fresh = fresh._replace(force_reference=held.force_reference, part=held.part)
            self.case.put(fresh)
        elif areas != held.areas:
            self.case.put(held._replace(areas=areas))
            self.widened[force_id] = MORE_AREAS

    def name_home(self, force_id: str | None, basis: HomeForceBasis | None, what: str = "home_force") -> None:
        """Settle or unsettle the home force. A force that has a part already, and is to lead now, gets the whole."""
        case = self.case
        if force_id is not None and force_id != case.home_force and force_id in case.active:
            self.widened[force_id] = LEADS
        case.home_force, case.basis = force_id, basis
        if basis is HomeForceBasis.NAMED_BY_OFFICER:
            case.named_home = force_id
        self.note(what, basis or "home_force_unsettled", force_id)

    def hasten(self, why: str) -> None:
        """The case became more urgent: deadlines are those of its clock from now on, but never later than they were."""
        case = self.case
        self.note("priority_raised", why)
        self.again |= set(case.holders)
        for force_id in case.told_forces:
            self.widened[force_id] = why
            if case.handoffs[force_id].waiting:
                self.set_handoff(clocks.hastened(case.handoffs[force_id], self.clock, self.now), "hastened", why)

    def ask_again(self, force_id: str, why: str) -> None:
        """The force's part changed. If it was acknowledged it must be once more, and the clocks run from now."""
        held = self.case.handoffs[force_id]
        if held.state is HandoffState.ACKNOWLEDGED:
            self.set_handoff(clocks.restarted(held, self.clock, self.now), "asked_again", why)
            self.again.add(force_id)

    def disseminate(self, force_id: str, why: str) -> bool:
        """Send the force its part of the case as it stands: a new version, unless only the interim duty passed on.

        Returns whether it is the whole part. A force that holds a large one is sent how the case stands, and what is new.
        """
        held = self.case.handoffs[force_id]
        before = held.part
        if why != INTERIM_DUTY:
            held = held._replace(part=before + 1, part_sent_at=self.now)
            self.case.put(held)
        whole = self._must_have_all(held, why)
        message = extract.case_for(self.case, held, why) if whole else extract.news_for(self.case, held, why, before)
        self.note("disseminated", why, force_id, self.send(force_id, message))
        if whole and not self.case.told.whole:
            self.to_follow[force_id] = why
        return whole

    def _must_have_all(self, handoff: Handoff, why: str) -> bool:
        """Whether the case is small, the force is new to it, or sees more than before of what was told earlier."""
        if extract.is_small(self.case) or why in _SEES_MORE or handoff.force_id not in self.before.active:
            return True
        return handoff.force_id != self.case.home_force and not self.shown.isdisjoint(handoff.areas)

    def open_review(self, reason: RoutingReviewReason, about: str = "", candidates: tuple[str, ...] = ()) -> None:
        """Ask for a named officer, unless the same is asked already."""
        if any((review.reason, review.about) == (reason, about) for review in self.case.open_reviews()):
            return
        number = self.note("review_opened", reason, about or None)
        review = Review(number, reason, about, candidates, self.now)
        self.case.reviews[number] = review
        self.opened.append(review)

    def close_reviews(self, why: str, reviews: Iterable[Review]) -> None:
        """Close these reviews."""
        for review in reviews:
            self.closed = True
            self.case.reviews[review.number] = review._replace(closed_at=self.now)
            self.note("review_closed", why, review.about or None)
