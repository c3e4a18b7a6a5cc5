"""What every route works with: the running service, its limits, and transactions on the right side of the sandbox."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from conduit_chassis import postgres
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_intake.access.accounts import Client
from conduit_intake.access.limits import RateLimit
from conduit_intake.access.tokens import Tokens
from conduit_intake.api.refusals import Refused
from conduit_intake.sandbox import in_sandbox
from conduit_intake.settings import IntakeSettings

QUEUE_SECONDS = 2.0
KEPT_FREE = 3
FOR_STRANGERS = 2
"""Of those kept free, what is taken at most to look who says danger, where nobody looked before."""
UPLOADS_AT_ONCE = 4
"""Of one partner: each is held in memory."""


class Door:
    """The service as the HTTP API sees it.

    Requests never take the whole pool: records from Kafka that cannot have a connection for long are put aside as if they
    were to blame. So `KEPT_FREE` connections are left to them and to ticks, and a request that waits too long is refused.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.settings = cast("IntakeSettings", runtime.settings)
        self._turns = asyncio.Semaphore(max(1, self.settings.pool_size - KEPT_FREE))
        self._strangers = asyncio.Semaphore(FOR_STRANGERS)
        self._uploads: Counter[str] = Counter()
        settings = self.settings
        self.requests = RateLimit(settings.http_rate_per_second, settings.http_burst)
        pace = settings.token_rate_per_second, settings.token_burst
        self.tokens = Tokens(self.connection, self.now, settings.token_seconds, *pace)

    def now(self) -> datetime:
        """The present moment."""
        return self.runtime.clock.now()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection, for a single statement about clients and tokens.

        Raises:
            Refused: too many requests wait for one.
        """
        async with self._turn(), postgres.connection(self.runtime.pool) as connection:
            yield connection

    @contextmanager
    def upload(self, client: Client) -> Iterator[None]:
        """While a file is taken in.

        Raises:
            Refused: the partner sends too many at once.
        """
        if self._uploads[client.partner_id] >= UPLOADS_AT_ONCE:
            raise Refused("rate_exceeded", headers={"Retry-After": "1"})
        self._uploads[client.partner_id] += 1
        try:
            yield
        finally:
            self._uploads[client.partner_id] -= 1

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Refused("unavailable", headers={"Retry-After": "1"}) from None
        try:
            yield
        finally:
            self._turns.release()

    @asynccontextmanager
    async def transaction(self, client: Client) -> AsyncIterator[tuple[Connection, Outbox]]:
        """A transaction where the client's referrals are. From the sandbox nothing goes where live referrals do.

        Raises:
            Refused: too many requests wait for one.
        """
        async with self._turn(), self._side(client) as entered:
            yield entered

    @asynccontextmanager
    async def for_strangers(self) -> AsyncIterator[tuple[Connection, Outbox]]:
        """A transaction to find out who says danger, and to tell the hub in. It waits for no request's turn."""
        async with self._strangers, self.runtime.transaction() as entered:
            yield entered

    def _side(self, client: Client) -> AbstractAsyncContextManager[tuple[Connection, Outbox]]:
        return in_sandbox(self.runtime) if client.sandbox else self.runtime.transaction()


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


TheDoor = Annotated[Door, Depends(_door)]
