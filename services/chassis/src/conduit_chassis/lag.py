"""How far behind the consumer is, asked of the broker and not of the fetcher, which would not know if it were stuck."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from aiokafka import TopicPartition

from conduit_chassis import metrics
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

    def observe(self, ends: Mapping[TopicPartition, int], handled: Mapping[TopicPartition, int]) -> None:
        """Take note of the ends, and of the next offset to be handled, of all assigned partitions."""
        records: defaultdict[str, int] = defaultdict(int)
        ages: defaultdict[str, float] = defaultdict(float)
        for gone in self._marks.keys() - ends.keys():
            del self._marks[gone]
        for partition, end in ends.items():
            topic = self._template(partition.topic)
            position = handled.get(partition, end)
            records[topic] += max(0, end - position)
            ages[topic] = max(ages[topic], self._age(partition, end, position))
        self._health.lag(sum(records.values()))
        # A topic whose partitions have moved on must not show its last lag for ever.
        self._shown |= records.keys()
        for topic in self._shown:
            metrics.LAG_RECORDS.labels(topic).set(records[topic])
            metrics.LAG_SECONDS.labels(topic).set(ages[topic])

    def _age(self, partition: TopicPartition, end: int, position: int) -> float:
        """How long ago an end beyond `position` was first seen."""
        marks = self._marks.setdefault(partition, deque(maxlen=_MARKS))
        if not marks or end > marks[-1][0]:
            marks.append((end, self._now()))
        while marks and marks[0][0] <= position:
            marks.popleft()
        return self._now() - marks[0][1] if marks else 0.0


async def ends(consumer: Any) -> dict[TopicPartition, int]:
    """The ends of the assigned partitions."""
    assignment = consumer.assignment()
    found: dict[TopicPartition, int] = await consumer.end_offsets(list(assignment)) if assignment else {}
    return found
