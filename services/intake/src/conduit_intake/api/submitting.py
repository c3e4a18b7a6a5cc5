"""From a decoded message to the answer: the same load, rule and save as for a batch from Kafka, of one submission."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_contracts import danger
from conduit_contracts.envelope import Attributes
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import SubmissionRejected
from conduit_contracts.problems import Problem
from conduit_intake import answering, metrics, reading, store
from conduit_intake.access.accounts import Client
from conduit_intake.api import refusals
from conduit_intake.api.bodies import JSON, told_here
from conduit_intake.api.door import Door
from conduit_intake.api.hashed import CONTENT_HASH, CONTENT_HASH_OUT
from conduit_intake.api.kept import Kept
from conduit_intake.api.keys import REPLAYED, Action, Reply
from conduit_intake.api.refusals import RULES, TABLE, Refused
from conduit_intake.api.views import Receipt, address
from conduit_intake.api.warned import WARNINGS, WARNINGS_OUT
from conduit_intake.batch import scene_of
from conduit_intake.problems import problem
from conduit_intake.rules import Rule
from conduit_intake.submissions import Answer, Outcome, Submission, claims
from conduit_intake.sweep import settle
from conduit_intake.work import IntakeWork

_LOCATION = {"schema": {"type": "string"}, "description": "The referral's address."}
_REPLAYED = {"schema": {"const": "true"}, "description": "Present if this answer was kept from an earlier request."}
_OUT = {WARNINGS: WARNINGS_OUT, CONTENT_HASH: CONTENT_HASH_OUT}
_HEADERS = {"Location": _LOCATION | {"required": True}, REPLAYED: _REPLAYED, **_OUT}
_FOLLOWING = (
    "getReferral",
    "supplyInformation",
    "withdrawReferral",
    "requestReconsideration",
    "addAttachment",
    "listAttachments",
)
_LINKS = {each: {"operationId": each, "parameters": {"referral_id": "$response.body#/referral_id"}} for each in _FOLLOWING}
RECEIPTS: dict[int | str, dict[str, Any]] = {
    202: {"model": Receipt, "description": "It is committed.", "headers": _HEADERS, "links": _LINKS},
    200: {"model": Receipt, "description": "The hub already had it.", "headers": _HEADERS, "links": _LINKS},
}


_BUSY = Reply(
    Kept(TABLE["unavailable"].status, None, refusals.MEDIA_TYPE, refusals.body("unavailable")), final=False, again_after=1
)
"""More came by Kafka before this request than one request settles. What it settled stands."""


def new_submission_id() -> str:
    """Names the submission in history and events. Made here, so that it can hold nothing of the partner's."""
    return f"http/{uuid7()}"


def submitting(
    door: Door,
    request: Request,
    client: Client,
    rule: Rule,
    submission: Submission[Any],
    referral_id: UUID | None = None,
) -> Action:
    """The action that answers a submission, about one of the client's referrals where it is given.

    What it does raises Refused where the referral is another's, or the client's partner is not in the register.
    """

    async def act(connection: Connection, outbox: Outbox) -> Reply:
        if referral_id is not None:
            await _same_referral(connection, client, referral_id, submission)
        scene, key = scene_of(door.runtime), submission.key
        settled = client.sandbox or await settle(door.runtime, connection, scene, key, outbox)
        # Danger goes on: it does not wait for all that its sender said before.
        if not settled and danger.heard(submission.body) is None:
            return _BUSY
        batch = IntakeWork(scene, outbox)
        await store.load(connection, batch, [key.partner_id], {key}, {key})
        answer = answering.answer(rule, batch, submission, cause(request, scene.now))
        if answer is None:
            raise Refused("unknown_partner")
        await store.save(connection, batch)
        if not client.sandbox:
            metrics.count(batch.history)
        return _reply(answer, client, submission)

    return act


async def _same_referral(connection: Connection, client: Client, referral_id: UUID, submission: Submission[Any]) -> None:
    reference = await reading.reference_of(connection, client.partner_id, referral_id)
    if reference is None:
        raise Refused("referral_not_found")
    claimed = claims(submission.message)
    if claimed.partner_id == client.partner_id and claimed.partner_reference != reference:
        raise Refused("reference_mismatch", [problem("reference_mismatch", "partner_reference")])


def cause(request: Request, now: datetime) -> Attributes | None:
    """The caller's trace, which the events carry on."""
    traceparent = request.headers.get("traceparent")
    return Attributes("", "", "", now, traceparent=traceparent) if traceparent else None


def _reply(answer: Answer, client: Client, submission: Submission[Any]) -> Reply:
    if isinstance(answer.event, SubmissionRejected):
        return _rejection(answer.event.problems)
    if answer.held is None:
        raise AssertionError("only a rejection is about no referral")
    receipt = Receipt(
        referral_id=answer.held.referral_id,
        partner_reference=submission.key.partner_reference,
        outcome=answer.outcome,
        sandbox=client.sandbox,
        status_url=address(answer.held.referral_id),
    )
    status = 200 if answer.outcome is Outcome.REPEATED else 202
    return Reply(Kept(status, receipt.status_url, JSON, receipt.json_bytes()))


def _rejection(problems: tuple[Problem, ...]) -> Reply:
    """A rule's refusal: its first problem names the whole, and 999 stands before it in words."""
    own = [each for each in problems if each.code != danger.CODE]
    code = RULES.get(own[0].code, own[0].code)
    body = refusals.body(code, [told_here(each) for each in own], danger=len(own) < len(problems))
    return Reply(Kept(TABLE[code].status, None, refusals.MEDIA_TYPE, body), final=not any(each.retryable for each in own))
