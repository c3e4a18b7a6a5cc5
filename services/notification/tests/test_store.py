"""What stands in the database, on a real one."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import InsertedMeanwhileError
from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import Channel, ReferralState
from conduit_contracts.programme import Contact
from conduit_notification import queue, store
from conduit_notification.notices import Claimed
from conduit_notification.outcomes import EMAIL_TAKEN, Next
from conduit_notification.queue import Result, Room
from conduit_notification.shares import Shares
from conduit_notification.work import NotificationWork
from services.notification.tests import builders as b
from services.notification.tests.builders import HOME, NOW, PARTNER, REFERRAL, record_of
from services.notification.tests.drive import let_pass

TEAM = Contact(email="team@example-haven.example")


async def deliver(notification: Harness, *facts: Message) -> list[object]:
    return [each.message for each in await notification.deliver(*(record_of(fact) for fact in facts))]


async def loaded(connection: Any, *facts: Message) -> NotificationWork:
    work = NotificationWork(b.POLICY, NOW, Outbox("notification", NOW))
    await store.load(connection, work, facts)
    return work


async def test_a_story_in_one_batch_and_in_many_batches_comes_to_the_same(notification: Harness) -> None:
    other = uuid7()
    facts = [b.received(), b.accepted(), b.routed(), b.handed_over()]
    others = [
        b.received(referral_id=other),
        b.accepted(referral_id=other),
        b.routed(referral_id=other),
        b.handed_over(referral_id=other),
    ]
    await deliver(notification, *facts)
    for fact in others:
        await deliver(notification, fact)
    rows = await notification.pool.fetch("SELECT * FROM referrals ORDER BY referral_id")
    assert len(rows) == 2
    assert {(row["revision"], row["state"], row["triage"], row["routing"]) for row in rows} == {
        (4, "handed_over", "accepted", "handed_over")
    }
    history = await notification.pool.fetch("SELECT referral_id, revision FROM history ORDER BY referral_id, revision")
    assert [row["revision"] for row in history] == [1, 2, 3, 4] * 2


async def test_a_fact_that_comes_twice_takes_effect_once(notification: Harness) -> None:
    await deliver(notification, b.received())
    assert await notification.pool.fetchval("SELECT revision FROM referrals") == 1


async def test_even_past_the_inbox_a_fact_makes_its_notices_once(notification: Harness) -> None:
    await deliver(notification, b.partner_registered(TEAM))
    received = record_of(b.received())
    await notification.deliver(received)
    again = await notification.handle_again(received)
    assert [each.message.revision for each in again] == [2], "the partner would see it again, with the next revision"
    assert await notification.pool.fetchval("SELECT count(*) FROM notices") == 1


async def test_everything_of_a_standing_survives_the_way_through_the_database(notification: Harness) -> None:
    facts = [
        b.received(danger=True),
        b.supplied(),
        b.asked(),
        b.routed(HOME, b.OTHER, provisional=True),
        b.force_acknowledged(),
    ]
    await deliver(notification, *facts)
    expected = b.Bench().take(*(b.delivery_of(fact) for fact in facts)).standing
    async with notification.runtime.transaction() as (connection, _):
        work = await loaded(connection, facts[0])
    assert work.records[REFERRAL] == expected


async def test_two_processes_that_hear_of_a_referral_at_once_write_one_row_and_gapless_revisions(
    notification: Harness,
) -> None:
    facts = [b.received(), b.review_opened(), b.routed(), b.force_received(), b.overdue()]
    await asyncio.gather(*(notification.processor.process([record_of(fact)]) for fact in facts))
    revisions = [update.message.revision for update in await notification.published()]
    assert sorted(revisions) == [1, 2, 3, 4, 5]
    assert revisions == sorted(revisions), "the outbox keeps the order of the revisions"
    assert await notification.pool.fetchval("SELECT revision FROM referrals") == 5


async def test_a_referral_that_another_process_just_inserted_makes_the_batch_come_again(notification: Harness) -> None:
    async with notification.runtime.transaction() as (connection, _):
        work = await loaded(connection, b.received())
        bench = b.Bench().take(b.received())
        await deliver(notification, b.review_opened())
        work.records, work.new, work.changed = bench.work.records, bench.work.new, bench.work.changed
        with pytest.raises(InsertedMeanwhileError):
            await store.save(connection, work)
    assert InsertedMeanwhileError.sqlstate == asyncpg.SerializationError.sqlstate


async def test_the_registration_that_comes_last_holds_whatever_its_writers_clock_said(notification: Harness) -> None:
    earlier, last = Contact(email="old@example-haven.example"), Contact(email="new@example-haven.example")
    await notification.deliver(record_of(b.partner_registered(earlier), NOW + timedelta(hours=1)))
    await notification.deliver(record_of(b.partner_registered(last), NOW))
    assert await queue.ladder_of(notification.pool, f"partner:{b.PARTNER}") == (last,)


async def test_no_contact_means_no_notice_and_the_update_all_the_same(notification: Harness) -> None:
    published = await deliver(notification, b.partner_registered(Contact()), b.received())
    assert len(published) == 1
    assert await notification.pool.fetchval("SELECT count(*) FROM notices") == 0


async def test_only_one_of_many_rejections_in_five_minutes_is_mailed(notification: Harness, clock: ManualClock) -> None:
    await deliver(notification, b.partner_registered(TEAM))
    await deliver(notification, *(b.rejected(number=number) for number in range(10)))
    await deliver(notification, *(b.rejected(number=number) for number in range(10, 20)))
    assert await notification.pool.fetchval("SELECT count(*) FROM notices") == 1
    clock.advance(timedelta(minutes=5))
    await deliver(notification, b.rejected(number=20))
    assert await notification.pool.fetchval("SELECT count(*) FROM notices") == 2


@pytest.mark.parametrize("table", ["history", "notice_attempts"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET at = now()"])
async def test_what_happened_cannot_be_rewritten(notification: Harness, table: str, statement: str) -> None:
    await deliver(notification, b.partner_registered(TEAM), b.received())
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await notification.pool.execute(statement.format(table))


HALF_STATES = [
    "UPDATE referrals SET state = 'withdrawn'",
    "UPDATE referrals SET triage = 'information_requested'",
    "UPDATE referrals SET revision = 0",
    "UPDATE referrals SET state = 'lost'",
    "UPDATE notices SET state = 'sent'",
    "UPDATE notices SET next_attempt_at = NULL",
    "UPDATE notices SET state = 'sent', next_attempt_at = NULL, finished_at = now(), code = 'smtp_accepted'",
    "UPDATE notices SET audience = 'force:kent'",
    "UPDATE notices SET audience = 'hub:'",
    "UPDATE notices SET audience = 'hub:x-y', template = 'hub_x'",
    """UPDATE notices SET params = '"words"'""",
    "INSERT INTO history SELECT (h).* FROM (SELECT h FROM history h) AS again",
]


@pytest.mark.parametrize("statement", HALF_STATES)
async def test_the_database_refuses_half_states(notification: Harness, statement: str) -> None:
    await deliver(notification, b.partner_registered(TEAM), b.received())
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.UniqueViolationError)):
        await notification.pool.execute(statement)


async def claim(notification: Harness, limit: int = 10, passing_over: tuple[str, ...] = ()) -> list[Claimed]:
    async with notification.runtime.transaction() as (connection, _):
        room = Room(limit, limit, dict.fromkeys(passing_over, limit), share=limit)
        return await queue.claim(connection, Channel.EMAIL, timedelta(minutes=1), room, Shares())


async def queue_some(notification: Harness, number: int) -> None:
    await deliver(notification, b.partner_registered(TEAM))
    await deliver(notification, *(b.received(referral_id=uuid7()) for _ in range(number)))


async def test_several_processes_share_the_queue_and_none_takes_what_another_has(notification: Harness) -> None:
    await queue_some(notification, 20)
    taken = await asyncio.gather(*(claim(notification, 8) for _ in range(4)))
    ids = [notice.notice_id for notices in taken for notice in notices]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {notice.notice_id for notice in await claim(notification, 20)}
    assert await claim(notification) == []


async def test_what_a_dead_process_had_in_hand_is_taken_after_its_lease(notification: Harness) -> None:
    await queue_some(notification, 1)
    (first,) = await claim(notification)
    assert await claim(notification) == []
    await let_pass(notification, timedelta(minutes=1))
    (second,) = await claim(notification)
    assert (first.notice_id, first.attempt, second.attempt) == (second.notice_id, 1, 2)


@pytest.mark.parametrize("skew", [timedelta(days=-1), timedelta(minutes=5), timedelta(days=400)])
async def test_a_process_whose_clock_is_wrong_takes_nothing_that_another_holds(
    notification: Harness, clock: ManualClock, skew: timedelta
) -> None:
    await queue_some(notification, 2)
    (held,) = await claim(notification, 1)
    clock.advance(skew)
    assert [each.notice_id for each in await claim(notification)] != [held.notice_id]
    assert await claim(notification) == []


async def test_a_late_result_is_recorded_and_changes_nothing(notification: Harness) -> None:
    await queue_some(notification, 1)
    (late,) = await claim(notification)
    await let_pass(notification, timedelta(minutes=1))
    await claim(notification)
    async with notification.runtime.transaction() as (connection, _):
        assert await queue.settle(connection, [Result(late, EMAIL_TAKEN, Next("sent", None), NOW, 5)]) == []
    row = await notification.pool.fetchrow("SELECT state, attempts FROM notices")
    assert tuple(row) == ("queued", 2)
    assert await notification.pool.fetchval("SELECT count(*) FROM notice_attempts") == 1


async def test_what_was_given_back_is_due_at_once_and_its_attempt_does_not_count(notification: Harness) -> None:
    await queue_some(notification, 2)
    held = await claim(notification)
    async with notification.runtime.transaction() as (connection, _):
        await queue.release(connection, held)
    assert [notice.attempt for notice in await claim(notification)] == [1, 1]


async def test_immediate_danger_is_taken_before_everything_that_waits(notification: Harness) -> None:
    await queue_some(notification, 3)
    await deliver(notification, b.received(danger=True))
    (first, *_) = await claim(notification, 1)
    assert first.template == "partner_immediate_danger"


async def test_an_audience_whose_share_is_used_up_is_passed_over(notification: Harness) -> None:
    await queue_some(notification, 2)
    assert await claim(notification, 10, (f"partner:{PARTNER}",)) == []


async def test_the_queue_is_measured(notification: Harness) -> None:
    await queue_some(notification, 3)
    await let_pass(notification, timedelta(seconds=90))
    measured = await queue.measure(notification.pool)
    assert measured == {Channel.EMAIL: (3, pytest.approx(90, abs=60)), Channel.WEBHOOK: (0, 0.0)}


async def test_a_batch_costs_the_same_few_statements_however_many_records_it_has(notification: Harness) -> None:
    await queue_some(notification, 1)

    async def statements(facts: list[Message]) -> int:
        seen: list[str] = []
        async with notification.runtime.transaction() as (connection, outbox):
            with connection.query_logger(lambda query: seen.append(query.query)):
                contents = [b.read(record_of(fact)) for fact in facts]
                await notification.runtime.service.handle(notification.runtime, connection, contents, outbox)
        return len(seen)

    known = [uuid7() for _ in range(100)]
    await statements([b.received(referral_id=known[0]), b.routed(referral_id=known[1])])
    await statements([b.accepted(referral_id=known[1])])  # asyncpg asks for the types of columns once per connection
    one = await statements([b.accepted(referral_id=known[0]), b.received(referral_id=uuid7())])
    many = await statements([b.accepted(referral_id=each) for each in known] + [b.received(referral_id=uuid7())])
    assert one == many <= 7


async def test_the_state_in_the_row_is_the_state_of_the_last_update(notification: Harness) -> None:
    published = await deliver(notification, b.received(), b.review_opened(), b.declined())
    assert published[-1].state is ReferralState.DECLINED  # type: ignore[attr-defined]
    assert await notification.pool.fetchval("SELECT state FROM referrals") == "declined"
