"""Ways of a referral, each a beginning and what is said after it: run through the services, they show every move there is.

They were found by saying everything in every situation once, and by walking at random since then
(`python -m conduit_generate.states look`). They are kept in `tours.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from conduit_contracts.envelope import Message
from conduit_generate.states import late
from conduit_generate.states.sayings import FIRST, Saying, by_name, received
from conduit_generate.states.world import Move, World

FILE = Path(__file__).with_name("tours.json")
SILENCE = "nobody says anything"
BEGINNINGS: Mapping[str, Message] = MappingProxyType(
    {
        "reviewed": received(complex_=False, danger=False, places=(FIRST,)),
        "in danger": received(complex_=False, danger=True, places=(FIRST,)),
        "accepted": received(complex_=True, danger=False, places=(FIRST,)),
        "accepted in danger": received(complex_=True, danger=True, places=(FIRST,)),
        "in danger, no place": received(complex_=False, danger=True, places=()),
        "no place": received(complex_=True, danger=False, places=()),
    }
)
"""What rules accept, what an officer must decide, danger, and a case that no place leads anywhere."""


class Tour(NamedTuple):
    """A beginning, and the names of what is said after it."""

    begins: str
    said: tuple[str, ...]


def kept(file: Path = FILE) -> list[Tour]:
    """The tours that were found."""
    return [Tour(begins, tuple(said)) for begins, *said in json.loads(file.read_text(encoding="utf-8"))]


@cache
def moves() -> frozenset[Move]:
    """Every move that the services make on these tours, as things happen."""
    return frozenset(move for world in _worlds() for move in world.moves)


@cache
def late_moves() -> frozenset[Move]:
    """What a partner may see beside that, where facts are read in another order than they happened in."""
    return _late(_worlds()) - moves()


def shown(found: Iterable[Tour]) -> frozenset[Move]:
    """All of both that these tours show."""
    worlds = [run(tour) for tour in found]
    return frozenset(move for world in worlds for move in world.moves) | _late(worlds)


@cache
def _worlds() -> tuple[World, ...]:
    """Where each tour leads, with all that moved on the way."""
    return tuple(run(tour) for tour in kept())


def _late(worlds: Iterable[World]) -> frozenset[Move]:
    heard = {tuple((fact.producer, fact.cause) for fact in world.heard): world.heard for world in worlds}
    return frozenset(move for facts in heard.values() for move in late.moves(facts))


def run(tour: Tour) -> World:
    """The world after a tour."""
    world = begin(tour.begins)
    for each in tour.said:
        go_on(world, each)
    return world


def begin(name: str) -> World:
    """Where a beginning leads."""
    world = World()
    world.say(BEGINNINGS[name])
    return world


def go_on(world: World, name: str) -> World:
    """The same world, after something was said, or after nobody said anything for long."""
    if name == SILENCE:
        world.let_time_pass()
    else:
        saying = _by_name()[name]
        world.say(saying.message, saying.told)
    return world


@cache
def _by_name() -> Mapping[str, Saying]:
    return by_name()
