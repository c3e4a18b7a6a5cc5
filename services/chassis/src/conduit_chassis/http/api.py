"""A service's own API for one of the hub's tools: JSON that is read with GET, behind a bearer token.

A request that cannot be answered gets `{"problems": [...]}`. It is looked at in this order: whether the API is served at
all, the token, the method, the address, and then whatever the endpoint asks. While the database is down the answer is 503.
No answer may be stored on its way.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_chassis.errors import FailureCause, classify
from conduit_contracts.problems import Origin, Problem, sender_problem

Endpoint = Callable[[Request], Awaitable[Mapping[str, Any]]]
"""Returns what is answered as JSON."""

UNAVAILABLE = Problem(
    code="unavailable", field="path", message="The hub cannot answer now. Ask again.", origin=Origin.HUB, retryable=True
)
"""What a caller is told while the database is down."""
_NUMBER = re.compile(r"[0-9]{1,19}")


class RequestRefused(Exception):  # noqa: N818 - named for what the request is
    """The request gets no answer but a problem."""

    def __init__(self, status: int, code: str, field: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.problem = sender_problem(code, field, message)


class Words(NamedTuple):
    """What an API says where it does not get as far as an endpoint."""

    not_served: str
    """To everybody, while no token is set."""
    read_only: str
    """To whoever tries another method than GET."""


def _uncounted(_status: int) -> None:
    return


class Api:
    """The ASGI application of all its routes. A path is one of Starlette's, with or without a slash at its end.

    `refused` is told the status of every request that got a problem.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        token: str,
        words: Words,
        refused: Callable[[int], None] = _uncounted,
    ) -> None:
        guarded = {path: _Guarded(endpoint, token, words, refused) for path, endpoint in endpoints.items()}
        self._router = Router(
            [Route(path, endpoint) for path, endpoint in guarded.items()],
            redirect_slashes=False,
            default=_Guarded(_nothing_here, token, words, refused),
        )
        self._prefixes = tuple(dict.fromkeys(map(_prefix, endpoints)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._router({**scope, "path": scope["path"].rstrip("/")}, receive, send)

    def mounted(self) -> Sequence[tuple[str, ASGIApp]]:
        """The prefixes under which it is served."""
        return tuple((prefix, self) for prefix in self._prefixes)


class _Guarded:
    """An endpoint, and what is asked of a request before it. An ASGI application, so that every method comes this far."""

    def __init__(self, endpoint: Endpoint, token: str, words: Words, refused: Callable[[int], None]) -> None:
        self._endpoint = endpoint
        self._token = f"Bearer {token}".encode() if token else None
        self._words = words
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            self._admit(request)
            return _json(200, await self._endpoint(request))
        except RequestRefused as refused:
            status, problem = refused.status, refused.problem
        except Exception as error:
            if classify(error) is FailureCause.POISON:
                raise
            status, problem = 503, UNAVAILABLE
        self._refused(status)
        return _json(status, {"problems": [problem]})

    def _admit(self, request: Request) -> None:
        """Raises RequestRefused where there is no token here, it is not the tool's, or something is to be changed."""
        if self._token is None:
            raise RequestRefused(404, "not_served", "path", self._words.not_served)
        if not compare_digest(request.headers.get("authorization", "").encode("latin-1"), self._token):
            raise RequestRefused(401, "token_wrong", "Authorization", "Send the officers' tool's bearer token.")
        if request.method != "GET":
            raise RequestRefused(405, "method_not_allowed", "method", self._words.read_only)


async def _nothing_here(request: Request) -> NoReturn:
    message = f"There is nothing at this address. Use {_prefix(request.url.path)}."
    raise RequestRefused(404, "not_found", "path", message)


def _prefix(path: str) -> str:
    return f"/{path.split('/')[1]}"


def _json(status: int, content: Mapping[str, Any]) -> Response:
    return Response(to_json(content), status, {"Cache-Control": "no-store"}, media_type="application/json")


def referral_id_of(text: str, message: str) -> UUID:
    """The referral that a path or a query names.

    Raises:
        RequestRefused: it is no id. `message` says what to give.
    """
    try:
        return UUID(text)
    except ValueError:
        raise RequestRefused(400, "referral_id_invalid", "referral_id", message) from None


def place_before(request: Request, name: str, newest: int) -> int:
    """Where in a list, newest first, the answer goes on: the number in the previous answer, otherwise `newest`.

    Raises:
        RequestRefused: it is no such number.
    """
    text = request.query_params.get(name, "")
    if not text:
        return newest
    if not _NUMBER.fullmatch(text) or int(text) > newest:
        raise RequestRefused(400, "before_invalid", name, "Give the number from the address in the previous answer.")
    return int(text)
