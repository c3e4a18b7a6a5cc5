"""A desk: what it stands on, and its application."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlencode

import httpx
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from conduit_chassis.clock import Clock
from conduit_chassis.errors import FailureCause, class_name, classify
from conduit_web.access import Action
from conduit_web.addresses import HOME, SIGNED_OUT
from conduit_web.headers import STATIC, SecureHeaders
from conduit_web.methods import HeadAsGet, allowed
from conduit_web.pages import Pages
from conduit_web.people import PeopleRegister
from conduit_web.providers import IdentityProvider
from conduit_web.readable import ReadableAddress
from conduit_web.sessions import Sessions
from conduit_web.settings import DeskSettings
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Guard, InsteadError, OpenToAll

_SIGN_IN_AGAIN = frozenset({Trouble.SIGN_IN, Trouble.FRESH_SIGN_IN})
_CREDENTIALS_AGAIN = frozenset({Trouble.FRESH_SIGN_IN, Trouble.SECOND_FACTOR})
"""A provider that remembers somebody would send them back as they are, without asking for what was lacking."""
_OF_HTTP: Mapping[int | None, Trouble] = {404: Trouble.MISSING, 405: Trouble.WRONG_METHOD}
EVENTS = "text/event-stream"
_log = structlog.get_logger()


class UnguardedRouteError(Exception):
    """A route does not say what it does, so nobody could say who may."""


class Desk:
    """What requests are answered by. An application keeps it as `app.state.desk`."""

    name: str
    """Tells its cookies from those of another desk at the same host: browsers send a host's cookies to each of its ports."""

    def __init__(
        self,
        settings: DeskSettings,
        *,
        register: PeopleRegister,
        sessions: Sessions,
        clock: Clock,
        http: httpx.AsyncClient,
        pages: Pages,
    ) -> None:
        self.settings, self.register, self.sessions, self.clock, self.pages = settings, register, sessions, clock, pages
        self.providers = {each.name: IdentityProvider(each, http, clock) for each in settings.identity_providers}

    @property
    def session_cookie(self) -> str:
        """Holds the secret of the session that a browser has here."""
        return f"__Host-{self.name}-session"

    @property
    def browser_cookie(self) -> str:
        """Ties a sign-in to the browser in which it set out: nobody can be signed in as somebody else by a link."""
        return f"__Host-{self.name}-sign-in"

    def back_from(self, provider: IdentityProvider) -> str:
        """Where a provider sends people back. Each has its own, so that none can answer for another."""
        return f"{self.settings.public_url}/signed-in/{provider.about.name}"


def create_app(desk: Desk, *routers: APIRouter) -> ASGIApp:
    """The application with these routes and those of sign-in.

    Raises:
        UnguardedRouteError: one of them names no action.
    """
    from conduit_web.signing_in import router as signing_in  # noqa: PLC0415 - its routes know the desk

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.desk = desk
    app.state.own_routes = [route for router in (signing_in, *routers) for route in _plain(router.routes)]
    for router in (signing_in, *routers):
        actions(router)
        app.include_router(router)
    app.add_exception_handler(TroubleError, _on_trouble)
    app.add_exception_handler(InsteadError, _on_instead)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_missing)
    app.add_exception_handler(Exception, _on_fault)
    app.add_middleware(HeadAsGet)
    app.add_middleware(ReadableAddress)
    app.mount(STATIC, StaticFiles(directory=Path(__file__).parent / "static"))
    return SecureHeaders(app, desk.settings)


def actions(*routers: APIRouter) -> dict[tuple[str, str], Action]:
    """What each route does, by method and path.

    Raises:
        UnguardedRouteError: one does not say.
    """
    return {
        (method, route.path): _action(route)
        for router in routers
        for route in _plain(router.routes)
        for method in route.methods or ()
    }


def _plain(routes: Iterable[object]) -> Iterable[APIRoute]:
    for route in routes:
        # Whatever is mounted or included would pass by without being looked at.
        if not isinstance(route, APIRoute):
            raise UnguardedRouteError(f"{type(route).__name__} {getattr(route, 'path', '')}")
        yield route


def _action(route: APIRoute) -> Action:
    guards = [each.call for each in route.dependant.dependencies if isinstance(each.call, Guard | OpenToAll)]
    if len(guards) != 1:
        raise UnguardedRouteError(f"{route.path} has {len(guards)} actions")
    return guards[0].action


async def _on_trouble(request: Request, error: Exception) -> Response:
    met = error if isinstance(error, TroubleError) else TroubleError(Trouble.FAULT)
    trouble, desk = met.trouble, request.app.state.desk
    reading = request.method in {"GET", "HEAD"}
    if EVENTS in request.headers.get("accept", ""):
        return Response(status_code=204)  # by which an event stream does not try again; a page tells its reader more
    address = _sign_in_address(request, met, reading=reading)
    if reading and trouble in _SIGN_IN_AGAIN:
        return RedirectResponse(address, status_code=303)
    answer: Response = desk.pages.trouble(request, trouble, address)
    return answer


async def _on_instead(request: Request, error: Exception) -> Response:
    return error.answer if isinstance(error, InsteadError) else await _on_fault(request, error)


def _sign_in_address(request: Request, met: TroubleError, *, reading: bool) -> str:
    if met.trouble is Trouble.UNKNOWN_PERSON:
        # A provider that remembers somebody lets nobody else in before they are signed out there.
        return met.way_out or SIGNED_OUT
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = {"return_to": met.return_to or (asked if reading or _has_page(request) else HOME)}
    return f"/sign-in?{urlencode(query | ({'fresh': 'true'} if met.trouble in _CREDENTIALS_AGAIN else {}))}"


def _has_page(request: Request) -> bool:
    """Whether what a form was sent to is a page as well, as that of a form that is written on is. Else it is no way back."""
    asked = {**request.scope, "method": "GET"}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)


async def _on_http(request: Request, error: Exception) -> Response:
    """An address that no route has, or a method that none of its routes has."""
    status = error.status_code if isinstance(error, HTTPException) else None
    answer = await _on_trouble(request, TroubleError(_OF_HTTP.get(status, Trouble.FAULT)))
    if status == Trouble.WRONG_METHOD.status:
        answer.headers["Allow"] = allowed(request.app.state.own_routes, request.scope)
    return answer


async def _on_missing(request: Request, _error: Exception) -> Response:
    """An address with something in it that cannot be read."""
    return await _on_trouble(request, TroubleError(Trouble.MISSING))


async def _on_fault(request: Request, error: Exception) -> Response:
    _log.error("page_failed", method=request.method, error=class_name(error))
    fault = classify(error) is FailureCause.POISON
    return await _on_trouble(request, TroubleError(Trouble.FAULT if fault else Trouble.UNAVAILABLE))
