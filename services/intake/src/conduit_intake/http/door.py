"""What every route works with: the running service, its limits, and transactions on the right side of the sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from conduit_chassis import postgres
from conduit_chassis.outbox import Outbox
from conduit_chassis.runtime import Runtime
from conduit_intake.accounts import Client
from conduit_intake.http.limits import Buckets
from conduit_intake.settings import IntakeSettings

# The sandbox's tables are found before the live ones; what the sandbox has none of, such as the register, is shared.
_LOOK_IN_SANDBOX = "SET LOCAL search_path TO sandbox, public"


class Door:
    """The service as the HTTP API sees it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.settings = cast("IntakeSettings", runtime.settings)
        self.pool = runtime.pool
        rate, burst = self.settings.http_rate_per_second, self.settings.http_burst
        self.requests = Buckets(rate, burst)
        self.token_requests = Buckets(self.settings.token_rate_per_second, self.settings.token_burst)

    def now(self) -> datetime:
        """The present moment."""
        return self.runtime.clock.now()

    @asynccontextmanager
    async def transaction(self, client: Client) -> AsyncIterator[tuple[Any, Outbox]]:
        """A transaction where the client's referrals are. From the sandbox nothing is ever published."""
        if not client.sandbox:
            async with self.runtime.transaction() as live:
                yield live
            return
        async with sandbox(self.runtime) as connection:
            yield connection, self.runtime.outbox()


@asynccontextmanager
async def sandbox(runtime: Runtime) -> AsyncIterator[Any]:
    """A connection in a transaction that sees the sandbox's tables. There is no outbox to it."""
    async with postgres.transaction(runtime.pool) as connection:
        await connection.execute(_LOOK_IN_SANDBOX)
        yield connection


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


TheDoor = Annotated[Door, Depends(_door)]
