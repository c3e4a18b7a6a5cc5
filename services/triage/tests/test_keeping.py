"""What is kept of what triage told, and how it is published once more."""

import asyncio
import json
from collections.abc import Collection
from math import isnan, nan
from uuid import UUID

import pytest

from conduit_chassis import facts, metrics, snapshots
from conduit_chassis.orders import SnapshotOrder, parse_snapshot, spell_snapshot
from conduit_chassis.records import Record
from conduit_chassis.scan import Scan
from conduit_chassis.snapshots import Keeper, SnapshotEnded
from conduit_chassis.testing import Harness, Published, raw_record
from conduit_contracts import triage as contract
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.topics import TRIAGE_DECISIONS, replay_topic, snapshot_topic
from conduit_triage.keeping import KEEPER
from services.chassis.tests.world import eventually

ORDER = SnapshotOrder(UUID("0193b3f0-0000-7000-8000-000000000001"), "A. Operator", "the console's database is lost")
WORDS = "Synthetic words that somebody wrote."


def order(wanted: SnapshotOrder = ORDER) -> Record:
    return raw_record(replay_topic("triage").name(), None, [], spell_snapshot(wanted))


async def tell(triage: Harness, *messages: Message) -> None:
    """Publish, and let it be kept as the relay does once Kafka has it."""
    async with triage.runtime.transaction() as (_connection, outbox):
        for message in messages:
            key = str(getattr(message, "referral_id", "key"))
            outbox.publish(TRIAGE_DECISIONS.name(), key, message, subject=key)
    await triage.pool.execute(
        "WITH gone AS (DELETE FROM outbox RETURNING id, topic, headers, fact, value)"
        " INSERT INTO facts (topic, partition, record_offset, recorded_at, headers, value)"
        " SELECT topic, 0, id, now(), headers, CASE WHEN octet_length(fact) = 0 THEN value ELSE fact END"
        " FROM gone ORDER BY id"
    )


def refused(number: int, referral_id: UUID | None = None) -> Message:
    return contract.ReconsiderationRefused(
        referral_id=referral_id or uuid7(),
        partner_id="example-haven",
        partner_reference=f"EH-{number}",
        code="declined_twice",
    )


def asked(referral_id: UUID) -> Message:
    about = {"referral_id": referral_id, "partner_id": "example-haven", "partner_reference": "EH-1"}
    return contract.InformationRequested(**about, officer_id="a.okafor", question=WORDS)


async def every(_connection: object, referral_ids: Collection[UUID]) -> set[UUID]:
    return set(referral_ids)


async def send_all(triage: Harness) -> list[Published]:
    """The relay has sent what waits."""
    sent = await triage.published()
    await triage.pool.execute("DELETE FROM outbox")
    return sent


async def publish_all(triage: Harness, keeper: Keeper = KEEPER) -> list[Published]:
    sent: list[Published] = []
    while await snapshots.publish_page(triage.runtime, keeper):
        sent += await send_all(triage)
    return sent


async def test_all_facts_are_published_once_more_in_order_and_then_the_end(triage: Harness) -> None:
    await tell(triage, *(refused(number) for number in range(1_203)))
    await triage.processor.process([order()])
    sent = await publish_all(triage)
    *told, end = sent
    assert [each.message.partner_reference for each in told] == [f"EH-{number}" for number in range(1_203)]
    assert end.message == SnapshotEnded(facts=1_203)
    assert {each.topic for each in sent} == {snapshot_topic("triage").name()}
    assert len({each.attributes.id for each in sent}) == len(sent)
    row = await triage.pool.fetchrow("SELECT actor, reason, published, ended_at FROM snapshot_orders")
    assert row
    assert (row["actor"], row["reason"], row["published"]) == (ORDER.actor, ORDER.reason, 1_203)
    assert row["ended_at"]


async def test_a_record_says_which_event_it_was_and_where_it_stood(triage: Harness) -> None:
    await tell(triage, refused(1))
    await triage.processor.process([order()])
    await snapshots.publish_page(triage.runtime, KEEPER)
    await snapshots.publish_page(triage.runtime, KEEPER)
    row = await triage.pool.fetchrow("SELECT topic, key, headers, value FROM outbox ORDER BY id LIMIT 1")
    kept = await triage.pool.fetchrow("SELECT record_offset, headers, value FROM facts")
    assert row
    assert kept
    headers = [tuple(line.split(":", 1)) for line in row["headers"].split("\n")]
    reader = Record(row["topic"], 0, 0, row["key"], [(name, value.encode()) for name, value in headers], row["value"], 0)
    told = json.loads(dict(headers)["conduit-fact"])
    assert (told["topic"], told["partition"], told["offset"]) == (TRIAGE_DECISIONS.name(), 0, kept["record_offset"])
    assert f"ce_id:{told['id']}" in kept["headers"]
    assert reader.value == kept["value"]


async def test_an_order_that_is_given_again_does_nothing(triage: Harness) -> None:
    await tell(triage, refused(1))
    await triage.processor.process([order()])
    assert len(await publish_all(triage)) == 2
    await triage.processor.process([order()])
    assert await snapshots.publish_page(triage.runtime, KEEPER) is None
    assert await triage.pool.fetchval("SELECT count(*) FROM snapshot_orders") == 1


async def test_a_snapshot_that_was_cut_short_goes_on_where_it_was(triage: Harness) -> None:
    await tell(triage, *(refused(number) for number in range(700)))
    await triage.processor.process([order()])
    await snapshots.publish_page(triage.runtime, KEEPER)
    await snapshots.publish_page(triage.runtime, KEEPER)
    first = await send_all(triage)
    assert len(first) == snapshots.PAGE_ROWS

    class KilledError(Exception):
        pass

    async def killed(*_: object) -> set[UUID]:
        raise KilledError

    await tell(triage, asked(uuid7()))
    await triage.pool.execute("UPDATE snapshot_orders SET last_fact = (SELECT max(id) FROM facts)")
    with pytest.raises(KilledError):
        await snapshots.publish_page(triage.runtime, KEEPER._replace(open_ones=killed))
    assert not await triage.published()
    rest = await publish_all(triage, KEEPER._replace(open_ones=every))
    assert [each.message.partner_reference for each in (*first, *rest[:200])] == [f"EH-{number}" for number in range(700)]


async def test_a_page_waits_while_anything_else_does(triage: Harness) -> None:
    await tell(triage, refused(1))
    await triage.processor.process([order()])
    assert await snapshots.publish_page(triage.runtime, KEEPER)
    async with triage.runtime.transaction() as (_connection, outbox):
        outbox.publish(TRIAGE_DECISIONS.name(), "k", refused(2))
    assert await snapshots.publish_page(triage.runtime, KEEPER) is False
    assert len(await send_all(triage)) == 1
    assert await snapshots.publish_page(triage.runtime, KEEPER)


async def test_a_process_that_meets_anothers_page_shows_what_is_left(triage: Harness) -> None:
    await tell(triage, refused(1), refused(2))
    await triage.processor.process([order()])
    assert await snapshots.publish_page(triage.runtime, KEEPER)
    metrics.SNAPSHOT_FACTS_LEFT.set(nan)
    async with triage.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM snapshot_orders FOR UPDATE")
        working = asyncio.create_task(snapshots.publishing(KEEPER).run(triage.runtime))
        await eventually(measured, "a gauge that is set")
        working.cancel()
    assert metrics.SNAPSHOT_FACTS_LEFT._value.get() == 2


async def measured() -> bool:
    return not isnan(metrics.SNAPSHOT_FACTS_LEFT._value.get())


async def test_what_was_told_before_the_order_is_in_it_though_it_was_not_sent_yet(triage: Harness) -> None:
    async with triage.runtime.transaction() as (_connection, outbox):
        outbox.publish(TRIAGE_DECISIONS.name(), "k", refused(1))
    await triage.processor.process([order()])
    assert await snapshots.publish_page(triage.runtime, KEEPER) is False
    assert await triage.pool.fetchval("SELECT last_fact FROM snapshot_orders") is None
    await tell(triage)
    told = await publish_all(triage)
    assert [type(each.message) for each in told] == [contract.ReconsiderationRefused, SnapshotEnded]


async def test_what_officers_wrote_goes_out_with_open_cases_alone(triage: Harness) -> None:
    open_case, closed = uuid7(), uuid7()
    await tell(triage, asked(open_case), asked(closed))
    await triage.processor.process([order()])

    async def first(*_: object) -> set[UUID]:
        return {open_case}

    while await snapshots.publish_page(triage.runtime, KEEPER._replace(open_ones=first)):
        rows = await triage.pool.fetch("SELECT value FROM outbox ORDER BY id")
        if len(rows) == 3:
            assert WORDS.encode() in rows[0]["value"]
            assert b"question" not in rows[1]["value"]
        await triage.pool.execute("DELETE FROM outbox")


async def test_what_says_danger_and_all_else_leave_before_a_snapshot(triage: Harness) -> None:
    insert = "INSERT INTO outbox (shard, topic, key, headers, value, danger, late) VALUES (0, 't', 'k', '', '', $1, $2)"
    for _ in range(5):
        await triage.pool.execute(insert, False, True)
    scan = Scan(0, 1_000)
    async with triage.pool.acquire() as connection:
        assert [row.id for row in await scan.but(connection, [], [], any_refused=False)] == [1, 2, 3, 4, 5]
        await connection.execute(insert, False, False)
        await connection.execute(insert, True, False)
        assert [row.id for row in await scan.but(connection, [], [], any_refused=False)] == [7, 6]
        assert [row.id for row in await scan.but(connection, [], [7, 6], any_refused=True)] == [1, 2, 3, 4, 5]


async def test_what_a_snapshot_repeats_of_danger_is_not_sent_first(triage: Harness) -> None:
    async with triage.runtime.transaction() as (_connection, outbox):
        outbox.add(snapshot_topic("triage").name(), b"k", "", b'{"immediate_danger":true}', late=True)
    row = await triage.pool.fetchrow("SELECT danger, late FROM outbox")
    assert row
    assert (row["danger"], row["late"]) == (False, True)


def test_the_referral_itself_is_kept_in_one_place() -> None:
    from services.console.tests.builders import accepted

    kept = facts.kept_of(accepted())
    assert kept
    assert b'"grounds"' in kept
    assert b'"referral":' not in kept


@pytest.mark.parametrize("value", [None, b"", b"[]", b'{"snapshot": 1}', b'{"snapshot": "x", "actor": "a", "reason": "b"}'])
def test_what_is_no_order_is_none(value: bytes | None) -> None:
    assert parse_snapshot(value) is None
    assert parse_snapshot(spell_snapshot(ORDER)) == ORDER
