"""Who asks: `POST /oauth/token` gives a client a short-lived bearer token for its secret (RFC 6749, section 4.4)."""

import asyncio
import base64
import binascii
from datetime import timedelta
from typing import Annotated, Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

import structlog
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
    quick_hash,
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
# The slow hash takes memory and a processor: what waits here costs nothing.
_hashing = asyncio.Semaphore(2)
_log = structlog.get_logger()

SCOPES = {
    "referrals": "Live referrals.",
    "sandbox": "The sandbox: everything is checked and answered as it would be live, and nothing goes anywhere.",
    "cases": "For a force: the attachments of cases that it leads, and nothing else.",
}
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
GRANT = "client_credentials"

_scheme = OAuth2(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_PATH, scopes=SCOPES)),
    scheme_name="clientCredentials",
    description="A client always has the same one of these scopes. The part of its client_id before the first dot is its "
    "partner or force.",
    auto_error=False,
)


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
    shown = _credentials(request, form)
    if shown is None:
        return _not_a_client()
    return await _issue(door, shown, form.get("scope"))


async def _issue(door: Door, shown: Credentials, scope: str | None) -> Response:
    async with door.connection() as connection:
        known = await accounts.secrets(connection, shown.client_id, door.now())
    quick = quick_hash(shown.secret, known.salt if known else _NOBODYS_SALT)
    secret_id = matching(quick, known.quick) if known else None
    if secret_id is None:
        _slow_down(door, shown.client_id, known=known is not None)
        secret_id = await _of_the_release_before(door, shown.secret, known, quick)
    if known is None or secret_id is None:
        return _not_a_client()
    spend(door.token_requests.here(shown.client_id))
    async with door.connection() as connection:
        spend(await door.token_requests.everywhere(connection, f"granted {shown.client_id}"))
    if scope and scope != known.scope:
        return _error("invalid_scope", "This client has a different scope. Leave scope out.")
    token, seconds = new_token(), door.settings.token_seconds
    async with door.connection() as connection:
        await accounts.issue(connection, hash_token(token), secret_id, door.now() + timedelta(seconds=seconds))
    metrics.TOKENS.labels("issued").inc()
    body = Token(access_token=token, token_type=_KIND, expires_in=seconds, scope=known.scope)
    return Response(body.model_dump_json(), media_type=bodies.JSON)


def _slow_down(door: Door, client_id: str, *, known: bool) -> None:
    """Raises Refused where wrong secrets come too fast for this client id. What they spend is theirs alone."""
    seconds = door.wrong_secrets.wait(client_id)
    if not seconds:
        return
    metrics.TOKENS.labels("throttled").inc()
    # What is nobody's id may be anything, somebody's name included.
    if known and not door.warnings.wait(client_id):
        _log.warning("wrong_secrets", client_id=client_id)
    spend(seconds)


async def _of_the_release_before(door: Door, secret: str, known: accounts.Secrets | None, quick: bytes) -> str | None:
    """The secret's id, where it is one that has a slow hash alone. From now on it has a quick one too."""
    if known is None or not known.slow:
        return None
    async with _hashing:
        digest = await asyncio.to_thread(hash_secret, secret, known.salt)
    secret_id = matching(digest, known.slow)
    if secret_id is not None:
        async with door.connection() as connection:
            await accounts.learn(connection, secret_id, quick)
    return secret_id


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
    answer = _error("invalid_client", "The client id or the secret is not valid.", 401)
    answer.headers["WWW-Authenticate"] = 'Basic realm="conduit"'
    return answer


def _error(code: str, description: str, status: int = 400) -> Response:
    body: dict[str, Any] = {"error": code, "error_description": description}
    return Response(TokenError(**body).model_dump_json(), status, media_type=bodies.JSON)
