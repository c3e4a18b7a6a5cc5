"""How far the services are behind, as the broker knows it."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from conduit_contracts import topics
from conduit_local.broker import Broker

SECONDS = 10


class Lag:
    """Asks the broker how many records services have still to read.

    With a client of its own each time: one whose broker is killed and comes back may wait for an answer for ever.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def of(self, service: str, wanted: Sequence[topics.Topic] | None = None) -> int:
        """Records of the wanted topics, or of all that the service reads, that it has not committed yet."""
        admin = self._broker.admin()
        patterns = tuple(topics.consumed_by(service) if wanted is None else wanted)
        partitions = [
            TopicPartition(name, number)
            for name, topic in admin.list_topics(timeout=SECONDS).topics.items()
            if any(pattern.match(name) is not None for pattern in patterns)
            for number in topic.partitions
        ]
        ends = admin.list_offsets(
            dict.fromkeys(partitions, OffsetSpec.latest()),  # type: ignore[no-untyped-call, arg-type]  # not in its stubs
            request_timeout=SECONDS,
        )
        committed = _committed(admin, service)
        return sum(
            max(0, end.result(SECONDS).offset - committed.get((partition.topic, partition.partition), 0))
            for partition, end in ends.items()
        )


def _committed(admin: AdminClient, service: str) -> dict[tuple[str, int], int]:
    asked = [ConsumerGroupTopicPartitions(f"conduit.{service}")]
    (answer,) = admin.list_consumer_group_offsets(asked, request_timeout=SECONDS).values()
    found = answer.result(SECONDS).topic_partitions
    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
