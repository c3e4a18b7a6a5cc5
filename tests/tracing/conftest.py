"""A whole stack whose services send their spans to a collector here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from conduit_local.demo import registers
from conduit_local.demo.command import stack_options
from conduit_local.demo.post import Post
from conduit_local.demo.samples import force_register, load_partners
from conduit_local.stack import Stack
from conduit_operate.lag import Lag
from tests.support.collector import Collector, collecting
from tests.support.stacks import RunStack


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def stack(run_stack: RunStack, collector: Collector) -> Iterator[Stack]:
    """Switched on as docs/tracing.md says."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in collector.environment.items():
            environment.setenv(name, value)
        with run_stack("tracing", stack_options()) as started:
            yield started


@pytest.fixture(scope="module")
async def post(stack: Stack) -> AsyncIterator[Post]:
    """Everybody who writes to Kafka; the services know the partners and the forces."""
    async with Post(stack.broker) as made:
        await registers.publish(made, [*load_partners(), *force_register()])
        await asyncio.to_thread(registers.wait_until_known, Lag(stack.broker), lambda: None)
        yield made
