"""How much a tick takes at once, where something of what waits may take longer than a time limit lets it.

While it is among others, nobody knows which it is. So the next piece is half as large, until what takes too long is alone.
Alone it is put aside as a record from Kafka is: after a few times, and only while the database answers.
"""

from collections.abc import Hashable, Sequence
from math import inf

from conduit_chassis import postgres
from conduit_chassis.errors import DOUBTFUL_ATTEMPTS, FailureCause, classify
from conduit_chassis.postgres import Pool


class Pieces:
    """Of one tick in one process."""

    def __init__(self) -> None:
        self._most = inf
        self._doubts: dict[Hashable, int] = {}
        """How often what was alone took too long."""

    def most(self, limit: int) -> int:
        """How many to take now, of at most so many."""
        return int(min(self._most, limit))

    async def gives_up(self, error: BaseException, piece: Sequence[Hashable], pool: Pool) -> bool:
        """Whether the piece, which failed so, is to be put aside instead of being tried again."""
        if classify(error) is not FailureCause.DOUBTFUL or not await postgres.answers(pool):
            return False
        if len(piece) > 1:
            self._most = len(piece) // 2
            return False
        (alone,) = piece
        self._doubts[alone] = self._doubts.get(alone, 0) + 1
        return self._doubts[alone] >= DOUBTFUL_ATTEMPTS

    def done(self, piece: Sequence[Hashable]) -> None:
        """The piece is dealt with; the next may be larger again."""
        self._most *= 2
        for each in piece:
            self._doubts.pop(each, None)
