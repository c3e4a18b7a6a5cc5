"""What a partner may do to a referral that the hub holds: add, withdraw, ask for a second look."""

from typing import Any

from fastapi import APIRouter, Request, Response

from conduit_contracts.meaning import content_hash
from conduit_contracts.partner import InformationSupplied, ReconsiderationRequested, ReferralWithdrawn
from conduit_contracts.referral import Supplement
from conduit_intake import rules
from conduit_intake.api import bodies
from conduit_intake.api.auth import TheClient
from conduit_intake.api.door import Door, TheDoor
from conduit_intake.api.hashed import hashed
from conduit_intake.api.keys import TheKey, once
from conduit_intake.api.referrals import SENT, ReferralPath
from conduit_intake.api.refusals import documented
from conduit_intake.api.submitting import RECEIPTS, new_submission_id, submitting
from conduit_intake.api.warned import ASKED_FOR, warned
from conduit_intake.submissions import Submission

router = APIRouter(tags=["Referrals"])

_ABOUT = (*SENT, "referral_not_found", "reference_mismatch")


@router.post(
    "/v1/referrals/{referral_id}/information",
    operation_id="supplyInformation",
    summary="Add to a referral, correct it, or answer a question",
    description="What you sent earlier stays beside what is new. To use an id again, set `corrects`. A referral can have "
    "2,000 additions, 40 MB and 10,000 persons and places in all; beyond that, only additions that set `immediate_danger`."
    + ASKED_FOR,
    status_code=202,
    responses={
        **RECEIPTS,
        **documented(
            *(*_ABOUT, "time_in_future", "place_unknown", "local_id_taken", "local_id_repeated"),
            *("referral_withdrawn", "referral_full"),
        ),
    },
    openapi_extra={"requestBody": bodies.documented("Supplement")},
)
async def supply_information(
    request: Request, door: TheDoor, client: TheClient, key: TheKey, referral_id: ReferralPath
) -> Response:
    """The same words again are the same request, under any key."""
    body = await _body(request, door)
    message = InformationSupplied(supplement=bodies.decode(Supplement, body))
    submission = Submission(new_submission_id(), client.partner_id, message, b'{"supplement":' + body + b"}")
    action = submitting(door, request, client, rules.supply, submission, referral_id)
    digest = content_hash(message.supplement)
    response = await once(door, request, client, key, body, action, digest)
    return warned(request, hashed(response, digest), message.supplement)


@router.post(
    "/v1/referrals/{referral_id}/withdrawal",
    operation_id="withdrawReferral",
    summary="Withdraw a referral",
    description="Forces that hold the case are told, and decide what to do. Withdrawing again changes nothing.",
    status_code=202,
    responses={**RECEIPTS, **documented(*_ABOUT)},
    openapi_extra={"requestBody": bodies.documented("ReferralWithdrawn")},
)
async def withdraw_referral(
    request: Request, door: TheDoor, client: TheClient, key: TheKey, referral_id: ReferralPath
) -> Response:
    """There is no way back: the case is referred again under a new reference."""
    body = await _body(request, door)
    submission = _submission(client.partner_id, bodies.decode(ReferralWithdrawn, body), body)
    action = submitting(door, request, client, rules.withdraw, submission, referral_id)
    return await once(door, request, client, key, body, action, content_hash(submission.message))


@router.post(
    "/v1/referrals/{referral_id}/reconsideration",
    operation_id="requestReconsideration",
    summary="Ask for a second officer to look at a referral",
    description="You can ask once, after a referral was declined.",
    status_code=202,
    responses={
        202: RECEIPTS[202],
        **documented(*_ABOUT, "reconsideration_already_requested", "referral_withdrawn"),
    },
    openapi_extra={"requestBody": bodies.documented("ReconsiderationRequested")},
)
async def request_reconsideration(
    request: Request, door: TheDoor, client: TheClient, key: TheKey, referral_id: ReferralPath
) -> Response:
    """Whether there is a decline to look at again, triage knows."""
    body = await _body(request, door)
    submission = _submission(client.partner_id, bodies.decode(ReconsiderationRequested, body), body)
    action = submitting(door, request, client, rules.reconsider, submission, referral_id)
    return await once(door, request, client, key, body, action, content_hash(submission.message))


async def _body(request: Request, door: Door) -> bytes:
    return await bodies.read_json(request, door.settings.max_referral_bytes, door.settings.body_seconds)


def _submission(partner_id: str, message: Any, body: bytes) -> Submission[Any]:
    return Submission(new_submission_id(), partner_id, message, body)
