"""What tests of services need: a clock that stands still, and a service without Kafka.

Records go through the real processor and the real database; events are read from the outbox.
"""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import structlog
from pydantic import BaseModel

from conduit_chassis import log, postgres
from conduit_chassis.batch import Processor
from conduit_chassis.clock import Clock
from conduit_chassis.headers import unpack_headers
from conduit_chassis.health import Health
from conduit_chassis.measured import measured
from conduit_chassis.observers import Observers
from conduit_chassis.orders import Replay, spell
from conduit_chassis.periodic import run_tick
from conduit_chassis.records import Delivery, Reader, Record, fingerprint
from conduit_chassis.runtime import Runtime, Service
from conduit_chassis.settings import Settings
from conduit_chassis.signed import Verifier
from conduit_contracts.attributes import decode_attributes
from conduit_contracts.envelope import Attributes, Command, Message, Undecodable, decode, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubPersonRegistered, HubRole
from conduit_contracts.signature import HEADER, Signable, SignedIn, sign
from conduit_contracts.signing_keys import SigningKey, TrustedKeys
from conduit_contracts.topics import REGISTRY, replay_topic

_offsets = count()
KEY = SigningKey.generate("local.tests")
"""Signs the commands of officers in tests."""
ISSUER = "https://login.hub.example"
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def message_types() -> Mapping[str, type[BaseModel]]:
    """Every message there is, by its type: those of the contracts, and those that a test defines."""
    found: dict[str, type[BaseModel]] = {}
    kinds = [Message]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if "type" in vars(kind):
            found[kind.type] = kind
    return found


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self._now = now

    def latest(self) -> datetime:
        """The same moment."""
        return self.now()

    def now(self) -> datetime:
        """The present moment."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class EveryOfficer:
    """A register in which each officer stands under the subject that is the officer's id."""

    def find(self, issuer: str, subject: str) -> HubPersonRegistered | None:
        """The officer of this name, whatever it is."""
        if issuer != ISSUER:
            return None
        return HubPersonRegistered(
            person_id="p-0000000000000000",
            issuer=issuer,
            subject=subject,
            valid_from=_NO_TIME,
            roles=(HubRole.OFFICER,),
            officer_id=subject,
        )


VERIFIER = Verifier(lambda: TrustedKeys([KEY.public()]), EveryOfficer())
"""Takes what `record` signs."""


def signed(made: Record) -> Record:
    """The record with the signature of the officer whom it names, at its own time. What is no command stays as it is."""
    topic = next((topic for topic in REGISTRY if topic.signed and topic.match(made.topic) is not None), None)
    if topic is None or made.value is None:
        return made
    try:
        attributes, command = decode(made.headers, made.value, {each.type: each for each in topic.messages}, closed=True)
    except Undecodable:
        return made
    if not isinstance(command, Command):
        return made
    signable = Signable.of(command, attributes, made.topic, made.value)
    officer = SignedIn(ISSUER, signable.officer_id, "mfa", made.timestamp)
    token = sign(signable, officer, KEY, made.timestamp)
    others = [(name, value) for name, value in made.headers if name != HEADER]
    return made._replace(headers=[*others, (HEADER, token.encode())])


@dataclass(frozen=True)
class Published:
    """An event that the service committed."""

    topic: str
    key: str | None
    attributes: Attributes
    message: Any
    """The message, validated as its contract is closed; None on the dead-letter topic, and where nothing stands any more."""


def record(
    topic: str,
    key: str | None,
    message: Message,
    *,
    event_id: str | None = None,
    time: datetime | None = None,
    source: str = "/conduit/test",
    subject: str | None = None,
) -> Record:
    """A record as Kafka would deliver it. A command of an officer's is signed."""
    attributes = Attributes(event_id or str(uuid7()), source, message.type, time or datetime.now(UTC), subject)
    headers, value = encode(message, attributes)
    return signed(raw_record(topic, key, headers, value))


def raw_record(topic: str, key: str | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Record:
    """A record of any bytes."""
    stamp = int(datetime.now(UTC).timestamp() * 1000)
    return Record(topic, 0, next(_offsets), None if key is None else key.encode(), headers, value, stamp)


def replay_order(service: str, number: int, made: Record, actor: str = "an.operator") -> Record:
    """An operator's order to bring back this dead letter of the service, which holds `made`."""
    order = Replay(number, fingerprint(made), actor, "The cause is fixed")
    return raw_record(replay_topic(service).name(), None, [], spell(order))


class Harness:
    """A service on a real database, fed by hand."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.pool = runtime.pool
        self.reader = Reader(runtime.service.name, runtime.service.reads(), runtime.service.readers, VERIFIER)
        self.processor = Processor(runtime, self.reader)

    async def deliver(self, *records: Record) -> list[Published]:
        """Process these as one batch, twice, as Kafka may; returns what was published.

        Raises:
            AssertionError: the second time had an effect.
        """
        before = await self._last_id()
        await self.processor.process(records)
        published = await self.published(before)
        await self.processor.process(records)
        again = await self.published(before)
        assert again == published, "delivered a second time, the same records published more"  # noqa: S101
        return published

    async def handle_again(self, *records: Record) -> list[Published]:
        """Call the handler itself, past the inbox, with records it has seen; returns what it publishes then."""
        before = await self._last_id()
        contents = [self.reader.read(each).content for each in records]
        async with self.runtime.transaction() as (connection, outbox):
            await self.runtime.service.handle(self.runtime, connection, contents, outbox)
        return await self.published(before)

    async def tick(self, name: str) -> list[Published]:
        """Run a tick once; returns what it published."""
        before = await self._last_id()
        tick = next(tick for tick in self.runtime.service.ticks if tick.name == name)
        await run_tick(self.runtime, tick)
        return await self.published(before)

    async def published(self, after: int = 0) -> list[Published]:
        """Every event in the outbox after this id, in order."""
        rows = await self.pool.fetch("SELECT topic, key, headers, value FROM outbox WHERE id > $1 ORDER BY id", after)
        return [_published(row["topic"], row["key"], row["headers"], row["value"]) for row in rows]

    async def dead_letters(self) -> list[Any]:
        """Rows of dead letters that still wait, in order."""
        found: list[Any] = await self.pool.fetch("SELECT * FROM dead_letters WHERE resolved_at IS NULL ORDER BY id")
        return found

    async def _last_id(self) -> int:
        number: int = await self.pool.fetchval("SELECT coalesce(max(id), 0) FROM outbox")
        return number

    def delivery(self, made: Record) -> Delivery[Any]:
        """The record as a handler sees it.

        Raises:
            TypeError: the record would be refused.
        """
        content = self.reader.read(made).content
        if not isinstance(content, Delivery):
            raise TypeError(f"refused: {content.problems}")
        return content


def _published(topic: str, key: bytes | None, packed: str, value: bytes | None) -> Published:
    text = key.decode() if key is not None else None
    headers = unpack_headers(packed)
    if topic.endswith(".dead-letters.v1"):
        named = {name: raw.decode() for name, raw in headers}
        place = Attributes(named["conduit-dead-letter-id"], named["conduit-topic"], named["conduit-reason"], _NO_TIME)
        return Published(topic, text, place, None)
    if value is None:
        return Published(topic, text, decode_attributes(headers), None)
    attributes, message = decode(headers, value, message_types(), closed=True)
    return Published(topic, text, attributes, message)


@asynccontextmanager
async def harness(service: Service[Any], dsn: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Harness]:
    """A service on the database at `dsn`, which has its migrations."""
    given: dict[str, Any] = {"kafka_bootstrap_servers": "unused:9092", "postgres_dsn": dsn, "pool_size": 3} | settings
    made = service.settings(**given)
    pool = await postgres.create_pool(made, service.name)
    runtime = Runtime(service, made, pool, clock or ManualClock(), Health(), measured(Observers()))
    try:
        runtime.start()
        yield Harness(runtime)
    finally:
        await postgres.close_pool(pool)


def settings_for(bootstrap: str, dsn: str, **overrides: Any) -> Settings:
    """Settings for a service on test servers, on any free HTTP port."""
    given: dict[str, Any] = {"kafka_bootstrap_servers": bootstrap, "postgres_dsn": dsn, "http_port": 0} | overrides
    return Settings(**given)


@contextmanager
def logging_as(service: str) -> Iterator[None]:
    """Log as the service does while the block lasts; what was set up before comes back."""
    root = logging.getLogger()
    before = root.handlers, root.level, structlog.get_config()
    log.configure(service)
    try:
        yield
    finally:
        root.handlers, root.level = before[:2]
        structlog.configure(**before[2])
