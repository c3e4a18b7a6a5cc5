"""What made-up partners and contributors told, for the programme's pages: insights, measures, and lived experience."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from conduit_local.personas import account
from conduit_programme.experience import released, talks
from conduit_programme.experience import store as contributors
from conduit_programme.experience.rules import ConsentPurpose, WellbeingMoment, WellbeingOutcome
from conduit_programme.experience.store import CONTRIBUTOR, HUB, BegunContributor, ConsentNote
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight import measures, rules
from conduit_programme.insight import store as insights
from conduit_programme.insight.measures import NewMeasure
from conduit_programme.insight.rules import INSIGHT_ANSWER_DAYS, InsightOutcome, InsightSource, MeasureCounts, SpeakerRole
from conduit_programme.insight.said import InsightAnswerWords, MeasureReadingWords, MeasureWords
from conduit_programme.insight.store import HeardInsight

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
OFFICER, LEAD, MANAGER = account("engagement-officer"), account("lead"), account("partner-manager")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SampleInsight:
    """Something that a partner said, and what came of it."""

    speaker: SpeakerRole
    ago: int
    """How many days."""
    words: str
    four_p: FourPs | None = None
    answer: str = ""
    changed: bool = False


_INSIGHTS = (
    SampleInsight(SpeakerRole.PRACTITIONER, 2, "We do not know whom to call when a force says that it is not theirs."),
    SampleInsight(
        SpeakerRole.HELPLINE, 33, "Young people ask what happens after they told us, and we cannot say.", FourPs.PROTECT
    ),
    SampleInsight(
        SpeakerRole.PRACTITIONER,
        60,
        "The form asks twice where it happened.",
        FourPs.PREPARE,
        "The form asks once, and says why.",
        changed=True,
    ),
    SampleInsight(
        SpeakerRole.MANAGER,
        50,
        "Could every referral have the same officer from beginning to end?",
        FourPs.PURSUE,
        "Officers work in shifts, and somebody must always be there. What they do is written down for whoever is next.",
    ),
)
_MEASURES = (
    (FourPs.PREPARE, MeasureCounts.PEOPLE_TRAINED, "practitioners who took the course on referrals", 84, 125),
    (FourPs.PURSUE, MeasureCounts.ACKNOWLEDGEMENTS, "hand-offs that a person acknowledged in time", 61, 72),
)
_WORDS = ("I wanted somebody to ask me what I needed.", "It helped that they told me beforehand who would call.")


async def fill_told(connection: Connection, partner: UUID, now: datetime) -> None:
    """All of it, in the caller's transaction. Nobody who is or was alive said any of this."""
    for sample in _INSIGHTS:
        await _insight(connection, partner, sample, now)
    for four_p, counts, name, before, present in _MEASURES:
        new = NewMeasure(four_p, counts, MeasureWords(name=f"Synthetic: {name}", agreed_with="Northlight"))
        quarter = Quarter.of(now.date())
        await measures.agree(connection, new, by=LEAD, on=quarter.before.first, now=now)
        for when, figure in ((quarter.before, before), (quarter, present)):
            said = MeasureReadingWords(source="Made up", shows="Synthetic: more than before.")
            await measures.note(connection, new.measure_id, when, figure, said, by=LEAD, now=now)
    await _told(connection, partner, now)
    heron = BegunContributor(partner, "Heron", now.date() - DAY, HUB)
    await contributors.begin(connection, heron, OFFICER, now)
    await _agree(connection, heron.contributor_id, now.date() - DAY, now, ConsentPurpose.RECORD)
    owners = {WellbeingMoment.BEFORE: OFFICER, WellbeingMoment.AFTER: LEAD}
    await talks.plan(connection, heron.contributor_id, now.date() + 5 * DAY, owners, OFFICER, now)


async def _insight(connection: Connection, partner: UUID, sample: SampleInsight, now: datetime) -> None:
    then = now - sample.ago * DAY
    due_on = rules.due_on(then.date(), INSIGHT_ANSWER_DAYS)
    words = f"Synthetic: {sample.words}"
    heard = HeardInsight(partner, InsightSource.OFFERED, sample.speaker, then.date(), due_on, words)
    await insights.hear(connection, heard, MANAGER, then)
    if sample.four_p is not None:
        await insights.consider(connection, heard.insight_id, sample.four_p, OFFICER, then + DAY)
    if sample.answer:
        outcome = InsightOutcome.CHANGED if sample.changed else InsightOutcome.NOT_CHANGED
        answered = then + 20 * DAY
        said = InsightAnswerWords(words=f"Synthetic: {sample.answer}", evidence="Made up" if sample.changed else "")
        on = answered.date() if sample.changed else None
        await insights.answer(connection, heard.insight_id, outcome, on, said, by=OFFICER, now=answered)


async def _told(connection: Connection, partner: UUID, now: datetime) -> None:
    """Somebody agreed to everything, was heard, and is published."""
    held_on = now.date() - 20 * DAY
    bluebird = BegunContributor(partner, "Bluebird", held_on, HUB)
    one = await contributors.begin(connection, bluebird, OFFICER, now)
    await _agree(connection, one, held_on, now, *ConsentPurpose)
    owners = dict.fromkeys(WellbeingMoment, OFFICER)
    conversation_id = await talks.plan(connection, one, held_on, owners, OFFICER, now)
    await talks.check_done(connection, conversation_id, WellbeingMoment.BEFORE, WellbeingOutcome.WELL, OFFICER, now)
    [conversation] = await talks.of(connection, one)
    await talks.held(connection, conversation, held_on, now)
    await talks.check_done(connection, conversation_id, WellbeingMoment.AFTER, WellbeingOutcome.SUPPORT, OFFICER, now)
    quotes = [await contributors.keep(connection, one, conversation_id, f"Synthetic: {words}", now) for words in _WORDS]
    await released.publish(connection, "What we heard first (synthetic)", quotes, LEAD, now)


async def _agree(connection: Connection, one: UUID, on_day: date, now: datetime, *purposes: ConsentPurpose) -> None:
    note = ConsentNote(on_day, CONTRIBUTOR, OFFICER, now)
    for purpose in purposes:
        printed = purpose is ConsentPurpose.PUBLISH
        await contributors.give(connection, one, purpose, note, told_of_print=printed)
