"""`Idempotency-Key`: a request is done once, whichever replica it reaches and however often it is sent.

Another spelling of the same content, as a client that writes its body again may send it, is the same request.

The key is locked by the transaction that does the work, and its answer is kept in the same transaction. So there is no state
"in flight" that a crash could leave behind. Final answers are kept, refusals by a rule among them; those worth another try
are not, nor is what never came to a rule.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, NamedTuple
from uuid import UUID

import asyncpg
from fastapi import Depends, Header, Request, Response

from conduit_chassis.http.bodies import media_type_of
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_intake.access.accounts import Client
from conduit_intake.api import kept
from conduit_intake.api.door import Door
from conduit_intake.api.kept import Asked, Kept
from conduit_intake.api.refusals import Refused

ATTEMPTS = 5
REPLAYED = "Idempotent-Replayed"
_FORM = r"^[!-~]{1,255}$"


class Reply(NamedTuple):
    """What the work comes to. It is kept under the key where it is final."""

    answer: Kept
    final: bool = True
    again_after: int = 0
    """In so many seconds the same may succeed, where the answer says when."""


Action = Callable[[Connection, Outbox], Awaitable[Reply]]
"""What a request does, once, in its transaction."""


def idempotency_key(
    request: Request,
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            pattern=_FORM,
            description="A new key, such as a UUID, for each new request; the same key to send the same content again. "
            "Kept for 60 days, for this client only.",
        ),
    ],
) -> str:
    """The key. FastAPI refuses a request without.

    Raises:
        Refused: there is more than one.
    """
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise Refused("idempotency_key_invalid")
    return key


TheKey = Annotated[str, Depends(idempotency_key)]


async def once(
    door: Door, request: Request, client: Client, key: str, body: bytes, action: Action, said: bytes | None = None
) -> Response:
    """Act, or give the answer that it had. `said` is a digest of what the body means, else its bytes alone count.

    Raises:
        Refused: the key is in use by another request, or was used for a different one.
    """
    asked = Asked(fingerprint(request, body), meaning(request, said) if said else None)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _attempt(door, client, key, asked, action)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            # Another request, or a record from Kafka, was first. The next attempt sees what it did.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


async def _attempt(door: Door, client: Client, key: str, asked: Asked, action: Action) -> Response:
    async with door.transaction(client) as (connection, outbox):
        if not await kept.lock(connection, client.client_id, key):
            raise Refused("idempotency_key_in_flight", headers={"Retry-After": "1"})
        found = await kept.find(connection, client.client_id, key)
        if found is not None:
            return _again(found, asked)
        answer, final, again_after = await action(connection, outbox)
        if final:
            await kept.keep(connection, client.client_id, key, asked, answer, door.now())
    response = render(answer)
    if again_after:
        response.headers["Retry-After"] = str(again_after)
    return response


def fingerprint(request: Request, body: bytes) -> bytes:
    """SHA-256 of what makes a request the same one to the letter."""
    return _digest(request.method.encode(), request.url.path.encode(), media_type_of(request).encode(), body)


def meaning(request: Request, said: bytes) -> bytes:
    """SHA-256 of what a request means, however its body and the id in its path are spelt."""
    ids = (UUID(each).bytes for each in request.path_params.values())
    return _digest(request.method.encode(), request.scope["route"].path.encode(), said, *ids)


def _digest(*parts: bytes) -> bytes:
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def render(answer: Kept) -> Response:
    """The answer as HTTP has it."""
    headers = {"Location": answer.location} if answer.location else None
    return Response(answer.body, answer.status, headers, media_type=answer.media_type)


def _again(found: tuple[Asked, Kept], asked: Asked) -> Response:
    before, answer = found
    if not before.is_same(asked):
        raise Refused("idempotency_key_reused")
    response = render(answer)
    response.headers[REPLAYED] = "true"
    return response
