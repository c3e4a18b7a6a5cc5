"""Wires the HTTP API together."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from conduit_chassis.runtime import Runtime
from conduit_contracts.explain import explained
from conduit_contracts.problems import Problem
from conduit_intake.api import acts, cases, outcomes, referrals, tokens, uploads
from conduit_intake.api import places as lookup
from conduit_intake.api.bodies import JSON
from conduit_intake.api.dangers import refuse
from conduit_intake.api.documents import TITLE, VERSION, document
from conduit_intake.api.door import Door
from conduit_intake.api.edge import RECEIVE, Edge, failure
from conduit_intake.api.paths import Paths
from conduit_intake.api.refusals import Refused

# FastAPI's own telemetry would put paths and queries on spans; its documentation pages load scripts from elsewhere.
_QUIET: Any = {"tracing": False, "metrics": False, "logs": False}
_cache: list[tuple[bytes, Paths]] = []
_STATUSES = {404: "not_found", 405: "method_not_allowed"}


def create_api(runtime: Runtime) -> ASGIApp:
    """The partner HTTP API of a running service."""
    app = create_app()
    app.state.door = Door(runtime)
    return Edge(app, app.state.paths)


def create_app() -> FastAPI:
    """The API without a service behind it, which is enough to describe it."""
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_QUIET,
        exception_handlers={
            Refused: _refused,
            HTTPException: _http,
            RequestValidationError: _invalid,
            Exception: _failed,
        },
    )
    for router in (
        tokens.router,
        referrals.router,
        acts.router,
        uploads.router,
        outcomes.router,
        cases.router,
        lookup.router,
    ):
        app.include_router(router)
    app.state.document, app.state.paths = _described(app)
    app.add_route("/openapi.json", _document, include_in_schema=False)
    return app


def _described(app: FastAPI) -> tuple[bytes, Paths]:
    """The document and the paths in it. Every app of this module has the same."""
    if not _cache:
        made = document(app)
        _cache.append((to_json(made), Paths(made)))
    return _cache[0]


async def _document(request: Request) -> Response:
    return Response(request.app.state.document, media_type=JSON)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return await refuse(request, error)


async def _http(request: Request, error: Exception) -> Response:
    """What the router itself refuses."""
    if not isinstance(error, HTTPException) or error.status_code not in _STATUSES:
        raise error
    headers = {"Allow": request.app.state.paths.allow(request.url.path)} if error.status_code == 405 else None
    return await refuse(request, Refused(_STATUSES[error.status_code], headers=headers))


async def _invalid(request: Request, error: Exception) -> Response:
    """What FastAPI could not read: the path, the key or the query. Bodies are read elsewhere."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    places = {detail["loc"][0] for detail in found}
    if "path" in places:
        return await refuse(request, Refused(_missing(found)))
    if "header" in places:
        missing = "idempotency-key" not in request.headers
        return await refuse(request, Refused("idempotency_key_missing" if missing else "idempotency_key_invalid"))
    problems = {problem.field: problem for problem in _query_problems(request, found)}
    return await refuse(request, Refused("query_invalid", list(reversed(problems.values()))))


async def _failed(request: Request, error: Exception) -> Response:
    """Whatever else is raised. It goes on to the edge, which logs where it broke."""
    # Starlette hands over a request whose body cannot be read.
    return await refuse(Request(request.scope, request.scope[RECEIVE]), failure(error))


def _missing(found: Sequence[Any]) -> str:
    """An id that is no UUID names nothing."""
    names = {detail["loc"][1] for detail in found if detail["loc"][0] == "path"}
    return "referral_not_found" if "referral_id" in names else "attachment_not_found"


def _query_problems(request: Request, found: Sequence[Any]) -> Iterator[Problem]:
    """The last first, so that of several about one field the first is kept."""
    model = lookup.Search if request.url.path == "/v1/places" else referrals.Listing
    for detail in reversed(found):
        yield explained(detail | {"loc": detail["loc"][1:2]}, "query", model)
