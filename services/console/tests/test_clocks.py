"""The words of clocks."""

from datetime import timedelta
from typing import Any

import pytest

from conduit_console import clocks
from conduit_console.cases import FollowedHandoff
from conduit_contracts.routing import HandoffState
from services.console.tests.builders import HOME, NOW


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(seconds=30), "due in less than a minute"),
        (timedelta(seconds=60), "due in 1 minute"),
        (timedelta(minutes=119), "due in 119 minutes"),
        (timedelta(hours=2), "due in 2 hours"),
        (timedelta(hours=47, minutes=59), "due in 47 hours"),
        (timedelta(days=2), "due in 2 days"),
        (timedelta(0), "overdue by less than a minute"),
        (-timedelta(minutes=20), "overdue by 20 minutes"),
        (-timedelta(days=9), "overdue by 9 days"),
    ],
)
def test_how_much_time_is_left_is_said_in_the_unit_that_says_enough(left: timedelta, expected: str) -> None:
    assert clocks.due(NOW + left, NOW) == expected


def part(left: timedelta | None, state: HandoffState = HandoffState.DISSEMINATED, **more: Any) -> str:
    due_at = None if left is None else NOW + left
    return clocks.handoff_clock(FollowedHandoff(HOME, state, due_at=due_at, **more), NOW)


def test_a_force_that_is_late_is_told_apart_by_what_the_hub_did() -> None:
    late = -timedelta(minutes=20)
    assert part(timedelta(hours=2)) == "due in 2 hours"
    assert part(late) == "overdue by 20 minutes: force not yet chased"
    assert part(late, chases=1) == "overdue by 20 minutes: chased once"
    assert part(late, chases=3) == "overdue by 20 minutes: chased 3 times"
    assert part(late, chases=3, level=2) == "overdue by 20 minutes: escalated to level 2"
    assert part(None) == part(late, HandoffState.DECLINED) == "no clock is running"
    assert part(None, HandoffState.ACKNOWLEDGED, acknowledged_at=NOW, received_at=NOW) == "no clock is running"


@pytest.mark.parametrize("left", [None, timedelta(hours=2), -timedelta(minutes=20)], ids=["no clock", "runs", "is late"])
def test_of_a_force_that_took_it_on_by_telephone_nothing_is_counted_down(left: timedelta | None) -> None:
    said = "handed over by telephone at 09:23; the system's receipt is still missing"
    taken = {"state": HandoffState.ACKNOWLEDGED, "acknowledged_at": NOW - timedelta(minutes=7), "by_telephone": True}
    assert part(left, **taken) == said
    assert part(left, **taken, chases=1) == f"{said}: chased once"
    assert part(left, **taken, chases=4, level=2) == f"{said}: escalated to level 2"
    yesterday = taken | {"acknowledged_at": NOW - timedelta(days=1)}
    assert part(left, **yesterday).startswith("handed over by telephone at 22/11/2026 09:30; ")


def test_a_question_says_whom_it_waits_for() -> None:
    due = NOW + timedelta(hours=2)
    assert clocks.question_clock(due, NOW) == "due in 2 hours"
    waits = clocks.question_clock(due, NOW, waits_for_partner=True)
    assert waits == "due in 2 hours: waiting for the partner's answer"


def test_every_word_goes_through_the_catalogue() -> None:
    asked: list[str] = []

    def look_up(words: str, /) -> str:
        asked.append(words)
        return words

    clocks.handoff_clock(
        FollowedHandoff(HOME, HandoffState.RECEIVED, due_at=NOW, chases=2), NOW + timedelta(hours=3), look_up
    )
    assert asked == ["overdue by %(time)s", "%(number)d hours", "%(number)d times", "%(clock)s: chased %(times)s"]
