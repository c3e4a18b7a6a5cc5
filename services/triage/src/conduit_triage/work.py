"""What one batch reads and changes, held in memory between one load and one save."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from conduit_chassis.commands import CommandAnswer
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery
from conduit_chassis.seen import PastLine, Unseen, unseen
from conduit_contracts.intake import InformationSupplied, ReferralReceived
from conduit_contracts.triage import DecideReview, NoteCall
from conduit_triage.cases import Added, Assessment, OpenReview, by_officer
from conduit_triage.policy import TriagePolicy

OfficersCommand: TypeAlias = DecideReview | NoteCall
"""What officers may send to triage."""


class AssessmentEntry(NamedTuple):
    """One row of the append-only history. `why` holds codes, never words of a person."""

    referral_id: UUID
    at: datetime
    actor: str
    what: str
    why: str
    policy_version: str
    event_id: str


class Remark(NamedTuple):
    """What somebody wrote, for the officer who decides next. It may hold personal data, so it stands apart from history."""

    referral_id: UUID
    at: datetime
    actor: str
    what: str
    text: str


IGNORED = "command_ignored"


def counted(lines: Iterable[PastLine]) -> list[PastLine]:
    """The lines that make the case's version: a command that changed nothing makes none."""
    return [line for line in lines if line.what != IGNORED]


@dataclass(slots=True)
class TriageWork:
    """The batch's cases. A referral that comes up twice in a batch is the same object both times."""

    policy: TriagePolicy
    now: datetime
    outbox: Outbox
    cases: dict[UUID, Assessment] = field(default_factory=dict)
    stored_reviews: dict[UUID, OpenReview] = field(default_factory=dict)
    """The open reviews as they are in the database."""
    created: dict[UUID, Assessment] = field(default_factory=dict)
    changed: dict[UUID, Assessment] = field(default_factory=dict)
    added: list[tuple[UUID, Added]] = field(default_factory=list)
    known: set[tuple[UUID, str]] = field(default_factory=set)
    """Which additions of the batch are kept already, as referral and event id."""
    rest: list[tuple[Any, int]] = field(default_factory=list)
    """Acts whose case is too large for one event, and how much of what was added it holds. The rest is to follow it."""
    history: list[AssessmentEntry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    answers: list[CommandAnswer] = field(default_factory=list)
    """What officers are told of their commands."""
    signed: list[Delivery[OfficersCommand]] = field(default_factory=list)
    """The batch's commands for which an officer stands."""
    lines: dict[UUID, list[PastLine]] = field(default_factory=dict)
    """The history, oldest first, of the cases of which a command says what its officer had seen."""

    def begin(self, delivery: Delivery[ReferralReceived]) -> Assessment:
        """A case that did not exist before."""
        case = Assessment.received(delivery.message, delivery.record.value or b"", self.policy.version)
        self.cases[case.referral_id] = self.created[case.referral_id] = case
        return case

    def add(self, case: Assessment, delivery: Delivery[InformationSupplied]) -> None:
        """Keep what the partner added."""
        added = Added(delivery.attributes.id, delivery.record.value or b"", self.now)
        case.add(added, delivery.message.supplement)
        self.added.append((case.referral_id, added))
        self.known.add((case.referral_id, added.event_id))

    def note(
        self, case: Assessment, event_id: str, actor: str, what: str, why: Iterable[str] = (), said: str | None = None
    ) -> None:
        """Write history, keep what was said with it, and mark the case as changed."""
        codes = " ".join(why)
        self.history.append(AssessmentEntry(case.referral_id, self.now, actor, what, codes, self.policy.version, event_id))
        self.lines.setdefault(case.referral_id, []).append(PastLine(actor, what))
        if said is not None:
            self.remarks.append(Remark(case.referral_id, self.now, actor, what, said))
        if case.referral_id not in self.created:
            self.changed[case.referral_id] = case

    def news(self, case: Assessment, delivery: Delivery[Any]) -> Unseen:
        """What happened in the case since the officer saw it, but for what the officer did."""
        command: OfficersCommand = delivery.message
        lines = counted(self.lines.get(case.referral_id, ()))
        return unseen(command, delivery.record.timestamp, lines, {by_officer(command.officer_id)})

    @property
    def moved_reviews(self) -> list[UUID]:
        """The cases whose open review is not what is stored: opened, closed or marked."""
        touched = {**self.created, **self.changed}
        return [key for key, case in touched.items() if case.review != self.stored_reviews.get(key)]
