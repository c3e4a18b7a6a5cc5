"""One batch, one transaction, whatever is in it. On a real database, without Kafka."""

import asyncio
import json
import random
from collections.abc import Sequence
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis import dead_letters
from conduit_chassis.errors import Abandoned, TooManyDeadLettersError
from conduit_chassis.limit import Limit
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import REPLAY_HEADER, Delivery, Incoming, Record
from conduit_chassis.testing import Harness, harness, raw_record, record, replay_order
from conduit_contracts.kits.batches import UnreadableBatch
from conduit_contracts.problems import Origin, Problem
from services.chassis.tests.sample import Noted, Sample
from tests.support.batches import batch as batch_of


def noted(sample: Sample, number: int, key: str | None = "k", **more: Any) -> Record:
    name = more.pop("topic", sample.inside.template)
    fields = {field: more.pop(field) for field in ("action", "words", "partner_id") if field in more}
    return record(name, key, Noted(number=number, **fields), **more)


def replay(made: Record, sample: Sample, number: int, actor: str = "an.operator") -> Record:
    return replay_order(sample.name, number, made, actor)


async def numbers(made: Harness) -> list[int]:
    return [row[0] for row in await made.pool.fetch("SELECT number FROM effects ORDER BY id")]


async def reasons(made: Harness) -> list[str]:
    return [row["reason"] for row in await made.dead_letters()]


async def test_a_batch_is_one_call_and_one_transaction(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        published = await made.deliver(*(noted(sample, n) for n in range(5)))
        assert sample.batches == [5]
        assert [each.message.number for each in published] == list(range(5))
        assert await numbers(made) == list(range(5))


async def test_a_record_twice_in_a_batch_has_one_effect(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        twin = noted(sample, 1)
        await made.deliver(twin, twin._replace(offset=99), noted(sample, 2))
        assert await numbers(made) == [1, 2]


async def test_the_deliver_twice_mode_shows_the_handler_nothing_twice(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database, deliver_twice=True) as made:
        await made.processor.process([noted(sample, 1), noted(sample, 2)])
        assert sample.batches == [2]


class Telling(Sample):
    """Publishes as many bytes as the record's words say, and keeps what each transaction was to write."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.tried: list[list[int]] = []

    async def handle(self, connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        self.tried.append([])
        for incoming in batch:
            assert isinstance(incoming, Delivery)
            size = int(incoming.message.words)
            self.tried[-1].append(size)
            outbox.add(self.out.template, b"k", "ce_id:x", b"x" * size)
            await self._handle_one(connection, incoming, outbox)


MOST = 1_000


@pytest.mark.parametrize("seed", range(4))
async def test_what_would_write_too_much_together_is_written_some_at_a_time_and_little_of_it_is_tried_in_vain(
    sample: Sample, database: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("conduit_chassis.batch.MOST_WRITTEN", MOST)
    chance, telling = random.Random(seed), Telling(sample.name)
    async with harness(telling.service(), database) as made:
        sizes = [
            *(chance.choice((300, 310)) for _ in range(20)),  # a flood, of which two or three fit
            *(1 for _ in range(3)),
            *(chance.choice((1, 300, 5_000)) for _ in range(20)),
        ]
        records = [noted(sample, n, f"k{n}", words=str(size)) for n, size in enumerate(sizes)]
        for batch in (records[:20], records[20:23], records[23:]):
            await made.processor.process(batch)
        assert await numbers(made) == list(range(len(sizes)))
        assert await made.dead_letters() == []
        written = await made.pool.fetch(
            "SELECT sum(octet_length(value)) FROM outbox GROUP BY xmin::text HAVING count(*) > 2"
        )
        assert max(row[0] for row in written) <= MOST
    of_flood = [sum(tried) for tried in telling.tried if set(tried) <= {300, 310}]
    assert sum(of_flood) <= 2 * sum(sizes[:20])


async def test_of_what_many_orders_bring_back_no_more_than_one_record_is_in_memory(
    sample: Sample, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with harness(sample.service(), database) as made:
        bad = [noted(sample, n, f"k{n}", action="fail") for n in range(6)]
        await made.deliver(*bad)
        assert len(await made.dead_letters()) == 6
        sample.mended = True
        restored, held = dead_letters.restored, []

        async def watched(connection: Any, wanted: Any) -> list[Record]:
            found = await restored(connection, wanted)
            held.append(len(found))
            return found

        monkeypatch.setattr(dead_letters, "restored", watched)
        letters = await made.dead_letters()
        await made.processor.process([replay(bad[n], sample, letters[n]["id"]) for n in range(6)])
        assert held == [1] * 6
        assert await numbers(made) == list(range(6))
        assert await made.dead_letters() == []


async def test_two_owners_of_one_partition_have_one_effect(sample: Sample, database: str) -> None:
    records = [noted(sample, n, action="slow") for n in range(20)]
    async with harness(sample.service(), database) as one, harness(sample.service(), database) as two:
        await asyncio.gather(one.processor.process(records), two.processor.process(list(reversed(records))))
        assert sorted(await numbers(one)) == list(range(20))


async def test_a_failing_record_stands_alone_and_the_others_pass(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        bad = noted(sample, 5, "bad", action="fail")
        published = await made.deliver(*(noted(sample, n, str(n)) for n in range(5)), bad, noted(sample, 6, "6"))
        assert await numbers(made) == [0, 1, 2, 3, 4, 6]
        (letter,) = await made.dead_letters()
        assert (letter["topic"], letter["record_offset"], letter["reason"]) == (bad.topic, bad.offset, "handler_failed")
        assert letter["error_class"].endswith("FixableError")
        assert [each.topic for each in published].count(sample.dead_letters) == 1


async def test_a_migration_under_prepared_statements_buries_nothing(sample: Sample, database: str) -> None:
    async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        await connection.fetch("SELECT * FROM effects")
        await sample.handle(connection, batch, outbox)

    async with harness(sample.service(handle), database) as made:
        await made.deliver(noted(sample, 1, "a"))
        migrating = await asyncpg.connect(database)
        await migrating.execute("ALTER TABLE effects ADD COLUMN added text")
        await migrating.close()
        await made.deliver(noted(sample, 2, "b"))
        assert await numbers(made) == [1, 2]
        assert await made.dead_letters() == []


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("ALTER TABLE effects RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO effects"),
        ("ALTER TABLE inbox RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO inbox"),
        ("ALTER TABLE effects RENAME COLUMN number TO count", "ALTER TABLE effects RENAME COLUMN count TO number"),
        (
            "ALTER TABLE effects RENAME TO kept; CREATE VIEW effects AS SELECT * FROM kept LIMIT 9",
            "DROP VIEW effects; ALTER TABLE kept RENAME TO effects",
        ),
    ],
    ids=["a table is gone", "the inbox is gone", "a column has another name", "a view takes nothing"],
)
async def test_a_schema_that_is_not_ours_buries_nothing(sample: Sample, database: str, broken: str, mended: str) -> None:
    """A hand on the wrong database, or a release beside one that migrated: no sender brought that about."""
    administering = await asyncpg.connect(database)
    said: list[list[str]] = []

    async def mend(_seconds: float) -> None:
        said.append(list(made.runtime.health._failing))
        if len(said) == 3:
            await administering.execute(mended)

    try:
        async with harness(sample.service(), database) as made:
            await made.deliver(noted(sample, 1, "a"))
            made.processor.wait = mend
            await administering.execute(broken)
            await made.processor.process([noted(sample, 2, "b"), noted(sample, 3, "c", action="fail")])
            assert said == [["batch"]] * 3
            assert await numbers(made) == [1, 2]
            (letter,) = await made.dead_letters()
            assert letter["error_class"].endswith("FixableError"), "the one that is wrong is told apart all the same"
    finally:
        await administering.close()


async def test_a_password_changed_under_a_running_service_buries_nothing(sample: Sample, database: str) -> None:
    role = f"changed_{uuid4().hex[:8]}"
    administering = await asyncpg.connect(database)
    await administering.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'one'")
    attempts: list[float] = []

    async def set_back(seconds: float) -> None:
        attempts.append(seconds)
        await administering.execute(f"ALTER ROLE {role} PASSWORD 'one'")

    try:
        theirs = urlsplit(database)
        theirs = theirs._replace(netloc=f"{role}:one@{theirs.netloc.rpartition('@')[2]}")
        async with harness(sample.service(), theirs.geturl()) as made:
            made.processor.wait = set_back
            await administering.execute(f"ALTER ROLE {role} PASSWORD 'two'")
            await made.pool.expire_connections()
            await made.processor.process([noted(sample, 1)])
            assert await numbers(made) == [1]
            assert await made.dead_letters() == []
            assert attempts
    finally:
        await administering.execute(f"DROP ROLE {role}")
        await administering.close()


async def test_what_the_database_refuses_is_the_records_fault(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        await made.deliver(noted(sample, 1, "a"), noted(sample, 2, "b", action="fail in the database", words="x"))
        assert await numbers(made) == [1]
        assert (await made.dead_letters())[0]["error_class"].endswith("InvalidTextRepresentationError")


async def test_later_records_of_the_key_wait_behind_it_on_every_topic(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        await made.deliver(noted(sample, 1, action="fail"), noted(sample, 2), noted(sample, 3, "other"))
        await made.deliver(noted(sample, 4, topic=sample.second.template), noted(sample, 5, "other"))
        assert await numbers(made) == [3, 5]
        assert await reasons(made) == ["handler_failed", "behind_dead_letter", "behind_dead_letter"]


async def test_a_record_without_key_holds_nobody_up(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        await made.deliver(noted(sample, 1, None, action="fail"), noted(sample, 2, None))
        assert await numbers(made) == [2]


async def test_what_an_edge_topic_brings_is_answered_in_order_and_holds_nobody_up(sample: Sample, database: str) -> None:
    seen: list[str] = []

    async def handle(_connection: Any, batch: Sequence[Incoming], _outbox: Outbox) -> None:
        seen.extend(type(each).__name__ for each in batch)

    name = sample.edge.name("one")
    async with harness(sample.service(handle), database) as made:
        await made.deliver(
            noted(sample, 1, topic=name), raw_record(name, "k", [], b"nonsense"), noted(sample, 2, topic=name)
        )
        assert seen == ["Delivery", "Refusal", "Delivery"]
        assert await made.dead_letters() == []


async def test_an_unreadable_internal_record_is_put_aside_and_its_key_waits(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        broken = raw_record(sample.inside.template, "k", [("ce_id", None)], b"{}")
        await made.deliver(broken, noted(sample, 1), noted(sample, 2, "other"))
        assert await numbers(made) == [2]
        assert await reasons(made) == ["header_null", "behind_dead_letter"]


async def test_replays_in_order_take_effect_and_resolve(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        first, second = noted(sample, 1, action="fail"), noted(sample, 2)
        await made.deliver(first, second)
        sample.mended = True
        await made.deliver(replay(first, sample, 1), replay(second, sample, 2), noted(sample, 3))
        assert await numbers(made) == [1, 2, 3]
        assert await made.dead_letters() == []


async def test_a_replay_twice_has_one_effect(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        first = noted(sample, 1, action="fail")
        await made.deliver(first)
        sample.mended = True
        again = replay(first, sample, 1)
        await made.deliver(again, again._replace(offset=5_000))
        assert await numbers(made) == [1]


async def test_a_replay_out_of_turn_waits_for_its_turn(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        first, second = noted(sample, 1, action="fail"), noted(sample, 2)
        await made.deliver(first, second)
        sample.mended = True
        await made.deliver(replay(second, sample, 2))
        assert await numbers(made) == []
        await made.deliver(replay(first, sample, 1))
        await made.deliver(replay(second, sample, 2)._replace(offset=7_000))
        assert await numbers(made) == [1, 2]


async def test_a_replay_that_fails_again_keeps_its_turn(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        first = noted(sample, 1, action="fail")
        await made.deliver(first, noted(sample, 2))
        await made.deliver(replay(first, sample, 1))
        letters = await made.dead_letters()
        assert [(each["id"], each["attempts"] > 1) for each in letters] == [(1, True), (2, False)]


async def test_a_replay_for_another_service_is_left_to_it(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        one = noted(sample, 1)
        await made.deliver(one._replace(headers=[*one.headers, (REPLAY_HEADER, b"another/1")]))
        assert await numbers(made) == []


async def test_a_late_second_replay_has_no_effect_though_the_inbox_forgot(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        first = noted(sample, 1, action="fail")
        await made.deliver(first)
        sample.mended = True
        await made.deliver(replay(first, sample, 1))
        await made.pool.execute("DELETE FROM inbox")
        await made.deliver(replay(first, sample, 1))
        assert await numbers(made) == [1]


async def test_at_the_edge_a_replay_header_hides_nothing(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        records = [noted(sample, n, topic=sample.edge.name("one")) for n in range(2)]
        marks = (b"another/1", f"{sample.name}/1".encode())
        await made.deliver(
            *(
                each._replace(headers=[*each.headers, (REPLAY_HEADER, mark)])
                for each, mark in zip(records, marks, strict=True)
            )
        )
        assert await numbers(made) == [0, 1]


@pytest.mark.parametrize("forged", ["content", "number", "by the old way", "no order"])
async def test_a_forged_replay_resolves_nothing_and_passes_nobody(sample: Sample, database: str, forged: str) -> None:
    async with harness(sample.service(), database) as made:
        first = noted(sample, 1, action="fail")
        await made.deliver(first)
        sample.mended = True
        mark = (REPLAY_HEADER, f"{sample.name}/1".encode())
        forgery = {
            "content": replay(noted(sample, 9), sample, 1),
            "number": replay(first, sample, 2),
            "by the old way": first._replace(headers=[*first.headers, mark], offset=first.offset + 1_000),
            "no order": raw_record(f"{sample.name}.replays.v1", "k", first.headers, first.value),
        }
        await made.deliver(forgery[forged])
        assert await numbers(made) == []
        assert (await reasons(made))[0] == "handler_failed"


@pytest.mark.parametrize("field", ["actor", "reason"])
async def test_an_order_with_text_that_no_database_keeps_is_passed_over(sample: Sample, database: str, field: str) -> None:
    async with harness(sample.service(), database) as made:
        first = noted(sample, 1, action="fail")
        await made.deliver(first)
        sample.mended = True
        order = replay(first, sample, 1)
        spelt = json.loads(order.value or b"") | {field: "a\ud800"}
        await made.deliver(order._replace(value=json.dumps(spelt).encode()), noted(sample, 2, "other"))
        assert await numbers(made) == [2]
        assert await reasons(made) == ["handler_failed"]


async def test_a_letter_from_a_topic_that_is_no_longer_read_stays_and_stops_nobody(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        first = noted(sample, 1, action="fail")
        await made.deliver(first)
        sample.mended = True
        await made.pool.execute("UPDATE dead_letters SET topic = 'of-an-earlier-release.v1'")
        await made.deliver(replay(first, sample, 1), noted(sample, 2, "other"))
        assert await numbers(made) == [2]
        assert await reasons(made) == ["handler_failed"]


@pytest.mark.parametrize("edge", [True, False])
async def test_a_batch_that_can_be_read_again_and_not_yet_handled_stays_a_batch(
    sample: Sample, database: str, *, edge: bool
) -> None:
    topic = sample.edge.name("one") if edge else sample.inside.template
    records = [noted(sample, n, topic=topic, action="fail") for n in range(2)]
    raw = UnreadableBatch(bytes(batch_of(records)), 0, 1, "UnknownCodecError")
    first = Record(topic, 0, 1, None, (), raw, 0)
    async with harness(sample.service(), database) as made:
        await made.deliver(first)
        await made.deliver(replay(first, sample, 1))
        assert await reasons(made) == ["batch_unreadable"]
        sample.mended = True
        await made.deliver(replay(first, sample, 1)._replace(offset=8_000))
        assert [each for each in await numbers(made) if each is not None] == [0, 1]
        assert await reasons(made) == []


async def test_a_dead_letter_comes_back_whole_from_the_store_and_then_nothing_of_it_is_kept(
    sample: Sample, database: str
) -> None:
    seen: list[Any] = []

    async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        await sample.handle(connection, batch, outbox)
        seen.extend(each.record for each in batch)

    async with harness(sample.service(handle), database) as made:
        first = noted(sample, 1, action="fail")
        first = first._replace(headers=[*first.headers, ("x", None), ("y", b"\xff")])
        await made.deliver(first, noted(sample, 2))
        held = await made.pool.fetch("SELECT headers, value FROM dead_letters ORDER BY id")
        assert all(row["headers"] is not None and row["value"] is not None for row in held)
        sample.mended = True
        await made.deliver(replay(first, sample, 1))
        assert [each._replace(replay=None) for each in seen] == [first]
        kept = await made.pool.fetch("SELECT id, headers, value FROM dead_letters WHERE headers IS NOT NULL ORDER BY id")
        assert [row["id"] for row in kept] == [2]
        await made.pool.execute("UPDATE dead_letters SET resolved_at = now()")
        assert await made.pool.fetch("SELECT FROM dead_letters WHERE headers IS NOT NULL OR value IS NOT NULL") == []


async def test_who_had_a_record_replayed_is_kept_and_history_can_say_it_of_exactly_that(
    sample: Sample, database: str
) -> None:
    async with harness(sample.service(), database) as made:
        await made.pool.execute(
            "ALTER TABLE effects ADD replayed_by text DEFAULT current_setting('conduit.replayed_by', true)"
        )
        first, second = noted(sample, 1, "a", action="fail"), noted(sample, 2, "b", action="fail")
        await made.deliver(first, second)
        sample.mended = True
        await made.deliver(
            noted(sample, 3, "c"),
            replay(first, sample, 1, "jo.smith"),
            replay(second, sample, 2, "ada"),
            noted(sample, 4, "d"),
        )
        rows = await made.pool.fetch("SELECT number, coalesce(replayed_by, '') FROM effects ORDER BY id")
        assert [tuple(row) for row in rows] == [(1, "jo.smith"), (2, "ada"), (3, ""), (4, "")]
        rows = await made.pool.fetch("SELECT dead_letter_id, action, actor FROM dead_letter_actions ORDER BY id")
        assert [tuple(row) for row in rows] == [(1, "replayed", "jo.smith"), (2, "replayed", "ada")]


async def test_a_registers_newer_record_passes_what_waits_of_its_key_and_closes_it(sample: Sample, database: str) -> None:
    register = sample.register.template
    async with harness(sample.service(), database) as made:
        broken = raw_record(register, "k", [("ce_id", None)], b"{}")
        failing = noted(sample, 1, topic=register, action="fail")
        await made.deliver(broken, failing, noted(sample, 2, "other", topic=register))
        assert await reasons(made) == ["header_null", "handler_failed"]
        await made.deliver(noted(sample, 3, topic=register))
        assert await numbers(made) == [2, 3]
        assert await reasons(made) == []
        sample.mended = True
        await made.deliver(replay(failing, sample, 2))
        assert await numbers(made) == [2, 3]
        rows = await made.pool.fetch("SELECT action, actor FROM dead_letter_actions")
        assert [tuple(row) for row in rows] == [("superseded", sample.name)] * 2


async def test_within_one_batch_too_a_registers_unreadable_record_holds_up_no_newer_one(
    sample: Sample, database: str
) -> None:
    register = sample.register.template
    async with harness(sample.service(), database) as made:
        await made.deliver(raw_record(register, "k", [], b"nonsense"), noted(sample, 3, topic=register))
        assert await numbers(made) == [3]
        assert await reasons(made) == []


async def test_a_handler_may_put_a_record_aside_itself(sample: Sample, database: str) -> None:
    problem = Problem(code="place_unknown", field="place", message="No such place.", origin=Origin.HUB, retryable=False)

    async def handle(_connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        for each in batch:
            if isinstance(each, Delivery) and each.message.number == 1:
                outbox.dead_letter(each, problem)

    async with harness(sample.service(handle), database) as made:
        await made.deliver(noted(sample, 1), noted(sample, 2, "other"))
        assert await reasons(made) == ["place_unknown"]


@pytest.mark.parametrize(
    "error", [asyncpg.DeadlockDetectedError("x"), asyncpg.LockNotAvailableError("x"), ConnectionResetError()]
)
async def test_a_transient_failure_is_tried_again_as_it_was(sample: Sample, database: str, error: Exception) -> None:
    calls = []

    async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        calls.append(len(batch))
        await sample.handle(connection, batch, outbox)
        if len(calls) < 3:
            raise error

    async with harness(sample.service(handle), database) as made:
        await made.deliver(noted(sample, 1), noted(sample, 2))
        assert calls == [2, 2, 2]
        assert await numbers(made) == [1, 2]
        assert await made.dead_letters() == []


async def test_a_record_that_always_takes_too_long_is_found_and_put_aside(sample: Sample, database: str) -> None:
    waits: list[float] = []

    async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        if any(isinstance(each, Delivery) and each.message.number == 3 for each in batch):
            raise asyncpg.QueryCanceledError
        await sample.handle(connection, batch, outbox)

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async with harness(sample.service(handle), database) as made:
        made.processor.wait = wait
        await made.deliver(*(noted(sample, n, str(n)) for n in range(6)))
        assert await numbers(made) == [0, 1, 2, 4, 5]
        assert [each["error_class"] for each in await made.dead_letters()] == ["asyncpg.exceptions.QueryCanceledError"]
    assert len(waits) < 10


async def test_a_killed_connection_is_transient(sample: Sample, database: str) -> None:
    killed: list[bool] = []

    async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        await sample.handle(connection, batch, outbox)
        if not killed:
            killed.append(True)
            other = await asyncpg.connect(database)
            await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await other.close()

    async with harness(sample.service(handle), database) as made:
        await made.deliver(noted(sample, 1))
        assert killed
        assert await numbers(made) == [1]


async def test_a_batch_given_up_between_attempts_has_no_effect(sample: Sample, database: str) -> None:
    async def handle(_connection: Any, _batch: Sequence[Incoming], _outbox: Outbox) -> None:
        raise asyncpg.DeadlockDetectedError

    async def give_up(_seconds: float) -> None:
        raise Abandoned

    async with harness(sample.service(handle), database) as made:
        made.processor.wait = give_up
        with pytest.raises(Abandoned):
            await made.processor.process([noted(sample, 1)])
        assert await made.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_a_batch_given_up_leaves_no_fault_behind(sample: Sample, database: str) -> None:
    """The partitions may stay away for good, and then no batch comes that would take the fault back."""

    async def handle(_connection: Any, _batch: Sequence[Incoming], _outbox: Outbox) -> None:
        raise ConnectionResetError

    async def give_up(_seconds: float) -> None:
        raise Abandoned

    async with harness(sample.service(handle), database) as made:
        health = made.runtime.health
        for part in ("database", "consumer"):
            health.started(part)
        made.processor.wait = give_up
        with pytest.raises(Abandoned):
            await made.processor.process([noted(sample, 1)])
        health._now = lambda: monotonic() + 3_600
        assert health.not_ready() == []


async def test_past_the_limit_it_stops_and_leaves_the_rest(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database, dead_letter_limit=5, dead_letter_window=50) as made:
        with pytest.raises(TooManyDeadLettersError):
            await made.processor.process([noted(sample, n, str(n), action="fail") for n in range(20)])
        assert len(await made.dead_letters()) == 5
        assert await made.pool.fetchval("SELECT count(*) FROM inbox") == 5


async def test_a_service_that_stopped_at_the_limit_stops_again_at_the_next_bad_record(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database, dead_letter_limit=5, dead_letter_window=50) as made:
        with pytest.raises(TooManyDeadLettersError):
            await made.processor.process([noted(sample, n, str(n), action="fail") for n in range(20)])
    async with harness(sample.service(), database, dead_letter_limit=5, dead_letter_window=50) as again:
        await again.processor.remember()
        await again.deliver(noted(sample, 30, "30"))
        with pytest.raises(TooManyDeadLettersError):
            await again.processor.process([noted(sample, 31, "31", action="fail")])


class TestNobodyAloneStopsTheService:
    """No single partner, force or officer does, by whatever topic its doing arrives, before a restart or after it."""

    LIMITS: ClassVar[dict[str, Any]] = {"dead_letter_limit": 10, "dead_letter_window": 200}

    def records(self, sample: Sample, whose: str, count: int) -> list[Record]:
        topics = {"partner": sample.edge.name("one"), "officers": sample.officers.template}
        more: dict[str, Any] = {"partner_id": "one"} if whose == "a partner's, seen later" else {}
        topic = topics.get(whose, sample.inside.template)
        return [noted(sample, n, f"{whose} {n}", action="fail", topic=topic, **more) for n in range(count)]

    @pytest.mark.parametrize("whose", ["partner", "officers", "a partner's, seen later"])
    async def test_neither_at_once_nor_after_a_restart(self, sample: Sample, database: str, whose: str) -> None:
        async with harness(sample.service(), database, **self.LIMITS) as made:
            await made.processor.process(self.records(sample, whose, 60))
        async with harness(sample.service(), database, **self.LIMITS) as again:
            await again.processor.remember()
            await again.processor.process(self.records(sample, whose, 60))
            assert len(await again.dead_letters()) == 120

    @given(st.lists(st.sampled_from(["partner", "officers", "a partner's, seen later"]), min_size=1, max_size=80))
    def test_nor_do_a_few_of_them_in_any_order(self, turns: list[str]) -> None:
        limit = Limit(10, 200)
        for whose in turns:
            limit.failed(whose)

    async def test_a_fault_of_ours_does(self, sample: Sample, database: str) -> None:
        async with harness(sample.service(), database, **self.LIMITS) as made:
            with pytest.raises(TooManyDeadLettersError):
                await made.processor.process(self.records(sample, "ours", 60))

    async def test_what_an_older_release_put_aside_is_told_by_its_topic(self, sample: Sample, database: str) -> None:
        async with harness(sample.service(), database, **self.LIMITS) as made:
            await made.processor.process(self.records(sample, "officers", 60))
            await made.pool.execute("UPDATE dead_letters SET blamed = NULL")
        async with harness(sample.service(), database, **self.LIMITS) as again:
            await again.processor.remember()
            await again.processor.process(self.records(sample, "officers", 3))


@pytest.mark.parametrize("length", [100, 10_000])
async def test_a_key_of_any_length_can_be_put_aside_and_parks_what_follows(
    sample: Sample, database: str, length: int
) -> None:
    key = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))
    async with harness(sample.service(), database) as made:
        await made.deliver(noted(sample, 1, key, action="fail"))
        await made.deliver(noted(sample, 2, key))
        assert [row["reason"] for row in await made.dead_letters()] == ["handler_failed", "behind_dead_letter"]


async def test_parked_records_do_not_count_towards_the_limit(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database, dead_letter_limit=2, dead_letter_window=50) as made:
        await made.deliver(noted(sample, 0, action="fail"), *(noted(sample, n) for n in range(1, 20)))
        assert len(await made.dead_letters()) == 20


async def test_an_event_too_large_for_any_topic_is_caught_before_it_is_committed(sample: Sample, database: str) -> None:
    async def handle(_connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        assert batch
        outbox.publish(sample.out.template, "k", Noted(number=1, words="x" * 3_000_000))

    async with harness(sample.service(handle), database) as made:
        await made.deliver(noted(sample, 1))
        assert (await made.dead_letters())[0]["error_class"].endswith("MessageTooLargeError")


async def test_ids_that_no_column_takes_cost_nobody_else_anything(sample: Sample, database: str) -> None:
    edge = sample.edge.name("one")
    async with harness(sample.service(), database) as made:
        await made.deliver(
            *(noted(sample, n, None, event_id=odd) for n, odd in enumerate(("\x00", "x" * 100_000, "é" * 900))),
            *(noted(sample, n, None, event_id=odd, topic=edge) for n, odd in enumerate(("\x00", "x" * 100_000, "é" * 900))),
            noted(sample, 7),
        )
        assert len(await made.pool.fetch("SELECT FROM inbox")) == 7
        assert (await numbers(made))[-1] == 7


async def test_the_harness_notices_a_handler_that_is_not_idempotent(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        one = noted(sample, 1)
        await made.deliver(one)
        assert len(await made.handle_again(one)) == 1


def test_a_dead_letters_headers_hold_nothing_of_the_record(sample: Sample) -> None:
    made = raw_record(sample.inside.template, "k", [("x-name", b"Mary Canary")], b"Mary Canary")
    packed = dead_letters._headers(1, "sample", made, dead_letters.Cause("reason"))
    assert "Canary" not in packed
