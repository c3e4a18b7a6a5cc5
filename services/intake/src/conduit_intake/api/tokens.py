"""`POST /oauth/token` gives a client a short-lived bearer token for its secret (RFC 6749, section 4.4)."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from conduit_intake import metrics
from conduit_intake.access.credentials import LONGEST_SECRET, partner_of
from conduit_intake.access.tokens import Issued, NotAClientError, OtherScopeError, Shown, TooOftenError
from conduit_intake.api import bodies
from conduit_intake.api.auth import SCOPES, TOKEN_PATH, too_often
from conduit_intake.api.door import TheDoor
from conduit_intake.api.refusals import documented

FORM = "application/x-www-form-urlencoded"
LONGEST_FORM = 4_096
GRANT = "client_credentials"
_KIND = "Bearer"


class Token(BaseModel):
    """A bearer token (RFC 6749, section 5.1)."""

    access_token: str = Field(
        description="Send it with each request, in the header Authorization, after the word Bearer and a space."
    )
    token_type: str = Field(pattern="^Bearer$", description="Always Bearer.")
    expires_in: int = Field(description="How many seconds the token lasts.")
    scope: str = Field(description="`referrals`, `sandbox` or `cases`.")


class Discovery(BaseModel):
    """Where and how to get tokens (RFC 8414)."""

    issuer: str = Field(description="The hub's address.")
    token_endpoint: str = Field(description="Where a client sends its id and secret.")
    response_types_supported: tuple[str, ...] = Field(
        default=("none",), description="The standard requires a value. There is no authorization endpoint."
    )
    grant_types_supported: tuple[str, ...] = Field(default=(GRANT,), description="The only one.")
    token_endpoint_auth_methods_supported: tuple[str, ...] = Field(
        default=("client_secret_basic", "client_secret_post"), description="HTTP Basic, or fields of the form."
    )
    scopes_supported: tuple[str, ...] = Field(default=tuple(SCOPES), description="A client always has the same one.")
    service_documentation: str = Field(description="The hub's documents, for people.")


class TokenError(BaseModel):
    """Why there is no token (RFC 6749, section 5.2)."""

    error: str = Field(
        pattern="^(invalid_request|invalid_client|invalid_scope|unsupported_grant_type)$",
        description="What was wrong, as RFC 6749 names it.",
    )
    error_description: str = Field(description="What to do now.")


router = APIRouter(tags=["Tokens"])

_TOKEN_FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": GRANT, "description": "How you ask for the token. There is only one way."},
        "client_id": {"type": "string", "description": "Leave it out if the Authorization header has it."},
        "client_secret": {"type": "string", "description": "Leave it out if the Authorization header has it."},
        "scope": {"type": "string", "description": "You can leave it out: a client has one scope."},
    },
}


@router.get(
    "/.well-known/oauth-authorization-server",
    operation_id="discoverTokens",
    summary="Find out where to get tokens",
    description="What an OAuth client library asks first: the token endpoint, and how to authenticate there (RFC 8414).",
    responses=documented("internal_error"),
)
async def discover(request: Request, door: TheDoor) -> Discovery:
    """The same for everybody."""
    base = str(door.settings.public_url or request.base_url).rstrip("/")
    return Discovery(issuer=base, token_endpoint=base + TOKEN_PATH, service_documentation=f"{base}/docs")


@router.post(
    TOKEN_PATH,
    operation_id="issueToken",
    summary="Get a bearer token",
    description="The client sends its id and secret by HTTP Basic (recommended) or in the form.",
    response_model=Token,
    responses={
        400: {"model": TokenError, "description": "The request does not follow RFC 6749."},
        401: {
            "model": TokenError,
            "description": "`invalid_client`: the client is unknown, or its secret is wrong or has ended.",
        },
        **documented("body_too_slow", "body_too_large", "media_type_unsupported", "encoding_unsupported", "rate_exceeded"),
        **documented("internal_error", "unavailable"),
    },
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _TOKEN_FORM}}}},
)
async def issue_token(request: Request, door: TheDoor) -> Response:
    """Every wrong pair gets the same answer, whether the client exists or not, and takes nothing from the right one."""
    bodies.expect(request, FORM)
    form = _form(await bodies.read(request, LONGEST_FORM, door.settings.body_seconds))
    if form is None or form.get("grant_type") is None:
        return _error("invalid_request", "Send a form with grant_type=client_credentials.")
    if form["grant_type"] != GRANT:
        return _error("unsupported_grant_type", "grant_type must be client_credentials.")
    shown = _shown(request, form)
    if shown is None:
        return _not_a_client()
    try:
        return _token(await door.tokens.issue(shown, form.get("scope")))
    except NotAClientError:
        return _not_a_client()
    except OtherScopeError:
        return _error("invalid_scope", "This client has a different scope. Leave scope out.")
    except TooOftenError as error:
        raise too_often(error.seconds) from None


def _token(issued: Issued) -> Response:
    metrics.TOKENS.labels("issued").inc()
    body = Token(access_token=issued.token, token_type=_KIND, expires_in=issued.seconds, scope=issued.scope)
    return Response(body.model_dump_json(), media_type=bodies.JSON)


def _form(body: bytes) -> dict[str, str] | None:
    """The form's fields; None where it is none, or a field stands twice."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def _shown(request: Request, form: dict[str, str]) -> Shown | None:
    """What the client shows, if it has the form of a client's id and secret."""
    header = request.headers.get("authorization")
    if header is None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    else:
        client_id, secret = _basic(header)
    if partner_of(client_id) is None or not 0 < len(secret) <= LONGEST_SECRET:
        return None
    return Shown(client_id, secret)


def _basic(header: str) -> tuple[str, str]:
    kind, _, packed = header.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    # RFC 6749 has both form-encoded before they are joined.
    return (unquote_plus(client_id), unquote_plus(secret)) if kind.lower() == "basic" else ("", "")


def _not_a_client() -> Response:
    metrics.TOKENS.labels("refused").inc()
    answer = _error("invalid_client", "The client id or the secret is not valid.", 401)
    answer.headers["WWW-Authenticate"] = 'Basic realm="conduit"'
    return answer


def _error(code: str, description: str, status: int = 400) -> Response:
    body: dict[str, Any] = {"error": code, "error_description": description}
    return Response(TokenError(**body).model_dump_json(), status, media_type=bodies.JSON)
