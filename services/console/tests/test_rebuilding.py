"""The console rebuilt: the same rows, in whatever order snapshots and later facts are read."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis import facts
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness
from conduit_console import content, desk, following, rebuilding
from conduit_console.readers import READERS
from conduit_contracts import intake, routing, topics
from conduit_contracts.ids import uuid7
from services.console.tests import anew
from services.console.tests import builders as b
from services.console.tests.builders import HOME, NOW, OTHER, REFERRAL

SECOND = uuid7(NOW + timedelta(seconds=1))
OFFICER = "a.okafor"
TOLD = b.records(
    b.received(),
    b.review_opened(),
    b.received(SECOND, danger=True),
    b.fact(intake.AttachmentCleared),
    b.asked(),
    b.supplied(),
    b.accepted(),
    b.routed(HOME, OTHER),
    b.notice_failed(1),
    b.notice_failed(2, None),
    b.fact(intake.DangerReported),
    b.duty(1),
    b.about_force(routing.HandoffReceived),
    b.overdue(OTHER),
    b.review_opened(SECOND, danger=True),
)
MEANWHILE = b.records(
    b.about_force(routing.HandoffAcknowledged, force_reference="WM/1"),
    b.supplied(danger=True),
    b.about_force(routing.HandoffDeclined, OTHER),
    b.declined(SECOND),
    b.fact(routing.RoutingReviewOpened, reasons=["tie"], candidates=[HOME, OTHER], silent=[]),
    b.notice_failed(3),
    b.duty(1, taken_by=f"officer:{OFFICER}"),
    start=NOW + timedelta(days=40),
)


async def expected(console: Harness, told: Sequence[Record]) -> dict[str, list[str]]:
    """What the rows are where nothing was ever deleted."""
    await console.processor.process(told)
    found = await anew.rows(console)
    assert all(found[table] for table in ("cases", "handoffs", "questions", "timeline", "contents", "dangers", "duty_tasks"))
    return found


async def test_from_snapshots_alone_come_the_same_rows(console: Harness) -> None:
    before = await expected(console, TOLD)
    order_id = await anew.empty(console)
    assert not any((await anew.rows(console)).values())
    for service in topics.keepers():
        await console.deliver(*anew.snapshot(order_id, service, TOLD))
    await anew.settle(console)
    assert await anew.rows(console) == before
    assert not await anew.under_way(console)


@pytest.mark.parametrize("seed", range(30))
async def test_however_snapshots_and_later_facts_are_read_the_rows_are_the_same(console: Harness, seed: int) -> None:
    before = await expected(console, [*TOLD, *MEANWHILE])
    chance, order_id = random.Random(seed), await anew.empty(console)
    await console.pool.execute("TRUNCATE inbox")  # what is read below is read for the first time
    # What was told just before the order is in the snapshot and on its own topic, and may be read there first.
    queues: dict[str, list[Record]] = {}
    for each in [*TOLD[chance.randrange(len(TOLD)) :], *MEANWHILE]:
        queues.setdefault(each.topic, []).append(each)
    for service in topics.keepers():
        queues[f"snapshot of {service}"] = anew.snapshot(order_id, service, TOLD)
    while queues:
        batch: list[Record] = []
        for name in chance.choices(sorted(queues), k=2):
            several = chance.randint(1, 4)
            batch, queues[name] = [*batch, *queues[name][:several]], queues[name][several:]
        await console.processor.process(batch)
        queues = {name: left for name, left in queues.items() if left}
        if chance.random() < 0.3:
            await console.tick("release_held_facts")
    await anew.settle(console)
    assert anew.differences(await anew.rows(console), before) == []
    assert not await anew.under_way(console)
    assert not await console.pool.fetchval("SELECT count(*) FROM held_facts")


async def test_a_case_that_begins_meanwhile_is_shown_at_once(console: Harness) -> None:
    await console.deliver(*TOLD[:1])
    await anew.empty(console)
    new = uuid7(datetime.now(UTC) + timedelta(minutes=1))
    await console.deliver(*b.records(b.received(new, reference="NEW"), b.review_opened(new)))
    assert await console.pool.fetchval("SELECT state FROM cases WHERE referral_id = $1", new) == "under_review"
    assert not await console.pool.fetchval("SELECT count(*) FROM held_facts")


async def test_danger_that_is_told_of_an_older_case_meanwhile_is_shown_at_once(console: Harness) -> None:
    await console.deliver(*TOLD[:1])
    await anew.empty(console)
    await console.deliver(b.record_of(b.supplied(danger=True), NOW + timedelta(days=40)))
    assert await console.pool.fetchval("SELECT rank FROM cases WHERE referral_id = $1", REFERRAL) == 0
    kinds = await console.pool.fetch("SELECT kind FROM contents")
    assert [row["kind"] for row in kinds] == ["information_supplied"], "what was written is kept at once, in one place"
    held = await console.pool.fetchval("SELECT said FROM held_facts")
    assert b.CANARY.encode() not in bytes(held)


async def test_until_all_is_back_every_list_says_that_it_is_incomplete(console: Harness) -> None:
    await console.deliver(*TOLD)
    order_id = await anew.empty(console)
    for service in topics.keepers():
        async with console.pool.acquire() as connection:
            assert (await following.currency(connection, NOW)).rebuilding
            assert await following.rebuild_left(connection)
        await console.deliver(*anew.snapshot(order_id, service, TOLD))
    await console.tick("release_held_facts")
    await console.pool.execute("UPDATE followed SET complete_to = $1", NOW - timedelta(days=1))
    await console.tick("release_held_facts")
    async with console.pool.acquire() as connection:
        assert (await following.currency(connection, NOW)).rebuilding, "what was published before the end is not read yet"
        await anew.settle(console)
        assert not (await following.currency(connection, NOW)).rebuilding
        assert await following.rebuild_left(connection) == 0


async def test_what_officers_did_stays(console: Harness) -> None:
    await console.deliver(*TOLD)
    assert await desk.claim(console.pool, REFERRAL, OFFICER, NOW)
    assert await desk.consult(console.pool, REFERRAL, OFFICER, NOW)
    async with console.pool.acquire() as connection:
        await content.save_draft(connection, REFERRAL, OFFICER, "decline", "as far as I was", NOW)
    acts = await console.pool.fetch("SELECT act_id, what FROM acts ORDER BY act_id")
    order_id = await anew.empty(console)
    for service in topics.keepers():
        await console.deliver(*anew.snapshot(order_id, service, TOLD))
    await anew.settle(console)
    assert await console.pool.fetch("SELECT act_id, what FROM acts ORDER BY act_id") == acts
    assert await console.pool.fetchval("SELECT officer_id FROM claims") == OFFICER
    assert await console.pool.fetchval("SELECT claimed_by FROM questions WHERE referral_id = $1", SECOND) is None
    assert await console.pool.fetchval("SELECT count(*) FROM drafts") == 1
    assert await console.pool.fetchval("SELECT count(*) FROM readings") == 1


async def test_what_was_written_of_a_closed_case_does_not_come_back(console: Harness) -> None:
    await console.deliver(*TOLD)
    before = await anew.rows(console, "contents")
    order_id = await anew.empty(console)
    for service in topics.keepers():
        await console.deliver(*anew.snapshot(order_id, service, TOLD, worded=False))
    await anew.settle(console)
    assert await anew.rows(console, "contents") == before
    assert not await console.pool.fetchval("SELECT count(*) FROM contents")


async def test_a_snapshot_of_a_rebuild_that_is_over_changes_nothing(console: Harness) -> None:
    before = await expected(console, TOLD)
    order_id = await anew.empty(console)
    for service in topics.keepers():
        await console.deliver(*anew.snapshot(order_id, service, TOLD))
    await anew.settle(console)
    for service in topics.keepers():
        await console.deliver(*anew.snapshot(uuid7(), service, TOLD))
    assert await anew.rows(console) == before


async def test_cases_of_before_facts_were_kept_stay_as_they_are(console: Harness) -> None:
    await console.deliver(*TOLD)
    await anew.empty(console, first_kept=UUID(int=REFERRAL.int + 1))
    rows = await console.pool.fetch("SELECT referral_id FROM cases")
    assert [row["referral_id"] for row in rows] == [REFERRAL]
    lines = await console.pool.fetch("SELECT DISTINCT referral_id FROM timeline")
    assert [row["referral_id"] for row in lines] == [REFERRAL]


async def test_nobody_takes_a_timeline_away_but_a_rebuild(console: Harness) -> None:
    await console.deliver(*TOLD)
    for statement in ("DELETE FROM timeline", "TRUNCATE timeline", "UPDATE timeline SET place = 1"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await console.pool.execute(statement)


async def test_one_rebuild_at_a_time(console: Harness) -> None:
    await anew.empty(console)
    with pytest.raises(asyncpg.UniqueViolationError):
        await anew.empty(console)


def test_whose_words_are_shown_is_known_to_who_keeps_them() -> None:
    assert {kind.type for kind in facts.WORDS} == {kind.type for kind in content.MODELS.values()}


def test_what_is_kept_without_words_can_be_followed() -> None:
    told = {message.type: message for service in topics.keepers() for message in topics.kept_by(service)}
    for kind in (*facts.ELSEWHERE, *facts.WORDS):
        message = b.fact(kind)
        kept = facts.kept_of(message)
        assert kept is not None
        value = kept or b.record_of(message).value or b""
        assert READERS.get(kind.type, kind).model_validate_json(facts.without_words(kind.type, value), extra="ignore")
        assert kind.type in told


def test_a_snapshot_is_read_by_the_console_alone_and_kept_a_day() -> None:
    for topic in rebuilding.SNAPSHOTS:
        assert topic.readers == ("console",)
        assert topic.retention == timedelta(days=1)
        assert topic.producers == (topic.owner,)
