"""What the HTTP API says when it cannot do as asked: problem details (RFC 9457) from one table of codes.

The words are constant. `errors` name the field and never hold what stood in it.
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
    """Why a request was not done (RFC 9457), with the conduit's own members from `code` on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(description="Names the kind of problem. The same for every occurrence; not meant to be fetched.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status, again.")
    detail: str = Field(
        description="What to do now. Where what you sent says that a child is in danger, this begins with: call 999."
    )
    code: str = Field(description="Stable: decide by this one.", pattern=r"^[a-z][a-z0-9_]*$")
    origin: Origin = Field(description="Whose fault it is.")
    retryable: bool = Field(description="Whether sending the same again later may succeed.")
    errors: tuple[Problem, ...] = Field(default=(), description="One entry per field, without what stood in it.")


class Entry(NamedTuple):
    """What is the same for every occurrence of a code."""

    status: int
    title: str
    detail: str
    origin: Origin = Origin.SENDER
    retryable: bool = False


_SEE = " See errors."
_MEANWHILE = " Until then report to the police, on 101, or on 999 where a child is in danger."
TABLE: Mapping[str, Entry] = {
    "json_invalid": Entry(400, "Not JSON", "Send one JSON object in UTF-8." + _SEE),
    "json_too_deep": Entry(400, "Nested too deeply", "No field of the contract is nested so deeply. Check the body's form."),
    "body_missing": Entry(400, "No body", "Send the attachment as the body."),
    "query_invalid": Entry(400, "Query not understood", "Mend the query's parameters." + _SEE),
    "cursor_invalid": Entry(
        400, "Cursor not understood", "Follow the next link of the page before, with the same filter, or start again."
    ),
    "idempotency_key_missing": Entry(
        400, "No Idempotency-Key", "Send an Idempotency-Key: a new one, such as a UUID, for each thing that you say."
    ),
    "idempotency_key_invalid": Entry(
        400, "Idempotency-Key not understood", "An Idempotency-Key has 1 to 255 visible ASCII characters."
    ),
    "unauthenticated": Entry(
        401, "Not authenticated", "Send a bearer token. POST /oauth/token gives one; it lasts for minutes."
    ),
    "scope_insufficient": Entry(
        403, "Another kind of client", "Partners' clients send and follow referrals; forces' clients fetch attachments."
    ),
    "sandbox_only": Entry(
        403,
        "In the sandbox alone",
        "Outcomes can be asked for in the sandbox alone, by a client of its scope. What becomes of a real referral, people "
        "decide.",
    ),
    "identity_mismatch": Entry(403, "Somebody else's", "Send your own referrals only, with your own partner_id." + _SEE),
    "partner_suspended": Entry(403, "Suspended", "Speak to your contact at the programme." + _MEANWHILE),
    "mou_not_in_force": Entry(403, "No agreement in force", "Name a Memorandum of Understanding in force." + _MEANWHILE),
    "unknown_partner": Entry(
        403,
        "Not in the register yet",
        "The register does not have you yet. Try again in a minute, or speak to your contact at the programme." + _MEANWHILE,
        Origin.HUB,
        retryable=True,
    ),
    "not_found": Entry(404, "Not found", "There is nothing at this address. See /openapi.json."),
    "referral_not_found": Entry(404, "Referral not found", "You have no referral of this id."),
    "attachment_not_found": Entry(404, "Attachment not found", "This referral has no attachment of this id."),
    "attachment_not_open": Entry(
        404,
        "Nothing open to you",
        "No such attachment is open to you: the home force alone may fetch it. Just told of it? Try again in a few seconds.",
        retryable=True,
    ),
    "referral_unknown": Entry(404, "Referral not found", "You have no referral of this reference.", retryable=True),
    "method_not_allowed": Entry(405, "Method not allowed", "Use one of the methods in Allow."),
    "body_too_slow": Entry(408, "Body too slow", "The body did not arrive in time. Send it again.", retryable=True),
    "idempotency_key_in_flight": Entry(
        409, "Still at it", "A request with this Idempotency-Key is under way. Send it again in a moment.", retryable=True
    ),
    "reference_reused": Entry(
        409, "Reference in use", "You sent another referral under this reference. Add to that one, or use a new reference."
    ),
    "referral_withdrawn": Entry(
        409,
        "Withdrawn",
        "You withdrew this referral. Refer the case again under a new reference; where a child is in danger, call 999 now.",
    ),
    "reconsideration_already_requested": Entry(
        409, "Asked already", "A second officer's look can be asked for once. Send what is new as information."
    ),
    "outcome_not_possible": Entry(
        409, "Not possible now", "No real referral that stands so could go on so. Ask for what is possible now." + _SEE
    ),
    "referral_full": Entry(
        409,
        "Referral full",
        "Tell the force that leads the case, or refer a new concern under a new reference. Danger is always taken.",
    ),
    "too_many_attachments": Entry(409, "Too many attachments", "This referral has as many attachments as it may have."),
    "body_too_large": Entry(413, "Too large", "This is larger than the hub takes. Shorten it, or send the rest separately."),
    "media_type_unsupported": Entry(415, "Media type not supported", "Send one of the media types named in errors."),
    "encoding_unsupported": Entry(415, "Encoding not supported", "Send the body as it is, without Content-Encoding."),
    "content_is_not_of_its_media_type": Entry(
        422,
        "Not a file of this media type",
        "Send the file's own bytes as the body, and label them as what they are: Content-Type application/pdf, image/png, "
        "image/jpeg, or text/plain for text in UTF-8. Nothing was stored.",
    ),
    "body_invalid": Entry(422, "Not as in the contract", "Mend the fields named here and send it again." + _SEE),
    "mou_unknown": Entry(422, "Agreement unknown", "Check the Memorandum of Understanding's reference." + _SEE),
    "time_in_future": Entry(422, "Time in the future", "Check your clock and the time's zone." + _SEE),
    "place_unknown": Entry(422, "Place unknown", "Mend the ids named here." + _SEE),
    "local_id_taken": Entry(422, "Id taken", "Mend the ids named here." + _SEE),
    "local_id_repeated": Entry(422, "Id repeated", "Mend the ids named here." + _SEE),
    "reference_mismatch": Entry(
        422, "Another reference", "The body names another reference than the referral at this address has." + _SEE
    ),
    "idempotency_key_reused": Entry(
        422,
        "Idempotency-Key used before",
        "This key was used for another request. Use a new one for each thing that you say.",
    ),
    "rate_exceeded": Entry(429, "Too many requests", "Wait as long as Retry-After says.", retryable=True),
    "internal_error": Entry(
        500, "The hub failed", "It is the hub's fault. Send the same again with the same key.", Origin.HUB, retryable=True
    ),
    "unavailable": Entry(
        503, "Not now", "The hub cannot answer now. Send the same again with the same key.", Origin.HUB, retryable=True
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
