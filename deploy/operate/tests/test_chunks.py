"""How much the broker is asked for at once."""

from __future__ import annotations

from concurrent.futures import Future

from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.geography import forces
from conduit_contracts.topics import specs
from conduit_operate.chunks import SIZE, asked, chunks
from conduit_operate.copies import Copies

RECORDS_AT_ONCE = 10_000
"""Kafka's `QuorumController.MAX_RECORDS_PER_USER_OP`."""


@given(st.lists(st.integers(), max_size=50), st.integers(1, 12))
def test_chunks_hold_everything_once_and_in_order_and_none_holds_too_much(items: list[int], size: int) -> None:
    found = list(chunks(items, size))
    assert [item for chunk in found for item in chunk] == items
    assert all(0 < len(chunk) <= size for chunk in found)


def test_1_500_partners_topics_are_asked_for_in_requests_that_the_controller_takes() -> None:
    wanted = specs(tuple(f"partner-{number}" for number in range(1500)), tuple(forces()))
    set_for_all = len(Copies(3, 2).config)
    for chunk in chunks(wanted):
        assert sum(1 + spec.partitions + len(spec.config) + set_for_all for spec in chunk) < RECORDS_AT_ONCE


def test_each_is_answered_for_by_the_request_that_it_was_in() -> None:
    requests: list[int] = []

    def ask(items: list[int]) -> dict[int, Future[int]]:
        requests.append(len(items))
        answers = {item: Future[int]() for item in items}
        for item, future in answers.items():
            future.set_result(item * 2)
        return answers

    assert {item: future.result() for item, future in asked(ask, range(2 * SIZE + 1))} == {
        item: item * 2 for item in range(2 * SIZE + 1)
    }
    assert requests == [SIZE, SIZE, 1]


def test_for_nothing_the_broker_is_not_asked() -> None:
    assert list(asked(lambda items: {item: Future[None]() for item in items}, ())) == []
