"""Practice questions as pages show them: with words, with the hub's clock, and as far as whoever reads is part of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection
from conduit_programme.practice import conversation, turns
from conduit_programme.practice.rules import MOST_MESSAGES, BroughtForce, PracticeMessage, PracticeQuestion, TakenOutForce
from conduit_programme.practice.turns import PracticeTurn


@dataclass(frozen=True, slots=True)
class ListedQuestion:
    """A line of a list."""

    question: PracticeQuestion
    words: str | None
    """What was asked; None where it was deleted."""
    late_from: datetime | None
    """The moment from which the hub is late; None where it is not its turn."""
    turn: PracticeTurn


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """What somebody wrote. Without words where they were deleted."""

    message: PracticeMessage
    words: str | None


@dataclass(frozen=True, slots=True)
class ShownQuestion:
    """A question with its conversation, as one side reads it."""

    question: PracticeQuestion
    messages: Sequence[ShownMessage]
    forces: Sequence[BroughtForce]
    taken_out: Sequence[TakenOutForce]
    late_from: datetime | None
    turn: PracticeTurn

    @property
    def seen(self) -> int:
        """The number of the last message that is shown."""
        return self.messages[-1].message.number if self.messages else 0

    def is_of_who_left(self, side: str) -> bool:
        """Whether this side is a force that is no longer part of it."""
        force_id = side.removeprefix("force.")
        return side != force_id and force_id not in {each.force_id for each in self.forces}

    @property
    def can_go_on(self) -> bool:
        """Whether somebody can write something more."""
        return self.question.is_open and self.seen < MOST_MESSAGES


async def listed(connection: Connection, questions: Sequence[PracticeQuestion], zone: ZoneInfo) -> list[ListedQuestion]:
    """These as a list shows them. Note the view before they are shown."""
    ids = [each.question_id for each in questions]
    said, whose = await conversation.asked_words(connection, ids), await turns.turns(connection, ids)
    return [
        ListedQuestion(each, said.get(each.question_id), each.waits_until_at(zone), whose[each.question_id])
        for each in questions
    ]


async def shown(connection: Connection, question: PracticeQuestion, zone: ZoneInfo, first: int = 1) -> ShownQuestion:
    """One, with what was written from this message on. Note the view before it is shown."""
    written = await conversation.messages(connection, question.question_id, first)
    said = await conversation.words(connection, written)
    return ShownQuestion(
        question,
        [ShownMessage(each, said.get(each.words_id)) for each in written],
        await conversation.forces(connection, question.question_id),
        await conversation.taken_out(connection, question.question_id),
        question.waits_until_at(zone),
        (await turns.turns(connection, [question.question_id]))[question.question_id],
    )
