"""Snapshots as services publish them, of facts that a test made."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from conduit_chassis import facts
from conduit_chassis.headers import unpack_headers
from conduit_chassis.records import Record
from conduit_chassis.snapshots import KeptFact, SnapshotEnded, headers_of
from conduit_chassis.testing import Harness, raw_record, record
from conduit_contracts import topics
from conduit_contracts.ids import uuid7
from services.console.tests.builders import NOW

READ_MODEL = (
    "cases",
    "handoffs",
    "questions",
    "timeline",
    "contents",
    "attachments",
    "failed_notices",
    "dangers",
    "duty_tasks",
)
_numbers = count(1_000_000)
ALL = UUID(int=0)


def owner_of(made: Record) -> str:
    """Which service told it."""
    return next(topic.owner for topic in topics.consumed_by("console") if topic.match(made.topic) is not None)


def told_again(order_id: UUID, made: Record, *, worded: bool = True, at: datetime = NOW) -> Record:
    """The record of a snapshot that repeats this one."""
    named = {name: (value or b"").decode() for name, value in made.headers}
    fact = KeptFact(1, made.topic, made.partition, made.offset, made.timestamp, named, made.value or b"")
    value = made.value or b""
    again = raw_record(
        topics.snapshot_topic(owner_of(made)).name(),
        str(order_id),
        unpack_headers(headers_of(order_id, fact, worded=worded)),
        value if worded else facts.without_words(fact.event_type, value),
    )
    return again._replace(timestamp_ms=int(at.timestamp() * 1000), offset=next(_numbers))


def ended(order_id: UUID, service: str, number: int = 0, at: datetime = NOW) -> Record:
    """The last record of a service's snapshot."""
    made = record(topics.snapshot_topic(service).name(), str(order_id), SnapshotEnded(facts=number), time=at)
    headers = [*made.headers, ("conduit-snapshot", str(order_id).encode())]
    return made._replace(headers=headers, timestamp_ms=int(at.timestamp() * 1000), offset=next(_numbers))


def snapshot(order_id: UUID, service: str, told: Sequence[Record], *, worded: bool = True) -> list[Record]:
    """All that a service tells again, with its end."""
    own = [each for each in told if owner_of(each) == service]
    return [*(told_again(order_id, each, worded=worded) for each in own), ended(order_id, service, len(own))]


async def empty(console: Harness, first_kept: UUID = ALL) -> UUID:
    """Begin a rebuild, as `conduit console rebuild` does."""
    order_id = uuid7()
    asked = "SELECT begin_rebuild($1, 'A. Operator', 'a test', $2::text[], $3)"
    await console.pool.execute(asked, order_id, list(topics.keepers()), first_kept)
    return order_id


async def settle(console: Harness) -> None:
    """Let what was held take effect, and the rebuild end where it can."""
    await console.pool.execute("UPDATE followed SET complete_to = '2100-01-01'")
    for _ in range(3):
        await console.tick("release_held_facts")


async def under_way(console: Harness) -> bool:
    return bool(await console.pool.fetchval("SELECT EXISTS (SELECT FROM rebuilds WHERE ended_at IS NULL)"))


def differences(found: dict[str, list[Any]], wanted: dict[str, list[Any]]) -> list[str]:
    """Each line that is there and should not be, and each that is not there."""
    more = [f"+ {table} {line}" for table, lines in found.items() for line in lines if line not in wanted[table]]
    return [*more, *(f"- {table} {line}" for table, lines in wanted.items() for line in lines if line not in found[table])]


async def rows(console: Harness, *but: str) -> dict[str, list[Any]]:
    """The whole read model, but for what a policy's name was read last, and in which order the console heard of lines."""
    found: dict[str, list[Any]] = {}
    for table in READ_MODEL:
        if table not in but:
            taken = await console.pool.fetch(f"SELECT * FROM {table}")  # noqa: S608 - constants
            left_out = {"policy_version", "version"} if table == "timeline" else {"policy_version"}
            plain = [[f"{name}: {value}" for name, value in row.items() if name not in left_out] for row in taken]
            found[table] = sorted(plain)
    return found
