"""Whether reading works. A poll that brings nothing says nothing of that: only a broker's answer to a fetch does."""

from math import inf
from time import monotonic
from typing import Any

from conduit_chassis.errors import class_name
from conduit_chassis.health import Health

SETTLED_SECONDS = 5.0
"""For how long reading must have gone well before it is said to work."""
SILENT_SECONDS = 10.0
"""Without an answer to a fetch for so long, nobody answers: a broker that has nothing says so within a second."""


class Readiness:
    """What the service's health is told of one consumer."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._joined = False
        self._failed_at = -inf
        self._brought_at = monotonic()

    def polled(self, consumer: Any, *, brought: bool) -> None:
        """A poll ended, with records or without."""
        now, answered_at, assigned = monotonic(), consumer.fetching.answered_at or -inf, consumer.assignment()
        if brought:
            self._brought_at = now
        heard_at = max(answered_at, self._brought_at)
        if assigned and now - heard_at > SILENT_SECONDS:
            self._health.failing("fetch", "no answer")
        elif now - self._failed_at > SETTLED_SECONDS and (heard_at > self._failed_at or not assigned):
            self._health.recovered("fetch")
        # The first assignment may be empty, as topics are not known yet; one that stays empty leaves nothing to wait for.
        nothing_to_read = self._joined and not assigned and now - self._brought_at > SETTLED_SECONDS
        if answered_at > -inf or nothing_to_read:
            self._health.started("consumer")

    def failed(self, error: Exception) -> None:
        """A poll failed."""
        self._failed_at = monotonic()
        self._health.failing("fetch", class_name(error))

    def revoked(self) -> None:
        """Partitions move."""
        self._health.failing("rebalance", "waiting for partitions")

    def assigned(self) -> None:
        """Partitions have come."""
        self._joined = True
        self._brought_at = monotonic()
        self._health.recovered("rebalance")
