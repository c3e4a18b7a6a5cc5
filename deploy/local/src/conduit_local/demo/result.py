"""How a run of the samples goes, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from conduit_local.demo.observations import Outcome
from conduit_local.demo.samples import Sample


@dataclass(frozen=True)
class Interruption:
    """Something done to the stack in mid-run: `do` is called, in a thread, once so many records were seen on a topic."""

    on: str
    """As in `Seen.on`, for example `routing.cases`."""
    after: int
    do: Callable[[], None]


@dataclass(frozen=True)
class Row:
    """What came of one sample."""

    sample: Sample
    outcome: Outcome
    differences: list[str]


@dataclass(frozen=True)
class Result:
    """What came of a run. `problems` are about the run as a whole."""

    rows: list[Row]
    problems: list[str]
    seconds: float
    seen: Counter[str]

    @property
    def as_expected(self) -> bool:
        """Whether every sample, and the run, came to what was expected."""
        return not self.complaints

    @property
    def complaints(self) -> list[str]:
        """Every difference from what was expected, and every problem of the run, in words."""
        about = [
            f"{row.sample.number} {row.sample.name}: {difference}" for row in self.rows for difference in row.differences
        ]
        return about + self.problems


@dataclass(frozen=True)
class Options:
    """How a run goes. `name` makes references unique on a stack that sees several runs."""

    name: str = "DEMO"
    pace_seconds: float = 0.0
    """Between one partner's first record and the next one's."""
    patience_seconds: float = 240.0
    """The last resort: a run in which nothing moves ends long before."""
    notice_seconds: float = 15.0
    """So long no e-mail may come before what is missing counts as missing."""
    interruptions: Sequence[Interruption] = ()
    show: Callable[[dict[str, Outcome]], None] = field(default=lambda _: None)
