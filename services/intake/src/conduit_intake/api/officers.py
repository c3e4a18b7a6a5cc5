"""`/officers`: what the console alone asks for the hub's officers: a referral's files, with how far they are checked.

The console shows its token and says which officer looks. It has recorded that before it asks, and the fetch is a line of
history here before the file is given out. None of these addresses is in the partners' document or open to the internet.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from conduit_chassis.errors import class_name
from conduit_chassis.runtime import Runtime
from conduit_contracts.ids import OfficerId
from conduit_contracts.problems import Origin, Problem, sender_problem
from conduit_intake import attachments, officer_files
from conduit_intake.attachments import Attachment

PREFIX = "/officers"
OFFICER = "Conduit-Officer"
"""Which officer looks, as the console knows them. It is written into history."""
AT_ONCE = 4
"""Each is a file in memory, and a connection that others wait for."""
_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FILES = PREFIX + "/cases/{referral_id:uuid}/attachments"
_OFFICER = TypeAdapter[str](OfficerId)
_NOT_THE_CONSOLE = sender_problem("token_wrong", "Authorization", "Send the console's bearer token.")
_NOBODY = sender_problem("officer_missing", OFFICER, "Say which officer looks.")
_NOT_THERE = sender_problem("attachment_not_found", "attachment_id", "There is no such file, or it was not checked.")
_AWAY = Problem(code="unavailable", field="", message="Try again in a minute.", origin=Origin.HUB, retryable=True)

_log = structlog.get_logger()


def create_officers_api(runtime: Runtime, token: Callable[[], str]) -> ASGIApp:
    """The ASGI application. `token` reads what the console shows, each time, so that a new one holds at once."""
    files = _Files(runtime, token)
    return Router([Route(_FILES, files.listed), Route(_FILES + "/{attachment_id:uuid}", files.fetched)])


class _Files:
    def __init__(self, runtime: Runtime, token: Callable[[], str]) -> None:
        self._runtime, self._token = runtime, token
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def listed(self, request: Request) -> Response:
        """All files of a referral, without their names, which nobody kept, and without their content."""
        return await self._answer(request, self._list)

    async def fetched(self, request: Request) -> Response:
        """A file that was checked."""
        return await self._answer(request, self._fetch)

    async def _answer(self, request: Request, act: Callable[[Request, str], Awaitable[Response]]) -> Response:
        given = request.headers.get("authorization", "").encode("latin-1")
        try:
            token = self._token()
            if not token or not compare_digest(given, f"Bearer {token}".encode()):
                return _refused(401, _NOT_THE_CONSOLE)
            officer_id = _officer(request)
            if officer_id is None:
                return _refused(422, _NOBODY)
            async with self._turns:
                return await act(request, officer_id)
        except Exception as error:  # the last resort: whoever asks tries again, and not a word of it is logged
            _log.error("request_failed", path=_FILES, error=class_name(error))
            return _refused(503, _AWAY)

    async def _list(self, request: Request, _officer_id: str) -> Response:
        referral_id: UUID = request.path_params["referral_id"]
        async with self._runtime.transaction() as (connection, _):
            found = await attachments.of_referral(connection, referral_id)
        return _json(200, {"items": [_shown(each) for each in found]})

    async def _fetch(self, request: Request, officer_id: str) -> Response:
        referral_id, attachment_id = request.path_params["referral_id"], request.path_params["attachment_id"]
        now = self._runtime.clock.now()
        async with self._runtime.transaction() as (connection, _):
            found = await officer_files.fetch(connection, officer_id, referral_id, attachment_id, now)
        if found is None:
            return _refused(404, _NOT_THERE)
        headers = {"Content-Disposition": "attachment", **_ALWAYS}
        return Response(found.content, media_type=found.media_type, headers=headers)


def _officer(request: Request) -> str | None:
    try:
        return _OFFICER.validate_python(request.headers.get(OFFICER, ""))
    except ValidationError:
        return None


def _shown(found: Attachment) -> dict[str, Any]:
    return {
        "attachment_id": found.attachment_id,
        "media_type": found.media_type,
        "size": found.size,
        "sha256": found.sha256.hex(),
        "state": found.state,
        "reason": found.reason,
        "received_at": found.received_at,
        "decided_at": found.decided_at,
    }


def _refused(status: int, problem: Problem) -> Response:
    if status != 503:
        _log.warning("officer_not_answered", code=problem.code)
    return _json(status, {"problems": (problem,)})


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(to_json(content), status, _ALWAYS, media_type="application/json")
