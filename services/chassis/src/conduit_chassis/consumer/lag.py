"""How far behind the consumer is, asked of the broker and not of the fetcher, which would not know if it were stuck.

What stands behind a transaction that nobody has ended is given to no reader, and waits like the rest.
What cannot be measured is not shown, for a level of before would look like one of now.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from conduit_chassis import metrics
from conduit_chassis.consumer import patches
from conduit_chassis.health import Health

_MARKS = 720


class LagMeter:
    """Compares the partitions' ends with what was handled."""

    def __init__(self, health: Health, template: Callable[[str], str], now: Callable[[], float] = monotonic) -> None:
        self._health = health
        self._template = template
        self._now = now
        self._marks: dict[TopicPartition, deque[tuple[int, float]]] = {}
        self._shown: set[str] = set()

    def observe(
        self,
        ends: Mapping[TopicPartition, int],
        handled: Mapping[TopicPartition, int],
        held: Collection[TopicPartition] = (),
        unknown: Collection[TopicPartition] = (),
    ) -> None:
        """Take note of the ends, and of the next offset to be handled, of all assigned partitions but those `unknown`.

        What waits in the partitions of `held` is late like the rest, but no sign that this process is stuck.
        """
        records: defaultdict[str, int] = defaultdict(int)
        ages: defaultdict[str, float] = defaultdict(float)
        # What is not known just now is as old as before once it is known again.
        for gone in self._marks.keys() - ends.keys() - set(unknown):
            del self._marks[gone]
        for partition, end in ends.items():
            topic = self._template(partition.topic)
            position = handled.get(partition, end)
            records[topic] += max(0, end - position)
            ages[topic] = max(ages[topic], self._age(partition, end, position))
        self._health.lag(sum(max(0, end - handled.get(each, end)) for each, end in ends.items() if each not in held))
        self._show(records, ages, {self._template(each.topic) for each in unknown})

    def lost(self) -> None:
        """Nothing could be measured."""
        self._show({}, {}, ())

    def _show(self, records: Mapping[str, int], ages: Mapping[str, float], unknown: Collection[str]) -> None:
        shown = records.keys() - unknown
        for topic in self._shown - shown:
            metrics.LAG_RECORDS.remove(topic)
            metrics.LAG_SECONDS.remove(topic)
        for topic in shown:
            metrics.LAG_RECORDS.labels(topic).set(records[topic])
            metrics.LAG_SECONDS.labels(topic).set(ages[topic])
        self._shown = shown

    def _age(self, partition: TopicPartition, end: int, position: int) -> float:
        """How long ago an end beyond `position` was first seen."""
        marks = self._marks.setdefault(partition, deque(maxlen=_MARKS))
        if not marks or end > marks[-1][0]:
            marks.append((end, self._now()))
        while marks and marks[0][0] <= position:
            marks.popleft()
        return self._now() - marks[0][1] if marks else 0.0


async def ends(consumer: Any) -> dict[TopicPartition, int]:
    """The ends of the assigned partitions, without those that nobody leads and those that the brokers do not tell."""
    led = [each for each in consumer.assignment() if patches.is_led(consumer, each)]
    try:
        return await _ends(consumer, led)
    except KafkaError:
        found: dict[TopicPartition, int] = {}
        for partition in led:
            with suppress(KafkaError):
                found |= await _ends(consumer, [partition])
        return found


async def _ends(consumer: Any, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    return await patches.written_to(consumer, partitions) if partitions else {}
