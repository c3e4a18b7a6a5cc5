"""Event streams: one look for all, none for nobody; they end with session and process, and keep nobody signed in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from conduit_chassis.testing import ManualClock
from conduit_web.access import Action, Proof
from conduit_web.people import Identity, Person
from conduit_web.sessions import EndReason, Session, Sessions
from conduit_web.streams import MOST_PER_SESSION, Streams
from conduit_web.tokens import Vouched
from conduit_web.visits import Visit, may
from services.web.tests.browser import SESSION_COOKIE, URL, Browser
from services.web.tests.sample import FINANCE, OFFICER, People
from services.web.tests.serving import serving

ISSUER = "https://login.hub.example"
ANNA, BEN = Identity(ISSUER, "anna"), Identity(ISSUER, "ben")
QUICK = 0.02
IDLE, LONGEST = timedelta(minutes=15), timedelta(hours=8)


class Looks:
    """What is looked at: a number, which a test changes; and how often that was."""

    def __init__(self) -> None:
        self.number, self.times = 0, 0

    async def __call__(self, _connection: Any) -> int:
        self.times += 1
        return self.number


@pytest.fixture
def sessions(pool: Any, clock: ManualClock) -> Sessions:
    return Sessions(pool, clock, idle=IDLE, longest=LONGEST)


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
async def streams(pool: Any, sessions: Sessions, people: People, looks: Looks) -> AsyncIterator[Streams[int]]:
    people.known |= {ANNA: OFFICER, BEN: OFFICER}
    made = Streams(pool, sessions, people, looks, every_seconds=QUICK)
    worker = asyncio.create_task(made.run())
    yield made
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def visit_of(sessions: Sessions, clock: ManualClock, identity: Identity = ANNA, person: Person = OFFICER) -> Visit:
    secret = await sessions.start(Vouched(identity, Proof(second_factor=True, signed_in_at=clock.now()), None), None)
    session = await sessions.find(secret)
    assert isinstance(session, Session)
    return Visit(person, session, secret)


class Listening:
    """Somebody at a page, who notes what it is told."""

    def __init__(self, streams: Streams[int], visit: Visit) -> None:
        self.told: list[int | None] = []
        self.task = asyncio.create_task(self._listen(streams, visit))

    async def _listen(self, streams: Streams[int], visit: Visit) -> None:
        async for each in streams.listen(visit, Action.LIST_CASES):
            self.told.append(each)


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come about"
        await asyncio.sleep(0.005)


async def test_everybody_is_told_by_one_look_and_again_only_when_it_is_another(
    streams: Streams[int], sessions: Sessions, clock: ManualClock, looks: Looks
) -> None:
    anna, ben = await visit_of(sessions, clock), await visit_of(sessions, clock, BEN)
    here = [Listening(streams, anna), Listening(streams, ben), Listening(streams, ben)]
    await until(lambda: all(each.told == [0] for each in here))
    before = looks.times
    await until(lambda: looks.times >= before + 5)
    assert all(each.told == [0] for each in here)
    looks.number = 3
    await until(lambda: all(each.told == [0, 3] for each in here))
    for each in here:
        each.task.cancel()


async def test_nothing_is_looked_at_while_nobody_listens(
    streams: Streams[int], sessions: Sessions, clock: ManualClock, looks: Looks
) -> None:
    await asyncio.sleep(5 * QUICK)
    assert looks.times == 0
    anna = Listening(streams, await visit_of(sessions, clock))
    await until(lambda: anna.told == [0])
    anna.task.cancel()
    await asyncio.sleep(2 * QUICK)
    after = looks.times
    await asyncio.sleep(5 * QUICK)
    assert looks.times == after
    looks.number = 7
    again = Listening(streams, await visit_of(sessions, clock))
    await until(lambda: again.told == [7])
    again.task.cancel()


async def idle(sessions: Sessions, clock: ManualClock, _people: People, _visit: Visit) -> None:
    del sessions
    clock.advance(IDLE)


async def signed_out(sessions: Sessions, _clock: ManualClock, _people: People, visit: Visit) -> None:
    await sessions.end(visit.session.session_id, EndReason.SIGNED_OUT)


async def left(_sessions: Sessions, _clock: ManualClock, people: People, _visit: Visit) -> None:
    del people.known[ANNA]


async def role_taken(_sessions: Sessions, _clock: ManualClock, people: People, _visit: Visit) -> None:
    people.known[ANNA] = FINANCE


async def sessions_ended(_sessions: Sessions, clock: ManualClock, people: People, _visit: Visit) -> None:
    people.known[ANNA] = Person("o-1", OFFICER.roles, sessions_from=clock.now() + timedelta(seconds=1))


@pytest.mark.parametrize("over", [idle, signed_out, left, role_taken, sessions_ended], ids=lambda each: each.__name__)
async def test_a_stream_keeps_nobody_signed_in_and_ends_for_good_with_the_session_or_the_role(
    streams: Streams[int],
    sessions: Sessions,
    clock: ManualClock,
    people: People,
    over: Callable[[Sessions, ManualClock, People, Visit], Awaitable[None]],
) -> None:
    visit = await visit_of(sessions, clock)
    anna = Listening(streams, visit)
    await until(lambda: anna.told == [0])
    clock.advance(IDLE - timedelta(seconds=1))
    await asyncio.sleep(5 * QUICK)
    assert not anna.task.done()
    found = await sessions.by_id(visit.session.session_id)
    assert found is not None
    assert found.seen_at == visit.session.seen_at
    await over(sessions, clock, people, visit)
    await until(anna.task.done)
    assert anna.told == [0, None]


async def test_of_one_session_only_so_many_listen_and_the_oldest_is_told_not_to_come_back(
    streams: Streams[int], sessions: Sessions, clock: ManualClock
) -> None:
    visit = await visit_of(sessions, clock)
    pages = []
    for _ in range(MOST_PER_SESSION):
        pages.append(Listening(streams, visit))
        await until(lambda: pages[-1].told == [0])
    pages.append(Listening(streams, visit))
    await until(pages[0].task.done)
    assert pages[0].told == [0, None]
    assert not any(each.task.done() for each in pages[1:])
    for each in pages[1:]:
        each.task.cancel()


async def test_a_look_that_fails_ends_the_streams_and_browsers_come_back_to_the_next(
    pool: Any, sessions: Sessions, people: People, clock: ManualClock
) -> None:
    async def broken(_connection: Any) -> int:
        raise ConnectionError

    people.known[ANNA] = OFFICER
    streams = Streams(pool, sessions, people, broken, every_seconds=QUICK)
    worker = asyncio.create_task(streams.run())
    anna = Listening(streams, await visit_of(sessions, clock))
    await until(anna.task.done)
    assert anna.told == [], "no word that it is over: the browser tries again"
    with pytest.raises(ConnectionError):
        await worker


events = APIRouter()


@events.get("/events", response_class=EventSourceResponse)
async def tell(
    request: Request, visit: Annotated[Visit, may(Action.LIST_CASES, here=False)]
) -> AsyncIterator[ServerSentEvent]:
    async for each in request.app.state.desk.streams.listen(visit, Action.LIST_CASES):
        yield ServerSentEvent(raw_data=str(each))


async def test_a_process_stops_at_once_however_many_pages_listen(
    make_desk: Callable[..., Any], streams: Streams[int], sessions: Sessions, clock: ManualClock
) -> None:
    """In the order in which a service stops: it listens to nobody new, then its workers end."""
    app = make_desk({"name": "hub", "label": "The hub", "issuer": ISSUER, "client_id": "console"}, routes=events)
    _desk_of(app).streams = streams
    visit = await visit_of(sessions, clock)
    headers = {"Cookie": f"{SESSION_COOKIE}={visit.form_token}", "Accept": "text/event-stream"}
    worker = asyncio.create_task(streams.run())
    async with (
        serving(app) as running,
        httpx.AsyncClient(trust_env=False, timeout=30) as client,
        client.stream("GET", f"{running.url}/events", headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.aiter_lines()
        assert await anext(lines) == "data: 0"
        began = time.monotonic()
        running.server.should_exit = True
        worker.cancel()
        await running.task
        assert time.monotonic() - began < 5, "no stream holds a process that is to stop"
        assert [line async for line in lines] == [""]


def _desk_of(app: Any) -> Any:
    return app._app.state.desk


async def test_a_stream_without_a_session_is_not_sent_to_sign_in_but_told_to_stop(
    make_desk: Callable[..., Any], abroad: httpx.AsyncClient
) -> None:
    about = {"name": "hub", "label": "The hub", "issuer": ISSUER, "client_id": "console"}
    browser = Browser(make_desk(about, routes=events), abroad)
    plain = await browser.get("/events")
    assert (plain.status_code, plain.headers["location"].partition("?")[0]) == (303, "/sign-in")
    answer = await browser.desk.get(f"{URL}/events", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.content) == (204, b"")
