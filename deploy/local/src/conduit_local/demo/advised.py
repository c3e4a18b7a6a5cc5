"""Made-up national advice with what forces make of it, and questions after made-up hand-overs, for the programme's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_contracts.ids import uuid7
from conduit_contracts.topics import ADVICE
from conduit_local.demo.told import DAY, LEAD, MANAGER, OFFICER, Connection
from conduit_local.personas import account
from conduit_programme.advice import reading, standings
from conduit_programme.advice import store as notes
from conduit_programme.advice.publishing import published
from conduit_programme.advice.rules import AdviceOutcome, AdviceRefusal
from conduit_programme.advice.standings import GivenAnswer
from conduit_programme.advice.store import AdviceDraft
from conduit_programme.feedback import store as feedback
from conduit_programme.feedback.rules import FeedbackAnswer
from conduit_programme.feedback.store import KnownHandover
from conduit_programme.four_ps import FourPs

FORCE, CONTACT = "west-midlands", account("force-contact")
SOMEBODY = "p-0000000000000000"
"""Somebody at a force that has no persona."""
CITED = 2


@dataclass(frozen=True, slots=True)
class SampleNote:
    """A note, and what forces make of it."""

    title: str
    words: str
    four_p: FourPs
    ago: int
    """How many days."""
    drafted: bool = False
    adopting: bool = False
    """Whether the persona's own force read it and will adopt it."""


_NOTES = (
    SampleNote(
        "Say on the first day who is in charge",
        "Tell the partner on the day on which you acknowledge a case who leads it, and give a number that is answered.\n\n"
        "Partners told the hub that they do not know whom to call. A name on the first day ends that.",
        FourPs.PURSUE,
        40,
        adopting=True,
    ),
    SampleNote(
        "Ask before you visit a school",
        "Ask the partner how the young person wants to be met before anybody from your force comes to a school.\n\n"
        "Young people told the hub that they were seen, and that others asked why.",
        FourPs.PROTECT,
        4,
    ),
    SampleNote(
        "One form for referrals by telephone",
        "Use the hub's form also where a partner calls, so that nobody has to say the same twice.",
        FourPs.PREPARE,
        1,
        drafted=True,
    ),
)
_ANSWERS = (
    ("kent", GivenAnswer(AdviceOutcome.ADOPTED, None, None, "")),
    ("essex", GivenAnswer(AdviceOutcome.NOT_ADOPTED, None, AdviceRefusal.NO_MEANS, "Synthetic: the desk has one person.")),
)
HANDED_OVER = (3, 33, 50)
"""How many days ago. Of the second one the first round has lapsed, and of the third it was answered."""


async def fill_advice(connection: Connection, partner_id: str, now: datetime) -> None:
    """All of it, in the caller's transaction, after what was told: notes rest on that."""
    cited = tuple(await notes.to_cite(connection, CITED))
    for sample in _NOTES:
        await _note(connection, sample, cited, now)
    await _hand_overs(connection, partner_id, now)


async def _note(connection: Connection, sample: SampleNote, cited: tuple[UUID, ...], now: datetime) -> None:
    then = now - sample.ago * DAY
    note_id, confirm_by = uuid7(then), then.date() + 28 * DAY
    words = f"Synthetic: {sample.words}"
    await notes.write(connection, note_id, AdviceDraft(sample.title, words, sample.four_p, confirm_by, cited), OFFICER, then)
    if sample.drafted:
        return
    held = await notes.hold(connection, note_id)
    await notes.publish(connection, held[note_id], None, LEAD, then)
    note = (await notes.hold(connection, note_id))[note_id]
    outbox = Outbox("programme", now)
    outbox.publish(ADVICE.name(), str(note_id), published(await reading.shown(connection, note), note))
    await outbox.flush(connection)
    for force_id, answer in _ANSWERS:
        await _answer(connection, note_id, force_id, answer, SOMEBODY, then + 2 * DAY)
    if sample.adopting:
        promise = GivenAnswer(AdviceOutcome.WILL_ADOPT, now.date() + timedelta(days=10), None, "")
        await _answer(connection, note_id, FORCE, promise, CONTACT, then + 3 * DAY)


async def _answer(
    connection: Connection, note_id: UUID, force_id: str, answer: GivenAnswer, by: str, then: datetime
) -> None:
    await standings.confirm(connection, note_id, force_id, by, then)
    await standings.answer(connection, note_id, force_id, answer, by, then)


async def _hand_overs(connection: Connection, partner_id: str, now: datetime) -> None:
    """The questions about the oldest were answered once; no row says what became of any case."""
    made = [KnownHandover(uuid7(now - ago * DAY), partner_id, now.date() - ago * DAY) for ago in HANDED_OVER]
    await feedback.know(connection, made, now)
    first, yes, partly = made[-1].on, FeedbackAnswer.YES, FeedbackAnswer.PARTLY
    for question in await feedback.waiting(connection, partner_id, first):
        await feedback.answer(connection, question.question_id, yes, partly, MANAGER, first)
