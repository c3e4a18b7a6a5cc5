"""A batch in parts, where what must be loaded for all of it would be too much to have in memory at a time. Pure."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

T = TypeVar("T")


def in_parts(things: Sequence[tuple[Hashable, T]], weights: Mapping[Any, int], most: int) -> Iterable[list[T]]:
    """Parts that weigh `most` together, unless one key alone weighs more. All things of a key are in one part, in order.

    `things` come with their keys; a key without a weight weighs nothing.
    """
    part_of: dict[Hashable, int] = {}
    number = weight = 0
    for key, _ in things:
        if key in weights and key not in part_of:
            if weight and weight + weights[key] > most:
                number, weight = number + 1, 0
            weight += weights[key]
            part_of[key] = number
    placed = sorted(((part_of.get(key, 0), thing) for key, thing in things), key=lambda each: each[0])
    for _, part in groupby(placed, key=lambda each: each[0]):
        yield [thing for _, thing in part]
