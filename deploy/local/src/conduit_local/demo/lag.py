"""How far the services are behind, as the broker knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
        return self._of({service: topics.consumed_by(service) if wanted is None else wanted})

    def of_all(self, services: Iterable[str]) -> int:
        """The same for several services, and all that they read."""
        return self._of({service: topics.consumed_by(service) for service in services})

    def _of(self, wanted: Mapping[str, Sequence[topics.Topic]]) -> int:
        admin = self._broker.admin()
        found = admin.list_topics(timeout=SECONDS).topics
        partitions = {
            service: [
                TopicPartition(name, number)
                for name, topic in found.items()
                if any(pattern.match(name) is not None for pattern in patterns)
                for number in topic.partitions
            ]
            for service, patterns in wanted.items()
        }
        ends = admin.list_offsets(
            {each: OffsetSpec.latest() for read in partitions.values() for each in read},  # type: ignore[no-untyped-call]
            request_timeout=SECONDS,
        )
        at = {(each.topic, each.partition): end.result(SECONDS).offset for each, end in ends.items()}
        return sum(_behind(_committed(admin, service), read, at) for service, read in partitions.items())


def _behind(
    committed: Mapping[tuple[str, int], int], read: Iterable[TopicPartition], ends: Mapping[tuple[str, int], int]
) -> int:
    places = [(each.topic, each.partition) for each in read]
    return sum(max(0, ends[place] - committed.get(place, 0)) for place in places)


def _committed(admin: AdminClient, service: str) -> dict[tuple[str, int], int]:
    asked = [ConsumerGroupTopicPartitions(f"conduit.{service}")]
    (answer,) = admin.list_consumer_group_offsets(asked, request_timeout=SECONDS).values()
    found = answer.result(SECONDS).topic_partitions
    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
