"""Sends records, each as the one whose topic it is: on a secured broker nobody else could."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from conduit_contracts import topics
from conduit_local.demo.records import Wire
from conduit_operate.access import service_principal, staff_user, user_of
from conduit_operate.broker import Broker

Sent = asyncio.Future[Any]
"""Done when the broker has the record; its result says where."""


START_SECONDS = 60.0


def writer_of(topic: str) -> str:
    """The user who may write to a topic that people outside the services write to.

    Raises:
        ValueError: nobody but a service may.
    """
    for entry in topics.REGISTRY:
        principal = entry.match(topic)
        if principal is not None:
            (producer,) = entry.producers
            if entry.signed:
                return service_principal(producer)
            return user_of(producer, principal) if principal else staff_user(producer)
    raise ValueError(f"no topic of the conduit is called {topic}")


class Post:
    """`async with Post(broker) as post:`; one producer per user, made when it is first needed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._producers: dict[str, AIOKafkaProducer] = {}
        self._lock = asyncio.Lock()

    @property
    def broker(self) -> Broker:
        """Where it sends to."""
        return self._broker

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(producer.stop() for producer in self._producers.values()))

    async def send(self, wire: Wire) -> Sent:
        """Returns once the record is on its way; records of one topic keep the order of the calls."""
        producer = await self._producer(writer_of(wire.topic))
        sent: Sent = await producer.send(wire.topic, wire.value, key=wire.key, headers=list(wire.headers))
        return sent

    async def _producer(self, user: str) -> AIOKafkaProducer:
        who = user if self._broker.secured else "anybody"
        async with self._lock:
            if who not in self._producers:
                self._producers[who] = await self._start(user)
        return self._producers[who]

    async def _start(self, user: str) -> AIOKafkaProducer:
        """Tries again while the broker does not answer."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                producer = AIOKafkaProducer(
                    **self._broker.aiokafka(user),
                    enable_idempotence=True,
                    max_request_size=2_000_000,
                    request_timeout_ms=60_000,
                )
                try:
                    await producer.start()
                except KafkaError:
                    await producer.stop()
                    await asyncio.sleep(0.2)
                else:
                    return producer
