"""The FastStream broker of a service: its one subscriber, its publishers, and the AsyncAPI document they make.

FastStream's own subscriber parses headers before anyone may object, swallows what that raises, and commits or skips by
policies of which each loses some record; it closes the consumer before handlers end. So here it builds, starts and stops the
consumer, and our loop consumes with it.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial, reduce
from operator import or_
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.asgi import AsgiFastStream
from faststream.asgi.factories import AsyncAPIRoute
from faststream.kafka import KafkaBroker
from faststream.kafka.broker.registrator import KafkaRegistrator
from faststream.kafka.subscriber.config import KafkaSubscriberConfig, KafkaSubscriberSpecificationConfig
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.kafka.subscriber.usecase import BatchSubscriber
from faststream.middlewares import AckPolicy
from faststream.specification import AsyncAPI
from faststream.specification.schema import Message, Operation, SubscriberSpec
from typing_extensions import override

from conduit_chassis.consumer.loop import Loop
from conduit_chassis.settings import Settings
from conduit_contracts.envelope import Message as Event
from conduit_contracts.kits.fetching import Consumer
from conduit_contracts.schemas import schema
from conduit_contracts.topics import Topic, produced_by

LEAVE_SECONDS = 5.0
FETCH_BYTES = 4 * 1024 * 1024
"""Of one broker's answer. What is fetched lies in memory as it came, beside what of it is being handled."""


class LoopSubscriber(BatchSubscriber):
    """FastStream's subscriber, as far as it is used: around our loop."""

    _loop: Loop

    def bind(self, loop: Loop) -> None:
        """Say what consumes, before the broker starts."""
        self._loop = loop
        self._listener = loop.listener

    @property
    @override
    def builder(self) -> Callable[..., AIOKafkaConsumer]:
        build: Any = super().builder
        return partial(Consumer, **build.keywords, **self._loop.reading)

    @override
    async def _run_consume_loop(self, consumer: AIOKafkaConsumer) -> None:
        await self._loop.run(consumer)

    @property
    def answered_at(self) -> float | None:
        """When a broker last answered a fetch."""
        consumer: Any = self.consumer
        return None if consumer is None else consumer.fetching.answered_at

    @override
    async def start(self) -> None:
        """Join the group; a consumer that cannot is not left behind."""
        try:
            await super().start()
        except BaseException:
            consumer, self.consumer = self.consumer, None
            if consumer is not None:
                await consumer.stop()
            raise

    @override
    async def stop(self) -> None:
        """End between batches: finish, commit, then leave the group."""
        self.running = False
        await self._loop.end()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        # Leaving the group needs a broker; without one the group notices by itself.
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await super().stop()


def create_broker(settings: Settings, service: str) -> KafkaBroker:
    """A broker that reads. The relay writes, with a producer that it can replace."""
    broker = KafkaBroker(
        settings.kafka_bootstrap_servers,
        client_id=f"conduit.{service}",
        consumer_only=True,
        allow_auto_create_topics=False,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        graceful_timeout=settings.drain_seconds,
        ack_policy=AckPolicy.MANUAL,
        logger=None,
        apply_types=False,
    )
    for topic in produced_by(service):
        broker.publisher(topic.template, schema=_union(topic.messages), description=topic.key and f"Keyed by {topic.key}.")
    return broker


def subscribe(
    broker: KafkaBroker, settings: Settings, service: str, topics: tuple[Topic, ...], pattern: str
) -> LoopSubscriber:
    """The service's only subscriber: one consumer, one loop, all its topics."""
    outer: Any = broker.config
    config = KafkaSubscriberConfig(
        group_id=f"conduit.{service}",
        pattern=pattern,
        connection_args=consumer_arguments(settings),
        _outer_config=outer,
        _ack_policy=AckPolicy.MANUAL,
    )
    calls = CallsCollection[Any]()
    specification = _Specification(outer, KafkaSubscriberSpecificationConfig(title_=None, description_=None), calls)
    specification.topics_read = topics
    subscriber = LoopSubscriber(config, specification, calls, batch_timeout_ms=0, max_records=settings.batch_max_records)
    super(KafkaRegistrator, broker).subscriber(subscriber)
    subscriber(_never_called)
    return subscriber


def consumer_arguments(settings: Settings) -> dict[str, Any]:
    """What the consumer is told beside the broker's defaults, several of which lose or delay records."""
    return settings.kafka_arguments() | {
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "session_timeout_ms": settings.session_timeout_ms,
        "heartbeat_interval_ms": settings.heartbeat_interval_ms,
        "rebalance_timeout_ms": settings.rebalance_timeout_ms,
        "max_poll_interval_ms": 300_000,
        "partition_assignment_strategy": (RoundRobinPartitionAssignor,),
        # Answered at once when there is something; see `consumer.patches` on what else a fetch in flight would hold up.
        "fetch_max_wait_ms": 1_000,
        "fetch_max_bytes": FETCH_BYTES,
        "max_partition_fetch_bytes": settings.partition_fetch_bytes,
    }


def lookout_consumer(settings: Settings, service: str) -> Consumer:
    """One that reads ahead: it has no group, and no partition of it takes more than a part of what is fetched at once."""
    more = {"fetch_max_wait_ms": 2_000, "max_partition_fetch_bytes": 1024 * 1024}
    return Consumer(
        client_id=f"conduit.{service}.ahead",
        group_id=None,
        enable_auto_commit=False,
        **consumer_arguments(settings) | more,
    )


async def _never_called(batch: Any) -> None:  # noqa: ARG001 - FastStream runs a loop only where there is a handler
    raise AssertionError("the chassis takes records before FastStream's handlers")


class _Specification(KafkaSubscriberSpecification):
    """One channel per topic of the registry, with the messages that it carries."""

    topics_read: tuple[Topic, ...] = ()

    @override
    def get_schema(self) -> dict[str, SubscriberSpec]:
        return {f"{topic.template}:Consumer": _channel(topic) for topic in self.topics_read}


def _channel(topic: Topic) -> SubscriberSpec:
    payloads = {message.__name__: schema(message) for message in topic.messages}
    return SubscriberSpec(
        address=topic.template,
        description=f"Keyed by {topic.key}.",
        operation=Operation(message=Message(title=f"{topic.template}:Message", payload={"oneOf": payloads}), bindings=None),
        bindings=None,
    )


def _union(messages: Iterable[type[Event]]) -> Any:
    return reduce(or_, messages)


def create_docs(broker: KafkaBroker, service: str) -> AsgiFastStream:
    """FastStream's ASGI application, which serves this service's own AsyncAPI document. It starts nothing here.

    Its page is not served: that loads scripts from elsewhere. The whole conduit's pages are under /docs.
    """
    return AsgiFastStream(
        broker,
        logger=None,
        specification=AsyncAPI(title=f"conduit {service}", version="1"),
        asyncapi_path=AsyncAPIRoute("/asyncapi", asyncapi_json_path="/asyncapi.json", try_it_out_path=None),
    )
