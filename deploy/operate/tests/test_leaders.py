"""A partition whose leader is new is asked again: it is not "not there", and it does not begin at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from conduit_operate import leaders
from conduit_operate.leaders import offsets_at, once_led, watermarks

CHANGING = (
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._TRANSPORT,
    KafkaError._DESTROY_BROKER,
    # A broker that has just started.
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
)
LASTING = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._TIMED_OUT)


class Leaders:
    """What a consumer hears from leaders, in turn: an error's code, or their answer."""

    def __init__(self, *said: int | tuple[int, int]) -> None:
        self._said: Iterator[int | tuple[int, int]] = iter(said)

    def get_watermark_offsets(self, *_: TopicPartition, **__: float) -> tuple[int, int]:
        said = next(self._said)
        if isinstance(said, int):
            raise KafkaException(KafkaError(said))
        return said

    def offsets_for_times(self, places: Sequence[TopicPartition], **_: float) -> list[Any]:
        return [Found(place, next(self._said)) for place in places]


class Found:
    """As librdkafka gives it: what was not found keeps the time that was asked for as its offset, beside the error."""

    def __init__(self, place: TopicPartition, said: int | tuple[int, int]) -> None:
        self.offset = place.offset if isinstance(said, int) else said[0]
        self.error = KafkaError(said) if isinstance(said, int) else None


@pytest.mark.parametrize("code", CHANGING)
def test_a_leader_that_changes_is_asked_again(code: int) -> None:
    consumer: Any = Leaders(code, code, (3, 17))
    assert watermarks(consumer, "programme.partners.v1", 0) == (3, 17)


@pytest.mark.parametrize("code", CHANGING)
def test_where_records_of_a_time_begin_is_asked_again_and_never_guessed(code: int) -> None:
    consumer: Any = Leaders((4, 0), code, (4, 0), (5, 0))
    asked = [TopicPartition("intake.referrals.v1", number, 1_790_000_000_000) for number in (0, 1)]
    assert [each.offset for each in offsets_at(consumer, asked)] == [4, 5]


@pytest.mark.parametrize("code", LASTING)
def test_what_does_not_pass_is_told_at_once(code: int) -> None:
    consumer: Any = Leaders(code, code)
    with pytest.raises(KafkaException):
        watermarks(consumer, "programme.partners.v1", 0)
    with pytest.raises(KafkaException):
        offsets_at(consumer, [TopicPartition("intake.referrals.v1", 0, 1_790_000_000_000)])


def test_patience_ends() -> None:
    def never() -> None:
        raise KafkaException(KafkaError(KafkaError.OFFSET_NOT_AVAILABLE))

    with pytest.raises(KafkaException):
        once_led(never, patience=0.2)


def test_a_topic_that_is_not_there_is_not_waited_for_as_long_as_a_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaders, "STARTING_SECONDS", 0.2)

    def never() -> None:
        raise KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION))

    with pytest.raises(KafkaException):
        once_led(never, patience=3600)
