"""aiokafka's client, for requests that librdkafka has not, or not safely, from code that may or may not run in a loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka.client import AIOKafkaClient

from conduit_operate.broker import Broker
from conduit_operate.secured import ADMIN

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own, so that it can be called where a loop runs already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@asynccontextmanager
async def administrator(broker: Broker, seconds: float = 15.0) -> AsyncIterator[Any]:
    """The administrator's client, which waits so long for each answer. It ships no types."""
    client = AIOKafkaClient(**broker.aiokafka(ADMIN), request_timeout_ms=int(seconds * 1000))
    try:
        await client.bootstrap()
        yield client
    finally:
        await client.close()
