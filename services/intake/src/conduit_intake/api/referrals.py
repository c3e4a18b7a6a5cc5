"""`/v1/referrals`: send one, ask where they stand."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from conduit_contracts.ids import PartnerReference
from conduit_contracts.meaning import content_hash
from conduit_contracts.notification import ReferralState
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.referral import Referral
from conduit_intake import reading, rules
from conduit_intake.access.accounts import Client
from conduit_intake.api import bodies, cursors
from conduit_intake.api.auth import TheClient
from conduit_intake.api.door import Door, TheDoor
from conduit_intake.api.hashed import hashed
from conduit_intake.api.keys import TheKey, once
from conduit_intake.api.refusals import Refused, documented
from conduit_intake.api.submitting import RECEIPTS, new_submission_id, submitting
from conduit_intake.api.views import Page, Summary, Whole, shown, summary, update
from conduit_intake.api.warned import ASKED_FOR, warned
from conduit_intake.reading import BEFORE_ALL, FROM_THE_NEWEST, ReferralStanding
from conduit_intake.submissions import Submission

router = APIRouter(tags=["Referrals"])

ALWAYS = ("unauthenticated", "scope_insufficient", "rate_exceeded", "internal_error", "unavailable")
"""What every route under /v1 may answer."""
BODY = ("body_too_slow", "body_too_large", "media_type_unsupported", "encoding_unsupported", "json_invalid", "json_too_deep")
KEYED = ("idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_in_flight", "idempotency_key_reused")
SENT = (*ALWAYS, *KEYED, *BODY, "body_invalid", "identity_mismatch", "partner_suspended", "unknown_partner")
"""What every route that takes the contract's JSON may answer."""

ReferralPath = Annotated[UUID, Path(description="The id in the receipt.")]
UpdatesBefore = Annotated[
    Annotated[int, Field(ge=1, le=FROM_THE_NEWEST)] | SkipJsonSchema[None],
    # No parameter of the document: it would be one argument more for whoever generates a client again. The address is given.
    Query(alias="updates_before", include_in_schema=False),
]
_EARLIER = {
    "schema": {"type": "string"},
    "description": 'The address of the updates before those shown, as `<address>; rel="prev"`. Absent if all are shown.',
}
AttachmentPath = Annotated[UUID, Path(description="The id in the list of attachments.")]


class Listing(BaseModel):
    """Which referrals, and how many at once."""

    model_config = ConfigDict(extra="forbid")

    state: ReferralState | SkipJsonSchema[None] = Field(None, description="Only referrals in this state.")
    partner_reference: PartnerReference | SkipJsonSchema[None] = Field(
        None, description="Only the referral with this reference of yours."
    )
    limit: int = Field(50, ge=1, le=100, description="The most referrals on a page.")
    cursor: str | SkipJsonSchema[None] = Field(
        None, max_length=cursors.LONGEST, description="From the `next` of the previous page, with the same filter."
    )


@router.post(
    "/v1/referrals",
    operation_id="submitReferral",
    summary="Send a referral",
    description="You get 202 once it is committed: from then on the hub is responsible for it. If you send the same content "
    "again, under any key, you get 200 with the first referral_id. Different content under the same reference is a conflict."
    + ASKED_FOR,
    status_code=202,
    responses={
        **RECEIPTS,
        **documented(*SENT, "mou_not_in_force", "mou_unknown", "time_in_future", "reference_reused", "referral_withdrawn"),
    },
    openapi_extra={"requestBody": bodies.documented("Referral")},
)
async def submit_referral(request: Request, door: TheDoor, client: TheClient, key: TheKey) -> Response:
    """The same rules as for a record on the partner's topic."""
    body = await bodies.read_json(request, door.settings.max_referral_bytes, door.settings.body_seconds)
    message = ReferralSubmitted(referral=bodies.decode(Referral, body))
    # Kept as a record on the topic would be, with the partner's own bytes in it.
    submission = Submission(new_submission_id(), client.partner_id, message, b'{"referral":' + body + b"}")
    action = submitting(door, request, client, rules.receive, submission)
    digest = content_hash(message.referral)
    response = await once(door, request, client, key, body, action, digest)
    return warned(request, hashed(response, digest), message.referral)


@router.get(
    "/v1/referrals",
    operation_id="listReferrals",
    summary="List your referrals",
    description="Page by page, in the order in which the hub received them.",
    response_model=Page,
    responses=documented(*ALWAYS, "query_invalid", "cursor_invalid"),
)
async def list_referrals(door: TheDoor, client: TheClient, listing: Annotated[Listing, Query()]) -> Response:
    """One page. A cursor holds for its filter alone."""
    of = f"{client.partner_id} {client.scope} {listing.state or ''} {listing.partner_reference or ''}"
    after = cursors.read(listing.cursor, of) if listing.cursor is not None else BEFORE_ALL
    found = await _found(door, client, listing, after)
    items = tuple(Summary(**summary(standing, client)) for standing in found[: listing.limit])
    following = _following(listing, cursors.make(of, items[-1].referral_id)) if len(found) > listing.limit else None
    return shown(Page(items=items, next=following))


@router.get(
    "/v1/referrals/{referral_id}",
    operation_id="getReferral",
    summary="Get the status of a referral",
    description="The state is the one in your updates. A referral that has only just arrived is `received`. If there are "
    "many hundred updates, only the newest are shown: the first of them then has a revision above 1, and the header Link "
    "leads to the earlier ones.",
    response_model=Whole,
    responses={
        200: {"description": "The status of the referral.", "headers": {"Link": _EARLIER}},
        **documented(*ALWAYS, "referral_not_found", "query_invalid"),
    },
)
async def get_referral(
    door: TheDoor, client: TheClient, referral_id: ReferralPath, before: UpdatesBefore = None
) -> Response:
    """Another partner's referral is not found, whatever its state."""
    async with door.transaction(client) as (connection, _):
        standing = await reading.one(connection, client.partner_id, referral_id)
        if standing is None:
            raise Refused("referral_not_found")
        told = await reading.updates(connection, referral_id, before or FROM_THE_NEWEST)
    answer = shown(Whole(**summary(standing, client), updates=tuple(update(each.body) for each in told)))
    # A header, as clients of 0.1.0 know no further field of the body.
    if told and told[0].revision > 1:
        answer.headers["Link"] = f'</v1/referrals/{referral_id}?updates_before={told[0].revision}>; rel="prev"'
    return answer


async def _found(door: Door, client: Client, listing: Listing, after: UUID) -> list[ReferralStanding]:
    """The page and one more, which says whether there is another page."""
    async with door.transaction(client) as (connection, _):
        if listing.partner_reference is None:
            return await reading.page(connection, client.partner_id, listing.state, after, listing.limit + 1)
        one = await reading.by_reference(connection, client.partner_id, listing.partner_reference)
    wanted = one is not None and one.referral_id > after and listing.state in (None, one.state)
    return [one] if one is not None and wanted else []


def _following(listing: Listing, cursor: str) -> str:
    query = listing.model_dump(mode="json", exclude_none=True) | {"cursor": cursor}
    return f"/v1/referrals?{urlencode(query)}"
