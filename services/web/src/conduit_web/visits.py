"""Each request of a person: who it is, whether they may, and whether a form is theirs.

A route says what it does by `may(Action...)`; a desk with a route that says nothing does not start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Response

from conduit_chassis.http import bodies
from conduit_web.access import RULES, Access, Action, Target, decide
from conduit_web.opaque import form_token, is_form_token
from conduit_web.people import Person
from conduit_web.readable import without_nul
from conduit_web.sent_files import MULTIPART, SentFile, SentForm, take_apart
from conduit_web.sessions import EndReason, Session
from conduit_web.troubles import Trouble, TroubleError

if TYPE_CHECKING:
    from conduit_web.desk import Desk

FORM_FIELD = "form_token"
_READING = frozenset({"GET", "HEAD"})
_FORM_BYTES, _FORM_SECONDS, _FORM_FIELDS = 256 * 1024, 10.0, 500
_FILE_SECONDS = 60.0
_TROUBLES = {
    Access.SIGN_IN: Trouble.SIGN_IN,
    Access.SECOND_FACTOR: Trouble.SECOND_FACTOR,
    Access.FRESH_SIGN_IN: Trouble.FRESH_SIGN_IN,
    Access.GLASS: Trouble.GLASS,
    Access.REFUSED: Trouble.REFUSED,
    Access.MISSING: Trouble.MISSING,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that is allowed: a page is made of this."""

    person: Person
    session: Session
    form_token: str
    """What each form of the page carries in `FORM_FIELD`."""
    form: Mapping[str, str] = field(default_factory=dict)
    """What was sent, where something was."""
    files: Mapping[str, SentFile] = field(default_factory=dict)
    """The files among it."""


class InsteadError(Exception):
    """The request is answered by this, and whatever it had begun is undone."""

    def __init__(self, answer: Response) -> None:
        super().__init__("the request is answered by something else")
        self.answer = answer


Finder = Callable[[Request, Person], Awaitable[Target | None]]
"""What a request is about; None where there is no such thing. It is asked only where the role may do this to something."""


async def ones_own(_request: Request, person: Person) -> Target:
    """For lists, which show what is in the person's reach, and for what is not about one thing."""
    force_ids = frozenset({person.force_id} if person.force_id else ())
    return Target(partner_id=person.partner_id, force_ids=force_ids, person_id=person.person_id)


@dataclass(frozen=True)
class Guard:
    """A dependency of FastAPI that lets a request through, or stops it."""

    action: Action
    find: Finder = ones_own
    here: bool = True
    """Whether the request shows that somebody is there. A page that asks for news by itself does not."""
    file_bytes: int = 0
    """So much may a file have that the form sends along; 0 where it sends none."""

    async def __call__(self, request: Request) -> Visit:
        """The visit, or a `TroubleError`."""
        return await _admit(request, self)


@dataclass(frozen=True)
class OpenToAll:
    """The same for what nobody needs to sign in for."""

    action: Action

    def __post_init__(self) -> None:
        if not RULES[self.action].anonymous:
            raise ValueError(f"to {self.action}, a person must sign in")

    async def __call__(self, _request: Request) -> None:
        """Lets everybody through."""


def may(action: Action, find: Finder = ones_own, *, here: bool = True, file_bytes: int = 0) -> Any:
    """`visit: Annotated[Visit, may(Action.VIEW_CASE, find_case)]` as a parameter of a route."""
    return Depends(Guard(action, find, here, file_bytes))


def anybody_may(action: Action) -> Any:
    """`dependencies=[anybody_may(Action.SIGN_IN)]` of a route."""
    return Depends(OpenToAll(action))


async def _admit(request: Request, asked: Guard) -> Visit:
    desk: Desk = request.app.state.desk
    secret = request.cookies.get(desk.session_cookie, "")
    session = await live_session(desk, secret, here=asked.here)
    reading, here = request.method in _READING, desk.settings.public_url
    sent = SentForm() if reading else await read_own_form(request, here, secret, asked.file_bytes)
    person = await desk.register.find(session.identity)
    if person is None:
        # It was one when the session began, and has left.
        await desk.sessions.end(session.session_id, EndReason.ENDED_BY_PERSON)
        raise TroubleError(Trouble.UNKNOWN_PERSON)
    if person.sessions_from is not None and session.started_at < person.sessions_from:
        await desk.sessions.end(session.session_id, EndReason.ENDED_BY_PERSON)
        raise TroubleError(Trouble.SESSION_ENDED)
    visit = request.state.visit = Visit(person, session, form_token(secret), sent.fields, sent.files)
    now = desk.clock.now()
    access = decide(asked.action, person, session.proof, None, now)
    if access is Access.MISSING:
        target = await asked.find(request, person)
        access = decide(asked.action, person, session.proof, target, now)
    if access is not Access.ALLOWED:
        raise TroubleError(_TROUBLES[access])
    return visit


async def live_session(desk: "Desk", secret: str, *, here: bool) -> Session:
    """The session of this browser.

    Raises:
        TroubleError: there is none, or it has ended.
    """
    session = await desk.sessions.find(secret, here=here) if secret else None
    if session is None:
        raise TroubleError(Trouble.SIGN_IN)
    if session.end_reason is not None:
        signed_out = session.end_reason in {EndReason.SIGNED_OUT, EndReason.SIGNED_IN_AGAIN}
        raise TroubleError(Trouble.SIGN_IN if signed_out else Trouble.SESSION_ENDED)
    return session


async def read_own_form(request: Request, public_url: str, secret: str, file_bytes: int = 0) -> SentForm:
    """What a form of this desk, made for this session, sends; with files of so many bytes, where it may have any.

    Raises:
        TroubleError: it comes from elsewhere, or is not a form of this session.
    """
    if not _is_from_here(request, public_url):
        raise TroubleError(Trouble.FORM_REFUSED)
    with_files = file_bytes > 0 and bodies.media_type_of(request) == MULTIPART
    sent = await _read_files(request, file_bytes) if with_files else SentForm(await read_form(request))
    if not is_form_token(sent.fields.pop(FORM_FIELD, ""), secret):
        raise TroubleError(Trouble.FORM_REFUSED)
    return sent


def _is_from_here(request: Request, public_url: str) -> bool:
    """Browsers say where a request comes from, and pages cannot change that. Who says nothing is no browser of today."""
    site = request.headers.get("sec-fetch-site")
    return site == "same-origin" if site is not None else request.headers.get("origin") == public_url


def typed(form: Mapping[str, str], name: str) -> str:
    """What somebody wrote into a field of a form, without blanks around it, and with the line ends that are kept."""
    return form.get(name, "").replace("\r\n", "\n").strip()


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, of each the last, as they can be kept.

    Raises:
        TroubleError: it is no form, or larger than forms are.
    """
    if bodies.media_type_of(request) != "application/x-www-form-urlencoded":
        raise TroubleError(Trouble.FORM_REFUSED)
    body = await _read_body(request, _FORM_BYTES, _FORM_SECONDS)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FORM_FIELDS, errors="strict")
        return {without_nul(name): without_nul(value) for name, value in fields}
    except ValueError:
        raise TroubleError(Trouble.FORM_REFUSED) from None


async def _read_files(request: Request, file_bytes: int) -> SentForm:
    body = await _read_body(request, _FORM_BYTES + file_bytes, _FILE_SECONDS)
    try:
        # Millions of bytes are taken apart here, while others want their pages.
        return await asyncio.to_thread(take_apart, request.headers["content-type"], body, _FORM_FIELDS)
    except ValueError:
        raise TroubleError(Trouble.FORM_REFUSED) from None


async def _read_body(request: Request, limit: int, seconds: float) -> bytes:
    try:
        return await bodies.read(request, limit, seconds)
    except (bodies.BodyTooLargeError, bodies.BodyTooSlowError):
        raise TroubleError(Trouble.TOO_LARGE) from None
