"""Token buckets, one per partner, in this process: with n replicas a partner gets n times the rate. The first guard only."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

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
