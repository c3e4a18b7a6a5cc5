"""Publishes all facts that a service keeps once more, for the console, when an operator orders it: `<service>.snapshots.v1`.

An order has an id, and its row says how far it is: a repeated order does nothing, and one that was cut short goes on where
it was. Facts go out as they are kept, in their order, a page at a time, and each page only while nothing else is in the
outbox. A record has a `ce_id` of its own and says in a header which event it was, where it stood and when the broker took
that.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID, uuid5

import structlog

from conduit_chassis import facts, metrics
from conduit_chassis.headers import pack_headers, unpack_headers
from conduit_chassis.orders import SnapshotOrder
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Row
from conduit_chassis.records import Delivery
from conduit_chassis.runtime import Runtime, Worker
from conduit_contracts.envelope import Attributes, Event, dump, encode_headers
from conduit_contracts.topics import Topic, snapshot_topic

FACT_HEADER, ORDER_HEADER = "conduit-fact", "conduit-snapshot"
PAGE_ROWS = 500
PAGE_BYTES = 1024 * 1024
"""Of a page: what of it is on its way when danger comes is before it."""
REST_SECONDS, TURN_SECONDS = 1.0, 0.02
"""Until it looks for an order again, and until it looks whether the last page has left."""

_ACCEPT = """
INSERT INTO snapshot_orders (order_id, actor, reason, after_event)
SELECT $1, $2, $3, coalesce(max(id), 0) FROM outbox ON CONFLICT DO NOTHING
"""
_NEXT = """
SELECT order_id, after_event, last_fact, published_to, published FROM snapshot_orders
WHERE ended_at IS NULL ORDER BY ordered_at, order_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_OTHERS_WAIT = "SELECT EXISTS (SELECT FROM outbox LIMIT 1)"
_UNSENT = "SELECT EXISTS (SELECT FROM outbox WHERE fact IS NOT NULL AND id <= $1)"
_SETTLED = "LOCK TABLE facts IN SHARE MODE"
_LAST = "SELECT coalesce(max(id), 0) FROM facts"
_BEGIN = "UPDATE snapshot_orders SET last_fact = $2 WHERE order_id = $1"
_PAGE = """
WITH found AS (
    SELECT id, topic, partition, record_offset, recorded_at, headers, value FROM facts
    WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3
), measured AS (
    SELECT id, sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS before FROM found
)
SELECT found.id, topic, partition, record_offset, recorded_at, headers, value
FROM found JOIN measured ON measured.id = found.id WHERE before < $4 ORDER BY found.id
"""
_ADVANCE = """
UPDATE snapshot_orders SET published_to = $2, published = published + $3,
                           ended_at = CASE WHEN $4 THEN clock_timestamp() END
WHERE order_id = $1
"""
_LEFT = """
SELECT coalesce(sum(greatest(0, coalesce(last_fact, (SELECT max(id) FROM facts), 0) - published_to)), 0)::bigint
FROM snapshot_orders WHERE ended_at IS NULL
"""

_log = structlog.get_logger()


class SnapshotEnded(Event):
    """A service has published all facts that it keeps once more. It is the last record of a snapshot."""

    type: ClassVar[str] = "uk.conduit.chassis.snapshot-ended.v1"
    facts: int
    """How many there were."""


class KeptFact(NamedTuple):
    """One fact as it is kept."""

    id: int
    topic: str
    partition: int
    record_offset: int
    recorded_at: datetime
    headers: Mapping[str, str]
    value: bytes

    @property
    def event_id(self) -> str:
        """The event's id."""
        return self.headers["ce_id"]

    @property
    def event_type(self) -> str:
        """The event's type."""
        return self.headers["ce_type"]

    @property
    def case_id(self) -> UUID:
        """The case that it is about, where it is about one."""
        return UUID(self.headers["ce_subject"])


class Keeper(NamedTuple):
    """What a service must say of its cases, for what people wrote to be published with those that are open alone."""

    open_ones: Callable[[Connection, Collection[UUID]], Awaitable[set[UUID]]]
    """Which of these cases are not closed, as far as the service knows."""
    words: Callable[[Connection, Sequence[KeptFact]], Awaitable[Mapping[str, bytes]]] | None = None
    """Of these facts of open cases, the values of those whose words the service keeps elsewhere, whole and by event id."""


class Origin(NamedTuple):
    """Which event a record of a snapshot repeats, and of which order."""

    order_id: UUID
    delivery: Delivery[Any]
    """As it was first."""
    worded: bool
    """Whether what people wrote is in it."""


def reads_from(services: Sequence[str]) -> tuple[Topic, ...]:
    """The snapshots of these services, as their reader takes them."""
    topics = map(snapshot_topic, services)
    return tuple(replace(topic, messages=(*topic.messages, SnapshotEnded)) for topic in topics)


async def accept(connection: Connection, order: SnapshotOrder) -> None:
    """Begin, unless this order is known."""
    await connection.execute(_ACCEPT, order.order_id, order.actor, order.reason)


def origin_of(delivery: Delivery[Any]) -> Origin:
    """What a record of a snapshot repeats. That of its end repeats nothing, and is as it came."""
    named = {name: value or b"" for name, value in delivery.record.headers}
    order_id = UUID(named[ORDER_HEADER].decode())
    if FACT_HEADER not in named:
        return Origin(order_id, delivery, worded=False)
    told = json.loads(named[FACT_HEADER])
    record = delivery.record._replace(
        topic=told["topic"], partition=told["partition"], offset=told["offset"], timestamp_ms=told["at_ms"]
    )
    attributes = delivery.attributes._replace(id=told["id"])
    return Origin(
        order_id, Delivery(delivery.message, attributes, record, delivery.principal, delivery.topic), told["worded"]
    )


def publishing(keeper: Keeper) -> Worker:
    """The worker of a service that keeps facts."""

    async def publish(runtime: Runtime) -> None:
        while True:
            done = await publish_page(runtime, keeper)
            metrics.SNAPSHOT_FACTS_LEFT.set(await runtime.pool.fetchval(_LEFT))
            await asyncio.sleep(REST_SECONDS if done is None else TURN_SECONDS)

    return Worker("publish_snapshots", publish)


async def publish_page(runtime: Runtime, keeper: Keeper) -> bool | None:
    """Publish the next page. False where something else waits in the outbox, None where nothing is ordered, or another
    process is at it."""
    async with runtime.transaction() as (connection, outbox):
        order = await connection.fetchrow(_NEXT)
        if order is None:
            return None
        if await connection.fetchval(_OTHERS_WAIT):
            return False
        last = order["last_fact"]
        if last is None:
            return await _begin(connection, order)
        rows = await connection.fetch(_PAGE, order["published_to"], last, PAGE_ROWS, PAGE_BYTES)
        await _publish(connection, outbox, runtime.service.name, keeper, order["order_id"], [_kept(row) for row in rows])
        ended = not rows or rows[-1]["id"] == last
        if ended:
            _publish_end(outbox, runtime, order["order_id"], order["published"] + len(rows))
            _log.info("snapshot_published", service=runtime.service.name, count=order["published"] + len(rows))
        to = rows[-1]["id"] if rows else last
        await connection.execute(_ADVANCE, order["order_id"], to, len(rows), ended)
    return True


async def _begin(connection: Connection, order: Row) -> bool:
    """Settle how far the snapshot goes: to all that was told before it was ordered, at least."""
    if await connection.fetchval(_UNSENT, order["after_event"]):
        return False
    # Numbers are given before they can be seen: whoever has one has committed when this returns.
    await connection.execute(_SETTLED)
    await connection.execute(_BEGIN, order["order_id"], await connection.fetchval(_LAST))
    return True


async def _publish(
    connection: Connection, outbox: Outbox, service: str, keeper: Keeper, order_id: UUID, page: Sequence[KeptFact]
) -> None:
    cases = {fact.event_id: fact.case_id for fact in page if facts.has_words(fact.event_type)}
    live = await keeper.open_ones(connection, set(cases.values())) if cases else set()
    of_live = [fact for fact in page if cases.get(fact.event_id) in live]
    worded = {fact.event_id: fact.value for fact in of_live}
    if keeper.words is not None:
        worded |= await keeper.words(connection, of_live)
    topic, key = snapshot_topic(service).name(), str(order_id).encode()
    for fact in page:
        value = worded.get(fact.event_id)
        headers = headers_of(order_id, fact, worded=value is not None)
        outbox.add(topic, key, headers, value or facts.without_words(fact.event_type, fact.value), late=True)


def headers_of(order_id: UUID, fact: KeptFact, *, worded: bool) -> str:
    """The headers of a fact that is published once more: its own, but for the id, and where it stood."""
    told = {
        "id": fact.event_id,
        "topic": fact.topic,
        "partition": fact.partition,
        "offset": fact.record_offset,
        "at_ms": round(fact.recorded_at.timestamp() * 1000),
        "worded": worded,
    }
    own = {"ce_id": str(uuid5(order_id, fact.event_id)), ORDER_HEADER: str(order_id), FACT_HEADER: json.dumps(told)}
    return pack_headers([(name, value.encode()) for name, value in {**fact.headers, **own}.items()])


def _publish_end(outbox: Outbox, runtime: Runtime, order_id: UUID, number: int) -> None:
    service, ended = runtime.service.name, SnapshotEnded(facts=number)
    attributes = Attributes(str(uuid5(order_id, service)), f"/conduit/{service}", ended.type, runtime.clock.now(), None)
    headers, key = encode_headers(attributes), str(order_id).encode()
    outbox.add(snapshot_topic(service).name(), key, pack_headers([*headers, (ORDER_HEADER, key)]), dump(ended), late=True)


def _kept(row: Row) -> KeptFact:
    headers = {name: value.decode() for name, value in unpack_headers(row["headers"]) if name}
    return KeptFact(**{**dict(row), "headers": headers, "recorded_at": row["recorded_at"].astimezone(UTC)})
