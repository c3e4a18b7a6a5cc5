"""Looks for every way that a referral may go, as far as states are concerned: all that may be said is said everywhere.

Situations that differ in nothing that states depend on are one. That takes minutes, so what is kept of it are tours: the
shortest ways that show every move that was found.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from conduit_generate.states import late, sayings
from conduit_generate.states.sayings import FIRST, SECOND, Saying
from conduit_generate.states.tours import BEGINNINGS, SILENCE, Tour, begin, go_on
from conduit_generate.states.world import Move, World


class Reached(NamedTuple):
    """Where a tour led, what moved at its last step, and whether nothing led there before."""

    tour: Tour
    world: World
    is_new: bool


def tours() -> list[Tour]:
    """As few short ones as show all moves, those of facts that are read late among them."""
    shortest: dict[Move, Tour] = {}
    with ProcessPoolExecutor(len(BEGINNINGS)) as pool:
        for found in pool.map(shortest_after, BEGINNINGS):
            for move, tour in found.items():
                if move not in shortest or len(tour.said) < len(shortest[move].said):
                    shortest[move] = tour
    return _without_beginnings_of_others(shortest.values())


def shortest_after(name: str) -> dict[Move, Tour]:
    """By move, the first tour from this beginning that shows it. None is shorter."""
    shortest: dict[Move, Tour] = {}
    heard: set[tuple[tuple[str, str], ...]] = set()
    for reached in explore(name, said_after(name)):
        moves = [*reached.world.moves]
        told = tuple((fact.producer, fact.cause) for fact in reached.world.heard)
        if reached.is_new and told not in heard:
            heard.add(told)
            moves += late.moves(reached.world.heard)
        for move in moves:
            shortest.setdefault(move, reached.tour)
    return shortest


def as_text(found: Iterable[Tour]) -> str:
    """The tours as they are kept."""
    return "[\n" + ",\n".join(json.dumps([tour.begins, *tour.said]) for tour in found) + "\n]\n"


def said_after(name: str) -> list[Saying]:
    """One force where people at the hub decide much, and two where forces do."""
    one, both = (FIRST,), (FIRST, SECOND)
    if name in {"reviewed", "in danger", "in danger, no place"}:
        hub = [*sayings.by_the_partner(), *sayings.by_officers()]
        return [*hub, *sayings.by_routing_officers(forces=one), *sayings.by_forces(forces=one)]
    return [*sayings.by_the_partner(), *sayings.by_routing_officers(forces=both), *sayings.by_forces(forces=both)]


def explore(name: str, said: Iterable[Saying]) -> Iterator[Reached]:
    """Say everything in each situation that can be reached, and let time pass in each."""
    first = Reached(Tour(name, ()), begin(name), is_new=True)
    yield first
    names = [*(saying.name for saying in said), SILENCE]
    known, waiting = {situation(first.world)}, deque([first])
    while waiting:
        here = waiting.popleft()
        for each in names:
            world = go_on(here.world.apart(), each)
            key = situation(world)
            there = Reached(Tour(name, (*here.tour.said, each)), world, key not in known)
            yield there
            if there.is_new:
                known.add(key)
                waiting.append(there)


def situation(world: World) -> Hashable:
    """What states depend on. What else is known of a referral changes only what is said to whom."""
    assessment, case = world.assessment, world.case
    looked = (assessment.declined_by is None, assessment.danger_raised) if assessment else ()
    routed = (
        (
            case.provisional,
            case.home_force is None,
            frozenset(mark for _, mark in case.marks),
            tuple(sorted(held.state for held in case.handoffs.values())),
            case.home_is_asked_for,
        )
        if case
        else ()
    )
    states = world.states()
    return looked, routed, states["review"].get(""), states["case"].get(""), states["referral"].get("")


def _without_beginnings_of_others(found: Iterable[Tour]) -> list[Tour]:
    distinct = set(found)
    covered = {Tour(tour.begins, tour.said[:length]) for tour in distinct for length in range(len(tour.said))}
    return sorted(distinct - covered)
