"""Who asks: `POST /oauth/token` gives a client a short-lived bearer token for its secret (RFC 6749, section 4.4)."""

import asyncio
import base64
import binascii
from datetime import timedelta
from typing import Annotated, Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Depends, Request, Response
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from pydantic import BaseModel, Field

from conduit_intake import accounts, metrics
from conduit_intake.accounts import CASES, Client
from conduit_intake.credentials import (
    LONGEST_SECRET,
    SALT_BYTES,
    hash_secret,
    hash_token,
    matching,
    new_token,
    partner_of,
)
from conduit_intake.http import bodies
from conduit_intake.http.door import Door, TheDoor
from conduit_intake.http.refusals import Refused, documented

FORM = "application/x-www-form-urlencoded"
LONGEST_FORM = 4_096
_KIND = "Bearer"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="conduit"'}
_EXPIRED = {"WWW-Authenticate": 'Bearer realm="conduit", error="invalid_token"'}
_OTHER_SCOPE = {"WWW-Authenticate": 'Bearer realm="conduit", error="insufficient_scope"'}
_NOBODYS_SALT = bytes(SALT_BYTES)
# Hashing takes memory and a processor: what waits here costs nothing.
_hashing = asyncio.Semaphore(2)

_scheme = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token",
            scopes={
                "referrals": "Live referrals.",
                "sandbox": "The sandbox: everything is checked and answered as live, and nothing goes anywhere.",
                "cases": "A force's: the attachments of cases that it leads, and nothing else.",
            },
        )
    ),
    scheme_name="clientCredentials",
    description="A client has one of the scopes for good. Its partner, or its force, is its client_id up to the first dot.",
    auto_error=False,
)


class Token(BaseModel):
    """A bearer token (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str = Field(pattern="^Bearer$")
    expires_in: int = Field(description="Seconds.")
    scope: str = Field(description="`referrals`, `sandbox` or `cases`.")


class TokenError(BaseModel):
    """Why there is no token (RFC 6749, section 5.2)."""

    error: str = Field(pattern="^(invalid_request|invalid_client|invalid_scope|unsupported_grant_type)$")
    error_description: str


class Credentials(NamedTuple):
    """What a client shows."""

    client_id: str
    secret: str


async def authenticated(request: Request, door: TheDoor, authorization: Annotated[str | None, Depends(_scheme)]) -> Client:
    """The client whose token the request shows, within its owner's rate.

    Raises:
        Refused: there is no token, or it is nobody's, or the owner asks too often.
    """
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Refused("unauthenticated", headers=_CHALLENGE)
    async with door.connection() as connection:
        client = await accounts.client(connection, hash_token(token.strip()), door.now())
        if client is None:
            raise Refused("unauthenticated", headers=_EXPIRED)
        request.state.client = client
        spend(await door.requests.wait(connection, f"{client.owner_id} {client.scope}"))
    return client


async def partners_client(client: Annotated[Client, Depends(authenticated)]) -> Client:
    """The client, which is a partner's.

    Raises:
        Refused: it is a force's.
    """
    if client.scope == CASES:
        raise Refused("scope_insufficient", headers=_OTHER_SCOPE)
    return client


async def forces_client(client: Annotated[Client, Depends(authenticated)]) -> Client:
    """The client, which is a force's.

    Raises:
        Refused: it is a partner's.
    """
    if client.scope != CASES:
        raise Refused("scope_insufficient", headers=_OTHER_SCOPE)
    return client


TheClient = Annotated[Client, Depends(partners_client)]
TheForce = Annotated[Client, Depends(forces_client)]


def spend(seconds: int) -> None:
    """Raises Refused where there is a wait."""
    if seconds:
        raise Refused("rate_exceeded", headers={"Retry-After": str(seconds)})


router = APIRouter(tags=["Tokens"])

_TOKEN_FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "client_id": {"type": "string", "description": "Left out where the Authorization header has it."},
        "client_secret": {"type": "string", "description": "Left out where the Authorization header has it."},
        "scope": {"type": "string", "description": "May be left out: a client has one scope."},
    },
}


@router.post(
    "/oauth/token",
    operation_id="issueToken",
    summary="A bearer token for a client's secret",
    description="The client shows its id and secret by HTTP Basic (recommended) or in the form.",
    response_model=Token,
    responses={
        400: {"model": TokenError, "description": "The request is not as RFC 6749 has it."},
        401: {"model": TokenError, "description": "`invalid_client`: unknown, or the secret is wrong or has ended."},
        **documented("body_too_slow", "body_too_large", "media_type_unsupported", "encoding_unsupported", "rate_exceeded"),
        **documented("internal_error", "unavailable"),
    },
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _TOKEN_FORM}}}},
)
async def issue_token(request: Request, door: TheDoor) -> Response:
    """Every wrong pair takes one hash and gets the same answer, whether the client exists or not."""
    bodies.expect(request, FORM)
    form = _form(await bodies.read(request, LONGEST_FORM, door.settings.body_seconds))
    if form is None or form.get("grant_type") is None:
        return _error("invalid_request", "Send a form with grant_type=client_credentials.")
    if form["grant_type"] != "client_credentials":
        return _error("unsupported_grant_type", "grant_type is client_credentials.")
    shown = _credentials(request, form)
    if shown is None:
        return _not_a_client()
    # Of nobody's ids no row is made: for those this process counts alone.
    spend(door.token_requests.here(shown.client_id))
    return await _issue(door, shown, form.get("scope"))


async def _issue(door: Door, shown: Credentials, scope: str | None) -> Response:
    now = door.now()
    async with door.connection() as connection:
        known = await accounts.secrets(connection, shown.client_id, now)
        if known is not None:
            spend(await door.token_requests.everywhere(connection, f"token {shown.client_id}"))
    async with _hashing:
        digest = await asyncio.to_thread(hash_secret, shown.secret, known.salt if known else _NOBODYS_SALT)
    secret_id = matching(digest, known.hashes) if known else None
    if known is None or secret_id is None:
        return _not_a_client()
    if scope and scope != known.scope:
        return _error("invalid_scope", "This client has another scope.")
    token, seconds = new_token(), door.settings.token_seconds
    async with door.connection() as connection:
        await accounts.issue(connection, hash_token(token), secret_id, now + timedelta(seconds=seconds))
    metrics.TOKENS.labels("issued").inc()
    body = Token(access_token=token, token_type=_KIND, expires_in=seconds, scope=known.scope)
    return Response(body.model_dump_json(), media_type=bodies.JSON)


def _form(body: bytes) -> dict[str, str] | None:
    """The form's fields; None where it is none, or a field stands twice."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def _credentials(request: Request, form: dict[str, str]) -> Credentials | None:
    """What the client shows, if it has the form of a client's id and secret."""
    header = request.headers.get("authorization")
    if header is None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    else:
        client_id, secret = _basic(header)
    if partner_of(client_id) is None or not 0 < len(secret) <= LONGEST_SECRET:
        return None
    return Credentials(client_id, secret)


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
    answer = _error("invalid_client", "There is no client with this id and a live secret like this.", 401)
    answer.headers["WWW-Authenticate"] = 'Basic realm="conduit"'
    return answer


def _error(code: str, description: str, status: int = 400) -> Response:
    body: dict[str, Any] = {"error": code, "error_description": description}
    return Response(TokenError(**body).model_dump_json(), status, media_type=bodies.JSON)
