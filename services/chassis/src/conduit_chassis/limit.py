"""How many dead letters are too many."""

from collections import Counter, deque
from collections.abc import Sequence

from conduit_chassis.errors import TooManyDeadLettersError


class Limit:
    """Counts dead letters among the last records, to tell one bad record from a fault of ours.

    A partner, a force or the officers count for at most a fifth of the limit, so that none of them alone can stop the
    service.
    """

    def __init__(self, limit: int, window: int) -> None:
        self._limit = limit
        self.window = window
        self._share = max(1, limit // 5)
        self._recent: deque[str | None] = deque(maxlen=window)

    def remember(self, principals: Sequence[str]) -> None:
        """Begin with the dead letters that a run before this one left: starting again must not begin a new count."""
        self._recent.extend(principals)

    def passed(self, records: int) -> None:
        """Note records that did not fail."""
        self._recent.extend([None] * min(records, self._recent.maxlen or 0))

    def failed(self, principal: str) -> None:
        """Note a record that failed, and whose doing it is: "" where it is ours.

        Raises:
            TooManyDeadLettersError: the limit is reached.
        """
        self._recent.append(principal)
        failures = Counter(who for who in self._recent if who is not None)
        counted = sum(min(count, self._share) if who else count for who, count in failures.items())
        if counted >= self._limit:
            raise TooManyDeadLettersError(f"{counted} dead letters within the last {self._recent.maxlen} records")
