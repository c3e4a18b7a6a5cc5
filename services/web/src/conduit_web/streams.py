"""Event streams of a desk: a page is told that there is something new, and nothing moves under its reader.

One look a second serves every stream of a process, and there is none while nobody listens. A stream keeps no session alive,
and ends with it: who is signed out, or has left the register, is told nothing more. It holds no connection to the database.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from conduit_chassis.postgres import Connection, Pool, connection
from conduit_web.access import Action, reaches_of
from conduit_web.people import PeopleRegister
from conduit_web.sessions import Session, Sessions
from conduit_web.troubles import TroubleError
from conduit_web.visits import Visit

EVERY_SECONDS = 1.0
MOST_PER_SESSION = 3
"""Browsers open few connections to one host, and a stream holds one. Whoever comes next ends the oldest."""

Fact = TypeVar("Fact")


@dataclass(slots=True, eq=False)
class _Listener:
    session: Session
    action: Action
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    for_good: bool = False
    """Whether the browser is not to come back with it."""

    async def is_told(self) -> bool:
        """Waits for its turn; False where there is none any more."""
        if not self.ended:
            await self.turn.wait()
            self.turn.clear()
        return not self.ended

    def end(self, *, for_good: bool) -> None:
        self.ended, self.for_good = True, for_good
        self.turn.set()


class Streams(Generic[Fact]):
    """The streams of a process. `run` is a worker, which must run beside whatever listens."""

    def __init__(
        self,
        pool: Pool,
        sessions: Sessions,
        register: PeopleRegister,
        look: Callable[[Connection], Awaitable[Fact]],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        """`look` is the one look for all: it must not depend on who listens."""
        self._pool, self._sessions, self._register, self._look = pool, sessions, register, look
        self._every = every_seconds
        self._listeners: list[_Listener] = []
        self._somebody = asyncio.Event()
        self._newest: tuple[Fact] | None = None
        self._over = False

    async def run(self) -> None:
        """Look while somebody listens. When it is cancelled all streams end, and browsers find another process."""
        try:
            while True:
                await self._somebody.wait()
                await self._look_for_all()
                await asyncio.sleep(self._every)
        except asyncio.CancelledError:
            self._over = True
            raise
        finally:
            for listener in tuple(self._listeners):
                listener.end(for_good=False)

    async def listen(self, visit: Visit, action: Action) -> AsyncGenerator[Fact | None, None]:
        """What is looked at, each time that it is another than before. None says that the session, or the person's leave to
        do this, is over: the browser is not to come back."""
        listener = self._join(_Listener(visit.session, action))
        try:
            while await listener.is_told():
                if self._newest is not None:
                    yield self._newest[0]
            if listener.for_good:
                yield None
        finally:
            self._leave(listener)

    def _join(self, listener: _Listener) -> _Listener:
        mine = [each for each in self._listeners if each.session.session_id == listener.session.session_id]
        for oldest in mine[: max(0, len(mine) + 1 - MOST_PER_SESSION)]:
            oldest.end(for_good=True)
        self._listeners.append(listener)
        if self._newest is not None:
            listener.turn.set()
        if self._over:
            listener.end(for_good=False)
        self._somebody.set()
        return listener

    def _leave(self, listener: _Listener) -> None:
        with suppress(ValueError):
            self._listeners.remove(listener)
        if not self._listeners:
            self._somebody.clear()
            self._newest = None

    async def _look_for_all(self) -> None:
        async with connection(self._pool) as found:
            newest = (await self._look(found),)
        await self._end_what_is_over()
        if newest != self._newest:
            self._newest = newest
            for listener in tuple(self._listeners):
                listener.turn.set()

    async def _end_what_is_over(self) -> None:
        listeners = tuple(self._listeners)
        live = await self._sessions.live_among({each.session.session_id for each in listeners})
        for listener in listeners:
            if listener.session.session_id not in live or not await self._may_still(listener):
                listener.end(for_good=True)

    async def _may_still(self, listener: _Listener) -> bool:
        try:
            person = await self._register.find(listener.session.identity)
        except TroubleError:  # it is not known who is who: nobody is told anything
            return False
        if person is None or not reaches_of(listener.action, person):
            return False
        return person.sessions_from is None or listener.session.started_at >= person.sessions_from
