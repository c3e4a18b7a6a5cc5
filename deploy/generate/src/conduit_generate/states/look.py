"""Looks for moves that no tour shows yet, by walking at random: what shows one is kept as a tour, without needless steps.

A walk says anything at any time, so it also says much that does not fit. Five hundred walks take some ten seconds of CPU.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from random import Random

from conduit_generate.states import sayings, tours
from conduit_generate.states.tours import BEGINNINGS, SILENCE, Tour
from conduit_generate.states.world import Move

LONGEST = 12
WALKS = 500


def further(kept: Iterable[Tour], walks: int = WALKS, seed: int = 0) -> list[Tour]:
    """The tours, with those that so many walks add."""
    found = list(kept)
    known = set(tours.shown(found))
    for tour in _walks(walks, seed):
        new = tours.shown([tour]) - known
        if new:
            short = _shortened(tour, new)
            known |= tours.shown([short])
            found.append(short)
    return sorted(found)


def as_text(found: Iterable[Tour]) -> str:
    """The tours as they are kept."""
    return "[\n" + ",\n".join(json.dumps([tour.begins, *tour.said]) for tour in found) + "\n]\n"


def _walks(walks: int, seed: int) -> Iterator[Tour]:
    random = Random(seed)  # noqa: S311 - no secret
    names, beginnings = [*sayings.by_name(), SILENCE], list(BEGINNINGS)
    for _ in range(walks):
        said = (random.choice(names) for _ in range(random.randint(1, LONGEST)))
        yield Tour(random.choice(beginnings), tuple(said))


def _shortened(tour: Tour, new: frozenset[Move]) -> Tour:
    """Without every step that is not needed to show what is new."""
    place = 0
    while place < len(tour.said):
        shorter = tour._replace(said=tour.said[:place] + tour.said[place + 1 :])
        if new <= tours.shown([shorter]):
            tour, place = shorter, 0  # what was needed before may be needed no more
        else:
            place += 1
    return tour
