"""What follows from what was heard: until when it is to be answered, and where it stands. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_programme.four_ps import FourPs

INSIGHT_ANSWER_DAYS = 28
"""Within so many days an organisation is told what came of what it said, where no setting says otherwise."""


class InsightSource(StrEnum):
    """How it came to the hub."""

    OFFERED = "offered"
    """The organisation wrote it on its own page."""
    NOTED = "noted"
    """Somebody at the hub heard it, and wrote it down."""
    FEEDBACK = "feedback"
    """A referring partner said it when it was asked after a hand-over. It names no case."""


class SpeakerRole(StrEnum):
    """Who said it, by role."""

    PRACTITIONER = "practitioner"
    MANAGER = "manager"
    HELPLINE = "helpline"
    YOUNG_PERSON = "young_person"
    ADULT_SURVIVOR = "adult_survivor"
    PARENT_OR_CARER = "parent_or_carer"
    COMMUNITY = "community"
    POLICE = "police"
    OTHER = "other"


class InsightOutcome(StrEnum):
    """What the hub answered."""

    CHANGED = "changed"
    NOT_CHANGED = "not_changed"


class InsightState(StrEnum):
    """Where it stands."""

    WAITING = "waiting"
    """Nobody has considered it yet."""
    CONSIDERED = "considered"
    """Somebody has, and has not answered yet."""
    CHANGED = "changed"
    NOT_CHANGED = "not_changed"


@dataclass(frozen=True, slots=True)
class InsightAnswer:
    """What came of it, as the hub said at some moment. A later answer takes its place, and it stays to be read."""

    number: int
    outcome: InsightOutcome
    changed_on: date | None
    words_id: UUID
    answered_by: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class KnownInsight:
    """What was heard from an organisation, without anybody's words."""

    insight_id: UUID
    organisation_id: UUID
    """The organisation that it belongs to now."""
    organisation_name: str
    source: InsightSource
    speaker: SpeakerRole
    activity_id: UUID | None
    heard_on: date
    heard_by: str
    heard_at: datetime
    due_on: date
    words_id: UUID
    four_p: FourPs | None = None
    considered_by: str | None = None
    considered_at: datetime | None = None
    answered_at: datetime | None = None
    """When it was answered first."""
    answer: InsightAnswer | None = None
    """The last one."""

    @property
    def state(self) -> InsightState:
        """Where it stands."""
        if self.answer is not None:
            return InsightState(self.answer.outcome.value)
        return InsightState.WAITING if self.considered_at is None else InsightState.CONSIDERED

    def due_at(self, zone: ZoneInfo) -> datetime:
        """The moment from which an answer is late: the end of its last day."""
        return end_of(self.due_on, zone)

    def was_late(self, zone: ZoneInfo) -> bool:
        """Whether the first answer came after the day on which it was due."""
        return self.answered_at is not None and self.answered_at >= self.due_at(zone)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of the day after it."""
    return datetime.combine(day + timedelta(days=1), time(), zone)


def due_on(told_on: date, days: int) -> date:
    """By when what the hub was told on a day is to be answered. What was heard elsewhere before counts from then on too."""
    return told_on + timedelta(days=days)


class MeasureCounts(StrEnum):
    """What a measure counts."""

    HAND_OFFS = "hand_offs"
    ACKNOWLEDGEMENTS = "acknowledgements"
    REFERRERS_FEEDBACK = "referrers_feedback"
    PEOPLE_TRAINED = "people_trained"
    PEOPLE_REACHED = "people_reached"
    PEOPLE_SUPPORTED = "people_supported"
    ORGANISATIONS = "organisations"
    OTHER = "other"


UNDER_PURSUE = (MeasureCounts.HAND_OFFS, MeasureCounts.ACKNOWLEDGEMENTS, MeasureCounts.REFERRERS_FEEDBACK)


def may_count(four_p: FourPs) -> tuple[MeasureCounts, ...]:
    """What measures of this P may count."""
    return UNDER_PURSUE if four_p is FourPs.PURSUE else tuple(MeasureCounts)


@dataclass(frozen=True, slots=True)
class AgreedMeasure:
    """What is looked at. Its words are content."""

    measure_id: UUID
    four_p: FourPs
    counts: MeasureCounts
    words_id: UUID
    agreed_on: date
    agreed_by: str
    ended_on: date | None
