"""A request's body: what it is said to be, and reading it within limits of size and time, which no server sets for us."""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request


class BodyTooLargeError(Exception):
    """It is longer than the limit."""


class BodyTooSlowError(Exception):
    """It did not arrive in time, or its sender went away."""


def media_type_of(request: Request) -> str:
    """The media type without its parameters, in lower case; empty where there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body, of at most `limit` bytes.

    Raises:
        BodyTooLargeError: as its `Content-Length` says, or as it turns out.
        BodyTooSlowError: it was not there after `seconds`.
    """
    check_declared(request, limit)
    body = bytearray()
    await receive(request, limit, seconds, body)
    return bytes(body)


def check_declared(request: Request, limit: int) -> None:
    """Raises BodyTooLargeError where `Content-Length` says so."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise BodyTooLargeError


async def receive(
    request: Request, limit: int, seconds: float, body: bytearray, beyond: Callable[[bytes], bool] | None = None
) -> None:
    """Put what arrives into `body`, whatever was declared. What arrived stays there when this raises.

    What is over the limit goes to `beyond`, if given, for as long as that wants more.

    Raises:
        BodyTooLargeError: more than `limit` bytes arrived.
        BodyTooSlowError: it was not there after `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                within = len(body) <= limit
                if within:
                    body += chunk
                over = chunk[-(len(body) - limit) :] if within else chunk
                if len(body) > limit and (beyond is None or not beyond(over)):
                    raise BodyTooLargeError
        if len(body) > limit:
            raise BodyTooLargeError
    except (TimeoutError, ClientDisconnect):
        raise BodyTooSlowError from None
