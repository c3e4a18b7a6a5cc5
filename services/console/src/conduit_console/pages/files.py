"""The files of a case: how far each is checked, and those that were, to be fetched. A fetch is recorded before it begins."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_chassis.media import SUFFIXES
from conduit_chassis.trail import uuid_in
from conduit_console import desk as acts
from conduit_console.files import FilesAwayError, IntakeFiles, KeptFile, download_name
from conduit_console.pages.at_desk import case_id_of, desk_of, find_case, the_case
from conduit_web.access import Action
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
Viewer = Annotated[Visit, may(Action.VIEW_CASE, find_case)]
Fetcher = Annotated[Visit, may(Action.FETCH_ATTACHMENT, find_case)]


@router.get("/cases/{case_id}/files")
async def files(request: Request, visit: Viewer) -> Response:
    """All of them, as intake has them now. Where it does not answer, those of which the console heard."""
    desk, found = desk_of(request), await the_case(request)
    case_id, checked = found.case.referral_id, found.attachments
    kept = await _kept(desk.files, case_id, visit.person.person_id)
    known = {each.attachment_id for each in checked}
    values: dict[str, Any] = {"case_id": case_id, "checked": checked, "kept": kept, "known": known}
    return desk.shown.page(request, "files.html", N_("Files"), visit=visit, **values)


@router.get("/cases/{case_id}/files/{attachment_id}")
async def fetch(request: Request, visit: Fetcher) -> Response:
    """A file that was checked, to be saved: no browser shows what a stranger made."""
    desk, found, officer_id = desk_of(request), await the_case(request), visit.person.person_id
    case_id, attachment_id = found.case.referral_id, uuid_in(request.path_params["attachment_id"])
    file = next((each for each in found.attachments if each.attachment_id == attachment_id), None)
    if file is None:
        raise TroubleError(Trouble.MISSING)
    if desk.files is None:
        return _away(request, visit, N_("Files cannot be fetched here"))
    await acts.look_at_file(desk.pool, case_id, file.attachment_id, officer_id, desk.clock.now())
    try:
        content = await desk.files.content(case_id, file, officer_id)
    except FilesAwayError:
        return _away(request, visit, N_("The file cannot be fetched now"))
    kind = file.media_type if file.media_type in SUFFIXES else "application/octet-stream"
    headers = {"Content-Disposition": f'attachment; filename="{download_name(file)}"'}
    return Response(content, media_type=kind, headers=headers)


def _away(request: Request, visit: Visit, heading: str) -> Response:
    values = {"case_id": case_id_of(request)}
    return desk_of(request).shown.page(request, "file_away.html", heading, visit=visit, status=503, **values)


async def _kept(files_of: IntakeFiles | None, case_id: UUID, officer_id: str) -> Sequence[KeptFile] | None:
    """None where it cannot be known now."""
    try:
        return await files_of.listed(case_id, officer_id) if files_of is not None else None
    except FilesAwayError:
        return None
