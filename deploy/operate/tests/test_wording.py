"""What people read of numbers is English for one thing and for several."""

from __future__ import annotations

import pytest

from conduit_operate.commands.reconcile import IN_WORDS, RULES
from conduit_operate.figures import in_words
from conduit_operate.wording import counted


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 hand-offs wait"), (1, "1 hand-off waits"), (2, "2 hand-offs wait"), (11, "11 hand-offs wait")],
)
def test_one_is_not_several(number: int, said: str) -> None:
    assert counted(number, "hand-off", "waits", rest_of_many="wait") == said


def test_work_is_counted_in_the_same_way() -> None:
    assert in_words({"duty tasks not taken": 1, "hand-offs waiting": 2, "cases with no force": 1}) == (
        "1 duty task not taken, 2 hand-offs waiting, 1 case with no force"
    )


def test_every_stage_that_is_compared_has_words() -> None:
    compared = {f"{rule.service} {rule.stage}" for rule in RULES} | {f"{rule.then} {rule.later}" for rule in RULES}
    assert set(IN_WORDS) == compared
