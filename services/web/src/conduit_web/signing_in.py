"""The way in and out: to a provider and back, sign-out, one's own sessions, and a provider's order to end some."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import structlog
from authlib.common.security import generate_token
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from conduit_chassis.trail import uuid_in
from conduit_web.access import Action, Target, needs_second_factor
from conduit_web.addresses import HOME, SIGNED_OUT, page_here
from conduit_web.desk import Desk
from conduit_web.opaque import new_secret
from conduit_web.people import Person
from conduit_web.providers import IdentityProvider, ProviderDownError
from conduit_web.sessions import SIGN_IN_WITHIN, EndReason, SignIn
from conduit_web.tokens import TokenRefusedError, Vouched
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, anybody_may, may, read_form, read_own_form

_VERIFIER_LENGTH = 64
_log = structlog.get_logger()

router = APIRouter()


@router.get("/sign-in", dependencies=[anybody_may(Action.SIGN_IN)])
async def choose_provider(request: Request, return_to: str = HOME, fresh: bool = False) -> Response:
    """Where there is one provider, it is that; the page of choice is the desk's."""
    desk: Desk = request.app.state.desk
    if len(desk.providers) > 1:
        return desk.pages.choice(
            request, [each.about for each in desk.providers.values()], page_here(return_to), fresh=fresh
        )
    (only,) = desk.providers.values()
    return await _set_out(request, only, page_here(return_to), fresh=fresh)


@router.get("/sign-in/{name}", dependencies=[anybody_may(Action.SIGN_IN)])
async def sign_in(request: Request, name: str, return_to: str = HOME, fresh: bool = False) -> Response:
    """Off to the provider."""
    return await _set_out(request, _provider(request, name), page_here(return_to), fresh=fresh)


async def _set_out(request: Request, provider: IdentityProvider, return_to: str, *, fresh: bool) -> Response:
    desk: Desk = request.app.state.desk
    state, browser = new_secret(), request.cookies.get(desk.browser_cookie) or new_secret()
    attempt = SignIn(provider.about.name, new_secret(), generate_token(_VERIFIER_LENGTH), return_to, fresh)
    try:
        way_in = await provider.way_in(attempt, state=state, redirect_uri=desk.back_from(provider))
    except ProviderDownError:
        raise TroubleError(Trouble.PROVIDER_DOWN, return_to=return_to) from None
    await desk.sessions.begin(attempt, state=state, browser=browser)
    answer = RedirectResponse(way_in, status_code=303)
    _set_cookie(answer, desk.browser_cookie, browser, SIGN_IN_WITHIN)
    return answer


@router.get("/signed-in/{name}", dependencies=[anybody_may(Action.SIGN_IN)])
async def come_back(
    request: Request, name: str, state: str = "", code: str = "", iss: str | None = None, error: str = ""
) -> Response:
    """Back from the provider: a session, if everything is right and the register knows this person."""
    desk, provider = request.app.state.desk, _provider(request, name)
    attempt = await desk.sessions.take(name, state=state, browser=request.cookies.get(desk.browser_cookie, ""))
    # A second use of the same address, another browser, a long break, or a person who pressed cancel.
    if attempt is None or error or not code:
        raise TroubleError(Trouble.START_AGAIN, return_to=attempt.return_to if attempt else HOME)
    vouched = await _vouched(desk, provider, code, attempt, answered_by=iss)
    await _check_person(desk, vouched, attempt)
    secret = await desk.sessions.start(vouched, request.cookies.get(desk.session_cookie))
    answer = RedirectResponse(attempt.return_to, status_code=303)
    _set_cookie(answer, desk.session_cookie, secret)
    return answer


async def _vouched(
    desk: Desk, provider: IdentityProvider, code: str, attempt: SignIn, *, answered_by: str | None
) -> Vouched:
    try:
        return await provider.redeem(code, attempt, answered_by=answered_by, redirect_uri=desk.back_from(provider))
    except ProviderDownError:
        raise TroubleError(Trouble.PROVIDER_DOWN, return_to=attempt.return_to) from None
    except TokenRefusedError as refused:
        _log.warning("sign_in_refused", name=provider.about.name, reason=str(refused))
        raise TroubleError(Trouble.START_AGAIN, return_to=attempt.return_to) from None


async def _check_person(desk: Desk, vouched: Vouched, attempt: SignIn) -> None:
    person = await desk.register.find(vouched.identity)
    if person is None:
        raise TroubleError(Trouble.UNKNOWN_PERSON, way_out=await _way_out(desk, vouched.identity.issuer, vouched.id_token))
    if needs_second_factor(person) and not vouched.proof.second_factor:
        raise TroubleError(Trouble.SECOND_FACTOR, return_to=attempt.return_to)


@router.post("/sign-out", dependencies=[anybody_may(Action.SIGN_OUT)])
async def sign_out(request: Request) -> Response:
    """Out of the desk, and of the provider where it can be told. Who is out already stays out."""
    desk: Desk = request.app.state.desk
    secret = request.cookies.get(desk.session_cookie, "")
    session = await desk.sessions.find(secret) if secret else None
    if session is None:
        return RedirectResponse(SIGNED_OUT, status_code=303)
    await read_own_form(request, desk.settings.public_url, secret)
    id_token = await desk.sessions.id_token_of(session.session_id)
    await desk.sessions.end(session.session_id, EndReason.SIGNED_OUT)
    answer = RedirectResponse(await _way_out(desk, session.identity.issuer, id_token), status_code=303)
    answer.delete_cookie(desk.session_cookie, path="/", secure=True, httponly=True, samesite="lax")
    return answer


async def _way_out(desk: Desk, issuer: str, id_token: str | None) -> str:
    provider = next((each for each in desk.providers.values() if each.about.issuer == issuer), None)
    try:
        out = await provider.way_out(f"{desk.settings.public_url}{SIGNED_OUT}", id_token=id_token) if provider else None
    except ProviderDownError:
        out = None
    return out or SIGNED_OUT


@router.get(SIGNED_OUT, dependencies=[anybody_may(Action.SIGN_OUT)])
async def signed_out(request: Request) -> Response:
    """What people see last."""
    desk: Desk = request.app.state.desk
    return desk.pages.signed_out(request)


@router.post("/back-channel-sign-out/{name}", dependencies=[anybody_may(Action.HAVE_SESSIONS_ENDED)])
async def end_by_provider(request: Request, name: str) -> Response:
    """A provider's order (OpenID Connect Back-Channel Logout). The token says who sent it, so no form token is asked for."""
    desk, provider = request.app.state.desk, _provider(request, name)
    headers = {"Cache-Control": "no-store"}
    try:
        order = await provider.read_order((await read_form(request)).get("logout_token", ""))
    except TokenRefusedError as refused:
        _log.warning("logout_order_refused", name=name, reason=str(refused))
        return PlainTextResponse("refused", status_code=400, headers=headers)
    except ProviderDownError:
        return PlainTextResponse("try again", status_code=503, headers=headers)
    followed = await desk.sessions.follow(order)
    return PlainTextResponse("done" if followed else "seen before", status_code=200 if followed else 400, headers=headers)


async def _find_session(request: Request, _person: Person) -> Target | None:
    desk: Desk = request.app.state.desk
    session = await desk.sessions.by_id(_session_id(request))
    owner = await desk.register.find(session.identity) if session else None
    return Target(person_id=owner.person_id) if owner else None


@router.get("/sessions")
async def list_sessions(request: Request, visit: Annotated[Visit, may(Action.MANAGE_OWN_SESSIONS)]) -> Response:
    """Where one is signed in."""
    desk: Desk = request.app.state.desk
    return desk.pages.sessions(request, visit, await desk.sessions.live_of(visit.session.identity))


@router.post("/sessions/{session_id}/end")
async def end_session(
    request: Request, session_id: str, _visit: Annotated[Visit, may(Action.MANAGE_OWN_SESSIONS, _find_session)]
) -> Response:
    """End one of one's own, as that of a machine that was left behind."""
    desk: Desk = request.app.state.desk
    await desk.sessions.end(UUID(session_id), EndReason.ENDED_BY_PERSON)
    return RedirectResponse("/sessions", status_code=303)


def _session_id(request: Request) -> UUID:
    found = uuid_in(request.path_params["session_id"])
    if found is None:
        raise TroubleError(Trouble.MISSING)
    return found


def _provider(request: Request, name: str) -> IdentityProvider:
    desk: Desk = request.app.state.desk
    provider = desk.providers.get(name)
    if provider is None:
        raise TroubleError(Trouble.MISSING)
    return provider


def _set_cookie(answer: Response, name: str, value: str, lasts: timedelta | None = None) -> None:
    age = int(lasts.total_seconds()) if lasts else None
    answer.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="lax")
