"""A whole stack whose services send their spans to a collector here."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from conduit_local.demo import registers
from conduit_local.demo.command import stack_options
from conduit_local.demo.post import Post
from conduit_local.demo.samples import force_register, load_partners
from conduit_local.stack import Stack
from conduit_operate.lag import Lag
from tests.support.collector import Collector, collecting


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest, collector: Collector) -> Iterator[Stack]:
    """Switched on as docs/tracing.md says. It lies outside pytest's own folders; after a failure its logs stay."""
    failed = request.session.testsfailed
    folder = Path(tempfile.mkdtemp(prefix="conduit-tracing-"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in collector.environment.items():
            environment.setenv(name, value)
        started = Stack(folder, stack_options())
        with started:
            yield started
    if request.session.testsfailed == failed:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
async def post(stack: Stack) -> AsyncIterator[Post]:
    """Everybody who writes to Kafka; the services know the partners and the forces."""
    async with Post(stack.broker) as made:
        await registers.publish(made, [*load_partners(), *force_register()])
        await asyncio.to_thread(registers.wait_until_known, Lag(stack.broker), lambda: None)
        yield made
