"""What the hub is told of practice questions, which partners ask without a referral: ids, and nothing of what is asked."""

from typing import ClassVar

from pydantic import UUID7

from conduit_contracts.base import Term
from conduit_contracts.envelope import Event
from conduit_contracts.ids import ForceId, OfficerId, PartnerId

QuestionId = UUID7
"""The programme's id of a practice question. It leads to no case."""


class PracticeSide(Term):
    """Who takes part in a practice question."""

    HUB = "hub"
    PARTNER = "partner"
    FORCE = "force"


class _AboutPracticeQuestion(Event):
    question_id: QuestionId
    """The question."""
    partner_id: PartnerId
    """The partner that asked."""
    force_id: ForceId | None = None
    """The force that was brought in and has not written in time. Absent: the hub itself has not answered in time."""


class PracticeQuestionOverdue(_AboutPracticeQuestion):
    """A practice question has no answer in time. Said once, until somebody sees to it."""

    type: ClassVar[str] = "uk.conduit.programme.practice-question-overdue.v1"


class PracticeQuestionSettled(_AboutPracticeQuestion):
    """Of a practice question that was overdue nothing is any more: somebody wrote, or it ended."""

    type: ClassVar[str] = "uk.conduit.programme.practice-question-settled.v1"
    settled_by: PracticeSide
    """Who saw to it. A partner does so by ending its question."""
    officer_id: OfficerId | None = None
    """Which officer, if it was one."""
