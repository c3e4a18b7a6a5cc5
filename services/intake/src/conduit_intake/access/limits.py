"""How often a partner or force may ask: token buckets in this process, and behind them those that all replicas share.

The first ones cost nothing, so that a flood is refused without the database.
"""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from conduit_chassis.postgres import Connection
from conduit_intake.access import rates

MOST_BUCKETS = 10_000


class Buckets:
    """`rate` tokens a second flow into each bucket, which holds `burst`. Buckets longest out of use are forgotten."""

    def __init__(self, rate: float, burst: int, now: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, name: str) -> int:
        """Take a token; returns 0, or after how many seconds there is one where there is none now."""
        now = self._now()
        tokens, since = self._buckets.pop(name, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        short = tokens < 1
        self._buckets[name] = (tokens if short else tokens - 1, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return ceil((1 - tokens) / self._rate) if short else 0


class RateLimit:
    """`rate` requests a second with bursts of `burst`, whichever replica they come to."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._buckets = Buckets(rate, burst)

    async def wait(self, connection: Connection, name: str) -> int:
        """0, or how many seconds to wait."""
        return self.here(name) or await self.everywhere(connection, name)

    def here(self, name: str) -> int:
        """The same, as far as this process knows."""
        return self._buckets.wait(name)

    async def everywhere(self, connection: Connection, name: str) -> int:
        """The same, as all processes together know."""
        return await rates.wait(connection, name, self._rate, self._burst)
