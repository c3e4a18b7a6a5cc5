"""A record that kills its process is put aside, and nobody else's waits for it."""

import asyncio
import signal
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis import batch, begun
from conduit_chassis.errors import Abandoned
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.testing import harness, raw_record, record
from services.chassis.tests.sample import Kept, Noted, Sample
from services.chassis.tests.test_consume import reasons
from services.chassis.tests.world import World


@pytest.mark.long
@pytest.mark.parametrize("size", [0, 600_000])
async def test_one_that_kills_its_process_is_put_aside_after_some_starts_and_the_others_are_handled(
    world: World, tmp_path: Path, size: int
) -> None:
    """Small ones are caught since each start is careful at first, and big ones at any time."""
    await world.create_all()
    numbers = list(range(12))
    await world.flood([world.noted(n, f"k{n}", action="kill" if n == 7 else "keep", words="x" * size) for n in numbers])
    starts = 0
    wanted = [n for n in numbers if n != 7]
    while sorted(await world.numbers()) != wanted:
        assert starts < 6, await world.numbers()
        starts += 1
        with world.process(tmp_path / f"log{starts}") as process:
            for _ in range(1_200):
                if process.poll() is not None or sorted(await world.numbers()) == wanted:
                    break
                await asyncio.sleep(0.05)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(process.wait, 30)
    assert await reasons(world) == ["kills_its_process"]
    assert await world.sql("SELECT FROM begun") == []


class TestMarks:
    async def marks(self, made: Any) -> list[Any]:
        return [tuple(row) for row in await made.pool.fetch("SELECT first_offset, last_offset, alone FROM begun")]

    async def test_they_stand_while_a_batch_is_handled_in_the_first_minute_and_not_later(
        self, sample: Sample, database: str
    ) -> None:
        seen: list[list[Any]] = []

        async def handle(connection: Any, incoming: Sequence[Incoming], outbox: Outbox) -> None:
            seen.append(await self.marks(made))

        async with harness(sample.service(handle), database) as made:
            await made.processor.remember()
            await made.processor.process([record(sample.inside.template, "a", Noted(number=1))._replace(offset=5)])
            made.processor._careful_until = 0.0
            await made.processor.process([record(sample.inside.template, "a", Noted(number=2))])
            assert seen == [[(5, 5, 0)], []]
            assert await self.marks(made) == []

    async def test_they_cost_a_batch_three_counted_statements_and_no_wait_for_the_disk(
        self, sample: Sample, database: str
    ) -> None:
        said: list[str] = []

        async with harness(sample.service(), database) as made:
            await made.processor.remember()
            async with made.pool.acquire() as connection:  # the pool gives the one that was given back last
                connection.add_query_logger(lambda query: said.append(query.query))
            counts: list[int] = []
            for number, careful in enumerate([True, True, False, False]):
                made.processor._careful_until = inf if careful else 0.0
                said.clear()
                await made.processor.process([record(sample.inside.template, "a", Noted(number=number))])
                counts.append(len(said))
            assert counts[1] - counts[3] == 3

    async def test_what_was_given_up_or_failed_leaves_none(self, sample: Sample, database: str) -> None:
        async def give_up(_seconds: float) -> None:
            raise Abandoned

        async def handle(_connection: Any, _incoming: Sequence[Incoming], _outbox: Outbox) -> None:
            raise ConnectionResetError

        async with harness(sample.service(handle), database) as made:
            await made.processor.remember()
            made.processor.wait = give_up
            with pytest.raises(Abandoned):
                await made.processor.process([record(sample.inside.template, "a", Noted(number=1))])
            assert await self.marks(made) == []
        async with harness(sample.service(), database) as failing:
            await failing.processor.remember()
            await failing.processor.process([record(sample.inside.template, "a", Noted(number=1, action="fail"))])
            assert await self.marks(failing) == []
            assert [row["reason"] for row in await failing.dead_letters()] == ["handler_failed"]

    @given(
        st.lists(st.integers(0, 30), unique=True, min_size=1).map(sorted),
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.integers(0, 3)), max_size=6),
    )
    def test_a_record_counts_only_its_own_lonely_deaths(self, offsets: list[int], left: list[tuple[int, int, int]]) -> None:
        marks = [begun.Mark("t", 0, first, first + length, alone if length == 0 else 0) for first, length, alone in left]
        for offset in offsets:
            found = begun.deaths_of(raw_record("t", None, [], b"")._replace(offset=offset), marks)
            held = [mark for mark in marks if mark.first <= offset <= mark.last]
            assert (found is None) == (not held)
            assert (found or 0) == max((mark.alone for mark in held if mark.first == mark.last == offset), default=0)


class TestMuchAtOnce:
    async def test_records_that_write_too_much_together_are_taken_in_halves(
        self, sample: Sample, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batch, "MOST_WRITTEN", 10_000)
        sizes: list[int] = []

        async def handle(connection: Any, incoming: Sequence[Incoming], outbox: Outbox) -> None:
            for each in incoming:
                assert isinstance(each, Delivery)
                for _ in range(100 if each.message.number == 5 else 10):
                    outbox.add(sample.out.template, b"k", "a:b", b"x" * 200)
                if each.message.number % 2:
                    await outbox.flush(connection)
            sizes.append(len(incoming))

        async with harness(sample.service(handle), database) as made:
            await made.processor.process([record(sample.inside.template, str(n), Noted(number=n)) for n in range(8)])
            assert await made.dead_letters() == []
            assert await made.pool.fetchval("SELECT count(*) FROM outbox") == 7 * 10 + 100
        assert sum(sizes) == 8
        assert max(sizes) * 10 * 200 <= 10_000 or 1 in sizes

    async def test_one_record_alone_may_write_more(self, sample: Sample, database: str) -> None:
        async def handle(_connection: Any, _incoming: Sequence[Incoming], outbox: Outbox) -> None:
            for _ in range(20):
                outbox.publish(sample.out.template, "k", Kept(number=1))
                outbox.add(sample.out.template, b"k", "a:b", b"x" * 1_000_000)

        async with harness(sample.service(handle), database) as made:
            await made.processor.process([record(sample.inside.template, "a", Noted(number=1))])
            assert await made.pool.fetchval("SELECT count(*) FROM outbox") == 40


class TestBytesRead:
    async def test_one_transaction_takes_four_mebibytes_of_records(self, world: World) -> None:
        """And the rest comes with the next ones; nothing is left."""
        await world.create_all()
        taken: list[int] = []

        async def handle(connection: Any, incoming: Sequence[Incoming], outbox: Outbox) -> None:
            taken.append(sum(len(each.record.value or b"") for each in incoming))
            await world.sample.handle(connection, incoming, outbox)

        await world.flood([world.noted(n, f"k{n}", words="x" * 300_000) for n in range(60)])
        async with world.running(world.sample.service(handle)):
            await world.wait_for_numbers(*range(60), seconds=60)
        assert max(taken) <= 4 * 1024 * 1024 + 300_100
        assert sum(taken) >= 60 * 300_000
