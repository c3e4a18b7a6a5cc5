"""When a partner is asked how a hand-over went, and until when it can answer. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

SECOND_ROUND = timedelta(days=30)
LAPSE = timedelta(days=28)
"""Whoever has not answered by then is asked no more, and is counted."""


class FeedbackRound(StrEnum):
    """When it is asked."""

    AT_HAND_OVER = "at_hand_over"
    AFTER_30_DAYS = "after_30_days"


class FeedbackAnswer(StrEnum):
    """What can be answered to the first two questions."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


ASKED_AFTER = {FeedbackRound.AT_HAND_OVER: timedelta(), FeedbackRound.AFTER_30_DAYS: SECOND_ROUND}


@dataclass(frozen=True, slots=True)
class HandoverQuestions:
    """The questions of one round about one hand-over."""

    question_id: UUID
    referral_id: UUID
    partner_id: str
    handed_over_on: date
    round: FeedbackRound
    asked_on: date
    lapses_on: date
    """The last day on which they can be answered."""
    heard_back: FeedbackAnswer | None = None
    was_clear: FeedbackAnswer | None = None

    @property
    def is_answered(self) -> bool:
        """Whether somebody answered."""
        return self.heard_back is not None

    def is_open(self, today: date) -> bool:
        """Whether they wait for an answer now."""
        return not self.is_answered and self.asked_on <= today <= self.lapses_on


@dataclass(frozen=True, slots=True)
class FeedbackCounts:
    """What became of the questions that were asked in a span of time."""

    asked: int
    answered: int
    lapsed: int
    heard_back: dict[FeedbackAnswer, int]
    was_clear: dict[FeedbackAnswer, int]

    @property
    def waiting(self) -> int:
        """Those that can still be answered."""
        return self.asked - self.answered - self.lapsed


def counted(questions: Iterable[HandoverQuestions], today: date) -> FeedbackCounts:
    """Add up those that have been asked by now."""
    known = [each for each in questions if each.asked_on <= today]
    answered = [each for each in known if each.is_answered]
    return FeedbackCounts(
        len(known),
        len(answered),
        sum(not each.is_answered and each.lapses_on < today for each in known),
        {answer: sum(each.heard_back is answer for each in answered) for answer in FeedbackAnswer},
        {answer: sum(each.was_clear is answer for each in answered) for answer in FeedbackAnswer},
    )
