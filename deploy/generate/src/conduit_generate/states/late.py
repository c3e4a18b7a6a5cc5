"""What else a partner may see: notification reads three topics, and the facts of one may overtake those of another.

Each topic keeps its own order. So all cuts through the three are gone through: so many facts of one, so many of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from conduit_generate.states.services import Notification
from conduit_generate.states.world import Heard, Move, apart

Cut = tuple[int, ...]


def moves(heard: Sequence[Heard]) -> Iterator[Move]:
    """Every move of the referral, in whatever order its facts are read.

    Raises:
        AssertionError: where it stands depends on that order.
    """
    facts = list(_that_matter(heard))
    told = [[fact for fact in facts if fact.producer == producer] for producer in sorted({fact.producer for fact in facts})]
    reached: dict[Cut, Notification] = {(0,) * len(told): Notification()}
    for cut in product(*(range(len(of_one) + 1) for of_one in told)):
        for place, of_one in enumerate(told):
            before = (*cut[:place], cut[place] - 1, *cut[place + 1 :])
            if cut[place]:
                move = _read(reached, before, cut, of_one[cut[place] - 1])
                if move.before != move.after:
                    yield move


def _read(reached: dict[Cut, Notification], before: Cut, after: Cut, fact: Heard) -> Move:
    there = apart(reached[before])
    was = there.state
    there.handle(fact.record, fact.at)
    if reached.setdefault(after, there).state != there.state:
        raise AssertionError("a referral stands otherwise where its facts are read in another order")
    return Move("referral", was, there.state, fact.cause)


def _that_matter(heard: Sequence[Heard]) -> Iterator[Heard]:
    """The facts that say something new of where the referral stands."""
    service = Notification()
    before = service.said
    for fact in heard:
        service.handle(fact.record, fact.at)
        if service.said != before:
            yield fact
        before = service.said
