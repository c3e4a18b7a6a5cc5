"""What a made-up partner asks without a referral, for the programme's pages: one waits, one is answered, one has a force."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from conduit_local.personas import account
from conduit_programme.practice import conversation, rules, store
from conduit_programme.practice.rules import PRACTICE_ANSWER_DAYS, PracticeKind
from conduit_programme.practice.store import AskedQuestion

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
OFFICER, MANAGER, CONTACT = account("officer"), account("partner-manager"), account("force-contact")
HOUR = timedelta(hours=1)
WAITS = "Synthetic: a girl of about 15 tells us of parties in two towns, and names nobody. Is that something to refer?"
ANSWERED = "Synthetic: may a youth worker write down what a child says while the child speaks?"
ANSWER = "Synthetic: listen first. Write down soon after it what the child said, in their words, with the day and the time."
WITH_FORCE = "Synthetic: a parent has messages on an old telephone. How are they kept until somebody asks for them?"
TOLD = "Synthetic: a charity wants to know how messages on a telephone are kept. What do you ask of them?"
JOINED = "Synthetic: switch it off, put it away, and let nobody look. Call 101 and ask for our digital desk."


async def fill_asked(connection: Connection, partner_id: str, force_id: str, now: datetime) -> None:
    """All of it, in the caller's transaction. It is about nobody."""
    await _ask(connection, partner_id, PracticeKind.REFERRAL, WAITS, now - 3 * HOUR)
    answered = await _ask(connection, partner_id, PracticeKind.RECORDING, ANSWERED, now - 50 * HOUR)
    await store.take(connection, answered, OFFICER)
    await conversation.write(connection, answered, "hub", ANSWER, OFFICER, now - 26 * HOUR, answers=True)
    await store.note_answer(connection, answered, now - 26 * HOUR, waits_on=False)
    joined = await _ask(connection, partner_id, PracticeKind.EVIDENCE, WITH_FORCE, now - 30 * HOUR)
    await store.take(connection, joined, OFFICER)
    number = await conversation.write(connection, joined, "hub", TOLD, OFFICER, now - 28 * HOUR)
    await conversation.bring(connection, joined, force_id, number, OFFICER, now - 28 * HOUR)
    await conversation.write(connection, joined, f"force.{force_id}", JOINED, CONTACT, now - 4 * HOUR)


async def _ask(connection: Connection, partner_id: str, kind: PracticeKind, words: str, at: datetime) -> UUID:
    due_on = rules.due_on(at.date(), PRACTICE_ANSWER_DAYS)
    asked = AskedQuestion(partner_id, kind, words, due_on, force_may=True)
    return await store.ask(connection, asked, MANAGER, at)
