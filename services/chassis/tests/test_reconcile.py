"""Which minutes are counted when; the counts themselves are tested with each service's own store."""

from datetime import UTC, datetime, timedelta

from conduit_chassis.reconcile import MINUTES, SECONDS, positions_due

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


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
