"""Simulated partners: they send what a sample says, the next record once they have been told what it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conduit_local.demo.observations import Outcome
from conduit_local.demo.records import Wire, partner_record
from conduit_local.demo.samples import Sample


class Partners:
    """Ask it what is to be sent, at first and after each update."""

    def __init__(self, samples: Mapping[str, Sample], run: str) -> None:
        self._samples, self._run = samples, run
        self._next = dict.fromkeys(samples, 0)
        self._last: dict[str, Wire] = {}

    def due(self, number: str, outcome: Outcome) -> Iterator[Wire]:
        """The records that a sample's partner sends now, given what it has been told so far."""
        steps = self._samples[number].case.steps
        while (index := self._next[number]) < len(steps):
            step = steps[index]
            if step.after is not None and not outcome.told[step.after]:
                return
            self._next[number] += 1
            yield self._record(number, index)

    @property
    def waiting(self) -> int:
        """How many records are still to be sent."""
        return sum(len(sample.case.steps) - self._next[number] for number, sample in self._samples.items())

    def _record(self, number: str, index: int) -> Wire:
        sample = self._samples[number]
        if sample.case.steps[index].send != "the same record":
            self._last[number] = partner_record(sample, index, self._run)
        return self._last[number]
