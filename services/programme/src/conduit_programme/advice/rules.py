"""What a note of national advice is, and what a force may make of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from conduit_programme.four_ps import FourPs

MOST_CITED = 100
"""So many insights, and so many quotes, a note rests on at most. The contract has the same limit."""


class AdviceState(StrEnum):
    """Where a note stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class AdviceOutcome(StrEnum):
    """What a force makes of it."""

    ADOPTED = "adopted"
    WILL_ADOPT = "will_adopt"
    NOT_ADOPTED = "not_adopted"


class AdviceRefusal(StrEnum):
    """Why a force does not adopt it."""

    DONE_ALREADY = "done_already"
    NO_MEANS = "no_means"
    DOES_NOT_APPLY = "does_not_apply"
    CONFLICTS = "conflicts"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class AdviceNote:
    """A note, without its words."""

    note_id: UUID
    words_id: UUID
    four_p: FourPs
    confirm_by: date
    replaces: UUID | None
    state: AdviceState
    written_by: str
    written_at: datetime
    published_by: str | None = None
    published_at: datetime | None = None
    ended_at: datetime | None = None
    replaced_by: UUID | None = None
    why_id: UUID | None = None

    @property
    def holds(self) -> bool:
        """Whether forces are advised to follow it."""
        return self.state is AdviceState.PUBLISHED


@dataclass(frozen=True, slots=True)
class AdviceAnswer:
    """What a force made of a note, as it said at some moment. A later answer takes its place."""

    outcome: AdviceOutcome
    adopt_by: date | None
    why: AdviceRefusal | None
    words_id: UUID | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class ForceStanding:
    """How one force stands to one note."""

    force_id: str
    confirmed_at: datetime | None = None
    answer: AdviceAnswer | None = None

    def is_late(self, today: date) -> bool:
        """Whether the day has passed by which it said that it would adopt the note."""
        due = self.answer.adopt_by if self.answer else None
        return due is not None and due < today


@dataclass(frozen=True, slots=True)
class AdviceCounts:
    """How forces stand to a note, or how one force stands to all notes that hold. Who has said nothing is counted too."""

    asked: int
    confirmed: int
    adopted: int
    will_adopt: int
    not_adopted: int
    refusals: dict[AdviceRefusal, int]
    """Of those that do not adopt, by why."""

    @property
    def silent(self) -> int:
        """Of those that were asked, how many have not even confirmed that it was read."""
        return self.asked - self.confirmed


def counted(standings: Iterable[ForceStanding]) -> AdviceCounts:
    """Add them up."""
    known = list(standings)
    answers = [each.answer for each in known if each.answer]
    by = {outcome: sum(each.outcome is outcome for each in answers) for outcome in AdviceOutcome}
    refusals = {why: sum(each.why is why for each in answers) for why in AdviceRefusal}
    return AdviceCounts(
        len(known),
        sum(each.confirmed_at is not None for each in known),
        by[AdviceOutcome.ADOPTED],
        by[AdviceOutcome.WILL_ADOPT],
        by[AdviceOutcome.NOT_ADOPTED],
        {why: number for why, number in refusals.items() if number},
    )
