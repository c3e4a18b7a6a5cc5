"""Who asks: the bearer token that a request shows, and whether its owner asks too often."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2

from conduit_chassis.postgres import Connection
from conduit_intake.access import accounts
from conduit_intake.access.accounts import CASES, Client
from conduit_intake.access.credentials import hash_token
from conduit_intake.api.door import TheDoor
from conduit_intake.api.refusals import Refused

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="conduit"'}
_EXPIRED = {"WWW-Authenticate": 'Bearer realm="conduit", error="invalid_token"'}
_OTHER_SCOPE = {"WWW-Authenticate": 'Bearer realm="conduit", error="insufficient_scope"'}

SCOPES = {
    "referrals": "Live referrals.",
    "sandbox": "The sandbox: everything is checked and answered as it would be live, and nothing goes anywhere.",
    "cases": "For a force: the attachments of cases that it leads, and nothing else.",
}
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path

_scheme = OAuth2(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_PATH, scopes=SCOPES)),
    scheme_name="clientCredentials",
    description="A client always has the same one of these scopes. The part of its client_id before the first dot is its "
    "partner or force.",
    auto_error=False,
)


async def authenticated(request: Request, door: TheDoor, authorization: Annotated[str | None, Depends(_scheme)]) -> Client:
    """The client whose token the request shows, within its owner's rate.

    Raises:
        Refused: there is no token, or it is nobody's, or the owner asks too often.
    """
    token = token_in(authorization)
    if token is None:
        raise Refused("unauthenticated", headers=_CHALLENGE)
    async with door.connection() as connection:
        client = await look_for(request, connection, token, door.now())
        if client is None:
            raise Refused("unauthenticated", headers=_EXPIRED)
        if seconds := await door.requests.wait(connection, f"{client.owner_id} {client.scope}"):
            raise too_often(seconds)
    return client


def token_in(authorization: str | None) -> str | None:
    """The bearer token that a request shows, if any."""
    kind, _, token = (authorization or "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


async def look_for(request: Request, connection: Connection, token: str, now: datetime) -> Client | None:
    """Whose token it is. The request bears what was found, and that somebody looked."""
    found = await accounts.client(connection, hash_token(token), now)
    request.state.client = found
    return found


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


def too_often(seconds: int) -> Refused:
    """What a caller is told who must wait so long."""
    return Refused("rate_exceeded", headers={"Retry-After": str(seconds)})
