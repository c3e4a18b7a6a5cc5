"""What the pages of all three sides stand on: the question of an address, and writing something more about it."""

from uuid import UUID

from fastapi import Request

from conduit_chassis.postgres import Connection
from conduit_programme.pages.at_desk import desk_of, id_of, or_missing
from conduit_programme.practice import conversation, store
from conduit_programme.practice.conversation import ConversationFullError
from conduit_programme.practice.rules import PracticeQuestion
from conduit_programme.trail import DeedsAbout, OvertakenError, belongs_to
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit

QUESTION = DeedsAbout("practice_question")


def question_of(request: Request) -> UUID:
    """The id of the address."""
    return id_of(request, "question_id")


async def the_question(connection: Connection, request: Request) -> PracticeQuestion:
    """The question of the address."""
    return or_missing(await store.find(connection, question_of(request)))


async def held_open(connection: Connection, request: Request, leads_to: str) -> PracticeQuestion:
    """The question of the address, which nobody else changes before the transaction ends.

    Raises:
        OvertakenError: it ended; the page at `leads_to` says how.
    """
    found = or_missing(await store.hold(connection, question_of(request)))
    if not found.is_open:
        raise OvertakenError(leads_to)
    return found


async def say(connection: Connection, request: Request, visit: Visit, words: str, *, answers: bool = False) -> int:
    """Keep what this person writes, as their own side; returns its number. Hold the question first.

    Raises:
        TroubleError: the conversation is full.
    """
    by, side, now = visit.person.person_id, belongs_to(visit.person), desk_of(request).clock.now()
    try:
        return await conversation.write(connection, question_of(request), side, words, by, now, answers=answers)
    except ConversationFullError:
        raise TroubleError(Trouble.FORM_REFUSED) from None
