"""Wires the console together."""

import asyncio
from pathlib import Path

from conduit_chassis import postgres
from conduit_chassis.app import Runtime, Service, Worker
from conduit_console import batch, metrics
from conduit_console.following import keep_current, measure
from conduit_console.handlers import HANDLERS
from conduit_console.readers import READERS
from conduit_console.settings import ConsoleSettings
from conduit_console.work import ConsoleWork

MEASURE_SECONDS = 5.0


def start(_runtime: Runtime) -> None:
    """It needs nothing but its settings."""


def create_service() -> Service[ConsoleWork]:
    """The console."""
    return Service(
        "console",
        handlers=HANDLERS,
        load=batch.load,
        save=batch.save,
        start=start,
        migrations=Path(__file__).parent / "migrations",
        settings=ConsoleSettings,
        workers=(Worker("keep_current", keep_current), Worker("measure", measure_all)),
        readers=READERS,
    )


async def measure_all(runtime: Runtime) -> None:
    """The worker that keeps the gauges of what waits."""
    while True:
        async with postgres.connection(runtime.pool) as connection:
            waiting, unclaimed, behind = await measure(connection, runtime.clock.now())
        metrics.QUESTIONS.set(waiting)
        metrics.UNCLAIMED.set(unclaimed)
        if behind is not None:
            metrics.BEHIND.set(behind)
        await asyncio.sleep(MEASURE_SECONDS)


SERVICE = create_service()
