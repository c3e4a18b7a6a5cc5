"""A change of national advice that forces are told of: its line of the trail and its record are committed with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import Request

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_contracts.envelope import Message
from conduit_contracts.programme import AdvicePublished, AdviceWithdrawn
from conduit_contracts.topics import ADVICE
from conduit_programme import metrics, trail
from conduit_programme.advice.reading import ShownNote
from conduit_programme.advice.rules import AdviceNote
from conduit_programme.forms import TypedAnswers
from conduit_programme.pages.at_desk import desk_of, first
from conduit_programme.trail import Deed
from conduit_web.visits import Visit


@asynccontextmanager
async def telling(
    request: Request, visit: Visit, deed: Deed, typed: TypedAnswers | None = None
) -> AsyncIterator[tuple[Connection, Outbox]]:
    """A transaction in which this person does this, and what is published with it."""
    desk = desk_of(request)
    async with first(request, visit, deed, typed), desk.transactions() as (connection, outbox):
        await trail.note(connection, visit.person, deed, desk.clock.now())
        yield connection, outbox
    metrics.ACTS.labels(deed.kind.value).inc()


def tell(outbox: Outbox, note_id: UUID, message: Message) -> None:
    """The last record about a note takes the place of those before it."""
    outbox.publish(ADVICE.name(), str(note_id), message)


def published(shown: ShownNote, note: AdviceNote) -> AdvicePublished:
    """What forces are sent of a note: of what it rests on, ids alone."""
    return AdvicePublished(
        note_id=note.note_id,
        title=shown.said.title,
        words=shown.said.words,
        published_at=note.published_at or note.written_at,
        confirm_by=note.confirm_by,
        insight_ids=tuple(each.insight_id for each in shown.insights),
        quote_ids=tuple(shown.quotes),
        replaces=note.replaces,
    )


def withdrawn(note: AdviceNote, explanation: str | None = None) -> AdviceWithdrawn:
    """What forces are sent of one that holds no longer."""
    return AdviceWithdrawn(
        note_id=note.note_id,
        withdrawn_at=note.ended_at or note.written_at,
        replaced_by=note.replaced_by,
        explanation=explanation,
    )
