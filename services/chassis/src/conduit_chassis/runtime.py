"""What a service is, and what runs it hands to its parts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from starlette.types import ASGIApp

from conduit_chassis import postgres
from conduit_chassis.clock import Clock
from conduit_chassis.health import Health
from conduit_chassis.kafka import BatchHandler
from conduit_chassis.outbox import Outbox
from conduit_chassis.settings import Settings
from conduit_contracts.topics import Topic, consumed_by

INBOX_MARGIN = timedelta(days=30)


@dataclass(frozen=True)
class Tick:
    """Periodic work in a transaction of its own, by one process at a time.

    `run` returns how many items it dealt with, and is called again at once while that is `batch` or more.
    """

    name: str
    every: timedelta
    run: Callable[[Any, Outbox, datetime], Awaitable[int]]
    batch: int = 500


@dataclass(frozen=True)
class Worker:
    """Long-running work in every process, started again when it fails and cancelled at drain."""

    name: str
    run: Callable[["Runtime"], Awaitable[None]]


def no_routes(_runtime: "Runtime") -> Sequence[tuple[str, ASGIApp]]:
    """No HTTP interface besides the chassis' own."""
    return ()


@dataclass(frozen=True)
class Service:
    """All that makes one service: its topics follow from its name and the contracts' registry."""

    name: str
    handle: BatchHandler
    migrations: Path
    settings: type[Settings] = Settings
    ticks: tuple[Tick, ...] = ()
    workers: tuple[Worker, ...] = ()
    routes: Callable[["Runtime"], Sequence[tuple[str, ASGIApp]]] = no_routes
    """Pairs of path prefix and application; the application sees the whole path."""
    readers: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    """Narrower models per event type, for what this service has no need to know."""
    topics: tuple[Topic, ...] | None = None
    """What it reads, where that is not what the registry says for its name."""

    def reads(self) -> tuple[Topic, ...]:
        """The topics it reads."""
        return consumed_by(self.name) if self.topics is None else self.topics


def inbox_retention(topics: Iterable[Topic]) -> timedelta:
    """A record that a topic still holds can come again; and a broker deletes a little late."""
    return max((topic.retention for topic in topics), default=timedelta()) + INBOX_MARGIN


class Runtime:
    """A running service, as its parts see it."""

    def __init__(self, service: Service, settings: Settings, pool: Any, clock: Clock, health: Health) -> None:
        self.service = service
        self.settings = settings
        self.pool = pool
        self.clock = clock
        self.health = health
        self.wake_relay: Callable[[], None] = lambda: None

    @property
    def inbox_retention(self) -> timedelta:
        """For how long records are remembered: longer than any topic that is read here keeps them."""
        return self.settings.inbox_retention or inbox_retention(self.service.reads())

    def outbox(self) -> Outbox:
        """An outbox for one transaction."""
        settings = self.settings
        return Outbox(
            self.service.name, self.clock.now(), shards=settings.outbox_shards, max_bytes=settings.max_message_bytes
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Any, Outbox]]:
        """A connection in a transaction and its outbox. At the end the events are written, committed and sent."""
        outbox = self.outbox()
        async with postgres.transaction(self.pool) as connection:
            yield connection, outbox
            written = await outbox.flush(connection)
        if written:
            self.wake_relay()
