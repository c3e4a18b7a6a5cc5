"""Asks the broker for many things of a kind, some hundreds in each request.

Kafka's controller carries out a request as a whole and refuses one that would make more than 10,000 records of its own: a
topic makes one for itself, one for each partition and one for each setting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K")
R = TypeVar("R")

SIZE = 300
"""How many things are asked for at once. Topics of 27 partitions with five settings each would still be taken."""


def chunks(items: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """All of them in their order, so many at a time."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def asked(ask: Callable[[list[T]], Mapping[K, Future[R]]], items: Iterable[T]) -> Iterator[tuple[K, Future[R]]]:
    """What becomes of each; whoever takes the answers has the next request made once those of the last are looked at."""
    for chunk in chunks(items):
        yield from ask(chunk).items()
