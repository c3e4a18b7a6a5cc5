"""How far the services are behind, as the broker knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from conduit_contracts import topics
from conduit_operate.broker import Broker

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
        read = {
            service: {
                (name, number)
                for name, topic in found.items()
                if any(pattern.match(name) is not None for pattern in patterns)
                for number in topic.partitions
            }
            for service, patterns in wanted.items()
        }
        asked = {TopicPartition(*place): OffsetSpec.latest() for place in set().union(*read.values())}  # type: ignore[no-untyped-call]
        answers = admin.list_offsets(asked, request_timeout=SECONDS)
        ends = {(each.topic, each.partition): answer.result(SECONDS).offset for each, answer in answers.items()}
        total = 0
        for service, places in read.items():
            committed = _committed(admin, service)
            total += sum(max(0, ends[place] - committed.get(place, 0)) for place in places)
        return total


def _committed(admin: AdminClient, service: str) -> dict[tuple[str, int], int]:
    asked = [ConsumerGroupTopicPartitions(f"conduit.{service}")]
    (answer,) = admin.list_consumer_group_offsets(asked, request_timeout=SECONDS).values()
    found = answer.result(SECONDS).topic_partitions
    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
