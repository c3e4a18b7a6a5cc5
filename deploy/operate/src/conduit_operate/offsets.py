"""Where the services' consumer groups stand on their topics, and where these begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic, sleep

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from conduit_contracts.topics import Topic
from conduit_operate.leaders import once_led
from conduit_operate.onboarding import OnboardingError

SECONDS = 10.0
_COORDINATOR_SECONDS = 30.0
_COORDINATOR_MOVES = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)
"""What Kafka says of a group while it settles who looks after it, as shortly after a broker started."""

Place = tuple[str, int]
"""Topic and partition."""


def group_of(service: str) -> str:
    """The service's consumer group."""
    return f"conduit.{service}"


def places_of(admin: AdminClient, wanted: Sequence[Topic]) -> set[Place]:
    """Every partition that there is of these topics."""
    return {
        (name, number)
        for name, found in admin.list_topics(timeout=SECONDS).topics.items()
        if any(topic.match(name) is not None for topic in wanted)
        for number in found.partitions
    }


def begins(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """The first offset that each partition still holds."""
    return _offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]


def ends(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """The offset that each partition's next record will have."""
    return _offsets(admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call]


def written_since(admin: AdminClient, places: Iterable[Place], since: datetime) -> dict[Place, int]:
    """The first offset of each partition that was written at this time or later; its end where there is none."""
    found = _offsets(admin, places, OffsetSpec.for_timestamp(int(since.timestamp() * 1000)))
    missing = ends(admin, [place for place, offset in found.items() if offset < 0])
    return {**found, **missing}


def committed(admin: AdminClient, service: str) -> dict[Place, int]:
    """How far the service has come. A partition of which it has committed nothing is absent."""
    asked = [ConsumerGroupTopicPartitions(group_of(service))]
    (answer,) = admin.list_consumer_group_offsets(asked, request_timeout=SECONDS).values()
    found = answer.result(SECONDS).topic_partitions
    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}


def members(admin: AdminClient, services: Iterable[str]) -> dict[str, int]:
    """How many are in the groups of these services, or were until a moment ago. A service that has none is absent."""
    groups = {group_of(service): service for service in services}
    answers = admin.describe_consumer_groups(list(groups), request_timeout=SECONDS)
    found = {groups[group]: len(answer.result(SECONDS).members) for group, answer in answers.items()}
    return {service: number for service, number in found.items() if number}


def move(admin: AdminClient, service: str, to: Mapping[Place, int]) -> None:
    """Have the service go on here.

    Raises:
        OnboardingError: it runs, or Kafka refuses.
    """
    if not to:
        return
    until = monotonic() + _COORDINATOR_SECONDS
    while refused := _refused(admin, service, to):
        place, error = refused
        if error.code() not in _COORDINATOR_MOVES or monotonic() > until:
            raise OnboardingError(f"{group_of(service)} cannot be moved on {place} ({error.str()}); is {service} stopped?")
        sleep(0.5)


def _refused(admin: AdminClient, service: str, to: Mapping[Place, int]) -> tuple[str, KafkaError] | None:
    asked = ConsumerGroupTopicPartitions(group_of(service), [TopicPartition(*place, to[place]) for place in sorted(to)])
    (answer,) = admin.alter_consumer_group_offsets([asked], request_timeout=SECONDS).values()
    try:
        found = answer.result(SECONDS).topic_partitions
    except KafkaException as error:
        return "any topic", error.args[0]
    return next(((each.topic, each.error) for each in found if each.error is not None), None)


def _offsets(admin: AdminClient, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
    asked = {TopicPartition(*place): spec for place in places}
    if not asked:
        return {}

    def ask() -> dict[Place, int]:
        answers = admin.list_offsets(asked, request_timeout=SECONDS, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        return {(each.topic, each.partition): answer.result(SECONDS).offset for each, answer in answers.items()}

    return once_led(ask)
