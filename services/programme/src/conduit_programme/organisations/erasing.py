"""Erasing a document that should not have been attached to an agreement: its file is gone, and its line says who and why."""

from fastapi import APIRouter, Request, Response

from conduit_chassis.postgres import Connection
from conduit_programme import forms, seen
from conduit_programme.forms import FieldShape, FormField
from conduit_programme.organisations import documents, store, wording
from conduit_programme.organisations.document_pages import DOCUMENT
from conduit_programme.organisations.documents import ErasedBecause, KeptDocument
from conduit_programme.organisations.keeping import member_ids
from conduit_programme.organisations.pages import KeeperOfOne, address, back_to, the_held_one, the_one
from conduit_programme.organisations.rules import KeptAgreement
from conduit_programme.organisations.store import KnownOrganisation
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing, with_form
from conduit_programme.trail import Deed, OvertakenError
from conduit_web.acts import ActKind
from conduit_web.visits import Visit
from conduit_web.words import N_

router = APIRouter()
_HERE = "/organisations/{organisation_id}/documents/{document_id}/erase"
WHY = (FormField("why", N_("Why it should not be here"), FieldShape.LISTED, wording.ERASED),)


@router.get(_HERE)
async def erasing(request: Request, visit: KeeperOfOne) -> Response:
    """What is to be erased, as it stands now, and why."""
    return await _erasing(request, visit, {}, {})


@router.post(_HERE)
async def erase(request: Request, visit: KeeperOfOne) -> Response:
    """It is gone for good, if it is still what was looked at."""
    answers = forms.read(WHY, visit.form)
    problems = forms.problems(WHY, answers)
    if problems:
        return await _erasing(request, visit, answers, problems)
    document_id, now = id_of(request, "document_id"), desk_of(request).clock.now()
    deed = Deed(ActKind.ALTERATION, "erased_document", DOCUMENT.about, document_id, answers["why"])
    async with acting(request, visit, deed) as connection:
        found = await the_held_one(connection, request)
        document, _ = await _document(connection, request, found)
        overtaken = OvertakenError(address(found.organisation_id), by=(deed.what,))
        seen.must_stand(visit, _stands(document), None, overtaken)
        if not await documents.erase(connection, document, ErasedBecause(answers["why"]), visit.person.person_id, now):
            raise overtaken
    return back_to(found.organisation_id)


async def _erasing(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    deed = DOCUMENT.looking("viewed_document", id_of(request, "document_id"))
    async with acting(request, visit, deed) as connection:
        found = await the_one(connection, request)
        document, agreement = await _document(connection, request, found)
    if not document.is_there:
        return back_to(found.organisation_id)
    more = {"document": document, "agreement": agreement, "back": address(found.organisation_id), "back_name": found.name}
    more["mark"] = seen.hidden_mark(_stands(document), visit)
    heading, scans = N_("Erase a signed document"), desk_of(request).scans
    return with_form(request, visit, "organisations/erase.html", heading, WHY, answers, problems, scans=scans, **more)


async def _document(
    connection: Connection, request: Request, found: KnownOrganisation
) -> tuple[KeptDocument, KeptAgreement]:
    ids = await member_ids(connection, found)
    document = or_missing(await documents.find(connection, id_of(request, "document_id"), ids))
    agreements = await store.agreements(connection, ids)
    return document, or_missing(next((each for each in agreements if each.agreement_id == document.agreement_id), None))


def _stands(document: KeptDocument) -> dict[str, str]:
    """What whoever erases it has seen of it."""
    replaced = document.replaced_at.isoformat() if document.replaced_at else ""
    return {"sha256": document.sha256, "state": document.state.value, "replaced": replaced, "there": str(document.is_there)}
