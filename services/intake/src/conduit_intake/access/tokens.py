"""A bearer token for a client's secret.

Every wrong pair is the same error, whether the client exists or not, and takes nothing from who shows the right one.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from conduit_intake import metrics
from conduit_intake.access import accounts
from conduit_intake.access.credentials import SALT_BYTES, hash_secret, hash_token, matching, new_token, quick_hash
from conduit_intake.access.limits import Buckets, RateLimit

WARN_SECONDS = 60.0
"""A client that is shown wrong secrets again and again is logged once in this time."""
_NOBODYS_SALT = bytes(SALT_BYTES)
# The slow hash takes memory and a processor: what waits here costs nothing.
_hashing = asyncio.Semaphore(2)
_log = structlog.get_logger()


class Shown(NamedTuple):
    """What a client shows."""

    client_id: str
    secret: str


class Issued(NamedTuple):
    """A token, for how many seconds it lasts, and the client's scope."""

    token: str
    seconds: int
    scope: str


class NotAClientError(Exception):
    """There is no client with this id and a live secret like this."""


class OtherScopeError(Exception):
    """The client has another scope than the one that it asks for."""


class TooOftenError(Exception):
    """So many seconds must pass before the next request."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


class Tokens:
    """Issues tokens. `rate` a second with bursts of `burst`, per client; and the same again for wrong secrets."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[Any]],
        now: Callable[[], datetime],
        lasting: int,
        rate: float,
        burst: int,
    ) -> None:
        self._connect = connect
        self._now = now
        self._seconds = lasting
        self._limit = RateLimit(rate, burst)
        # Apart, so that who shows wrong secrets takes nothing from who shows the right one.
        self._wrong = Buckets(rate, burst)
        self._warnings = Buckets(1 / WARN_SECONDS, 1)

    async def issue(self, shown: Shown, scope: str | None) -> Issued:
        """A new token for the client; of this scope, where one is asked for.

        Raises:
            NotAClientError: the pair is wrong.
            TooOftenError: tokens are asked for, or wrong secrets shown, too fast.
            OtherScopeError: the client has another scope.
        """
        async with self._connect() as connection:
            known = await accounts.secrets(connection, shown.client_id, self._now())
        secret_id = await self._matching(shown, known)
        if known is None or secret_id is None:
            raise NotAClientError
        _wait(self._limit.here(shown.client_id))
        async with self._connect() as connection:
            _wait(await self._limit.everywhere(connection, f"granted {shown.client_id}"))
        if scope and scope != known.scope:
            raise OtherScopeError
        token = new_token()
        async with self._connect() as connection:
            expires_at = self._now() + timedelta(seconds=self._seconds)
            await accounts.issue(connection, hash_token(token), secret_id, expires_at)
        return Issued(token, self._seconds, known.scope)

    async def _matching(self, shown: Shown, known: accounts.Secrets | None) -> str | None:
        """The id of the secret; None where it is none of the client's."""
        quick = quick_hash(shown.secret, known.salt if known else _NOBODYS_SALT)
        secret_id = matching(quick, known.quick) if known else None
        if secret_id is None:
            self._slow_down(shown.client_id, known=known is not None)
            secret_id = await self._of_the_release_before(shown.secret, known, quick)
        return secret_id

    def _slow_down(self, client_id: str, *, known: bool) -> None:
        """Raises TooOftenError where wrong secrets come too fast for this client id. What they spend is theirs alone."""
        seconds = self._wrong.wait(client_id)
        if not seconds:
            return
        metrics.TOKENS.labels("throttled").inc()
        # What is nobody's id may be anything, somebody's name included.
        if known and not self._warnings.wait(client_id):
            _log.warning("wrong_secrets", client_id=client_id)
        raise TooOftenError(seconds)

    async def _of_the_release_before(self, secret: str, known: accounts.Secrets | None, quick: bytes) -> str | None:
        """The secret's id, where it is one that has a slow hash alone. From now on it has a quick one too."""
        if known is None or not known.slow:
            return None
        async with _hashing:
            digest = await asyncio.to_thread(hash_secret, secret, known.salt)
        secret_id = matching(digest, known.slow)
        if secret_id is not None:
            async with self._connect() as connection:
                await accounts.learn(connection, secret_id, quick)
        return secret_id


def _wait(seconds: int) -> None:
    if seconds:
        raise TooOftenError(seconds)
