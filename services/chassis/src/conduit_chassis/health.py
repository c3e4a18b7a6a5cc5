"""What liveness and readiness answer, from what the parts of the service report."""

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import NamedTuple

from conduit_chassis import metrics


class ReadToEnd(NamedTuple):
    """Which partitions had nothing left to read at a moment of the monotonic clock, as topic and number."""

    at: float
    partitions: frozenset[tuple[str, int]]


class Health:
    """Collects the state of the parts. Everything here is in-process and immediate."""

    def __init__(
        self, *, stall_seconds: float = 30.0, dead_seconds: float = 300.0, now: Callable[[], float] = monotonic
    ) -> None:
        self._stall = stall_seconds
        self._dead = dead_seconds
        self._now = now
        self._failing: dict[str, tuple[float, str]] = {}
        self._waiting_since: float | None = None
        self._missing = {"database", "consumer"}
        self._fatal: str | None = None
        self.draining = False
        self.followed: ReadToEnd | None = None
        """As the consumer found when it last looked; None before that."""

    def started(self, part: str) -> None:
        """A part is up."""
        self._missing.discard(part)

    def failing(self, part: str, why: str) -> None:
        """A part fails. It matters once it has for a while."""
        since, _ = self._failing.get(part, (self._now(), why))
        self._failing[part] = (since, why)

    def down(self, part: str, why: str) -> None:
        """A part without which nothing works does not answer. It matters at once."""
        self._failing[part] = (-inf, why)

    def recovered(self, part: str) -> None:
        """A part works."""
        self._failing.pop(part, None)

    def progressed(self) -> None:
        """Records were handled."""
        if self._waiting_since is not None:
            self._waiting_since = self._now()

    def lag(self, records: int) -> None:
        """So many records wait."""
        if records == 0:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._now()

    def now(self) -> float:
        """The monotonic clock by which all of it is told."""
        return self._now()

    def fatal(self, why: str) -> None:
        """The service stops."""
        self._fatal = why

    def not_ready(self) -> list[str]:
        """Why the service is not ready; nothing where it is."""
        reasons = [f"starting: {part}" for part in sorted(self._missing)]
        reasons += [f"stopped: {self._fatal}"] if self._fatal else []
        reasons += ["draining"] if self.draining else []
        reasons += [
            f"failing: {part}: {why}" for part, (since, why) in self._failing.items() if self._passed(since, self._stall)
        ]
        reasons += ["records wait without progress"] if self._passed(self._waiting_since, self._stall) else []
        metrics.READY.set(not reasons)
        return reasons

    def not_alive(self) -> list[str]:
        """Why the process should be restarted: it makes no progress although PostgreSQL and Kafka answer."""
        if self._fatal:
            return [f"stopped: {self._fatal}"]
        stuck = self._passed(self._waiting_since, self._dead) and "batch" not in self._failing
        return ["records wait without progress and nothing fails"] if stuck and not self.draining else []

    def _passed(self, since: float | None, seconds: float) -> bool:
        return since is not None and self._now() - since >= seconds
