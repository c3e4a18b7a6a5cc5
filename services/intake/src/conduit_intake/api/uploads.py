"""`/v1/referrals/{referral_id}/attachments`: one file, one request, the file's bytes as the body."""

import asyncio
from hashlib import sha256
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_chassis import media
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_intake import attachments, reading
from conduit_intake.access.accounts import Client
from conduit_intake.api import bodies
from conduit_intake.api.auth import TheClient
from conduit_intake.api.bodies import JSON
from conduit_intake.api.door import Door, TheDoor
from conduit_intake.api.kept import Kept
from conduit_intake.api.keys import REPLAYED, Reply, TheKey, once
from conduit_intake.api.referrals import ALWAYS, KEYED, AttachmentPath, ReferralPath
from conduit_intake.api.refusals import Refused, documented
from conduit_intake.api.views import Attachments, AttachmentView, attachment, shown
from conduit_intake.attachments import Attachment, ClaimedAttachment

router = APIRouter(tags=["Attachments"])

_PATH = "/v1/referrals/{referral_id}/attachments"
_LOCATION = {"schema": {"type": "string"}, "description": "The attachment's address.", "required": True}
_HEADERS = {"Location": _LOCATION, REPLAYED: {"schema": {"const": "true"}, "description": "As for referrals."}}
_HERE = {"referral_id": "$response.body#/referral_id", "attachment_id": "$response.body#/attachment_id"}
_LINKS = {"getAttachment": {"operationId": "getAttachment", "parameters": _HERE}}
_STORED: dict[int | str, dict[str, Any]] = {
    status: {"model": AttachmentView, "description": words, "headers": _HEADERS, "links": _LINKS}
    for status, words in ((202, "It is stored, and is waiting to be scanned."), (200, "The referral already has it."))
}
_UPLOAD = (
    *("body_missing", "body_too_slow", "body_too_large", "media_type_unsupported", "encoding_unsupported"),
    *(
        "content_is_not_of_its_media_type",
        "partner_suspended",
        "referral_not_found",
        "referral_withdrawn",
        "too_many_attachments",
    ),
)
_CONTENT = {each: {"schema": {"type": "string", "format": "binary"}} for each in media.LOOKS}


@router.post(
    _PATH,
    operation_id="addAttachment",
    summary="Attach a file",
    description="The body is the file's own bytes: no form, no JSON, no path. Content-Type says which of four types they "
    "are: PDF, PNG, JPEG, or plain text in UTF-8. Set it yourself for each file: some generated clients label every file as "
    "the first type listed here, and some send the file's path instead of its bytes. A file that does not match its "
    "Content-Type is refused at once. A file is `pending` until it has been scanned. Its name is not kept; to say what it "
    "shows, supply information. The same file again is the same attachment.",
    status_code=202,
    responses={
        **_STORED,
        **documented(*ALWAYS, *KEYED, *_UPLOAD),
    },
    openapi_extra={"requestBody": {"required": True, "content": _CONTENT}},
)
async def add_attachment(
    request: Request, door: TheDoor, client: TheClient, key: TheKey, referral_id: ReferralPath
) -> Response:
    """Its form is looked at here, and what it may do when it is opened by the scanner, later."""
    media_type = bodies.expect(request, *media.LOOKS)
    with door.upload(client):
        content = await bodies.read(request, door.settings.max_attachment_bytes, door.settings.body_seconds)
        if not content:
            raise Refused("body_missing")
        if not await asyncio.to_thread(media.is_what_it_says, media_type, content):
            raise Refused("content_is_not_of_its_media_type")
        made = ClaimedAttachment(uuid7(), referral_id, media_type, len(content), sha256(content).digest(), content)

        async def act(connection: Connection, _outbox: Outbox) -> Reply:
            return await _add(door, client, connection, made)

        return await once(door, request, client, key, content, act)


@router.get(
    _PATH,
    operation_id="listAttachments",
    summary="List a referral's attachments",
    response_model=Attachments,
    responses=documented(*ALWAYS, "referral_not_found"),
)
async def list_attachments(door: TheDoor, client: TheClient, referral_id: ReferralPath) -> Response:
    """All of them: their number is limited."""
    async with door.transaction(client) as (connection, _):
        await _own(connection, client, referral_id)
        found = await attachments.of_referral(connection, referral_id)
    return shown(Attachments(items=tuple(_view(door, client, each) for each in found)))


@router.get(
    _PATH + "/{attachment_id}",
    operation_id="getAttachment",
    summary="Get the status of an attachment",
    response_model=AttachmentView,
    responses=documented(*ALWAYS, "referral_not_found", "attachment_not_found"),
)
async def get_attachment(
    door: TheDoor, client: TheClient, referral_id: ReferralPath, attachment_id: AttachmentPath
) -> Response:
    """Its state, never its content."""
    async with door.transaction(client) as (connection, _):
        await _own(connection, client, referral_id)
        found = await attachments.one(connection, referral_id, attachment_id)
    if found is None:
        raise Refused("attachment_not_found")
    return shown(_view(door, client, found))


async def _add(door: Door, client: Client, connection: Connection, made: ClaimedAttachment) -> Reply:
    referral = await attachments.lock_referral(connection, client.partner_id, made.referral_id)
    if referral is None:
        raise Refused("referral_not_found")
    if referral.suspended:
        raise Refused("partner_suspended")
    before = await attachments.twin(connection, made.referral_id, made.sha256, made.media_type)
    if before is not None:
        return _reply(200, _view(door, client, before))
    if referral.withdrawn:
        raise Refused("referral_withdrawn")
    if await attachments.count(connection, made.referral_id) >= door.settings.max_attachments:
        raise Refused("too_many_attachments")
    return _reply(202, _view(door, client, await attachments.add(connection, made, client.partner_id, door.now())))


def _reply(status: int, view: AttachmentView) -> Reply:
    return Reply(Kept(status, view.url, JSON, view.json_bytes()))


async def _own(connection: Connection, client: Client, referral_id: UUID) -> None:
    if await reading.reference_of(connection, client.partner_id, referral_id) is None:
        raise Refused("referral_not_found")


def _view(door: Door, client: Client, found: Attachment) -> AttachmentView:
    waits_for = "scan"
    if door.settings.clamd_host is None:
        waits_for = "scanner_not_configured"
    elif found.attempts > 1:
        waits_for = "scanner_not_reachable"
    return attachment(found, client, waits_for)
