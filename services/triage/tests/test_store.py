"""Triage on a real database: what is stored, what the database itself refuses, and what a restart finds again."""

import asyncio
import json
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from prometheus_client import REGISTRY

from conduit_chassis.dispatch import dispatch
from conduit_chassis.outbox import Outbox
from conduit_chassis.reconcile import Cohorts
from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Numbers, Role, Urgency
from conduit_contracts.triage import DeclineReason
from conduit_triage import acts, rules, store
from conduit_triage.cases import State
from conduit_triage.handlers import HANDLERS, refused
from conduit_triage.policy import TriagePolicy
from conduit_triage.work import TriageWork
from services.triage.tests.builders import (
    LEEDS,
    NATURE,
    NOW,
    accepting,
    as_record,
    asking,
    complex_referral,
    declining,
    names,
    persons,
    places,
    received,
    reconsideration,
    referral,
    supplied,
    withdrawn,
)


async def send(triage: Harness, *messages: Any) -> list[Any]:
    """Deliver as one batch; returns the published messages."""
    records = [as_record(message, time=triage.runtime.clock.now()) for message in messages]
    return [event.message for event in await triage.deliver(*records)]


async def opened(triage: Harness, **changes: Any) -> UUID:
    message = received(**changes)
    await send(triage, message)
    return message.referral_id


async def test_a_decision_is_stored_with_its_grounds_reasons_and_policy_version(triage: Harness) -> None:
    accepted, waiting = received(complex_referral()), received(claims=(NATURE,))
    assert names(await send(triage, accepted, waiting)) == ["ReferralAccepted", "ReviewOpened"]
    rows = {row["referral_id"]: row for row in await triage.pool.fetch("SELECT * FROM assessments")}
    first, second = rows[accepted.referral_id], rows[waiting.referral_id]
    assert (first["state"], first["decided_by"], first["grounds"]) == ("accepted", "rules", ["number_of_victims"])
    assert (second["state"], second["decided_by"], second["rounds"]) == ("under_review", None, 1)
    assert {row["policy_version"] for row in rows.values()} == {"2026-11-30"}
    (review,) = await triage.pool.fetch("SELECT * FROM reviews")
    assert review["reasons"] == ["nature_claimed", "below_every_threshold"]
    history = await triage.pool.fetch("SELECT actor, what, why FROM history ORDER BY id")
    assert [tuple(row) for row in history] == [
        ("rules", "accepted", "number_of_victims"),
        ("rules", "review_opened", "nature_claimed below_every_threshold"),
    ]


async def test_a_whole_life_across_batches_is_the_same_as_within_one(triage: Harness, policy: TriagePolicy) -> None:
    def life(referral_id: UUID) -> list[Any]:
        return [
            received(referral(immediate_danger=True, persons=persons(Role.VICTIM, 1)), referral_id),
            asking(referral_id),
            supplied(referral_id, persons=persons(Role.VICTIM, 2)),
            declining(referral_id, "a.officer"),
            supplied(referral_id, text="Synthetic: while declined."),
            reconsideration(referral_id),
            accepting(referral_id, "a.officer"),
            accepting(referral_id, "b.officer", home_force="west-midlands"),
            supplied(referral_id),
            withdrawn(referral_id),
            withdrawn(referral_id),
        ]

    at_once, step_by_step = uuid7(), uuid7()
    together = await send(triage, *life(at_once))
    apart = [each for message in life(step_by_step) for each in await send(triage, message)]
    assert names(together) == names(apart)
    own = {"referral_id", "command_id"}
    assert [each.model_dump(exclude=own) for each in together] == [each.model_dump(exclude=own) for each in apart]
    rows = await triage.pool.fetch("SELECT * FROM assessments ORDER BY referral_id")
    one, other = ({k: v for k, v in row.items() if k not in {"referral_id", "body"}} for row in rows)
    assert one == other
    assert one["decided_by"] == "officer:b.officer"
    assert one["declined_by"] == "a.officer"
    assert await triage.pool.fetchval("SELECT count(*) FROM reviews") == 0


async def test_a_lapsed_agreement_is_remembered_when_a_later_batch_makes_a_counted_ground_hold(triage: Harness) -> None:
    lapsed = received(referral(immediate_danger=True)).model_copy(update={"mou_lapsed": True})
    in_force = received(referral(immediate_danger=True))
    await send(triage, lapsed, in_force)
    victims = persons(Role.VICTIM, *range(1, 10))
    added = await send(triage, *(supplied(each.referral_id, persons=victims) for each in (lapsed, in_force)))
    accepted = [each.referral_id for each in added if type(each).__name__ == "ReferralAccepted"]
    assert accepted == [in_force.referral_id]
    assert "ReferralAccepted" in names(await send(triage, accepting(lapsed.referral_id)))


async def test_danger_told_of_later_is_stored_batch_by_batch(triage: Harness, policy: TriagePolicy) -> None:
    message = received(referral())
    key = message.referral_id
    published = []
    for each in (
        message,
        supplied(key, immediate_danger=True),
        declining(key, "a.officer"),
        supplied(key, immediate_danger=True, text="Synthetic: again."),
        declining(key, "b.officer"),
        supplied(key, immediate_danger=True, text="Synthetic: and again."),
    ):
        published += await send(triage, each)
    assert names(published).count("ImmediateDangerRaised") == 1
    async with triage.runtime.transaction() as (connection, _):
        case = (await loaded(connection, policy, key)).cases[key]
    assert (case.state, case.danger_raised, case.rounds) == (State.UNDER_REVIEW, True, 3)
    assert case.review is not None
    assert case.review.immediate_danger


async def loaded(connection: Any, policy: TriagePolicy, *referral_ids: UUID) -> TriageWork:
    work = TriageWork(policy, NOW, Outbox("triage", NOW))
    await store.load(connection, work, referral_ids)
    return work


async def test_a_reloaded_case_is_the_case_that_was_saved(triage: Harness, policy: TriagePolicy) -> None:
    message = received(referral(immediate_danger=True, claims=(NATURE,)))
    await send(triage, message, supplied(message.referral_id, text="Synthetic."), asking(message.referral_id))
    async with triage.runtime.transaction() as (connection, _):
        cases = (await loaded(connection, policy, message.referral_id)).cases
        await store.load_told(connection, cases, acts.MOST_BYTES)
        case = cases[message.referral_id]
    assert case.referral == message.referral
    assert [added.supplement.text for added in case.added] == ["Synthetic."]
    assert case.review is not None
    assert case.review.waiting_for_partner
    assert (case.state, case.danger_raised, case.rounds) == (State.UNDER_REVIEW, True, 1)


async def test_a_batch_costs_the_same_statements_however_many_referrals_it_holds(
    triage: Harness, policy: TriagePolicy
) -> None:
    async def statements(size: int) -> int:
        batch = [as_record(received(complex_referral() if i % 2 else None), time=NOW) for i in range(size)]
        contents = [triage.reader.read(each).content for each in batch]
        count = Counting()
        async with triage.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            count.connection = connection
            work = await loaded(count, policy, *(each.message.referral_id for each in contents))  # type: ignore[union-attr]
            assert len(list(dispatch(HANDLERS, refused, work, contents))) == size
            await store.save(count, work)
            await transaction.rollback()
        return count.calls

    assert await statements(100) == await statements(2) == 4


class Counting:
    """Counts what is asked of a connection."""

    def __init__(self) -> None:
        self.calls = 0
        self.connection: Any = None

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self.connection, name)


QUEUE = """
SELECT referral_id FROM reviews ORDER BY immediate_danger DESC, urgency_rank, due_at, opened_at, referral_id
"""
"""As whoever shows the queue asks."""


async def test_sql_and_rules_order_the_queue_alike(triage: Harness, policy: TriagePolicy, clock: ManualClock) -> None:
    dice = random.Random(7)
    messages = []
    for _ in range(60):
        sent = referral(urgency=dice.choice(list(Urgency)), immediate_danger=dice.random() < 0.3)
        received_at = NOW - timedelta(hours=dice.randrange(3))
        messages.append(received(sent).model_copy(update={"received_at": received_at}))
    for start in range(0, 60, 20):
        await send(triage, *messages[start : start + 20])
        clock.advance(timedelta(minutes=1))
    async with triage.runtime.transaction() as (connection, _):
        queue = [row["referral_id"] for row in await connection.fetch(QUEUE)]
        cases = (await loaded(connection, policy, *queue)).cases
    assert len(queue) == 60
    assert queue == sorted(queue, key=lambda key: rules.queue_key(cases[key].review, key))  # type: ignore[arg-type]


async def test_the_queue_is_read_in_the_order_of_its_index(triage: Harness) -> None:
    async with triage.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {QUEUE}"))
    assert "reviews_queue" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("table", ["history", "consultations"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
async def test_history_and_consultations_are_append_only(triage: Harness, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await triage.pool.execute(statement.format(table))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'declined', decided_by = 'rules', decided_at = now()", "declined_has_reason"),
        (
            "state = 'declined', decided_by = 'rules', decided_at = now(), decline_reason = 'duplicate', declined_by = 'x'",
            "no_machine_declines",
        ),
        ("state = 'accepted', decided_by = 'rules', decided_at = now()", "accepted_has_grounds"),
        ("state = 'accepted', grounds = '{number_of_victims}'", "accepted_has_grounds"),
        ("decided_by = 'rules'", "decisions_are_whole"),
        ("decided_by = 'rules', decided_at = now()", "under_review_is_undecided"),
        ("rounds = 0", "under_review_is_undecided"),
        ("rounds = 2", "second_look_follows_decline"),
        ("rounds = -1", "rounds_count_reviews"),
        ("decided_by = 'somebody', decided_at = now()", "assessments_decided_by_check"),
        ("state = 'lost'", "assessments_state_check"),
    ],
)
async def test_the_database_refuses_half_states_and_machine_declines(triage: Harness, change: str, constraint: str) -> None:
    await opened(triage)
    async with triage.pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM reviews")
        with pytest.raises(asyncpg.CheckViolationError) as refusal:
            await connection.execute(f"UPDATE assessments SET {change}")  # noqa: S608 - written above
    assert refusal.value.constraint_name == constraint


async def test_the_database_refuses_an_open_review_of_a_decided_referral(triage: Harness) -> None:
    referral_id = await opened(triage)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await triage.pool.execute("UPDATE assessments SET state = 'withdrawn' WHERE referral_id = $1", referral_id)


async def test_two_officers_at_once_get_one_decision(triage: Harness) -> None:
    referral_id = await opened(triage)
    commands = [accepting(referral_id, "a.officer"), declining(referral_id, "b.officer")]
    await asyncio.gather(*(triage.processor.process([as_record(each, time=NOW)]) for each in commands))
    outcomes = sorted(names(await triage.published())[1:])
    assert outcomes in (["CommandIgnored", "ReferralAccepted"], ["CommandIgnored", "ReferralDeclined"])


async def test_batches_that_share_referrals_in_opposite_order_do_not_deadlock(triage: Harness) -> None:
    ids = [await opened(triage) for _ in range(20)]
    batches = [ids, ids[::-1], ids, ids[::-1]]

    async def add(batch: list[UUID]) -> None:
        await triage.processor.process([as_record(supplied(each), time=NOW) for each in batch])

    before = REGISTRY.get_sample_value("conduit_retries_total", {"error": "asyncpg.exceptions.DeadlockDetectedError"})
    await asyncio.gather(*map(add, batches))
    after = REGISTRY.get_sample_value("conduit_retries_total", {"error": "asyncpg.exceptions.DeadlockDetectedError"})
    assert after == before
    assert await triage.pool.fetchval("SELECT count(*) FROM supplements") == 80


async def test_a_record_about_a_referral_that_never_came_becomes_a_dead_letter(triage: Harness) -> None:
    for made in (supplied, withdrawn):
        await triage.deliver(as_record(made(uuid7()), time=NOW))
    assert [row["reason"] for row in await triage.dead_letters()] == ["referral_unknown", "referral_unknown"]


async def test_an_officers_unreadable_record_is_answered_and_holds_up_nobody(triage: Harness) -> None:
    referral_id = await opened(triage)
    broken = as_record(declining(referral_id), time=NOW)._replace(value=b'{"officer_id": "a.officer"}')
    assert names(await triage.deliver(broken)) == ["CommandRefused"]
    assert await triage.dead_letters() == []
    assert names(await send(triage, withdrawn(referral_id), declining(referral_id))) == ["CommandIgnored"]


async def test_personal_data_lives_in_bodies_and_remarks_alone(triage: Harness) -> None:
    canary = "Canary Personname"
    sent = referral(narrative=canary, numbers=Numbers(victims_known=1), claims=(NATURE,))
    message = received(sent)
    referral_id = message.referral_id
    await send(triage, message, supplied(referral_id, text=canary, places=places(LEEDS)))
    await send(triage, declining(referral_id).model_copy(update={"comment": canary}))
    await send(triage, reconsideration(referral_id).model_copy(update={"comment": canary}))
    tables = await triage.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    holding = set()
    for (table,) in tables:
        for row in await triage.pool.fetch(f"SELECT to_jsonb(t) AS whole FROM {table} AS t"):  # noqa: S608 - from the catalogue
            for column, value in json.loads(row["whole"]).items():
                if canary in str(value) or canary.encode().hex() in str(value):
                    holding.add(f"{table}.{column}")
    assert holding == {"assessments.body", "supplements.body", "remarks.text", "outbox.value"}


async def test_the_gauges_show_the_queue_and_what_is_overdue(triage: Harness, clock: ManualClock) -> None:
    await opened(triage, immediate_danger=True)
    await opened(triage, urgency=Urgency.ROUTINE)
    clock.advance(timedelta(minutes=20))
    await triage.tick("measure_queue")

    def gauge(name: str, level: str) -> float | None:
        return REGISTRY.get_sample_value(f"conduit_triage_{name}", {"level": level})

    assert gauge("open_reviews", "immediate_danger") == 1
    assert gauge("open_reviews", "routine") == 1
    assert gauge("open_reviews", "urgent") == 0
    assert gauge("oldest_overdue_review_seconds", "immediate_danger") == 5 * 60 + 2
    assert gauge("oldest_overdue_review_seconds", "routine") == 0
    assert gauge("oldest_review_seconds", "routine") == 20 * 60
    assert gauge("oldest_review_seconds", "urgent") == 0


async def test_decisions_are_counted_by_outcome_and_by_whom(triage: Harness) -> None:
    def count(outcome: str, by: str) -> float:
        return REGISTRY.get_sample_value("conduit_triage_decisions_total", {"outcome": outcome, "by": by}) or 0

    before = count("accepted", "rules"), count("declined", "officer")
    first, second = received(complex_referral()), received()
    await send(triage, first, second)
    await send(triage, declining(second.referral_id, reason=DeclineReason.DUPLICATE))
    assert (count("accepted", "rules"), count("declined", "officer")) == (before[0] + 1, before[1] + 1)
    assert count("declined", "rules") == 0


async def test_what_is_assessed_and_what_is_for_forces_is_counted_by_when_it_was_taken_in(triage: Harness) -> None:
    ages = [timedelta(minutes=1), timedelta(minutes=4), timedelta(days=6), timedelta(days=8)]
    await send(triage, *(received(complex_referral(), uuid7(NOW - age)) for age in ages))
    waiting = received(claims=(NATURE,), referral_id=uuid7(NOW - timedelta(minutes=30)))
    danger = received(claims=(NATURE,), referral_id=uuid7(NOW - timedelta(minutes=30)), immediate_danger=True)
    await send(triage, waiting, danger)
    cohorts = Cohorts(store.RECONCILIATION)
    assert await cohorts.measure(triage.pool, NOW) == {"assessed": 4, "for_forces": 3}
    await send(triage, accepting(waiting.referral_id))
    for turn in range(75):
        counts = await cohorts.measure(triage.pool, NOW + timedelta(seconds=10 * turn))
    assert counts == {"assessed": 5, "for_forces": 5}
