"""What a service is, and what runs it hands to its parts."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic

from pydantic import BaseModel
from starlette.types import ASGIApp

from conduit_chassis import postgres
from conduit_chassis.clock import Clock
from conduit_chassis.dispatch import Handlers, Refuses, W, dispatch, put_aside, whole
from conduit_chassis.health import Health
from conduit_chassis.observers import Observers
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Pool
from conduit_chassis.records import Incoming
from conduit_chassis.settings import Settings
from conduit_chassis.yielding import Haste, Yielding
from conduit_contracts.topics import Topic, consumed_by

LARGE_BYTES = 32 * 1024
"""A record of so many takes its handler long enough to be felt by all that the process does beside it."""
INBOX_MARGIN = timedelta(days=30)


@dataclass(frozen=True)
class Tick:
    """Periodic work in a transaction of its own, by one process at a time.

    `run` is given the transaction's connection and outbox. It returns how many items it dealt with, and is called again at
    once while that is `batch` or more.
    """

    name: str
    every: timedelta
    run: Callable[["Runtime", Any, Outbox], Awaitable[int]]
    batch: int = 500


@dataclass(frozen=True)
class Worker:
    """Long-running work in every process, started again when it fails and cancelled at drain."""

    name: str
    run: Callable[["Runtime"], Awaitable[None]]


def no_routes(_runtime: "Runtime") -> Sequence[tuple[str, ASGIApp]]:
    """No HTTP interface besides the chassis' own."""
    return ()


def start_nothing(_runtime: "Runtime") -> None:
    """For a service that needs nothing but its settings and clock."""


@dataclass(frozen=True)
class Service(Generic[W]):
    """All that makes one service: its topics follow from its name and the contracts' registry.

    A batch is one transaction: `load` reads what its records are about into a unit of work, each record's handler changes
    that, and `save` writes what was changed. `start` is called once, before any of it.
    """

    name: str
    handlers: Handlers[W]
    load: Callable[[Any, "Runtime", Sequence[Incoming], Outbox], Awaitable[W]]
    """Given the connection of the batch's transaction. It locks what it reads, in one order everywhere."""
    save: Callable[[Any, W], Awaitable[None]]
    migrations: Path
    start: Callable[["Runtime"], Any] = start_nothing
    """Returns what `Runtime.context` is from then on, as a policy; raises ConfigurationError where that cannot be used."""
    refused: Refuses[W] = put_aside
    """Takes what cannot be read from where outsiders write, whose sender is to be told."""
    parts: Callable[[Any, W, Sequence[Incoming]], AsyncGenerator[Sequence[Incoming], None]] = whole
    """Gives the batch in the order and the parts in which it is handled, each with what only its own records need."""
    after: Callable[[Any, W], Awaitable[None]] | None = None
    """Called after each record, for what does not wait in memory until the end."""
    settings: type[Settings] = Settings
    ticks: tuple[Tick, ...] = ()
    workers: tuple[Worker, ...] = ()
    routes: Callable[["Runtime"], Sequence[tuple[str, ASGIApp]]] = no_routes
    """Pairs of path prefix and application; the application sees the whole path."""
    readers: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    """Narrower models per event type, for what this service has no need to know."""
    brought: tuple[Path, ...] = ()
    """Migrations of what it builds on, applied before its own."""
    topics: tuple[Topic, ...] | None = None
    """What it reads, where that is not what the registry says for its name."""
    built_from: tuple[Topic, ...] = ()
    """Snapshots of others that it reads beside these, so that what it knows can be rebuilt."""
    ahead: tuple[Topic, ...] = ()
    """Topics of it on which what says danger is handled before its turn."""

    async def handle(self, runtime: "Runtime", connection: Connection, batch: Sequence[Incoming], outbox: Outbox) -> None:
        """Take each record in turn, between one load and one save."""
        work = await self.load(connection, runtime, batch, outbox)
        yielding = Yielding(runtime.haste)
        async with aclosing(self.parts(connection, work, batch)) as parts:
            async for part in parts:
                steps = dispatch(self.handlers, self.refused, work, part)
                for incoming in part:
                    await take_step(steps, incoming)
                    if self.after is not None:
                        await self.after(connection, work)
                    await yielding.pause()
        await self.save(connection, work)

    def reads(self) -> tuple[Topic, ...]:
        """The topics it reads."""
        return (*(consumed_by(self.name) if self.topics is None else self.topics), *self.built_from)


async def take_step(steps: Iterator[None], incoming: Incoming) -> None:
    """Let the next record have its effect: a large one in a thread, so that what goes on beside it gets its turns.

    A handler does no I/O and touches its own batch's work alone. Threads take turns every few milliseconds, while the tenths
    of a second that a large record takes would be added to every answer of a database that others wait for.
    """
    if len(incoming.record.value or b"") >= LARGE_BYTES:
        await asyncio.to_thread(next, steps)
    else:
        next(steps)


def inbox_retention(topics: Iterable[Topic]) -> timedelta:
    """A record that a topic still holds can come again; and a broker deletes a little late."""
    return max((topic.retention for topic in topics), default=timedelta()) + INBOX_MARGIN


class Runtime:
    """A running service, as its parts see it."""

    def __init__(
        self,
        service: Service[Any],
        settings: Settings,
        pool: Pool,
        clock: Clock,
        health: Health,
        observers: Observers = Observers(),  # noqa: B008 - it is frozen
    ) -> None:
        self.service = service
        self.observers = observers
        self.settings = settings
        self.pool = pool
        self.clock = clock
        self.health = health
        self._context: tuple[Any, ...] = ()
        self.wake_relay: Callable[[], None] = lambda: None
        self.haste = Haste()

    def start(self) -> None:
        """Start the service, which must be before anything else of it runs.

        Raises:
            ConfigurationError: it cannot work so.
        """
        self._context = (self.service.start(self),)

    @property
    def context(self) -> Any:
        """What the service's `start` returned.

        Raises:
            RuntimeError: it was not started.
        """
        if not self._context:
            raise RuntimeError("the service was not started")
        return self._context[0]

    @property
    def inbox_retention(self) -> timedelta:
        """For how long records are remembered: longer than any topic that is read here keeps them."""
        return self.settings.inbox_retention or inbox_retention(self.service.reads())

    def outbox(self) -> Outbox:
        """An outbox for one transaction."""
        settings = self.settings
        return Outbox(
            self.service.name,
            self.clock.now(),
            shards=settings.outbox_shards,
            max_bytes=settings.max_message_bytes,
            observer=self.observers.events(),
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Connection, Outbox]]:
        """A connection in a transaction and its outbox. At the end the events are written, committed and sent."""
        outbox = self.outbox()
        async with postgres.transaction(self.pool) as connection:
            yield connection, outbox
            written = await outbox.flush(connection)
        outbox.committed()
        if written:
            self.wake_relay()
