"""For how long records gather before they are fetched: only as far as the process is busy. Pure.

A batch costs much for itself and little for each record. So while batches are short, the next one is fetched `times` as long
after the last one was as that one took. A process then spends no more than one part in so many on small batches, and
batches grow as it has more to do: because more comes, or because the machine, the database or the disk is slow, all of which
the time of a batch shows alike. Nobody waits beyond `most`: by then batches are large by themselves.
"""

from dataclasses import dataclass
from math import inf


@dataclass(slots=True)
class Gathering:
    """What one consumer's fetches wait for."""

    most: float
    """Seconds."""
    times: float
    took: float = 0.0
    """Seconds that the last batch took."""

    def handled(self, seconds: float) -> None:
        """A batch took so long."""
        self.took = seconds

    def seconds(self) -> float:
        """From the moment when a fetch brought records to the next fetch."""
        return self.most if self.times == inf else min(self.most, self.times * self.took)
