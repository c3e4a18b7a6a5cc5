"""How far the services are behind, as the brokers know it: records that no service has committed, and since when."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from confluent_kafka import Consumer, TopicPartition

from conduit_contracts import topics
from conduit_operate import groups, offsets
from conduit_operate.broker import Broker
from conduit_operate.health import answering
from conduit_operate.offsets import Place
from conduit_operate.secured import ADMIN

READ_SECONDS = 15.0
"""For the first record of every place at which something waits."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a service has not read yet of one partition."""

    service: str
    topic: str
    partition: int
    records: int
    offset: int
    """Of the first of them."""
    since: datetime | None = None
    """When the first of them was written; None where it could not be read in time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a service on one topic, its partitions together."""

    topic: str
    records: int
    since: datetime | None
    """When the first of them was written; None where that was not asked, or could not be read in time."""


class Lag:
    """Asks the broker how many records services have still to read.

    With a client of its own each time: one whose broker is killed and comes back may wait for an answer for ever.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def of(self, service: str, wanted: Sequence[topics.Topic] | None = None) -> int:
        """Records of the wanted topics, or of all that the service reads, that it has not committed yet."""
        return self._total({service: topics.consumed_by(service) if wanted is None else wanted})

    def of_all(self, services: Iterable[str]) -> int:
        """The same for several services, and all that they read."""
        return self._total({service: topics.consumed_by(service) for service in services})

    def by_service(self, services: Iterable[str], *, dated: bool = False) -> dict[str, list[Waiting]]:
        """What waits for each of these services, topic by topic; `dated` also reads since when.

        Raises:
            KafkaException: the brokers do not answer.
        """
        wanted = {service: topics.consumed_by(service) for service in services}
        behind = self._behind(wanted, from_the_beginning=True)
        if dated:
            written = self._written({(each.topic, each.partition, each.offset) for each in behind})
            behind = [replace(each, since=written.get((each.topic, each.partition, each.offset))) for each in behind]
        found: dict[str, list[Waiting]] = {service: [] for service in wanted}
        for (service, topic), places in groupby(behind, key=lambda each: (each.service, each.topic)):
            found[service].append(_together(topic, list(places)))
        return found

    def _total(self, wanted: Mapping[str, Sequence[topics.Topic]]) -> int:
        return sum(each.records for each in self._behind(wanted))

    def _behind(self, wanted: Mapping[str, Sequence[topics.Topic]], *, from_the_beginning: bool = False) -> list[Behind]:
        """In the order of services, topics and partitions.

        `from_the_beginning` leaves out what the topics no longer hold, for one more question to the brokers.
        """
        admin = answering(self._broker)
        read = {service: offsets.places_of(admin, patterns) for service, patterns in wanted.items()}
        everywhere = set().union(*read.values())
        ends = offsets.ends(admin, everywhere)
        begins = offsets.begins(admin, everywhere) if from_the_beginning else {}
        behind = []
        for service, committed in groups.committed(self._broker, *read).items():
            places = read[service]
            for place in sorted(places):
                first = max(committed.get(place, 0), begins.get(place, 0))
                if ends[place] > first:
                    behind.append(Behind(service, *place, ends[place] - first, first))
        return behind

    def _written(self, places: set[tuple[str, int, int]]) -> dict[tuple[str, int, int], datetime]:
        """When the records at these offsets were written, by the broker's or their writers' clocks. Nothing else is read."""
        if not places:
            return {}
        found: dict[tuple[str, int, int], datetime] = {}
        groups: dict[Place, list[int]] = {}
        for topic, partition, offset in places:
            groups.setdefault((topic, partition), []).append(offset)
        until = time.monotonic() + READ_SECONDS
        consumer = Consumer({**self._broker.librdkafka(ADMIN), "group.id": "conduit.lag", "log_level": 0})  # never joined
        try:
            while groups and time.monotonic() < until:
                consumer.assign([TopicPartition(*place, wanted[-1]) for place, wanted in groups.items()])
                self._read(consumer, groups, found, until)
        finally:
            consumer.close()
        return found

    @staticmethod
    def _read(
        consumer: Consumer, groups: dict[Place, list[int]], found: dict[tuple[str, int, int], datetime], until: float
    ) -> None:
        """The first record at the last offset of each place; a place that has no more offsets is done with."""
        waiting = set(groups)
        while waiting and time.monotonic() < until:
            message = consumer.poll(0.2)
            if message is None or message.error() is not None:
                continue
            place = (str(message.topic()), int(message.partition() or 0))
            if place not in waiting:
                continue
            waiting.remove(place)
            consumer.pause([TopicPartition(*place)])
            found[*place, groups[place].pop()] = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
            if not groups[place]:
                del groups[place]


def _together(topic: str, places: Sequence[Behind]) -> Waiting:
    since = min((each.since for each in places if each.since), default=None)
    return Waiting(topic, sum(each.records for each in places), since)
