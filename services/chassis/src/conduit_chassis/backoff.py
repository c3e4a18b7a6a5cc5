"""How long to wait before the next attempt: a pure function, so that it can be tested without waiting."""

from random import random

FIRST = 0.1
LONGEST = 10.0


def delay(attempt: int, jitter: float, *, first: float = FIRST, longest: float = LONGEST) -> float:
    """Seconds to wait after the attempt of this number (1 is the first), for a jitter in [0, 1).

    It doubles up to `longest`; the jitter takes off up to half, so that processes do not come back in step.
    """
    full = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return full * (1 - jitter / 2)


def jittered(attempt: int) -> float:
    """`delay` with a jitter of its own."""
    return delay(attempt, random())  # noqa: S311 - a jitter is no secret
