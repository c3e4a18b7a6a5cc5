"""Intake on a real PostgreSQL: what is kept, what is refused, and what happens when two processes meet."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import ValidationError

from conduit_chassis.errors import FailureCause, classify
from conduit_chassis.postgres import InsertedMeanwhileError
from conduit_chassis.reconcile import Cohorts
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, ManualClock, harness, raw_record, record, replay_order
from conduit_contracts import intake as events
from conduit_contracts import partner, topics
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated
from conduit_intake import early, handlers, metrics, rules, store
from conduit_intake.app import create_service
from conduit_intake.batch import load_at, scene_of
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Held, Key
from conduit_intake.work import IntakeWork
from services.intake.tests.conftest import POLICY_FILE
from services.intake.tests.samples import (
    CANARY,
    NORTH,
    NOW,
    REFERENCE,
    SOUTH,
    MemoryOutbox,
    of_each_kind,
    person,
    place,
    reconsideration,
    registered,
    scene,
    sent,
    submitted,
    supplied,
    take,
    topic_of,
    withdrawn,
)

NORTHS = Key(NORTH, REFERENCE)


def names(published: list[Any]) -> list[str]:
    return [type(each.message).__name__ for each in published]


async def held_in(intake: Harness, key: Key = NORTHS) -> Held | None:
    async with intake.pool.acquire() as connection, connection.transaction():
        work = IntakeWork(scene(), MemoryOutbox())
        await store.load(connection, work, [], {key}, {key})
    return work.referrals.get(key)


async def submissions(intake: Harness) -> list[tuple[str, str, str]]:
    rows = await intake.pool.fetch("SELECT kind, outcome, codes FROM submissions ORDER BY at, submission_id")
    return [tuple(row) for row in rows]


# What is kept


async def test_a_referral_is_kept_to_the_byte_with_what_intake_must_know_of_it(intake: Harness, clock: ManualClock) -> None:
    made = sent(submitted())
    (received,) = await intake.deliver(made)
    held = await held_in(intake)
    assert held is not None
    assert (held.referral_id, held.received_at) == (received.message.referral_id, clock.now())
    assert (held.place_ids, held.person_ids, held.supplements) == (frozenset({"L1"}), frozenset({"V1"}), frozenset())
    assert await intake.pool.fetchval("SELECT body FROM referrals") == made.value


async def test_what_is_added_is_kept_and_its_ids_are_known_in_the_next_batch(
    intake: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intake.deliver(sent(submitted()))
    first = sent(supplied(persons=(person("V2", "L2"),), places=(place("L2"),)))
    await intake.deliver(first)
    held = await intake.pool.fetchval("SELECT sum(octet_length(body)) FROM supplements")
    monkeypatch.setattr(rules, "MOST_ADDED_BYTES", held)
    assert names(await intake.deliver(sent(supplied(text="Too much")))) == ["SubmissionRejected"]
    monkeypatch.undo()
    second = sent(supplied(text="More", persons=(person("V3", "L1", "L2"),)))
    assert names(await intake.deliver(second)) == ["InformationSupplied"]
    held = await held_in(intake)
    assert held is not None
    assert (held.place_ids, held.person_ids) == (frozenset({"L1", "L2"}), frozenset({"V1", "V2", "V3"}))
    assert len(held.supplements) == 2
    bodies = await intake.pool.fetch("SELECT body FROM supplements ORDER BY received_at")
    assert {row["body"] for row in bodies} == {first.value, second.value}


async def test_a_referral_without_places_and_persons_is_kept(intake: Harness) -> None:
    await intake.deliver(sent(submitted(persons=(), places=())))
    held = await held_in(intake)
    assert held is not None
    assert (held.place_ids, held.person_ids) == (frozenset(), frozenset())


async def test_a_withdrawal_and_a_request_for_a_second_look_are_kept(intake: Harness) -> None:
    await intake.deliver(sent(submitted()))
    await intake.deliver(sent(reconsideration()))
    await intake.deliver(sent(withdrawn()))
    held = await held_in(intake)
    assert held is not None
    assert (held.reconsideration_requested_at, held.withdrawn_at) == (NOW, NOW)
    assert names(await intake.deliver(sent(supplied()))) == ["SubmissionRejected"]


async def test_a_whole_life_in_one_batch_is_kept(intake: Harness) -> None:
    published = await intake.deliver(*map(sent, of_each_kind()))
    assert names(published) == ["ReferralReceived", "InformationSupplied", "ReferralWithdrawn", "SubmissionRejected"]
    held = await held_in(intake)
    assert held is not None
    assert held.withdrawn_at == NOW
    assert len(held.supplements) == 1


async def test_the_same_content_under_another_event_id_gets_the_first_id(intake: Harness) -> None:
    (first,) = await intake.deliver(sent(submitted()))
    (again,) = await intake.deliver(sent(submitted()))
    assert isinstance(again.message, events.SubmissionRepeated)
    assert again.message.referral_id == first.message.referral_id
    assert again.key == first.key


async def test_two_partners_may_use_the_same_reference(intake: Harness) -> None:
    await intake.deliver(sent(registered(SOUTH)))
    await intake.deliver(sent(submitted()), sent(submitted(partner_id=SOUTH), SOUTH))
    ours, theirs = await held_in(intake), await held_in(intake, Key(SOUTH, REFERENCE))
    assert ours is not None
    assert theirs is not None
    assert ours.referral_id != theirs.referral_id


async def test_handled_again_past_the_inbox_nothing_happens_twice(intake: Harness) -> None:
    records = list(map(sent, of_each_kind()))
    await intake.deliver(*records)
    before = await held_in(intake)
    again = await intake.handle_again(*records)
    assert names(again) == ["SubmissionRejected", "SubmissionRepeated", "SubmissionRepeated", "SubmissionRejected"]
    assert await held_in(intake) == before


# The register


async def test_the_register_keeps_a_partners_terms_and_not_its_contacts(intake: Harness) -> None:
    (partner,) = await store.register(intake.pool)
    assert (partner.partner_id, partner.suspended, partner.mous[0].valid_to) == (NORTH, False, date(2026, 12, 31))
    assert "example" not in str([tuple(row) for row in await intake.pool.fetch("SELECT * FROM partners")])


async def test_the_last_registration_holds(intake: Harness) -> None:
    await intake.deliver(sent(registered(suspended=True)), sent(registered(valid_to=date(2026, 11, 22))))
    (rejected,) = await intake.deliver(sent(submitted()))
    assert [problem.code for problem in rejected.message.problems] == ["mou_not_in_force"]
    await intake.deliver(sent(registered(suspended=True)))
    (rejected,) = await intake.deliver(sent(submitted()))
    assert [problem.code for problem in rejected.message.problems] == ["partner_suspended"]


async def test_a_mou_lapses_by_the_clock_and_running_referrals_go_on(intake: Harness, clock: ManualClock) -> None:
    await intake.deliver(sent(submitted()))
    on_its_last_days = sent(submitted(partner_reference="NL-3"))._replace(timestamp_ms=int(clock.now().timestamp() * 1000))
    clock.advance(timedelta(days=60))
    too_late = sent(submitted(partner_reference="NL-2"))._replace(timestamp_ms=int(clock.now().timestamp() * 1000))
    (rejected,) = await intake.deliver(too_late)
    assert [problem.code for problem in rejected.message.problems] == ["mou_not_in_force"]
    assert names(await intake.deliver(on_its_last_days)) == ["ReferralReceived"], "handled later than the broker took it"
    assert names(await intake.deliver(sent(supplied()))) == ["InformationSupplied"]


async def test_records_of_an_unknown_partner_wait_in_the_dead_letters_and_are_taken_when_replayed(
    empty_intake: Harness,
) -> None:
    first, second = sent(submitted()), sent(supplied())
    assert names(await empty_intake.deliver(first, second)) == ["NoneType", "NoneType"]
    letters = await empty_intake.dead_letters()
    assert [letter["reason"] for letter in letters] == ["unknown_partner", "unknown_partner"]
    await empty_intake.deliver(sent(registered()))
    replays = [
        replay_order("intake", letter["id"], record, "jo.smith")
        for letter, record in zip(letters, [first, second], strict=True)
    ]
    assert names(await empty_intake.deliver(*replays)) == ["ReferralReceived", "InformationSupplied"]
    assert await empty_intake.dead_letters() == []
    rows = await empty_intake.pool.fetch("SELECT actor, what, replayed_by FROM history ORDER BY id")
    assert [tuple(row) for row in rows if row["replayed_by"]] == [
        ("partner:northlight", "received", "jo.smith"),
        ("partner:northlight", "forwarded", "jo.smith"),
    ]


async def test_an_update_that_comes_before_its_referral_waits_for_it_and_takes_effect_in_order(intake: Harness) -> None:
    assert await intake.deliver(sent(supplied()), sent(withdrawn())) == []
    assert await intake.pool.fetchval("SELECT count(*) FROM early_updates") == 2
    assert await intake.tick("settle_early_updates") == []
    # What comes about it once the referral is there takes its turn behind those.
    assert names(await intake.deliver(sent(submitted()), sent(withdrawn()))) == ["ReferralReceived"]
    assert names(await intake.tick("settle_early_updates")) == [
        "InformationSupplied",
        "ReferralWithdrawn",
        "SubmissionRepeated",
    ]
    assert await intake.pool.fetchval("SELECT count(*) FROM early_updates") == 0
    assert await intake.tick("settle_early_updates") == []


async def test_an_update_whose_referral_does_not_come_is_refused_after_two_minutes(
    intake: Harness, clock: ManualClock
) -> None:
    await intake.deliver(sent(supplied()))
    clock.advance(timedelta(seconds=119))
    assert await intake.tick("settle_early_updates") == []
    clock.advance(timedelta(seconds=2))
    (rejected,) = await intake.tick("settle_early_updates")
    assert [problem.code for problem in rejected.message.problems] == ["referral_unknown"]
    rows = await intake.pool.fetch("SELECT what, why FROM history WHERE kind = 'information'")
    assert [tuple(row) for row in rows] == [("rejected", "referral_unknown")]


async def test_danger_in_an_update_that_waits_is_heard_at_once(intake: Harness) -> None:
    assert names(await intake.deliver(sent(supplied(immediate_danger=True)))) == ["DangerReported"]
    assert names(await intake.deliver(sent(submitted()))) == ["ReferralReceived"]
    (added,) = await intake.tick("settle_early_updates")
    assert added.message.supplement.immediate_danger


async def test_the_gauges_are_read_from_the_database(intake: Harness) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await metrics.keep_measuring(intake.pool, lambda: scene(datetime(2026, 12, 31, tzinfo=UTC)))
    assert (metrics.PARTNERS._value.get(), metrics.LAPSING.labels("7d")._value.get()) == (1, 1)


# What became of it


async def test_every_record_of_a_partner_is_one_row_that_says_what_became_of_it(intake: Harness) -> None:
    records = [
        sent(submitted()),
        sent(submitted()),
        sent(submitted(narrative="Something else")),
        sent(submitted(partner_id=SOUTH)),
        sent(supplied()),
        sent(withdrawn()),
        sent(submitted(partner_id=SOUTH), SOUTH),
        raw_record(topic_of(NORTH), None, sent(submitted()).headers, b"{"),
        raw_record(topic_of(NORTH), None, [("ce_id", None)], None),
    ]
    await intake.deliver(*records)
    found = await intake.pool.fetch("SELECT * FROM submissions")
    assert {row["submission_id"] for row in found} == {f"{each.topic}/0/{each.offset}" for each in records}
    assert Counter((row["kind"], row["outcome"], row["codes"]) for row in found) == Counter(
        [
            ("referral", "received", ""),
            ("referral", "repeated", ""),
            ("referral", "rejected", "reference_reused"),
            ("referral", "rejected", "identity_mismatch"),
            ("information", "forwarded", ""),
            ("withdrawal", "forwarded", "sent_in_error"),
            ("referral", "dead_lettered", "unknown_partner"),
            ("referral", "rejected", "json_invalid"),
            ("unreadable", "rejected", "header_null"),
        ]
    )


async def test_personal_data_stands_in_bodies_alone(intake: Harness) -> None:
    await intake.deliver(*map(sent, [*of_each_kind(), submitted(narrative=f"{CANARY} other"), *of_each_kind(SOUTH)]))
    tables = await intake.pool.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (table,) in tables:
        rows = [dict(row) for row in await intake.pool.fetch(f'SELECT * FROM "{table}"')]  # noqa: S608 - our own tables
        for row in rows:
            row.pop("body", None)
            if table == "outbox":
                row.pop("value")
        assert CANARY not in str(rows), table


@pytest.mark.parametrize("change", ["UPDATE history SET why = ''", "DELETE FROM history", "TRUNCATE history"])
async def test_history_cannot_be_changed(intake: Harness, change: str) -> None:
    with pytest.raises(asyncpg.RaiseError):
        await intake.pool.execute(change)


@pytest.mark.parametrize(
    ("reason", "answer"),
    [("not_declined_but_under_review", "ReconsiderationRequested"), ("second_look_already_taken", "SubmissionRejected")],
)
async def test_a_second_look_asked_for_before_there_was_a_decline_can_be_asked_for_again(
    intake: Harness, reason: str, answer: str
) -> None:
    (received,) = await intake.deliver(sent(submitted()))
    await intake.deliver(sent(reconsideration()))
    refused = ReferralStatusUpdated(
        partner_id=NORTH,
        partner_reference=received.message.partner_reference,
        referral_id=received.message.referral_id,
        revision=3,
        state=ReferralState.UNDER_REVIEW,
        fact="reconsideration_refused",
        happened_at=NOW,
        reason=reason,
    )
    await intake.deliver(record(topics.PARTNER_UPDATES.name(NORTH), str(refused.referral_id), refused))
    again = await intake.deliver(sent(reconsideration()))
    assert names(again) == [answer]


@pytest.mark.parametrize(
    "row",
    [
        "('partner:a', 'rejected', '', 'a', NULL, 'x', 'referral', 'e')",
        "('partner:a', 'received', '', 'a', NULL, 'x', 'referral', 'e')",
        "('partner:a', 'rejected', 'code', 'a', NULL, 'x', 'referral', NULL)",
        "('partner:a', 'rejected', 'code', 'a', NULL, 'x', NULL, 'e')",
        "('partner:a', 'rejected', 'Words of a person', 'a', NULL, 'x', 'referral', 'e')",
        "('somebody', 'registered', '', 'a', NULL, NULL, NULL, NULL)",
    ],
)
async def test_history_takes_no_half_told_entry(intake: Harness, row: str) -> None:
    columns = "(actor, what, why, partner_id, referral_id, submission_id, kind, event_id, at)"
    with pytest.raises(asyncpg.CheckViolationError):
        await intake.pool.execute(f"INSERT INTO history {columns} VALUES {row[:-1]}, now())")  # noqa: S608 - our own rows


# Two processes


async def handle(intake: Harness, connection: Any, *records: Record) -> MemoryOutbox:
    """The handler's steps up to the end of its writes, in the transaction that is open on the connection."""
    batch = [intake.reader.read(each).content for each in records]
    work = await load_at(connection, scene_of(intake.runtime), batch, MemoryOutbox())
    outbox = take(work, *batch)
    await store.save(connection, work)
    return outbox


async def test_of_two_processes_with_the_same_new_reference_the_second_is_told_to_try_again(intake: Harness) -> None:
    async with intake.pool.acquire() as one, intake.pool.acquire() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        (received,) = (await handle(intake, one, sent(submitted()))).events
        waiting = asyncio.create_task(handle(intake, two, sent(submitted(narrative="Something else"))))
        assert not (await asyncio.wait({waiting}, timeout=0.3))[0], "the second waits until the first has decided"
        await first.commit()
        with pytest.raises(InsertedMeanwhileError) as caught:
            await waiting
        assert classify(caught.value) is FailureCause.TRANSIENT
        await second.rollback()
    (answer,) = await intake.deliver(sent(submitted(narrative="Something else")))
    assert [problem.code for problem in answer.message.problems] == ["reference_reused"]
    assert answer.message.referral_id == received.message.referral_id


async def test_when_the_first_of_two_processes_fails_the_second_has_the_referral(intake: Harness) -> None:
    async with intake.pool.acquire() as one, intake.pool.acquire() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        await handle(intake, one, sent(submitted()))
        waiting = asyncio.create_task(handle(intake, two, sent(submitted())))
        await asyncio.wait({waiting}, timeout=0.2)
        await first.rollback()
        (event,) = (await waiting).events
        assert isinstance(event.message, events.ReferralReceived)
        await second.commit()
    assert await held_in(intake) is not None


async def test_two_processes_that_add_to_one_referral_take_turns(intake: Harness) -> None:
    await intake.deliver(sent(submitted()))
    async with intake.pool.acquire() as one, intake.pool.acquire() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        await handle(intake, one, sent(supplied(text="One", persons=(person("V2"),))))
        waiting = asyncio.create_task(handle(intake, two, sent(supplied(text="Two", persons=(person("V2"),)))))
        assert not (await asyncio.wait({waiting}, timeout=0.3))[0], "the second waits for the row"
        await first.commit()
        (event,) = (await waiting).events
        await second.commit()
    assert [problem.code for problem in event.message.problems] == ["local_id_taken"]


async def test_two_processes_race_through_the_same_references_and_each_has_one_referral(
    intake: Harness, database: str, clock: ManualClock
) -> None:
    references = [f"NL-{number}" for number in range(20)]
    service = create_service()
    async with harness(service, database, clock, policy_file=POLICY_FILE) as twin:

        async def flood(process: Harness, narrative: str, order: list[str]) -> None:
            for start in range(0, len(order), 5):
                batch = [submitted(partner_reference=each, narrative=narrative) for each in order[start : start + 5]]
                await process.processor.process([sent(message) for message in batch])

        await asyncio.gather(flood(intake, "One", references), flood(twin, "Two", references[::-1]))
    assert await intake.dead_letters() == []
    found = Counter(tuple(row) for row in await intake.pool.fetch("SELECT partner_reference, outcome FROM submissions"))
    assert found == Counter({(each, outcome): 1 for each in references for outcome in ("received", "rejected")})
    assert await intake.pool.fetchval("SELECT count(*) FROM referrals") == len(references)


# Cost and settings


async def test_a_large_batch_takes_as_many_statements_as_a_small_one(intake: Harness) -> None:
    async def statements(prefix: str, number: int) -> int:
        seen: list[Any] = []
        references = [f"{prefix}-{each}" for each in range(number)]
        messages = [make(partner_reference=each) for each in references for make in (submitted, supplied)]
        async with intake.pool.acquire() as connection, connection.transaction():
            connection.add_query_logger(seen.append)
            await handle(intake, connection, *map(sent, messages))
            connection.remove_query_logger(seen.append)
        return len(seen)

    await statements("A", 1)  # asyncpg asks for the types of columns once per connection
    assert await statements("B", 1) == await statements("C", 100)


def test_the_settings_refuse_a_time_zone_that_the_machine_does_not_know() -> None:
    given: dict[str, Any] = {
        "kafka_bootstrap_servers": "unused:9092",
        "postgres_dsn": "postgresql://unused",
        "policy_file": POLICY_FILE,
    }
    assert IntakeSettings(**given).mou_time_zone.key == "Europe/London"
    with pytest.raises(ValidationError):
        IntakeSettings(**given, mou_time_zone="Europe/Nowhere")


async def test_what_was_taken_in_is_counted_by_when_that_was(intake: Harness) -> None:
    await intake.deliver(sent(submitted()))
    cohorts = Cohorts(store.RECONCILIATION)
    now = datetime.now(UTC)
    assert await cohorts.measure(intake.pool, now) == {"received": 0}
    assert await cohorts.measure(intake.pool, now + timedelta(minutes=4)) == {"received": 1}
    assert await cohorts.measure(intake.pool, now + timedelta(days=7, minutes=4)) == {"received": 0}


async def test_an_early_update_that_cannot_be_handled_is_put_aside_and_keeps_no_other_waiting(
    intake: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intake.deliver(sent(supplied()), sent(withdrawn(reference="NL-2")))
    await intake.deliver(sent(submitted()), sent(submitted(partner_reference="NL-2")))

    def failing(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(handlers.HANDLERS, partner.InformationSupplied.type, failing)
    assert names(await intake.tick("settle_early_updates")) == ["NoneType", "ReferralWithdrawn"]
    (letter,) = await intake.dead_letters()
    assert (letter["reason"], letter["error_class"]) == ("handler_failed", "ZeroDivisionError")
    assert await intake.pool.fetchval("SELECT count(*) FROM early_updates") == 0


async def test_an_early_update_whose_partner_is_gone_from_the_register_is_a_dead_letter(
    intake: Harness, clock: ManualClock
) -> None:
    await intake.deliver(sent(supplied()))
    await intake.pool.execute("DELETE FROM partners")
    clock.advance(timedelta(seconds=121))
    await intake.tick("settle_early_updates")
    assert [each["reason"] for each in await intake.dead_letters()] == ["unknown_partner"]


async def test_what_waited_is_taken_some_megabytes_at_a_time(intake: Harness, clock: ManualClock) -> None:
    large = b" " * 1_000_000
    for _ in range(3):
        made = [sent(supplied()) for _ in range(3)]
        await intake.deliver(*(each._replace(value=(each.value or b"") + large) for each in made))
    clock.advance(timedelta(seconds=121))
    left = 9
    while left:
        await intake.tick("settle_early_updates")
        before, left = left, await intake.pool.fetchval("SELECT count(*) FROM early_updates")
        assert 0 < before - left <= early.MOST_BYTES // len(large)
