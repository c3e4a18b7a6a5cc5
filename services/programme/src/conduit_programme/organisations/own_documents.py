"""A partner's manager fetches the signed document of their own agreement, once a scanner found nothing in it."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme.engagement.ours import own_side
from conduit_programme.organisations import documents
from conduit_programme.organisations.document_pages import DOCUMENT, as_file
from conduit_programme.organisations.documents import KeptDocument
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import Visit, may, ones_own

router = APIRouter()


async def _own_document(connection: Connection, request: Request, person: Person) -> KeptDocument | None:
    """The document of the address, where it is the one that holds of an agreement of the person's own organisation."""
    side = await own_side(connection, person)
    found = await documents.find(connection, id_of(request, "document_id"), side.organisation_ids)
    return found if found and found.opens and found.replaced_at is None else None


async def find_own_document(request: Request, person: Person) -> Target | None:
    """Whether it is there for this person: another's is answered as what does not exist."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await _own_document(connection, request, person)
    return await ones_own(request, person) if found else None


@router.get("/ours/documents/{document_id}")
async def fetch(request: Request, visit: Annotated[Visit, may(Action.TAKE_PART, find_own_document)]) -> Response:
    """The file, to be saved."""
    deed = DOCUMENT.looking("fetched_document", id_of(request, "document_id"))
    async with acting(request, visit, deed) as connection:
        document = or_missing(await _own_document(connection, request, visit.person))
        content = or_missing(await documents.content_of(connection, document))
    return as_file(document, content)
