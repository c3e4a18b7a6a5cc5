"""The signed document of an agreement: attached by who keeps the relationship, and fetched once a scanner has seen it."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from conduit_chassis import media, postgres
from conduit_chassis.postgres import Connection
from conduit_programme.organisations import documents
from conduit_programme.organisations.documents import KeptDocument
from conduit_programme.organisations.keeping import form_of, id_of_noted, member_ids, of_reference
from conduit_programme.organisations.pages import (
    ORGANISATION,
    KeeperOfOne,
    address,
    back_to,
    find_organisation,
    the_held_one,
    the_one,
)
from conduit_programme.organisations.rules import KeptAgreement
from conduit_programme.organisations.store import KnownOrganisation
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing
from conduit_programme.trail import DeedsAbout, UnchangedError
from conduit_web.access import Action
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
DOCUMENT = DeedsAbout("document")
FIELD = "document"
# What is a little too large is answered by its form, and only what is far too large by the page for that.
Attaching = Annotated[Visit, may(Action.MANAGE_ENGAGEMENT, find_organisation, file_bytes=2 * documents.MOST_BYTES)]


@router.get("/organisations/{organisation_id}/document")
async def choose(request: Request, visit: KeeperOfOne, reference: str = "", of: str = "") -> Response:
    """Which file it is."""
    deed = ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    async with acting(request, visit, deed) as connection:
        found, kept = await _agreement(connection, request, reference, of)
    return _choosing(request, visit, found, kept, None)


@router.post("/organisations/{organisation_id}/document")
async def attach(request: Request, visit: Attaching, reference: str = "", of: str = "") -> Response:
    """Keep it beside its agreement, to be scanned."""
    sent, by, now = visit.files.get(FIELD), visit.person.person_id, desk_of(request).clock.now()
    async with postgres.connection(desk_of(request).pool) as connection:
        found, kept = await _agreement(connection, request, reference, of)
    problem = documents.file_problem(sent, kept.document_sha256)
    if problem or sent is None:
        return _choosing(request, visit, found, kept, problem)
    deed, leads_to = ORGANISATION.changing("attached_document", found.organisation_id), address(found.organisation_id)
    async with acting(request, visit, deed, leads_to) as connection:
        held = await the_held_one(connection, request)
        kept = or_missing(await of_reference(connection, held, reference, of))
        agreement_id = await id_of_noted(connection, kept, by, now)
        if not await documents.attach(connection, agreement_id, sent, by, now):
            raise UnchangedError
    return back_to(found.organisation_id)


@router.get("/organisations/{organisation_id}/documents/{document_id}")
async def fetch(request: Request, visit: KeeperOfOne) -> Response:
    """The file, to be saved: no browser shows what a stranger made. One that no scanner has seen is not there."""
    document_id = id_of(request, "document_id")
    async with acting(request, visit, DOCUMENT.looking("fetched_document", document_id)) as connection:
        ids = await member_ids(connection, await the_one(connection, request))
        document = or_missing(await documents.find(connection, document_id, ids))
        content = or_missing(await documents.content_of(connection, document))
    return as_file(document, content)


def as_file(document: KeptDocument, content: bytes) -> Response:
    """The file under a name that says what it is, and not what somebody called it."""
    name = f"signed-agreement-{document.document_id}.{media.SUFFIXES[document.media_type]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=document.media_type, headers=headers)


async def _agreement(
    connection: Connection, request: Request, reference: str, of: str
) -> tuple[KnownOrganisation, KeptAgreement]:
    found = await the_one(connection, request)
    return found, or_missing(await of_reference(connection, found, reference, of))


def _choosing(
    request: Request, visit: Visit, found: KnownOrganisation, kept: KeptAgreement, problem: str | None
) -> Response:
    back = address(found.organisation_id)
    action = form_of(back, "document", kept)
    values = {"action": action, "back": back, "back_name": found.name, "kept": kept, "problem": problem, "field": FIELD}
    heading, status = N_("Attach the signed document"), 400 if problem else 200
    template, shown = "organisations/document.html", desk_of(request).shown
    return shown.page(request, template, heading, visit=visit, status=status, scans=desk_of(request).scans, **values)
