"""The consumer's metrics."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from time import time

from aiokafka import TopicPartition
from typing_extensions import override

from conduit_chassis import metrics
from conduit_chassis.consumer.observer import ConsumerObserver
from conduit_chassis.errors import class_name
from conduit_chassis.records import Reader, Record


class ConsumerMetrics(ConsumerObserver):
    """Counts what the consumer does, by the registry's names of topics."""

    def __init__(self, reader: Reader) -> None:
        self._template = reader.template
        self._held: set[str] = set()
        for topic in reader.templates:  # an alert sees no rise in what begins with one
            for direction in ("back", "ahead"):
                metrics.JUMPS.labels(topic, direction)

    @override
    def assigned(self, partitions: int) -> None:
        metrics.ASSIGNED.set(partitions)

    @override
    def handled(self, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        now = time()
        for partition, found in fetched.items():
            age = max(0.0, now - found[0].timestamp_ms / 1000)
            metrics.RECORD_AGE.labels(self._template(partition.topic)).observe(age)

    @override
    def not_committed(self, error: Exception) -> None:
        metrics.COMMIT_FAILURES.labels(class_name(error)).inc()

    @override
    def fetch_failed(self, error: Exception) -> None:
        metrics.FETCH_ERRORS.labels(class_name(error)).inc()

    @override
    def escaped(self, topic: str) -> None:
        metrics.RESCUED.labels(self._template(topic)).inc()

    @override
    def jumped(self, partition: TopicPartition, ended: int, goes_on: int) -> None:
        metrics.JUMPS.labels(self._template(partition.topic), "back" if goes_on < ended else "ahead").inc()

    @override
    def held(self, partitions: Collection[TopicPartition]) -> None:
        counts = Counter(self._template(partition.topic) for partition in partitions)
        for template in self._held - counts.keys():
            metrics.HELD.labels(template).set(0)
        for template, count in counts.items():
            metrics.HELD.labels(template).set(count)
        self._held = set(counts)
