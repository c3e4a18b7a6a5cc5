"""What one batch reads and changes, held in memory between one load and one save.

Facts of one service come in its order, those of different services race. So each service's word stands by itself, and
what is older than its last word moves nothing; the line of the timeline is written in either case.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery
from conduit_console import content
from conduit_console.cases import AskedBy, FailedNotice, FollowedCase, FollowedHandoff, OpenQuestion, TimelineLine
from conduit_console.claims import Holder
from conduit_console.content import HeldCalls, HeldWords
from conduit_console.decision_forms import ForceNumber
from conduit_console.duties import AnsweredTaking
from conduit_console.partners import SaidName
from conduit_console.rebuilt import EndedSnapshot, HeldFact, Rebuild
from conduit_contracts.envelope import short_name
from conduit_contracts.topics import SERVICES

RULES, CLOCK = "rules", "clock"


class ConcernsCase(Protocol):
    """What every fact of a case says."""

    @property
    def referral_id(self) -> UUID: ...
    @property
    def partner_id(self) -> str: ...
    @property
    def partner_reference(self) -> str: ...


class ClearedAttachment(NamedTuple):
    """A file that was scanned and is available at intake."""

    referral_id: UUID
    attachment_id: UUID
    media_type: str
    size: int
    """In bytes."""
    sha256: str
    cleared_at: datetime


class ToldDuty(NamedTuple):
    """How a duty task stands."""

    task_id: UUID
    kind: str
    rank: int
    partner_id: str | None
    partner_reference: str | None
    referral_id: UUID | None
    force_id: str | None
    codes: tuple[str, ...]
    said: int
    opened_at: datetime
    unanswered_at: datetime | None
    taken_at: datetime | None
    taken_by: str | None
    next_call_at: datetime | None
    said_at: datetime


class ReportedDanger(NamedTuple):
    """Danger in what the hub could not take, without who to call: the duty task has that."""

    event_id: str
    partner_id: str
    partner_reference: str | None
    referral_id: UUID | None
    codes: tuple[str, ...]
    waits_until: datetime | None
    reported_at: datetime


@dataclass(slots=True)
class ConsoleWork:
    """The batch's cases. A case that comes up twice in a batch is the same object both times."""

    now: datetime
    outbox: Outbox
    cases: dict[UUID, FollowedCase] = field(default_factory=dict)
    new: set[UUID] = field(default_factory=set)
    changed: set[UUID] = field(default_factory=set)
    claims: dict[UUID, Holder] = field(default_factory=dict)
    """Who has which case in hand."""
    stored_cases: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    """The rows as they are in the database; what is not otherwise is not written. Likewise the next two."""
    stored_handoffs: dict[tuple[UUID, str], tuple[Any, ...]] = field(default_factory=dict)
    stored_questions: dict[tuple[UUID, str], tuple[Any, ...]] = field(default_factory=dict)
    known: set[tuple[UUID, str]] = field(default_factory=set)
    """Lines that the timeline has already, as referral and event, of those that this batch would write."""
    lines: list[TimelineLine] = field(default_factory=list)
    words: list[HeldWords] = field(default_factory=list)
    attachments: list[ClearedAttachment] = field(default_factory=list)
    failed: list[FailedNotice] = field(default_factory=list)
    dangers: list[ReportedDanger] = field(default_factory=list)
    numbers: dict[str, list[ForceNumber]] = field(default_factory=dict)
    """Of forces that the batch registers."""
    partners: dict[str, SaidName] = field(default_factory=dict)
    """What the batch said last that partners are called."""
    duties: dict[UUID, ToldDuty] = field(default_factory=dict)
    """As the batch said them last."""
    takings: list[AnsweredTaking] = field(default_factory=list)
    """What became of officers' wishes to have a duty task."""
    calls: list[HeldCalls] = field(default_factory=list)
    followed: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """Up to which broker's time each partition was read in this batch."""
    rebuild: Rebuild | None = None
    """The rebuild that is under way."""
    held: list[HeldFact] = field(default_factory=list)
    """What takes effect once what was told before it is back."""
    wordless: set[str] = field(default_factory=set)
    """Events of the batch that are told again without what people wrote."""
    taken: Counter[str] = field(default_factory=Counter)
    """Facts of snapshots that the batch took, by service."""
    ended: dict[str, EndedSnapshot] = field(default_factory=dict)
    """The services whose snapshots end in this batch."""

    def case(self, about: ConcernsCase) -> FollowedCase:
        """The case, which begins to exist with the first fact that is read, whichever that is."""
        found = self.cases.get(about.referral_id)
        if found is None:
            found = FollowedCase(about.referral_id, about.partner_id, about.partner_reference)
            found.claimed_by = holder.officer_id if (holder := self.claims.get(about.referral_id)) else None
            self.cases[about.referral_id] = found
            self.new.add(about.referral_id)
        self.changed.add(about.referral_id)
        return found

    def note(
        self,
        delivery: Delivery[Any],
        actor: str,
        why: Sequence[str] = (),
        force_ids: Sequence[str] = (),
        policy_version: str | None = None,
    ) -> None:
        """Write the fact's line, and keep what was said with it where it holds somebody's words."""
        what, attributes, record = short_name(delivery.attributes.type), delivery.attributes, delivery.record
        case = self.cases[delivery.message.referral_id]
        if (case.referral_id, attributes.id) in self.known:
            return
        self.known.add((case.referral_id, attributes.id))
        case.version += 1
        case.policy_version = policy_version or case.policy_version
        self.changed.add(case.referral_id)
        self.lines.append(
            TimelineLine(
                referral_id=case.referral_id,
                event_id=attributes.id,
                ordered_at=record.timestamp,
                stage=SERVICES.index(delivery.topic.owner),
                place=record.offset,
                happened_at=attributes.time,
                actor=actor,
                what=what,
                why=tuple(why),
                force_ids=tuple(force_ids),
                policy_version=policy_version,
                command_id=getattr(delivery.message, "command_id", None),
                version=case.version,
            )
        )
        if content.holds_words(what, record.value or b"") and attributes.id not in self.wordless:
            self.words.append(content.held(delivery, what))


def triage_says(case: FollowedCase, delivery: Delivery[Any]) -> bool:
    """Whether this is triage's newest word of the case, which it is from now on."""
    at = delivery.record.timestamp
    if case.triage_at is not None and at < case.triage_at:
        return False
    case.triage_at = at
    return True


def routing_says(case: FollowedCase, delivery: Delivery[Any]) -> bool:
    """Whether this is routing's newest word of the case, which it is from now on."""
    at = delivery.record.timestamp
    if case.routing_at is not None and at < case.routing_at:
        return False
    case.routing_at = at
    return True


def ask(case: FollowedCase, question: OpenQuestion) -> None:
    """Put a question before the officers. Whoever has the case in hand has the question."""
    question.claimed_by = case.claimed_by
    case.questions[question.asked_by] = question


def settle(case: FollowedCase, asked_by: AskedBy) -> None:
    """The question is answered, or is no longer asked."""
    case.questions.pop(asked_by, None)


def part_of(case: FollowedCase, force_id: str, fresh: FollowedHandoff) -> FollowedHandoff:
    """The force's part, which is `fresh` where the console has not heard of it."""
    return case.handoffs.setdefault(force_id, fresh)


def by_officer(officer_id: str) -> str:
    """An officer, as the timeline writes it."""
    return f"officer:{officer_id}"


def by_partner(partner_id: str) -> str:
    """A partner, as the timeline writes it."""
    return f"partner:{partner_id}"


def by_force(force_id: str) -> str:
    """A force, as the timeline writes it."""
    return f"force:{force_id}"
