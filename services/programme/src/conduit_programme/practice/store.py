"""All SQL of practice questions: what is asked, by whom it is held, and how it ended. Words go through `content`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.insight.rules import end_of
from conduit_programme.practice import conversation
from conduit_programme.practice.rules import PracticeKind, PracticeOutcome, PracticeQuestion, StrikeReason
from conduit_web.keys import FIRST_ID, day_numbered, identity, microseconds, newest_first
from conduit_web.lists import FETCH, ListPage, list_page, read_key

_COLUMNS = """
question_id, practice_questions.partner_id, coalesce(partners.name, practice_questions.partner_id) AS partner_name, kind,
force_ids, force_may, asked_by, asked_at, due_on, waits_until, held_by, answered_at, outcome, ended_at, struck_why
"""
_QUESTION = f"""
SELECT {_COLUMNS}
FROM practice_questions LEFT JOIN partners ON partners.partner_id = practice_questions.partner_id
"""  # noqa: S608 - constants
_FIND = _QUESTION + "WHERE question_id = $1 AND deleted_at IS NULL"
_HOLD = _FIND + " FOR UPDATE OF practice_questions"
_WAITING = f"""
{_QUESTION} WHERE waits_until IS NOT NULL AND (waits_until, question_id) > ($1, $2)
ORDER BY waits_until, question_id LIMIT {FETCH}
"""
_ANSWERED = f"""
{_QUESTION} WHERE outcome IS NULL AND waits_until IS NULL AND (answered_at, question_id) < ($1, $2)
ORDER BY answered_at DESC, question_id DESC LIMIT {FETCH}
"""
_ENDED = f"""
{_QUESTION} WHERE outcome IS NOT NULL AND deleted_at IS NULL AND (ended_at, question_id) < ($1, $2)
ORDER BY ended_at DESC, question_id DESC LIMIT {FETCH}
"""
_OF_PARTNER = f"""
{_QUESTION} WHERE practice_questions.partner_id = $1 AND (asked_at, question_id) < ($2, $3)
ORDER BY asked_at DESC, question_id DESC LIMIT {FETCH}
"""
_OF_FORCE = f"""
SELECT {_COLUMNS}, brought_at, answer_by
FROM practice_forces JOIN practice_questions USING (question_id)
LEFT JOIN partners ON partners.partner_id = practice_questions.partner_id
WHERE practice_forces.force_id = $1 AND (brought_at, question_id) < ($2, $3)
ORDER BY brought_at DESC, question_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_ASK = """
INSERT INTO practice_questions (question_id, partner_id, kind, force_ids, force_may, asked_by, asked_at, due_on, waits_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
_TAKE = "UPDATE practice_questions SET held_by = $2 WHERE question_id = $1"
_WAIT = "UPDATE practice_questions SET waits_until = least(waits_until, $2) WHERE question_id = $1"
_ANSWERED_NOW = """
UPDATE practice_questions SET answered_at = coalesce(answered_at, $2), waits_until = CASE WHEN $3 THEN waits_until END
WHERE question_id = $1
"""
_ALLOW = "UPDATE practice_questions SET force_may = true WHERE question_id = $1 AND NOT force_may"
_END = "UPDATE practice_questions SET outcome = $2, ended_at = $3, waits_until = NULL WHERE question_id = $1"
_STRIKE = """
UPDATE practice_questions SET struck_why = $2, outcome = coalesce(outcome, 'struck'), ended_at = coalesce(ended_at, $3),
    waits_until = NULL
WHERE question_id = $1
"""
_DANGER = """
INSERT INTO practice_dangers (on_day, number) VALUES ($1, 1)
ON CONFLICT (on_day) DO UPDATE SET number = practice_dangers.number + 1
"""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """What a partner asks, to be kept."""

    partner_id: str
    kind: PracticeKind
    words: str
    due_on: date
    force_ids: tuple[str, ...] = ()
    force_may: bool = False
    question_id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class QuestionToForce:
    """A question into which a force was brought."""

    question: PracticeQuestion
    brought_at: datetime
    answer_by: date | None

    def late_from(self, zone: ZoneInfo) -> datetime | None:
        """The moment from which the force is late; None where it is not its turn."""
        return end_of(self.answer_by, zone) if self.answer_by and self.question.is_open else None


async def ask(connection: Connection, asked: AskedQuestion, by: str, now: datetime) -> UUID:
    """Keep it; its words are the first message."""
    about = (asked.partner_id, asked.kind.value, list(asked.force_ids), asked.force_may)
    await connection.execute(_ASK, asked.question_id, *about, by, now, asked.due_on)
    await conversation.write(connection, asked.question_id, f"partner.{asked.partner_id}", asked.words, by, now)
    return asked.question_id


async def find(connection: Connection, question_id: UUID) -> PracticeQuestion | None:
    """The question of this id."""
    row = await connection.fetchrow(_FIND, question_id)
    return _question(row) if row else None


async def hold(connection: Connection, question_id: UUID) -> PracticeQuestion | None:
    """The question, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(_HOLD, question_id)
    return _question(row) if row else None


async def waiting(connection: Connection, after: str | None = None) -> ListPage[PracticeQuestion]:
    """Those in which it is the hub's turn, the most pressing first."""
    ordinal, last = read_key(after, int, str) or (1, str(FIRST_ID))
    rows = await connection.fetch(_WAITING, day_numbered(int(ordinal)), identity(str(last)))
    return list_page(
        [_question(row) for row in rows],
        lambda each: ((each.waits_until or each.due_on).toordinal(), str(each.question_id)),
    )


async def answered(connection: Connection, after: str | None = None) -> ListPage[PracticeQuestion]:
    """Those that were answered and can be asked about further, by when they had the first answer, the newest first."""
    return await _newest(connection, _ANSWERED, after, lambda each: each.answered_at or each.asked_at)


async def ended(connection: Connection, after: str | None = None) -> ListPage[PracticeQuestion]:
    """Those that ended, the newest first."""
    return await _newest(connection, _ENDED, after, lambda each: each.ended_at or each.asked_at)


async def of_partner(connection: Connection, partner_id: str, after: str | None = None) -> ListPage[PracticeQuestion]:
    """All that this partner's people asked, the newest first."""
    return await _newest(connection, _OF_PARTNER, after, lambda each: each.asked_at, partner_id)


async def of_force(connection: Connection, force_id: str, after: str | None = None) -> ListPage[QuestionToForce]:
    """Those into which this force was brought, the last one first."""
    rows = await connection.fetch(_OF_FORCE, force_id, *newest_first(after))
    return list_page(
        [QuestionToForce(_question(row), row["brought_at"], row["answer_by"]) for row in rows],
        lambda each: (microseconds(each.brought_at), str(each.question.question_id)),
    )


async def take(connection: Connection, question_id: UUID, by: str) -> None:
    """This officer has it from now on. Hold it first."""
    await connection.execute(_TAKE, question_id, by)


async def wait_again(connection: Connection, question_id: UUID, until: date) -> None:
    """It is the hub's turn, by this day or an earlier one that holds already. Hold it first."""
    await connection.execute(_WAIT, question_id, until)


async def note_answer(connection: Connection, question_id: UUID, now: datetime, *, waits_on: bool) -> None:
    """It was answered; it is still the hub's turn where the partner wrote something that the officer had not seen."""
    await connection.execute(_ANSWERED_NOW, question_id, now, waits_on)


async def allow(connection: Connection, question_id: UUID) -> bool:
    """The partner agrees that a force is brought in; False where it did before."""
    return affected(await connection.execute(_ALLOW, question_id)) > 0


async def end(connection: Connection, question_id: UUID, outcome: PracticeOutcome, now: datetime) -> None:
    """It is over, and nobody writes anything more. Hold it first."""
    await connection.execute(_END, question_id, outcome.value, now)


async def withdraw(connection: Connection, question_id: UUID, now: datetime) -> None:
    """The partner takes it back: it is over, and all its words are deleted. Hold it first."""
    await end(connection, question_id, PracticeOutcome.WITHDRAWN, now)
    await erase(connection, question_id)


async def strike(connection: Connection, question_id: UUID, why: StrikeReason, now: datetime) -> None:
    """Somebody could be known by it: it is over, and all its words are deleted. Hold it first."""
    await connection.execute(_STRIKE, question_id, why.value, now)
    await erase(connection, question_id)


async def erase(connection: Connection, question_id: UUID) -> int:
    """Delete what each side wrote, for good. That they wrote stays; returns how many pieces there were."""
    known = await conversation.messages(connection, question_id)
    return await content.erase(connection, [each.words_id for each in known])


async def count_danger(connection: Connection, on: date) -> None:
    """Somebody who wanted to ask said that a child is in danger now."""
    await connection.execute(_DANGER, on)


async def _newest(
    connection: Connection,
    statement: str,
    after: str | None,
    at: Callable[[PracticeQuestion], datetime],
    *whose: str,
) -> ListPage[PracticeQuestion]:
    rows = await connection.fetch(statement, *whose, *newest_first(after))
    return list_page([_question(row) for row in rows], lambda each: (microseconds(at(each)), str(each.question_id)))


def _question(row: Row) -> PracticeQuestion:
    return PracticeQuestion(
        question_id=row["question_id"],
        partner_id=row["partner_id"],
        partner_name=row["partner_name"],
        kind=PracticeKind(row["kind"]),
        force_ids=tuple(row["force_ids"]),
        force_may=row["force_may"],
        asked_by=row["asked_by"],
        asked_at=row["asked_at"],
        due_on=row["due_on"],
        waits_until=row["waits_until"],
        held_by=row["held_by"],
        answered_at=row["answered_at"],
        outcome=PracticeOutcome(row["outcome"]) if row["outcome"] else None,
        ended_at=row["ended_at"],
        struck_why=StrikeReason(row["struck_why"]) if row["struck_why"] else None,
    )
