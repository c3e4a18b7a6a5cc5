"""For how long records gather, without a consumer: one process that fetches, and records that come at a steady rate."""

from math import inf

import pytest

from conduit_chassis.consumer.gathering import Gathering

FOR_ITSELF, FOR_EACH = 0.005, 0.0005
"""Seconds that a batch takes, and each of its records."""


def batches(each_second: float, gathering: Gathering) -> tuple[float, float, float]:
    """Of ten seconds: batches a second, the part of the time that they took, and the longest that a record waited."""
    taken, now, fetched, busy, count, longest = 0, 0.0, 0.0, 0.0, 0, 0.0
    while now < 10:
        due = taken / each_second
        fetched = max(fetched + gathering.seconds(), now, due)
        records = max(1, int(fetched * each_second) + 1 - taken)
        longest = max(longest, fetched - due)
        took = FOR_ITSELF + records * FOR_EACH
        gathering.handled(took)
        taken, now, busy, count = taken + records, fetched + took, busy + took, count + 1
    return count / now, busy / now, longest


@pytest.mark.parametrize("each_second", [1, 10, 50])
def test_at_a_rate_that_leaves_the_process_idle_no_record_waits(each_second: float) -> None:
    count, _, longest = batches(each_second, Gathering(0.05, 3.0))
    assert count == pytest.approx(each_second, rel=0.1)
    assert longest < 0.001


@pytest.mark.parametrize("each_second", [100, 150, 300])
def test_above_that_batches_of_few_records_take_a_third_of_the_time_at_most(each_second: float) -> None:
    gathering, at_once = Gathering(0.05, 3.0), Gathering(0.0, 3.0)
    count, busy, longest = batches(each_second, gathering)
    assert busy <= 0.34 < batches(each_second, at_once)[1]
    assert count < each_second
    assert longest <= 0.05


@pytest.mark.parametrize("each_second", [500, 1_000, 1_900])
def test_a_full_process_keeps_the_batches_that_it_has_when_all_gather_as_long_as_they_may(each_second: float) -> None:
    all_that_they_may, _, _ = batches(each_second, Gathering(0.05, inf))
    assert batches(each_second, Gathering(0.05, 3.0))[0] == pytest.approx(all_that_they_may, rel=0.1)


def test_before_the_first_batch_nothing_waits_unless_all_is_to() -> None:
    assert Gathering(0.05, 3.0).seconds() == 0.0
    assert Gathering(0.05, inf).seconds() == 0.05
