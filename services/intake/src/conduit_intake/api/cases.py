"""`/v1/cases/{referral_id}/attachments`: what the home force of a case may fetch. Each fetching stands in history.

Routing says on its topic which force that is; a case that is another's and a case that is nowhere look the same.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from conduit_chassis import media
from conduit_intake import force_files
from conduit_intake.api.auth import TheForce
from conduit_intake.api.door import TheDoor
from conduit_intake.api.referrals import ALWAYS, AttachmentPath
from conduit_intake.api.refusals import Refused, documented
from conduit_intake.api.views import CaseAttachment, CaseAttachments, shown
from conduit_intake.force_files import Open

router = APIRouter(tags=["Cases"])

_PATH = "/v1/cases/{referral_id}/attachments"
# An id that is no UUID names nothing.
_REFUSED = documented(*ALWAYS, "referral_not_found", "attachment_not_open")
_REFUSED_ONE = documented(*ALWAYS, "referral_not_found", "attachment_not_found", "attachment_not_open")
_FILE = {each: {"schema": {"type": "string", "format": "binary"}} for each in media.LOOKS}

CasePath = Annotated[UUID, Path(description="The referral_id in CaseDisseminated.")]


@router.get(
    _PATH,
    operation_id="listCaseAttachments",
    summary="List a case's attachments that you can fetch",
    response_model=CaseAttachments,
    responses=_REFUSED,
)
async def list_case_attachments(door: TheDoor, force: TheForce, referral_id: CasePath) -> Response:
    """Those that the force was told of on its topic."""
    async with door.transaction(force) as (connection, _):
        found = await force_files.open_to(connection, force.force_id, referral_id)
    if not found:
        raise Refused("attachment_not_open")
    return shown(CaseAttachments(items=tuple(map(_view, found))))


@router.get(
    _PATH + "/{attachment_id}",
    operation_id="fetchCaseAttachment",
    summary="Fetch an attachment's content",
    description="For the home force, from the AttachmentDisseminated on its topic until another force leads. Compare size "
    "and sha256 with that event. The hub records that you fetched it.",
    response_class=Response,
    responses={200: {"description": "The file, as the partner sent it.", "content": _FILE}, **_REFUSED_ONE},
)
async def fetch_case_attachment(
    door: TheDoor, force: TheForce, referral_id: CasePath, attachment_id: AttachmentPath
) -> Response:
    """It is shown to nobody before history has it that it was fetched."""
    async with door.transaction(force) as (connection, _):
        found = await force_files.fetch(connection, force.force_id, referral_id, attachment_id, door.now())
    if found is None:
        raise Refused("attachment_not_open")
    # No browser is to show what a stranger made.
    return Response(found.content, media_type=found.media_type, headers={"Content-Disposition": "attachment"})


def _view(found: Open) -> CaseAttachment:
    url = f"/v1/cases/{found.referral_id}/attachments/{found.attachment_id}"
    return CaseAttachment(**found._asdict() | {"sha256": found.sha256.hex()}, url=url)
