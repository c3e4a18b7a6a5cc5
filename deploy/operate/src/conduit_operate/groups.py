"""What Kafka keeps of the services' consumer groups: how far each has come, and who is in it.

aiokafka asks for it. librdkafka ends the whole process by an assertion when the answer about a group comes after its
administrator's client has given up on it (`rd_kafka_admin_coord_response_parse` in 2.16.0), as when a broker is killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from time import monotonic, sleep
from typing import Any, NamedTuple

from aiokafka.client import CoordinationType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import KafkaError as Code

from conduit_operate.broker import Broker
from conduit_operate.kafka_client import administrator, wait_for
from conduit_operate.offsets import Place
from conduit_operate.onboarding import OnboardingError
from conduit_operate.secured import ADMIN

SECONDS = 10.0
_PAUSE = 0.1
_SETTLES_SECONDS = 30.0
_SETTLES = (NotCoordinatorForGroupError, GroupCoordinatorNotAvailableError, GroupLoadInProgressError)
"""What Kafka says of a group while it settles who looks after it, as shortly after a broker started."""
_SETTLES_CODES = frozenset({Code.NOT_COORDINATOR, Code.COORDINATOR_NOT_AVAILABLE, Code.COORDINATOR_LOAD_IN_PROGRESS})


def group_of(service: str) -> str:
    """The service's consumer group."""
    return f"conduit.{service}"


def committed(broker: Broker, *services: str) -> dict[str, dict[Place, int]]:
    """How far each of these services has come. A partition of which it has committed nothing is absent.

    Raises:
        TimeoutError: the brokers do not answer.
    """
    return {
        service: {
            (topic, partition): offset
            for topic, partitions in answer.topics
            for partition, offset, *_ in partitions
            if offset >= 0
        }
        for service, answer in _asked(broker, _OFFSETS, services).items()
    }


def members(broker: Broker, services: Iterable[str]) -> dict[str, int]:
    """How many are in the groups of these services, or were until a moment ago. A service that has none is absent.

    Raises:
        TimeoutError: the brokers do not answer.
    """
    found = {}
    for service, answer in _asked(broker, _MEMBERS, services).items():
        ((_error, _group, _state, _type, _protocol, there, *_),) = answer.groups
        found[service] = len(there)
    return {service: number for service, number in found.items() if number}


def move(broker: Broker, service: str, to: Mapping[Place, int]) -> None:
    """Have the service go on here.

    Raises:
        OnboardingError: it runs, or Kafka refuses.
    """
    if not to:
        return
    never_joined = {"group.id": group_of(service), "enable.auto.commit": False, "log_level": 0}
    consumer = Consumer({**broker.librdkafka(ADMIN), **never_joined})
    places = [TopicPartition(*place, to[place]) for place in sorted(to)]
    until = monotonic() + _SETTLES_SECONDS
    try:
        while refused := _refused(consumer, places):
            place, error = refused
            if error.code() not in _SETTLES_CODES or monotonic() > until:
                asked = f"is {service} stopped?"
                raise OnboardingError(f"{group_of(service)} cannot be moved on {place} ({error.str()}); {asked}")
            sleep(0.5)
    finally:
        consumer.close()


def _refused(consumer: Consumer, places: list[TopicPartition]) -> tuple[str, Code] | None:
    try:
        found = consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as error:
        return "any topic", error.args[0]
    return next(((each.topic, each.error) for each in found or () if each.error is not None), None)


class _Question(NamedTuple):
    """What is asked of a group, and where its answer has an error's code, 0 for none: aiokafka ships no types."""

    request: Callable[[str], Any]
    error_in: Callable[[Any], int]


_OFFSETS = _Question(
    lambda group: OffsetFetchRequest(group, None),
    lambda answer: answer.error_code or next((code for _, places in answer.topics for *_, code in places if code), 0),
)
_MEMBERS = _Question(
    lambda group: DescribeGroupsRequest([group]),
    lambda answer: next((code for code, *_ in answer.groups if code), 0),
)


def _asked(broker: Broker, question: _Question, services: Iterable[str]) -> dict[str, Any]:
    """What the broker that looks after each service's group says of it."""

    async def all_of_them() -> dict[str, Any]:
        async with administrator(broker, SECONDS) as client:
            return {service: await _answer(client, group_of(service), question) for service in services}

    try:
        return wait_for(all_of_them())
    except KafkaError as error:
        raise TimeoutError(f"Kafka at {broker.bootstrap_servers} does not say how its groups stand ({error})") from None


async def _answer(client: Any, group: str, question: _Question) -> Any:
    until = monotonic() + SECONDS
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.GROUP, group)
            answer = await client.send(node, question.request(group))
            if code := question.error_in(answer):
                raise for_code(code)
        except _SETTLES:
            if monotonic() > until:
                raise
        else:
            return answer
        await asyncio.sleep(_PAUSE)
