"""Whatever waits with what always takes too long is dealt with, and that alone is given up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis import postgres
from conduit_chassis.pieces import Pieces

POOL: Any = None


async def answers(_pool: Any) -> bool:
    return True


async def is_silent(_pool: Any) -> bool:
    return False


async def work_off(waiting: list[int], slow: set[int], limit: int) -> tuple[list[int], list[int]]:
    """Take pieces until nothing waits; returns what was dealt with and what was given up."""
    pieces, done, given_up = Pieces(), list[int](), list[int]()
    for _ in range(1_000):
        piece = waiting[: pieces.most(limit)]
        if not piece:
            return done, given_up
        if slow & set(piece):
            if not await pieces.gives_up(TimeoutError(), piece, POOL):
                continue
            given_up += piece
        else:
            done += piece
        pieces.done(piece)
        waiting = waiting[len(piece) :]
    raise AssertionError("it never ends")


@given(count=st.integers(0, 40), slow=st.sets(st.integers(0, 39), max_size=4), limit=st.integers(1, 50))
async def test_only_what_takes_too_long_is_given_up(count: int, slow: set[int], limit: int) -> None:
    waiting = list(range(count))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postgres, "answers", answers)
        done, given_up = await work_off(waiting, slow, limit)
    assert given_up == sorted(slow & set(waiting))
    assert sorted(done + given_up) == waiting


@pytest.mark.parametrize("error", [TimeoutError(), ValueError(), ConnectionError()], ids=lambda error: type(error).__name__)
async def test_nothing_is_while_the_database_is_silent_and_nothing_but_a_limit_that_passed_counts(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(postgres, "answers", is_silent if isinstance(error, TimeoutError) else answers)
    pieces = Pieces()
    assert not any([await pieces.gives_up(error, [1], POOL) for _ in range(10)])
    assert pieces.most(50) == 50
