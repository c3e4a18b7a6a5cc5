"""What the HTTP API answers when it refuses a request: problem details (RFC 9457), from one table of codes.

The texts are constant. `errors` name the field and never repeat its value.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from conduit_contracts.danger import NOT_TAKEN
from conduit_contracts.problems import Origin, Problem

MEDIA_TYPE = "application/problem+json"
TYPES = "https://conduit.example/problems"


class ProblemDetails(BaseModel):
    """Why a request was refused (RFC 9457). The members from `code` on are the conduit's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(description="Names the kind of problem. The same for every occurrence; not meant to be fetched.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status, again.")
    detail: str = Field(
        description="What to do now. If what you sent says that a child is in danger, this starts with: call 999."
    )
    code: str = Field(description="Stable: decide by this one.", pattern=r"^[a-z][a-z0-9_]*$")
    origin: Origin = Field(description="Where the problem lies: with the sender, the hub or the receiver.")
    retryable: bool = Field(description="Whether sending the same again later may succeed.")
    errors: tuple[Problem, ...] = Field(default=(), description="One entry per field, without its value.")


class RefusalText(NamedTuple):
    """What is the same for every occurrence of a code."""

    status: int
    title: str
    detail: str
    origin: Origin = Origin.SENDER
    retryable: bool = False


_SEE = " See errors."
_MEANWHILE = " Until then, report to the police: on 999 if a child is in danger, otherwise on 101."
TABLE: Mapping[str, RefusalText] = {
    "json_invalid": RefusalText(400, "Not valid JSON", "Send one JSON object in UTF-8." + _SEE),
    "json_too_deep": RefusalText(
        400, "JSON nested too deeply", "No field of the contract is nested this deeply. Check the structure of the body."
    ),
    "body_missing": RefusalText(400, "Body missing", "Send the attachment as the body of the request."),
    "query_invalid": RefusalText(400, "Query not valid", "Correct the query parameters." + _SEE),
    "cursor_invalid": RefusalText(
        400, "Cursor not valid", "Follow the next link of the previous page with the same filter, or start again."
    ),
    "idempotency_key_missing": RefusalText(
        400,
        "Idempotency-Key missing",
        "Send an Idempotency-Key: a new one, such as a UUID, for each new request, and the same one to try a request again.",
    ),
    "idempotency_key_invalid": RefusalText(
        400, "Idempotency-Key not valid", "Send one Idempotency-Key, of 1 to 255 visible ASCII characters."
    ),
    "unauthenticated": RefusalText(
        401, "Not authenticated", "Send a bearer token that is still valid. POST /oauth/token gives you one."
    ),
    "scope_insufficient": RefusalText(
        403,
        "Wrong kind of client",
        "Partners' clients send and follow referrals. Forces' clients fetch attachments. Use a client of the right kind.",
    ),
    "sandbox_only": RefusalText(
        403,
        "Sandbox only",
        "You can ask for an outcome only in the sandbox, with a client that has the scope sandbox. The outcome of a real "
        "referral cannot be asked for.",
    ),
    "identity_mismatch": RefusalText(
        403, "Belongs to another partner", "Send only your own referrals, with your own partner_id." + _SEE
    ),
    "partner_suspended": RefusalText(
        403,
        "Partner suspended",
        "The programme has suspended your organisation. Speak to your contact at the programme." + _MEANWHILE,
    ),
    "mou_not_in_force": RefusalText(
        403, "Agreement not in force", "Name a Memorandum of Understanding that is in force." + _MEANWHILE
    ),
    "unknown_partner": RefusalText(
        403,
        "Not in the register yet",
        "Your organisation is not in the register yet. Try again in a minute, or speak to your contact at the programme."
        + _MEANWHILE,
        Origin.HUB,
        retryable=True,
    ),
    "not_found": RefusalText(404, "Not found", "There is nothing at this address. /openapi.json lists the addresses."),
    "referral_not_found": RefusalText(404, "Referral not found", "You have no referral with this id."),
    "attachment_not_found": RefusalText(404, "Attachment not found", "This referral has no attachment with this id."),
    "attachment_not_open": RefusalText(
        404,
        "Attachment not available",
        "No such attachment is available to you: only the home force can fetch it. If you have only just been told about "
        "it, try again in a few seconds.",
        retryable=True,
    ),
    "referral_unknown": RefusalText(404, "Referral not found", "You have no referral with this reference.", retryable=True),
    "method_not_allowed": RefusalText(405, "Method not allowed", "Use one of the methods in the Allow header."),
    "body_too_slow": RefusalText(
        408, "Body too slow", "The body did not arrive in time. Send the request again.", retryable=True
    ),
    "idempotency_key_in_flight": RefusalText(
        409,
        "Request in progress",
        "A request with this Idempotency-Key is in progress. Send it again in a moment.",
        retryable=True,
    ),
    "reference_reused": RefusalText(
        409,
        "Reference already used",
        "You sent a different referral under this reference. Add to that referral, or use a new reference.",
    ),
    "referral_withdrawn": RefusalText(
        409,
        "Referral withdrawn",
        "You withdrew this referral. If a child is in danger, call 999 now. To refer the case again, use a new reference.",
    ),
    "reconsideration_already_requested": RefusalText(
        409,
        "Already requested",
        "You can ask only once for a second officer to look at a referral. Send anything new as added information.",
    ),
    "outcome_not_possible": RefusalText(
        409,
        "Outcome not possible now",
        "A real referral in this state could not have this outcome. Ask for one that is possible now." + _SEE,
    ),
    "referral_full": RefusalText(
        409,
        "Referral full",
        "This referral takes no more information. Tell the force that leads the case, or send a new concern under a new "
        "reference. Information that says a child is in immediate danger is always taken.",
    ),
    "too_many_attachments": RefusalText(
        409, "Too many attachments", "This referral already has as many attachments as it can have."
    ),
    "body_too_large": RefusalText(
        413,
        "Body too large",
        "This is larger than the hub allows, so nothing was stored. If a child is in danger, call 999 now. Then send it "
        "again, shorter, and the rest as added information or as attachments.",
    ),
    "media_type_unsupported": RefusalText(415, "Media type not supported", "Send one of the media types named in errors."),
    "encoding_unsupported": RefusalText(415, "Encoding not supported", "Send the body as it is, without Content-Encoding."),
    "content_is_not_of_its_media_type": RefusalText(
        422,
        "File does not match its media type",
        "Send the file's own bytes as the body, with the Content-Type that they have: application/pdf, image/png, "
        "image/jpeg, or text/plain for text in UTF-8. Nothing was stored.",
    ),
    "body_invalid": RefusalText(
        422, "Body does not match the contract", "Correct the fields named in errors and send it again."
    ),
    "mou_unknown": RefusalText(422, "Agreement unknown", "Check the reference of the Memorandum of Understanding." + _SEE),
    "time_in_future": RefusalText(422, "Time in the future", "Correct it, or your clock or time zone." + _SEE),
    "place_unknown": RefusalText(422, "Place unknown", "Correct the ids named in errors."),
    "local_id_taken": RefusalText(422, "Id already used", "Correct the ids named in errors."),
    "local_id_repeated": RefusalText(422, "Id repeated", "Correct the ids named in errors."),
    "reference_mismatch": RefusalText(
        422,
        "Reference does not match",
        "The reference in the body is not the reference of the referral at this address." + _SEE,
    ),
    "idempotency_key_reused": RefusalText(
        422,
        "Idempotency-Key already used",
        "You used this key for a different request. Use a new key for each new request.",
    ),
    "rate_exceeded": RefusalText(
        429, "Too many requests", "Wait for as many seconds as Retry-After says, then try again.", retryable=True
    ),
    "internal_error": RefusalText(
        500,
        "Internal error",
        "Something went wrong at the hub. Send the same request again with the same key.",
        Origin.HUB,
        retryable=True,
    ),
    "unavailable": RefusalText(
        503,
        "Service unavailable",
        "The hub cannot answer now. Send the same request again with the same key.",
        Origin.HUB,
        retryable=True,
    ),
}
RULES = {"referral_too_large": "body_too_large"}
"""Codes of rules that have another name here."""


class Refused(Exception):  # noqa: N818 - named for what the request is
    """The request is answered with a problem. Nothing that it began is kept."""

    def __init__(self, code: str, errors: Sequence[Problem] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def details(code: str, errors: Sequence[Problem] = (), *, danger: bool = False) -> ProblemDetails:
    """The problem details of a code; with `danger`, 999 comes before all else."""
    entry = TABLE[code]
    return ProblemDetails(
        type=f"{TYPES}/{code}",
        title=entry.title,
        status=entry.status,
        detail=f"{NOT_TAKEN} {entry.detail}" if danger else entry.detail,
        code=code,
        origin=entry.origin,
        retryable=entry.retryable,
        errors=tuple(errors),
    )


def response(refused: Refused, *, danger: bool = False) -> Response:
    """The answer to a refused request."""
    content = body(refused.code, refused.errors, danger=danger)
    return Response(content, TABLE[refused.code].status, refused.headers, media_type=MEDIA_TYPE)


def body(code: str, errors: Sequence[Problem] = (), *, danger: bool = False) -> bytes:
    """Problem details as JSON."""
    return details(code, errors, danger=danger).model_dump_json().encode()


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of answers with these codes: one per status, with an example per code."""
    answers: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        entry = TABLE[code]
        content = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "examples": {}}
        answer = answers.setdefault(entry.status, {"description": "", "content": {MEDIA_TYPE: content}})
        examples = answer["content"][MEDIA_TYPE]["examples"]
        examples[code] = {"summary": entry.title, "value": details(code).model_dump(mode="json")}
        answer["description"] = ", ".join(f"`{each}`" for each in examples)
    return answers
