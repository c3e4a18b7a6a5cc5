"""Sends records one at a time, each confirmed by every replica that must have it.

A producer that failed is thrown away and the next record gets a new one: some of its faults only end with it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from conduit_contracts.kits.errors import UnconfirmedError
from conduit_contracts.kits.extras import load
from conduit_contracts.kits.settings import KafkaSettings

MAX_REQUEST_BYTES = 2 * 1024 * 1024
CLOSE_SECONDS = 5.0


class Sender:
    """`async with Sender(settings) as sender:`; the connection is made with the first record."""

    def __init__(self, settings: KafkaSettings, *, seconds: float = 30.0) -> None:
        """`seconds` is how long to wait for the broker's word on one record."""
        self._settings, self._seconds = settings, seconds
        self._kafka = load("aiokafka", "kafka")
        self._producer: Any = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._discard()

    async def send(self, topic: str, key: bytes, headers: Sequence[tuple[str, bytes]], value: bytes) -> str:
        """Send one record; returns its place as topic/partition/offset. Records of one caller keep their order.

        Raises:
            UnconfirmedError: the broker did not confirm it in time. It may have arrived.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(self._seconds):
                    producer = await self._connected()
                    sent = await producer.send_and_wait(topic, value, key=key, headers=list(headers))
            except (TimeoutError, self._kafka.errors.KafkaError) as error:
                await self._discard()
                raise UnconfirmedError(type(error).__name__) from None
        return f"{sent.topic}/{sent.partition}/{sent.offset}"

    async def _connected(self) -> Any:
        if self._producer is None:
            producer = self._kafka.AIOKafkaProducer(
                **self._settings.arguments(),
                enable_idempotence=True,
                acks="all",
                max_request_size=MAX_REQUEST_BYTES,
                request_timeout_ms=10_000,
            )
            self._producer = producer
            await producer.start()
        return self._producer

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        with suppress(TimeoutError, self._kafka.errors.KafkaError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await producer.stop()
                return
        # With the broker away an idempotent producer never gives its records up, so it is ended from within.
        with suppress(TimeoutError, asyncio.CancelledError, self._kafka.errors.KafkaError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await producer._sender.close()
                await producer.client.close()
