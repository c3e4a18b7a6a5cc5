"""How far the services are behind, as the broker knows it."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import OffsetSpec

from conduit_contracts import topics
from conduit_local.broker import Broker

SECONDS = 10


class Lag:
    """Asks the broker how many records services have still to read."""

    def __init__(self, broker: Broker) -> None:
        self._admin = broker.admin()

    def of(self, service: str, wanted: Sequence[topics.Topic] | None = None) -> int:
        """Records of the wanted topics, or of all that the service reads, that it has not committed yet."""
        patterns = tuple(topics.consumed_by(service) if wanted is None else wanted)
        found = self._admin.list_topics(timeout=SECONDS).topics
        partitions = [
            TopicPartition(name, number)
            for name, topic in found.items()
            if any(pattern.match(name) is not None for pattern in patterns)
            for number in topic.partitions
        ]
        ends = self._admin.list_offsets(
            dict.fromkeys(partitions, OffsetSpec.latest()),  # type: ignore[no-untyped-call, arg-type]  # not in its stubs
            request_timeout=SECONDS,
        )
        committed = self._committed(service)
        return sum(
            max(0, end.result().offset - committed.get((partition.topic, partition.partition), 0))
            for partition, end in ends.items()
        )

    def _committed(self, service: str) -> dict[tuple[str, int], int]:
        asked = [ConsumerGroupTopicPartitions(f"conduit.{service}")]
        (answer,) = self._admin.list_consumer_group_offsets(asked, request_timeout=SECONDS).values()
        return {(each.topic, each.partition): each.offset for each in answer.result().topic_partitions if each.offset >= 0}
