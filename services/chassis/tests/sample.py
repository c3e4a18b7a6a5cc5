"""A service that keeps what it is told, for tests. It also runs as a process of its own: SAMPLE_PREFIX names its topics."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from conduit_chassis.app import Service, run
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.runtime import Runtime
from conduit_chassis.settings import Settings
from conduit_contracts.envelope import Event
from conduit_contracts.topics import Topic

MIGRATIONS = Path(__file__).parent / "migrations"
_INSERT = "INSERT INTO effects (kind, topic, key, number, principal) VALUES ($1, $2, $3, $4, $5)"


BatchHandler: TypeAlias = Callable[[Any, Sequence[Incoming], Outbox], Awaitable[None]]


async def _unused(*_: Any) -> Any:
    raise AssertionError


@dataclass(frozen=True)
class Bare(Service[Any]):
    """A service of one function for a whole batch, so that a test has the batch's transaction in its own hand."""

    batch: BatchHandler = _unused

    async def handle(self, _runtime: Runtime, connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        await self.batch(connection, batch, outbox)


class Noted(Event):
    type: ClassVar[str] = "uk.test.noted.v1"
    number: int
    action: str = "keep"
    words: str = ""
    partner_id: str | None = None


class Kept(Event):
    type: ClassVar[str] = "uk.test.kept.v1"
    number: int


def topic(template: str, *, edge: bool = False, compacted: bool = False, partitions: int = 3) -> Topic:
    return Topic(
        template=template,
        owner="test",
        producers=("test",),
        consumers=("test",),
        messages=(Noted,),
        edge=edge,
        compacted=compacted,
        partitions=partitions,
    )


class FixableError(Exception):
    """What the sample raises until it is mended."""


class Sample:
    """A service of its own per test, so that tests share the servers and nothing else."""

    def __init__(self, prefix: str) -> None:
        self.name = prefix
        self.inside = topic(f"{prefix}.inside.v1")
        self.second = topic(f"{prefix}.second.v1", partitions=1)
        self.edge = topic(f"{prefix}.partner.{{partner_id}}.in.v1", edge=True, partitions=1)
        self.officers = topic(f"{prefix}.reviews.v1", edge=True, partitions=1)
        self.register = topic(f"{prefix}.register.v1", compacted=True, partitions=1)
        self.out = topic(f"{prefix}.out.v1")
        self.dead_letters = f"{prefix}.dead-letters.v1"
        self.replays = f"{prefix}.replays.v1"
        self.mended = False
        self.batches: list[int] = []

    def service(self, handle: BatchHandler | None = None, **more: Any) -> Service[Any]:
        topics = (self.inside, self.second, self.edge, self.officers, self.register)
        named = {"name": self.name, "migrations": MIGRATIONS, "settings": Settings, "topics": topics}
        return Bare(handlers={}, load=_unused, save=_unused, batch=handle or self.handle, **named, **more)

    async def handle(self, connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        self.batches.append(len(batch))
        for incoming in batch:
            await self._handle_one(connection, incoming, outbox)

    async def _handle_one(self, connection: Any, incoming: Incoming, outbox: Outbox) -> None:
        key = incoming.record.key.decode() if incoming.record.key else None
        kept = isinstance(incoming, Delivery)
        number = incoming.message.number if isinstance(incoming, Delivery) else None
        if isinstance(incoming, Delivery) and not self.mended:
            await self._misbehave(connection, incoming.message)
        kind = "kept" if kept else "refused"
        await connection.execute(_INSERT, kind, incoming.record.topic, key, number, incoming.principal)
        if isinstance(incoming, Delivery):
            outbox.publish(self.out.template, key or "none", Kept(number=incoming.message.number), cause=incoming.attributes)

    async def _misbehave(self, connection: Any, message: Noted) -> None:
        if message.action == "fail":
            raise FixableError(message.words)
        if message.action == "fail in the database":
            await connection.fetchval("SELECT $1::text::integer", message.words)
        if message.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if message.action == "slow":
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    run(Sample(os.environ["SAMPLE_PREFIX"]).service())
