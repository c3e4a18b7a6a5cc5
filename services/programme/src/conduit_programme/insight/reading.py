"""Insights as pages show them: with words, and with the clock of their answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection
from conduit_programme.insight import store
from conduit_programme.insight.rules import InsightAnswer, KnownInsight
from conduit_programme.insight.said import InsightAnswerWords


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """What the hub answered. Without words where they were deleted."""

    answer: InsightAnswer
    said: InsightAnswerWords | None


@dataclass(frozen=True, slots=True)
class ShownInsight:
    """You said, we did, or could not because."""

    insight: KnownInsight
    words: str | None
    """What was said; None where it was deleted."""
    last: ShownAnswer | None
    due_at: datetime | None
    """Until when it is to be answered; None where it was."""


async def shown(connection: Connection, insights: Sequence[KnownInsight], zone: ZoneInfo) -> list[ShownInsight]:
    """With what was said and what came of it. Note the view before they are shown."""
    heard = await store.heard_words(connection, insights)
    answered = await store.answer_words(connection, [each.answer for each in insights])
    return [
        ShownInsight(
            each,
            heard.get(each.insight_id),
            ShownAnswer(each.answer, answered.get(each.answer.words_id)) if each.answer else None,
            None if each.answer else each.due_at(zone),
        )
        for each in insights
    ]


async def earlier(connection: Connection, insight: KnownInsight) -> list[ShownAnswer]:
    """What the hub answered before its last answer."""
    known = (await store.answers(connection, insight.insight_id))[1:]
    said = await store.answer_words(connection, known)
    return [ShownAnswer(each, said.get(each.words_id)) for each in known]
