"""Facts that wait for others, and the console rebuilt from what the services keep. `rebuilt` has the rules.

A fact that is only a line of its case may be read before anything else of the case: it stands on another partition. It is
held until the case is there, or until everything that was written before it has been read.

`begin_rebuild` empties the tables and writes down that a rebuild is under way, in one transaction. A batch looks for that
after it has locked its cases, and keeps it from ending until it is done. Once all snapshots have ended, what was held takes
effect, case by case; and once everything that was published until then has been read, the rebuild has ended.
"""

from collections.abc import AsyncGenerator, Container, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from conduit_chassis import snapshots
from conduit_chassis.columns import Columns
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Row
from conduit_chassis.records import Delivery, Incoming, Record
from conduit_chassis.runtime import Runtime, Tick
from conduit_chassis.snapshots import SnapshotEnded
from conduit_console import content, rules, store
from conduit_console.handlers import HANDLERS
from conduit_console.readers import READERS
from conduit_console.rebuilt import ONLY_A_LINE, Course, EndedSnapshot, HeldFact, Rebuild, course_of
from conduit_console.work import ConsoleWork
from conduit_contracts.envelope import Attributes, short_name
from conduit_contracts.topics import SERVICES, consumed_by, keepers

SNAPSHOTS = snapshots.reads_from(keepers())
RELEASED_AT_ONCE = 200
"""Cases whose held facts take effect in one transaction."""
_NAMES = frozenset(topic.name() for topic in SNAPSHOTS)
_TOPICS = {topic.template: topic for topic in consumed_by("console")}
_MODELS: dict[str, type[BaseModel]] = {
    message.type: READERS.get(message.type, message) for topic in _TOPICS.values() for message in topic.messages
}

_UNDER_WAY = """
SELECT rebuilds.rebuild_id, begun_at, service, source.ended_at FROM rebuilds
JOIN rebuild_sources AS source ON source.rebuild_id = rebuilds.rebuild_id
WHERE rebuilds.ended_at IS NULL FOR KEY SHARE OF source
"""
_WAITING = "SELECT DISTINCT referral_id FROM held_facts WHERE referral_id = ANY($1::uuid[])"
_KEYS = Columns(referral_id="uuid", event_id="text")
_STAND = f"""
SELECT referral_id, event_id FROM timeline JOIN {_KEYS.rows("wanted")} USING (referral_id, event_id)
"""  # noqa: S608 - constants
_HELD = Columns(
    referral_id="uuid",
    event_id="text",
    topic="text",
    partition="integer",
    place="bigint",
    stage="smallint",
    ordered_at="timestamptz",
    happened_at="timestamptz",
    kind="text",
    said="bytea",
)
_HOLD = f"""
INSERT INTO held_facts ({_HELD.names}) SELECT {_HELD.values("now")} FROM {_HELD.rows("now")} ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_TAKEN = "UPDATE rebuild_sources SET taken = taken + $3 WHERE rebuild_id = $1 AND service = $2"
_NOBODY_HOLDS = "SELECT service FROM rebuild_sources WHERE rebuild_id = $1 AND service = $2 FOR UPDATE"
_END = "UPDATE rebuild_sources SET ended_at = $3, facts = $4 WHERE rebuild_id = $1 AND service = $2"
_NEXT = "SELECT DISTINCT referral_id FROM held_facts ORDER BY referral_id LIMIT $1"
_BELATED = "SELECT DISTINCT referral_id FROM held_facts JOIN cases USING (referral_id) ORDER BY referral_id LIMIT $1"
_OF_NO_CASE = """
DELETE FROM held_facts WHERE ordered_at < (SELECT min(complete_to) FROM followed) - interval '1 minute'
AND NOT EXISTS (SELECT FROM cases WHERE cases.referral_id = held_facts.referral_id)
"""
_RELEASE = f"""
DELETE FROM held_facts WHERE referral_id = ANY($1::uuid[]) RETURNING {_HELD.names}
"""  # noqa: S608 - constants
_DONE = """
UPDATE rebuilds SET ended_at = clock_timestamp() WHERE ended_at IS NULL AND rebuild_id = $1
AND (SELECT min(complete_to) FROM followed) > (SELECT max(ended_at) FROM rebuild_sources WHERE rebuild_id = $1)
"""


async def load(connection: Connection, work: ConsoleWork, batch: Sequence[Incoming]) -> None:
    """Let the work know of a rebuild that is under way. After its cases are locked."""
    work.rebuild = await _under_way(connection)
    if work.rebuild is None:
        return
    marks = [(referral_id, _event_of(each)) for each in batch if (referral_id := _case_of(each)) is not None]
    await _know(connection, work, marks)
    ids = list({referral_id for referral_id, _ in marks})
    work.rebuild.waiting = {row["referral_id"] for row in await connection.fetch(_WAITING, ids)} if ids else set()


async def _under_way(connection: Connection) -> Rebuild | None:
    rows = await connection.fetch(_UNDER_WAY)
    if not rows:
        return None
    lacking = frozenset(row["service"] for row in rows if row["ended_at"] is None)
    return Rebuild(rows[0]["rebuild_id"], rows[0]["begun_at"], lacking)


async def _know(connection: Connection, work: ConsoleWork, marks: Iterable[tuple[UUID, str]]) -> None:
    wanted = [{"referral_id": referral_id, "event_id": event_id} for referral_id, event_id in marks]
    if wanted:
        rows = await connection.fetch(_STAND, *_KEYS.arrays(wanted))
        work.known |= {(row["referral_id"], row["event_id"]) for row in rows}


async def parts(
    _connection: Connection, work: ConsoleWork, batch: Sequence[Incoming]
) -> AsyncGenerator[Sequence[Incoming], None]:
    """The batch with what takes effect now. While the console is rebuilt one by one: what a record leads to may decide
    on the next."""
    if work.rebuild is None:
        known = set(work.cases)
        yield [each for each in batch if each.record.topic not in _NAMES]
        for incoming in batch:
            if isinstance(incoming, Delivery) and _came_early(known, incoming):
                _hold(work, incoming)
        return
    for incoming in batch:
        taken = take(work, work.rebuild, incoming)
        if taken is not None:
            yield (taken,)


def _came_early(known: Container[UUID], delivery: Delivery[Any]) -> bool:
    referral_id = getattr(delivery.message, "referral_id", None)
    return delivery.attributes.type in ONLY_A_LINE and referral_id is not None and referral_id not in known


def take(work: ConsoleWork, rebuild: Rebuild, incoming: Incoming) -> Incoming | None:
    """What of a record is to take effect now, if anything."""
    if not isinstance(incoming, Delivery):
        return incoming
    if incoming.record.topic not in _NAMES:
        return _choose(work, rebuild, incoming, from_snapshot=False)
    origin = snapshots.origin_of(incoming)
    if rebuild.rebuild_id != origin.order_id:
        return None  # of a rebuild that is over
    service = incoming.topic.owner
    if isinstance(incoming.message, SnapshotEnded):
        work.ended[service] = EndedSnapshot(incoming.record.timestamp, incoming.message.facts)
        return None
    work.taken[service] += 1
    if not origin.worded:
        work.wordless.add(origin.delivery.attributes.id)
    return _choose(work, rebuild, origin.delivery, from_snapshot=True)


def _choose(work: ConsoleWork, rebuild: Rebuild, delivery: Delivery[Any], *, from_snapshot: bool) -> Delivery[Any] | None:
    referral_id, kind = getattr(delivery.message, "referral_id", None), delivery.attributes.type
    stands, known = (referral_id, delivery.attributes.id) in work.known, referral_id in work.cases
    course = course_of(rebuild, kind, referral_id, stands=stands, case_known=known, from_snapshot=from_snapshot)
    if course in (Course.HOLD, Course.TAKE_AND_HOLD):
        _hold(work, delivery)
        rebuild.waiting.add(delivery.message.referral_id)
    if course is Course.HOLD:
        _show_priority(work, delivery)
    return delivery if course in (Course.TAKE, Course.TAKE_AND_HOLD) else None


def _hold(work: ConsoleWork, delivery: Delivery[Any]) -> None:
    attributes, record, what = delivery.attributes, delivery.record, short_name(delivery.attributes.type)
    if content.holds_words(what, record.value or b"") and attributes.id not in work.wordless:
        work.words.append(content.held(delivery, what))
    work.held.append(
        HeldFact(
            delivery.message.referral_id,
            attributes.id,
            record.topic,
            record.partition,
            record.offset,
            SERVICES.index(delivery.topic.owner),
            record.timestamp,
            attributes.time,
            attributes.type,
            delivery.message.model_dump_json(exclude_none=True).encode(),
        )
    )


def _show_priority(work: ConsoleWork, delivery: Delivery[Any]) -> None:
    """That a child is in danger is shown at once, whatever else of the case is not back yet: priority only rises, in any
    order. And the case has a row, which is what its followers lock."""
    message = delivery.message
    said = getattr(message, "supplement", message)
    danger = bool(getattr(said, "immediate_danger", None))
    rules.raise_priority(work.case(message), getattr(said, "urgency", None), danger=danger)


async def save(connection: Connection, work: ConsoleWork) -> None:
    """Write what is held, how far the snapshots are, and which of them ended."""
    if work.held:
        await connection.execute(_HOLD, *_HELD.arrays(each._asdict() for each in work.held))
    if work.rebuild is None:
        return
    rebuild_id = work.rebuild.rebuild_id
    for service, number in sorted(work.taken.items()):
        await connection.execute(_TAKEN, rebuild_id, service, number)
    for service, ended in sorted(work.ended.items()):
        await connection.execute(_NOBODY_HOLDS, rebuild_id, service)
        await connection.execute(_END, rebuild_id, service, ended.at, ended.facts)


async def release(runtime: Runtime, connection: Connection, outbox: Outbox) -> int:
    """Let what was held take effect: of cases that are there, or of all once snapshots have ended; returns of how many."""
    rebuild = await _under_way(connection)
    if rebuild is not None and rebuild.lacking:
        return 0
    ids = [row["referral_id"] for row in await connection.fetch(_NEXT if rebuild else _BELATED, RELEASED_AT_ONCE)]
    if not ids:
        await (connection.execute(_DONE, rebuild.rebuild_id) if rebuild else connection.execute(_OF_NO_CASE))
        return 0
    work = ConsoleWork(runtime.clock.now(), outbox)
    await store.load_cases(connection, work, ids)
    rows = await connection.fetch(_RELEASE, ids)
    await _know(connection, work, [(row["referral_id"], row["event_id"]) for row in rows])
    for row in sorted(rows, key=_in_order):
        if (row["referral_id"], row["event_id"]) not in work.known:
            delivery = _delivery(row)
            work.wordless.add(delivery.attributes.id)  # what people wrote is kept since it came
            HANDLERS[row["kind"]](work, delivery)
    await store.save(connection, work)
    return len(ids)


RELEASE = Tick("release_held_facts", timedelta(seconds=1), release, batch=RELEASED_AT_ONCE)


def _in_order(row: Row) -> tuple[Any, ...]:
    return row["ordered_at"], row["stage"], row["topic"], row["partition"], row["place"]


def _delivery(row: Row) -> Delivery[Any]:
    topic, message = _TOPICS[row["topic"]], _MODELS[row["kind"]].model_validate_json(row["said"], extra="ignore")
    attributes = Attributes(row["event_id"], f"/conduit/{topic.owner}", row["kind"], row["happened_at"], None)
    milliseconds = round(row["ordered_at"].timestamp() * 1000)
    record = Record(row["topic"], row["partition"], row["place"], None, [], None, milliseconds)
    return Delivery(message, attributes, record, "", topic)


def _case_of(incoming: Incoming) -> UUID | None:
    return getattr(incoming.message, "referral_id", None) if isinstance(incoming, Delivery) else None


def _event_of(incoming: Incoming) -> str:
    assert isinstance(incoming, Delivery)  # noqa: S101 - only those have a case
    return (
        snapshots.origin_of(incoming).delivery.attributes.id if incoming.record.topic in _NAMES else incoming.attributes.id
    )
