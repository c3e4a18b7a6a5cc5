"""All SQL of insights and what came of them. Words go through `content`.

What an organisation said belongs to whatever it is part of now, on the next read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight.rules import (
    InsightAnswer,
    InsightOutcome,
    InsightSource,
    KnownInsight,
    SpeakerRole,
)
from conduit_programme.insight.said import HeardWords, InsightAnswerWords
from conduit_programme.rules import HowMany
from conduit_web.keys import FIRST_ID, day_numbered, identity, microseconds, newest_first
from conduit_web.lists import FETCH, ListPage, list_page, read_key

_INSIGHT = """
SELECT insight_id, standing.organisation_id, standing.name AS organisation_name, source, speaker, activity_id, heard_on,
       heard_by, heard_at, due_on, insights.words_id, four_p, considered_by, considered_at, insights.answered_at,
       last.number, last.outcome, last.changed_on, last.words_id AS answer_words_id, last.answered_by,
       last.answered_at AS last_answered_at
FROM insights
JOIN organisations AS told ON told.organisation_id = insights.organisation_id
JOIN organisations AS standing ON standing.organisation_id = coalesce(told.merged_into, told.organisation_id)
LEFT JOIN LATERAL (
    SELECT number, outcome, changed_on, words_id, answered_by, answered_at FROM insight_answers
    WHERE insight_answers.insight_id = insights.insight_id ORDER BY number DESC LIMIT 1
) AS last ON true
"""
_FIND = _INSIGHT + "WHERE insight_id = $1"
_THOSE = _INSIGHT + "WHERE insight_id = ANY($1::uuid[]) ORDER BY heard_on DESC, insight_id"
_OPEN = f"""
{_INSIGHT} WHERE insights.answered_at IS NULL AND (due_on, insight_id) > ($1, $2)
ORDER BY due_on, insight_id LIMIT {FETCH}
"""
_ANSWERED = f"""
{_INSIGHT} WHERE insights.answered_at IS NOT NULL AND (insights.answered_at, insight_id) < ($1, $2)
ORDER BY insights.answered_at DESC, insight_id DESC LIMIT {FETCH}
"""
_OF_ORGANISATION = f"""
{_INSIGHT} WHERE (told.organisation_id = $1 OR told.merged_into = $1) AND (heard_at, insight_id) < ($2, $3)
ORDER BY heard_at DESC, insight_id DESC LIMIT {FETCH}
"""
_OF_QUARTER = f"""
{_INSIGHT} WHERE four_p = $1 AND (heard_on BETWEEN $2 AND $3 OR last.changed_on BETWEEN $2 AND $3)
ORDER BY heard_on, insight_id
"""
_DUE = f"{_INSIGHT} WHERE due_on BETWEEN $1 AND $2"
_UNCONSIDERED = "SELECT count(*) FROM insights WHERE considered_at IS NULL"
_HOW_MANY_DUE = """
SELECT count(*) FILTER (WHERE considered_by = $1) AS mine,
       count(*) FILTER (WHERE considered_by = $1 AND due_on < $2) AS mine_late,
       count(*) FILTER (WHERE considered_by <> $1) AS others,
       count(*) FILTER (WHERE considered_by <> $1 AND due_on < $2) AS others_late,
       count(*) FILTER (WHERE considered_by IS NULL) AS nobodys,
       count(*) FILTER (WHERE considered_by IS NULL AND due_on < $2) AS nobodys_late
FROM insights WHERE answered_at IS NULL
"""
_HEAR = """
INSERT INTO insights (insight_id, organisation_id, source, speaker, activity_id, heard_on, heard_by, heard_at, due_on,
                      words_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_CONSIDER = (
    "UPDATE insights SET four_p = $2, considered_by = $3, considered_at = $4 WHERE insight_id = $1 AND considered_at IS NULL"
)
_LOCK = "SELECT considered_at FROM insights WHERE insight_id = $1 FOR UPDATE"
_ANSWER = """
INSERT INTO insight_answers (insight_id, number, outcome, changed_on, words_id, answered_by, answered_at)
VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM insight_answers WHERE insight_id = $1), $2, $3, $4, $5, $6)
"""
_ANSWERED_FIRST = "UPDATE insights SET answered_at = coalesce(answered_at, $2) WHERE insight_id = $1"
_ANSWERS = """
SELECT number, outcome, changed_on, words_id AS answer_words_id, answered_by, answered_at AS last_answered_at
FROM insight_answers WHERE insight_id = $1 ORDER BY number DESC
"""


@dataclass(frozen=True, slots=True)
class HeardInsight:
    """What an organisation told the hub, to be kept."""

    organisation_id: UUID
    source: InsightSource
    speaker: SpeakerRole
    heard_on: date
    due_on: date
    words: str
    activity_id: UUID | None = None
    insight_id: UUID = field(default_factory=uuid7)


async def hear(connection: Connection, heard: HeardInsight, by: str, now: datetime) -> UUID:
    """Keep it; returns its id."""
    words_id = await content.write(connection, HeardWords(words=heard.words), now)
    about = (heard.source.value, heard.speaker.value, heard.activity_id, heard.heard_on)
    await connection.execute(_HEAR, heard.insight_id, heard.organisation_id, *about, by, now, heard.due_on, words_id)
    return heard.insight_id


async def find(connection: Connection, insight_id: UUID) -> KnownInsight | None:
    """The insight of this id."""
    row = await connection.fetchrow(_FIND, insight_id)
    return _insight(row) if row else None


async def hold(connection: Connection, insight_id: UUID) -> KnownInsight | None:
    """The same, and nobody else answers it until the transaction ends."""
    await connection.execute(_LOCK, insight_id)
    return await find(connection, insight_id)


async def those(connection: Connection, insight_ids: Iterable[UUID]) -> list[KnownInsight]:
    """The insights of these ids, what was heard last before all."""
    return [_insight(row) for row in await connection.fetch(_THOSE, list(insight_ids))]


async def waiting(connection: Connection, after: str | None = None) -> ListPage[KnownInsight]:
    """Those without an answer, the one that is due first before all."""
    ordinal, last = read_key(after, int, str) or (1, str(FIRST_ID))
    rows = await connection.fetch(_OPEN, day_numbered(int(ordinal)), identity(str(last)))
    return list_page([_insight(row) for row in rows], lambda each: (each.due_on.toordinal(), str(each.insight_id)))


async def answered(connection: Connection, after: str | None = None) -> ListPage[KnownInsight]:
    """Those with an answer, by when they had the first, the newest before all."""
    rows = await connection.fetch(_ANSWERED, *newest_first(after))
    return list_page(
        [_insight(row) for row in rows],
        lambda each: (microseconds(each.answered_at or each.heard_at), str(each.insight_id)),
    )


async def of_organisation(connection: Connection, organisation_id: UUID, after: str | None = None) -> ListPage[KnownInsight]:
    """All that it told, and whatever became part of it, the newest before all."""
    rows = await connection.fetch(_OF_ORGANISATION, organisation_id, *newest_first(after))
    return list_page([_insight(row) for row in rows], lambda each: (microseconds(each.heard_at), str(each.insight_id)))


async def of_quarter(connection: Connection, four_p: FourPs, quarter: Quarter) -> list[KnownInsight]:
    """What was heard in it about one of the four Ps, and what changed in it because of something heard earlier."""
    rows = await connection.fetch(_OF_QUARTER, four_p.value, quarter.first, quarter.last)
    return [_insight(row) for row in rows]


async def due_between(connection: Connection, first: date, last: date) -> list[KnownInsight]:
    """What was or is to be answered on these days, whether it was or not."""
    return [_insight(row) for row in await connection.fetch(_DUE, first, last)]


@dataclass(frozen=True, slots=True)
class InsightsDue:
    """How many wait for an answer: by one person, by others, and by nobody yet."""

    mine: HowMany
    others: HowMany
    nobodys: HowMany


async def how_many_due(connection: Connection, account: str, today: date) -> InsightsDue:
    """How many wait for an answer, and how many of them since before today."""
    (row,) = await connection.fetch(_HOW_MANY_DUE, account, today)
    return InsightsDue(*(HowMany(row[each], row[f"{each}_late"]) for each in ("mine", "others", "nobodys")))


async def unconsidered(connection: Connection) -> int:
    """How many nobody has considered yet, which are therefore under none of the four Ps."""
    found: int = await connection.fetchval(_UNCONSIDERED)
    return found


async def consider(connection: Connection, insight_id: UUID, four_p: FourPs, by: str, now: datetime) -> bool:
    """This person considers it from now on, as something of this P; False where somebody does."""
    return affected(await connection.execute(_CONSIDER, insight_id, four_p.value, by, now)) > 0


async def answer(
    connection: Connection,
    insight_id: UUID,
    outcome: InsightOutcome,
    changed_on: date | None,
    said: InsightAnswerWords,
    *,
    by: str,
    now: datetime,
) -> bool:
    """This came of it; False where nobody has considered it yet."""
    row = await connection.fetchrow(_LOCK, insight_id)
    if row is None or row["considered_at"] is None:
        return False
    words_id = await content.write(connection, said, now)
    await connection.execute(_ANSWER, insight_id, outcome.value, changed_on, words_id, by, now)
    await connection.execute(_ANSWERED_FIRST, insight_id, now)
    return True


async def answers(connection: Connection, insight_id: UUID) -> list[InsightAnswer]:
    """All that the hub ever answered, the last before all."""
    return [_answer(row) for row in await connection.fetch(_ANSWERS, insight_id)]


async def heard_words(connection: Connection, insights: Iterable[KnownInsight]) -> dict[UUID, str]:
    """What was said, by the id of the insight. What was deleted is not among it."""
    asked = list(insights)
    said = await content.read(connection, HeardWords, [each.words_id for each in asked])
    return {each.insight_id: said[each.words_id].words for each in asked if each.words_id in said}


async def answer_words(connection: Connection, given: Sequence[InsightAnswer | None]) -> dict[UUID, InsightAnswerWords]:
    """What was answered, by the id of the words."""
    return await content.read(connection, InsightAnswerWords, [each.words_id if each else None for each in given])


async def erase(connection: Connection, insight_id: UUID) -> bool:
    """Delete what was said, for good. That something was said, and what the hub answered, stays."""
    found = await find(connection, insight_id)
    return found is not None and await content.erase(connection, [found.words_id]) > 0


def _answer(row: Row) -> InsightAnswer:
    return InsightAnswer(
        row["number"],
        InsightOutcome(row["outcome"]),
        row["changed_on"],
        row["answer_words_id"],
        row["answered_by"],
        row["last_answered_at"],
    )


def _insight(row: Row) -> KnownInsight:
    return KnownInsight(
        insight_id=row["insight_id"],
        organisation_id=row["organisation_id"],
        organisation_name=row["organisation_name"],
        source=InsightSource(row["source"]),
        speaker=SpeakerRole(row["speaker"]),
        activity_id=row["activity_id"],
        heard_on=row["heard_on"],
        heard_by=row["heard_by"],
        heard_at=row["heard_at"],
        due_on=row["due_on"],
        words_id=row["words_id"],
        four_p=FourPs(row["four_p"]) if row["four_p"] else None,
        considered_by=row["considered_by"],
        considered_at=row["considered_at"],
        answered_at=row["answered_at"],
        answer=None if row["number"] is None else _answer(row),
    )
