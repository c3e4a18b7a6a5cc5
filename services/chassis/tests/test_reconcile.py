"""Which minutes are counted when; the counts themselves are tested with each service's own store."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from conduit_chassis.reconcile import MINUTES, SECONDS, Cohorts, positions_due
from conduit_contracts.ids import moment_of

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def due(turns: int) -> set[int]:
    return {position for turn in range(turns) for position in positions_due(NOW + timedelta(seconds=SECONDS * turn))}


def test_new_minutes_are_counted_every_time_and_few_others() -> None:
    assert {0, 1, 2} < positions_due(NOW)
    assert len(positions_due(NOW)) == 10


def test_a_minute_of_the_last_hour_comes_round_in_ten_minutes_and_any_in_five_hours() -> None:
    assert set(range(63)) <= due(60)
    assert due(5 * 360) == set(range(MINUTES))


def test_services_that_look_within_the_same_ten_seconds_count_the_same_minutes() -> None:
    assert positions_due(NOW) == positions_due(NOW + timedelta(seconds=9.9))


class Minutes:
    """A store that says of each minute how many it has, and can be told of more."""

    def __init__(self) -> None:
        self.has: Counter[datetime] = Counter()
        self.asked = 0

    async def fetch(self, _statement: str, firsts: list[UUID], _nexts: list[UUID]) -> list[dict[str, int]]:
        self.asked += len(firsts)
        return [{"received": self.has[moment_of(first)]} for first in firsts]


async def test_the_sum_is_of_the_week_that_ends_two_minutes_ago_whatever_the_clock_does() -> None:
    store, cohorts = Minutes(), Cohorts("")
    start = NOW.replace(second=0, microsecond=0)
    for back in (3, 4, 90, MINUTES - 5):
        store.has[start - back * MINUTE] += back

    def expected(now: datetime) -> int:
        newest = now.replace(second=0) - 3 * MINUTE
        return sum(number for minute, number in store.has.items() if newest - (MINUTES - 1) * MINUTE <= minute <= newest)

    steps = (0, 10, 60, 600, -3_600, 3_700, 86_400, 7 * 86_400)
    now = start
    for step in steps:
        now += timedelta(seconds=step)
        assert await cohorts.measure(store, now) == {"received": expected(now)}
    assert expected(start) == 3 + 4 + 90 + MINUTES - 5
    assert expected(now) == 0


async def test_a_minute_that_changes_is_counted_again_and_the_rest_of_the_week_is_not() -> None:
    store, cohorts = Minutes(), Cohorts("")
    start = NOW.replace(second=0, microsecond=0)
    assert await cohorts.measure(store, start) == {"received": 0}
    assert store.asked == MINUTES
    store.has[start - 3 * MINUTE] += 1
    assert await cohorts.measure(store, start + timedelta(seconds=10)) == {"received": 1}
    assert store.asked == MINUTES + 10
