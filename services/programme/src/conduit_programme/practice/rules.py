"""What a practice question is, until when the hub is to write, and where it stands. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_programme.insight.rules import end_of

PRACTICE_ANSWER_DAYS = 3
"""Within so many days a question is answered, where no setting says otherwise."""
PRACTICE_FORCE_DAYS = 2
"""Within so many days a force that was brought in writes, where no setting says otherwise."""
PRACTICE_KEPT_DAYS = 90
"""So many days an ended question can be read, where no setting says otherwise. Then it is deleted."""
MOST_MESSAGES = 100
"""So many a conversation has at most. The table has the same limit."""


class PracticeKind(StrEnum):
    """What a partner wants to know."""

    REFERRAL = "referral"
    """Whether to refer at all."""
    FORCE = "force"
    EVIDENCE = "evidence"
    SAFEGUARDING = "safeguarding"
    RECORDING = "recording"
    OTHER = "other"


class PracticeOutcome(StrEnum):
    """How it ended."""

    ANSWERED = "answered"
    REFERRAL = "referral"
    """The partner sends a referral. Which one is not kept."""
    WITHDRAWN = "withdrawn"
    """The partner took it back, and its words are deleted."""
    STRUCK = "struck"
    """Somebody could be known by what was written, and all words are deleted."""


class PracticeState(StrEnum):
    """Where it stands."""

    WAITING = "waiting"
    """It is the hub's turn, and no officer has it."""
    TAKEN = "taken"
    """It is the hub's turn, and an officer has it."""
    ANSWERED = "answered"
    """It can be asked about further."""
    ENDED = "ended"
    REFERRAL = "referral"
    WITHDRAWN = "withdrawn"
    STRUCK = "struck"


class StrikeReason(StrEnum):
    """By what somebody could be known."""

    NAMES = "names"
    REACHES = "reaches"
    PLACES = "places"
    NUMBERS = "numbers"
    DETAILS = "details"


_ENDED = {
    PracticeOutcome.ANSWERED: PracticeState.ENDED,
    PracticeOutcome.REFERRAL: PracticeState.REFERRAL,
    PracticeOutcome.WITHDRAWN: PracticeState.WITHDRAWN,
    PracticeOutcome.STRUCK: PracticeState.STRUCK,
}


@dataclass(frozen=True, slots=True)
class PracticeQuestion:
    """A question, without anybody's words."""

    question_id: UUID
    partner_id: str
    partner_name: str
    kind: PracticeKind
    force_ids: tuple[str, ...]
    force_may: bool
    asked_by: str
    asked_at: datetime
    due_on: date
    waits_until: date | None
    held_by: str | None
    answered_at: datetime | None
    outcome: PracticeOutcome | None
    ended_at: datetime | None
    struck_why: StrikeReason | None

    @property
    def is_open(self) -> bool:
        """Whether anybody can write something more."""
        return self.outcome is None

    @property
    def state(self) -> PracticeState:
        """Where it stands. What was struck after its end is struck, too."""
        if self.struck_why is not None:
            return PracticeState.STRUCK
        if self.outcome is not None:
            return _ENDED[self.outcome]
        if self.waits_until is None:
            return PracticeState.ANSWERED
        return PracticeState.WAITING if self.held_by is None else PracticeState.TAKEN

    def waits_until_at(self, zone: ZoneInfo) -> datetime | None:
        """The moment from which the hub is late; None where it is not its turn."""
        return end_of(self.waits_until, zone) if self.waits_until else None

    def kept_until(self, days: int, zone: ZoneInfo) -> date | None:
        """The day on which an ended one is deleted; None where it is open."""
        return self.ended_at.astimezone(zone).date() + timedelta(days=days) if self.ended_at else None

    def was_late(self, zone: ZoneInfo) -> bool:
        """Whether it was answered after its day."""
        return self.answered_at is not None and self.answered_at >= end_of(self.due_on, zone)


@dataclass(frozen=True, slots=True)
class PracticeMessage:
    """What somebody wrote, without the words."""

    number: int
    side: str
    """`hub`, `partner.ID` or `force.ID`."""
    words_id: UUID
    answers: bool
    """Whether the hub calls it the answer."""
    written_by: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class BroughtForce:
    """A force whose people are part of the conversation, and from which message on."""

    force_id: str
    from_number: int
    brought_at: datetime
    answer_by: date | None
    """By when it is to write. None: it has, or no day was set."""

    def late_from(self, zone: ZoneInfo) -> datetime | None:
        """The moment from which it is late; None where it is not its turn."""
        return end_of(self.answer_by, zone) if self.answer_by else None


class TakenOutReason(StrEnum):
    """Why a force is no longer part of it."""

    WRONG_FORCE = "wrong_force"
    NOT_NEEDED = "not_needed"
    CONFLICT = "conflict"
    """Somebody there should not read it."""


@dataclass(frozen=True, slots=True)
class TakenOutForce:
    """A force that was part of the conversation, from which message on, and until when."""

    force_id: str
    from_number: int
    why: TakenOutReason
    taken_out_at: datetime


def due_on(asked_on: date, days: int, needed_by: date | None = None) -> date:
    """By when it is to be answered: within the usual time, and sooner where the partner needs it sooner."""
    usual = asked_on + timedelta(days=days)
    return min(usual, max(needed_by, asked_on)) if needed_by else usual
