"""Reading a request's body within its limits, and decoding it as the contract has it: closed, with every problem named."""

import re
from contextlib import suppress
from typing import Any, TypeVar, cast

from fastapi import Request
from pydantic import BaseModel

from conduit_chassis.http.bodies import BodyTooLargeError, BodyTooSlowError, check_declared, media_type_of, receive
from conduit_contracts.envelope import Undecodable, read_message
from conduit_contracts.problems import Problem, sender_problem
from conduit_intake.api.overlong import Overlong
from conduit_intake.api.refusals import Refused

JSON = "application/json"
DEEPEST = 32
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")

M = TypeVar("M", bound=BaseModel)


def expect(request: Request, *media_types: str) -> str:
    """The request's media type.

    Raises:
        Refused: it is none of these, or the body is encoded.
    """
    found = media_type_of(request)
    if found not in media_types:
        accepted = ", ".join(media_types)
        named = sender_problem("content_type_unsupported", "content-type", f"Send one of these media types: {accepted}.")
        raise Refused("media_type_unsupported", (named,), headers={"Accept": accepted})
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused("encoding_unsupported", headers={"Accept-Encoding": "identity"})
    return found


async def read_json(request: Request, limit: int, seconds: float) -> bytes:
    """The body of a request that must be JSON.

    Raises:
        Refused: as `expect` and `read` do.
    """
    expect(request, JSON)
    return await read(request, limit, seconds, _overlong(request))


def documented(model: str) -> dict[str, Any]:
    """OpenAPI's description of a JSON body that one of the contract's models reads."""
    return {"required": True, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{model}"}}}}


async def read(request: Request, limit: int, seconds: float, overlong: Overlong | None = None) -> bytes:
    """The whole body. What is over the limit is looked through by `overlong`, if given.

    Raises:
        Refused: it is longer than the limit in bytes, or does not arrive in time.
    """
    try:
        check_declared(request, limit)
        await receive(request, limit, seconds, _begin(request), overlong.hear if overlong else None)
    except BodyTooLargeError:
        raise Refused("body_too_large") from None
    except BodyTooSlowError:
        raise Refused("body_too_slow") from None
    return bytes(request.state.body)


async def glance(request: Request, limit: int, seconds: float, *, to_the_end: bool) -> tuple[bytes, Overlong | None]:
    """What can be seen of the body of a request that is refused anyway: what was read of it, else its beginning, and
    `to_the_end` also what was heard in the rest."""
    if not hasattr(request.state, "body"):
        # Starlette has no second look at a body that was read to its end.
        with suppress(BodyTooLargeError, BodyTooSlowError, RuntimeError):
            overlong = _overlong(request) if to_the_end else None
            await receive(request, limit, seconds, _begin(request), overlong.hear if overlong else None)
    return bytes(request.state.body), getattr(request.state, "overlong", None)


def _overlong(request: Request) -> Overlong | None:
    """Nobody has the hub read on whom it does not know."""
    if getattr(request.state, "client", None) is None:
        return None
    overlong = request.state.overlong = Overlong()
    return overlong


def _begin(request: Request) -> bytearray:
    """Where what arrives of the body stands, for `glance`."""
    body = request.state.body = bytearray()
    return body


def decode(model: type[M], body: bytes) -> M:
    """The body as the contract's model.

    Raises:
        Refused: it is not JSON, is nested too deeply, or is not in order; `errors` name every field.
    """
    if too_deep(body):
        raise Refused("json_too_deep")
    try:
        return cast("M", read_message(model, body, closed=True))
    except Undecodable as error:
        if any(problem.code == "json_invalid" for problem in error.problems):
            raise Refused("json_invalid", error.problems) from None
        raise Refused("body_invalid", error.problems) from None


def too_deep(body: bytes) -> bool:
    """Whether lists and objects are nested more deeply than any message is. Strings do not count."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for found in _STRUCTURE.finditer(body):
        depth += (found[0] in _OPENING) - (found[0] in _CLOSING)
        if depth > DEEPEST:
            return True
    return False


def told_here(problem: Problem) -> Problem:
    """A rule's problem in the terms of HTTP: fields are the body's own, and keys stand where records have event ids."""
    field = problem.field.removeprefix("referral.").removeprefix("supplement.")
    message = problem.message.replace("with a new ce_id", "with a new Idempotency-Key")
    return problem.model_copy(update={"field": field, "message": message})
