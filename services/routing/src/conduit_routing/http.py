"""What the officers' tool reads of routing: the open reviews, who has which part of a case, and what became of an officer's
commands. Never what a case says.

All need the tool's bearer token. Where none is set, there is nothing here.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from pydantic_core import to_json

from conduit_chassis import commands, postgres
from conduit_chassis.commands import UNAVAILABLE
from conduit_chassis.errors import Verdict, classify
from conduit_chassis.runtime import ASGIApp, Runtime
from conduit_contracts.problems import Problem, sender_problem
from conduit_routing import views

Query = Mapping[str, list[str]]
Answer = Callable[[Any, Query], Awaitable[Any]]

MOST_REVIEWS = 500
_NUMBER = re.compile(r"[0-9]{1,9}")


class Refused(Exception):  # noqa: N818 - named for what the request is
    """The request gets no answer but a problem."""

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.code)
        self.status = status
        self.problem = problem


def routes(runtime: Runtime, token: str) -> Sequence[tuple[str, ASGIApp]]:
    """The three pages."""
    pages = {"/reviews": _reviews, "/cases": _case, "/commands": _commands}
    return tuple((path, _page(runtime, token, path, answer)) for path, answer in pages.items())


def _page(runtime: Runtime, token: str, path: str, answer: Answer) -> ASGIApp:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        try:
            _admit(scope, token, path)
            async with postgres.connection(runtime.pool) as connection:
                content = await answer(connection, parse_qs(scope["query_string"].decode("latin-1")))
            status = 200
        except Refused as refused:
            status, content = refused.status, {"problems": [refused.problem]}
        except Exception as error:
            if classify(error) is Verdict.POISON:
                raise
            status, content = 503, {"problems": [UNAVAILABLE]}
        await _respond(send, status, content)

    return app


def _admit(scope: Any, token: str, path: str) -> None:
    if not token:
        raise Refused(404, sender_problem("not_served", "path", "Routing's pages are switched off. Set OFFICER_TOKEN."))
    shown = dict(scope["headers"]).get(b"authorization", b"")
    if not compare_digest(shown, f"Bearer {token}".encode()):
        raise Refused(401, sender_problem("token_wrong", "Authorization", "Send the officers' tool's bearer token."))
    if scope["method"] != "GET":
        raise Refused(
            405, sender_problem("method_not_allowed", "method", "Only GET is possible. Send commands through Kafka.")
        )
    if scope["path"].rstrip("/") != path:
        raise Refused(404, sender_problem("not_found", "path", f"There is nothing at this address. Use {path}."))


async def _reviews(connection: Any, _query: Query) -> Any:
    return {"reviews": await views.open_reviews(connection, MOST_REVIEWS)}


async def _commands(connection: Any, query: Query) -> Any:
    officer = query.get("officer_id", [""])[0]
    if not commands.is_officer(officer):
        raise Refused(
            400, sender_problem("officer_missing", "officer_id", "Give the id of the officer whose commands you want.")
        )
    return {"answers": await commands.recent(connection, officer)}


async def _case(connection: Any, query: Query) -> Any:
    try:
        referral_id = UUID(query.get("referral_id", [""])[0])
    except ValueError:
        raise Refused(
            400, sender_problem("referral_id_invalid", "referral_id", "Give the case's referral_id, a UUID.")
        ) from None
    before = {part: _before(query, f"{part}_before") for part in ("history", "reviews")}
    shown = await views.show(connection, referral_id, before["history"], before["reviews"])
    if shown is None:
        raise Refused(404, sender_problem("referral_unknown", "referral_id", "Routing has no case with this referral_id."))
    for part in before:
        number = shown[f"{part}_earlier"]
        shown[f"{part}_earlier"] = number and f"/cases?referral_id={referral_id}&{part}_before={number}"
    return shown


def _before(query: Query, name: str) -> int:
    text = query.get(name, [""])[0]
    if not text:
        return views.FROM_THE_NEWEST
    if not _NUMBER.fullmatch(text):
        raise Refused(
            400, sender_problem("before_invalid", name, "Give the number from the address in the previous answer.")
        )
    return int(text)


async def _respond(send: Any, status: int, content: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": to_json(content)})
