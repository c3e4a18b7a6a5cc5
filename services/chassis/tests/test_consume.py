"""The consume step on a real broker: what FastStream's policies would lose is accounted for here."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.middlewares import AckPolicy

from conduit_chassis import dead_letters, metrics, replay
from conduit_chassis.health import Health
from conduit_chassis.orders import Replay
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Incoming, Record
from conduit_chassis.testing import raw_record
from services.chassis.tests.sample import Sample
from services.chassis.tests.world import Door, World, eventually

NULL_HEADER = [("x-trace", None)]
LATIN_HEADER = [("x-name", "Zoë".encode("latin-1"))]


async def reasons(world: World) -> list[str]:
    return [row["reason"] for row in await world.sql("SELECT reason FROM dead_letters ORDER BY id")]


async def caught_up(world: World, topic: str, count: int) -> None:
    async def check() -> bool:
        return await world.committed(topic) == count

    await eventually(check, f"{count} committed offsets on {topic}")


async def get(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


async def answers(port: int, path: str, status: int = 200, *, text: str = "") -> bool:
    """Whether the service, which may not listen yet, answers with this status, and this in the answer."""
    with suppress(httpx.TransportError):
        answer = await get(port, path)
        return answer.status_code == status and text in answer.text
    return False


class TestWhatFastStreamLoses:
    """The loss that the chassis' own step prevents, shown with FastStream alone."""

    @asynccontextmanager
    async def plain(self, world: World, policy: AckPolicy, seen: list[bytes]) -> AsyncIterator[None]:
        broker = KafkaBroker(world.bootstrap, logger=None)
        subscriber = broker.subscriber(
            world.sample.second.template,
            group_id=f"conduit.{world.sample.name}",
            auto_offset_reset="earliest",
            ack_policy=policy,
        )

        async def handle(message: KafkaMessage) -> None:
            seen.append(message.body)
            await message.ack()

        subscriber(handle)
        async with broker:
            await broker.start()
            yield

    @pytest.mark.parametrize("policy", [AckPolicy.MANUAL, AckPolicy.NACK_ON_ERROR, AckPolicy.ACK])
    async def test_faststream_passes_over_a_null_header_and_commits_past_it(self, world: World, policy: AckPolicy) -> None:
        await world.create_all()
        topic = world.sample.second.template
        await world.send(raw_record(topic, "k", NULL_HEADER, b"lost"), raw_record(topic, "k", [], b"good"))
        seen: list[bytes] = []
        async with self.plain(world, policy, seen):
            await caught_up(world, topic, 2)
        assert seen == [b"good"]
        async with self.plain(world, policy, seen):
            await asyncio.sleep(1)
        assert seen == [b"good"], "the record with the null header is gone for good"

    async def test_the_chassis_accounts_for_both(self, world: World) -> None:
        await world.create_all()
        topic = world.sample.second.template
        await world.send(raw_record(topic, "lost", NULL_HEADER, b"lost"), world.noted(1, "k", topic=topic))
        async with world.running():
            await world.wait_for_numbers(1)
            await caught_up(world, topic, 2)
        assert await reasons(world) == ["header_missing"]
        (letter,) = await world.read(world.sample.dead_letters)
        assert letter.value.endswith(b"lost")


class TestPoison:
    def poison(self, world: World) -> dict[str, Record]:
        topic = world.sample.inside.template
        good = world.noted(0, "good")
        latin = [("ce_subject", LATIN_HEADER[0][1]), *good.headers]
        return {
            "null header": raw_record(topic, "null header", NULL_HEADER, good.value),
            "null attribute": raw_record(topic, "null attribute", [("ce_id", None)], good.value),
            "latin-1 header": raw_record(topic, "latin-1 header", latin, good.value),
            "bad JSON": raw_record(topic, "bad JSON", good.headers, b'{"number":'),
            "not JSON": raw_record(topic, "not JSON", good.headers, b"\xff\xfe\x00"),
            "tombstone": raw_record(topic, "tombstone", good.headers, None),
            "wrong schema": raw_record(topic, "wrong schema", good.headers, b'{"number":"seven"}'),
            "other type": raw_record(topic, "other type", [("ce_type", b"uk.other.v1")], b"{}"),
            "huge": raw_record(topic, "huge", good.headers, b'{"number":1,"words":"' + b"x" * 1_040_000 + b'"'),
            "deep": raw_record(topic, "deep", good.headers, b"[" * 100_000),
            "handler fails": world.noted(99, "handler fails", action="fail"),
        }

    async def test_each_is_accounted_for_once_and_later_records_pass(self, world: World) -> None:
        await world.create_all()
        topic = world.sample.inside.template
        poison = self.poison(world)
        mixed: list[Record] = []
        for number, bad in enumerate(poison.values()):
            mixed += [bad, world.noted(number, "good")]
        await world.send(*mixed)
        async with world.running():
            await world.wait_for_numbers(*range(len(poison)))
            await caught_up(world, topic, len(mixed))
        keys = [row["key"].decode() for row in await world.sql("SELECT key FROM dead_letters")]
        assert sorted(keys) == sorted(poison)
        letters = await world.read(world.sample.dead_letters)
        assert sorted(each.key.decode() for each in letters) == sorted(poison)
        assert {row["number"] for row in await world.effects()} == set(range(len(poison)))

    async def test_a_partners_bad_records_are_refused_to_it_and_not_dead_lettered(self, world: World) -> None:
        await world.create_all()
        name = world.sample.edge.name("one")
        bad = [bad._replace(topic=name) for kind, bad in self.poison(world).items() if kind != "handler fails"]
        await world.send(*bad, world.noted(1, topic=name))
        async with world.running():
            await world.wait_for_numbers(1)
        assert [row["principal"] for row in await world.effects("refused")] == ["one"] * len(bad)
        assert await reasons(world) == []


class BrokenName(str):
    """Encodes to bytes that are not UTF-8, as a client in another language may send them."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


class TestHeaderNames:
    async def send_broken(self, world: World, record: Record, compression: int = 0) -> None:
        """Write one record with such a header, past aiokafka's own encoder, which cannot."""
        batch = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, 0, 1_000_000)
        batch.append(0, None, record.key, record.value, [(BrokenName("xx"), b"v"), *record.headers])
        async with world.producer() as producer:
            await producer.partitions_for(record.topic)
            leader = producer.client.cluster.leader_for_partition(TopicPartition(record.topic, 0))
            request = ProduceRequest(
                required_acks=-1, timeout=5_000, topics=[(record.topic, [(0, bytes(batch.build()))])], transactional_id=None
            )

            async def written() -> bool:
                # A topic just made may say once that its leader is not there yet.
                response = await producer.client.send(leader, request)
                return bool(response.topics[0][1][0][1] == 0)

            await eventually(written, "the record to be taken")

    async def test_one_that_is_not_utf8_neither_stops_its_partition_nor_costs_another_a_record(self, world: World) -> None:
        await world.create_all()
        edge = world.sample.edge.name("one")
        before = metrics.RESCUED.labels(world.sample.edge.template)._value.get()
        # In waves, as a poll that fails may have begun with any partition.
        for wave in range(0, 40, 10):
            good = [world.noted(wave + n, f"k{wave + n}") for n in range(8)]
            await world.send(*good, world.noted(wave + 8, topic=edge))
            await self.send_broken(world, world.noted(wave + 9, topic=edge), compression=wave // 10 % 2)
            async with world.running():
                await world.wait_for_numbers(*range(wave + 10))
        await caught_up(world, edge, 8)
        await caught_up(world, world.sample.inside.template, 32)
        assert metrics.RESCUED.labels(world.sample.edge.template)._value.get() > before
        assert await reasons(world) == []

    async def test_aiokafka_alone_stops_there_for_ever(self, world: World) -> None:
        """If this fails, aiokafka has learnt to read such names and `_EscapingBatch` can go."""
        await world.create_all()
        await self.send_broken(world, world.noted(1, topic=world.sample.second.template))
        with pytest.raises(UnicodeDecodeError):
            await world.read(world.sample.second.template)


class TestGathering:
    """Here records gather as on a machine that has no time left: for as long as they may."""

    TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM inbox"

    async def one_by_one(self, world: World, numbers: range) -> None:
        await world.send(*map(world.noted, numbers), apart=0.05)

    async def transactions(self, world: World, **settings: Any) -> int:
        await world.create_all()
        async with world.running(**{"gather_times": inf, **settings}):
            await self.one_by_one(world, range(1))
            await world.wait_for_numbers(0)
            await self.one_by_one(world, range(1, 12))
            await world.wait_for_numbers(*range(12))
        (row,) = await world.sql(self.TRANSACTIONS)
        return int(row[0])

    async def test_records_that_come_one_by_one_share_a_transaction(self, world: World) -> None:
        # The first is fetched at once, and the others come within the seconds that follow it.
        assert await self.transactions(world, gather_ms=3_000) <= 3

    async def test_without_gathering_most_have_one_of_their_own(self, world: World) -> None:
        assert await self.transactions(world, gather_ms=0) >= 6

    async def test_a_process_that_is_hardly_busy_passes_each_on_at_once(self, world: World) -> None:
        # For three times as long as the last batch took. If each waited for what may be, it would be a hundred seconds.
        await world.create_all()
        async with world.running(gather_ms=15_000, gather_times=3.0), asyncio.timeout(60):
            for number in range(7):
                await self.one_by_one(world, range(number, number + 1))
                await world.wait_for_numbers(*range(number + 1), seconds=60)

    async def test_what_comes_after_a_pause_does_not_wait_for_more(self, world: World) -> None:
        await world.create_all()
        async with world.running(gather_ms=15_000, gather_times=inf):
            await self.one_by_one(world, range(1))
            await world.wait_for_numbers(0, seconds=10)

    async def test_what_a_service_was_gathering_when_it_ended_is_there_for_the_next(self, world: World) -> None:
        await world.create_all()
        async with world.running(gather_ms=15_000, gather_times=inf):
            await self.one_by_one(world, range(1))
            await world.wait_for_numbers(0, seconds=10)
            await self.one_by_one(world, range(1, 3))
        assert await world.numbers() == [0]
        async with world.running():
            await world.wait_for_numbers(*range(3))


class TestCommits:
    async def test_what_was_handled_within_a_while_is_committed_at_once(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commits: list[dict[TopicPartition, int]] = []
        commit = AIOKafkaConsumer.commit

        async def noted(self: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
            commits.append(offsets)
            await commit(self, offsets)

        monkeypatch.setattr(AIOKafkaConsumer, "commit", noted)
        await world.create_all()
        async with world.running(gather_ms=0, commit_ms=4_000):
            await world.send(world.noted(0, "k"))
            await world.wait_for_numbers(0)  # from now on each record has a batch of its own
            await world.send(*(world.noted(n, "k") for n in range(1, 12)), apart=0.1)
            await caught_up(world, world.sample.inside.template, 12)
        (batches,) = await world.sql("SELECT count(DISTINCT xmin::text) FROM inbox")
        assert len(commits) <= 3 < batches[0]

    async def test_a_commit_that_fails_in_an_unforeseen_way_ends_the_service(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(_self: AIOKafkaConsumer, _offsets: dict[TopicPartition, int]) -> None:
            raise LookupError

        monkeypatch.setattr(AIOKafkaConsumer, "commit", fail)
        await world.create_all()
        async with world.running(commit_ms=0) as running:
            await world.send(world.noted(0))
            await world.wait_for_numbers(0)
            await world.send(world.noted(1))
            async with asyncio.timeout(10):
                assert await asyncio.shield(running.task) == 1

    async def test_a_service_that_ends_commits_what_waited(self, world: World) -> None:
        await world.create_all()
        async with world.running(commit_ms=60_000):
            await world.send(world.noted(1))
            await world.wait_for_numbers(1)
            assert await world.committed(world.sample.inside.template) == 0
        assert await world.committed(world.sample.inside.template) == 1


class TestPartitionsOnTheMove:
    async def test_a_new_partners_topic_is_read_without_a_restart(self, world: World) -> None:
        await world.create_all()
        async with world.running(metadata_max_age_ms=500):
            await world.send(world.noted(1))
            await world.wait_for_numbers(1)
            name = world.sample.edge.name("new")
            await world.create(name)
            await world.send(world.noted(2, topic=name))
            await world.wait_for_numbers(1, 2)

    async def test_a_topic_that_only_looks_alike_is_not_read(self, world: World) -> None:
        await world.create_all()
        alike = [f"x{world.sample.inside.template}", f"{world.sample.inside.template}x"]
        await world.create(*alike)
        await world.send(*(world.noted(1, topic=name) for name in alike))
        await world.send(world.noted(7))
        async with world.running():
            await world.wait_for_numbers(7)
            await asyncio.sleep(0.5)
            assert await world.numbers() == [7]

    async def test_members_come_and_go_under_load_without_loss_or_second_effect(self, world: World) -> None:
        await world.create_all()
        count = 3_000
        records = [world.noted(n, f"k{n % 20}", action="slow" if n % 300 == 0 else "keep") for n in range(count)]
        async with world.running(batch_max_records=50, rebalance_timeout_ms=10_000):
            await world.flood(records[:1_000])
            async with world.running(batch_max_records=50, rebalance_timeout_ms=10_000):
                await world.flood(records[1_000:2_000])
                await asyncio.sleep(1)
            await world.flood(records[2_000:])
            await world.wait_for_numbers(*range(count), seconds=40)
        order: dict[str, list[int]] = {}
        for row in await world.effects():
            order.setdefault(row["key"], []).append(row["number"])
        assert all(numbers == sorted(numbers) for numbers in order.values())

    async def test_partitions_move_only_after_the_batch_in_flight_is_committed(self, world: World) -> None:
        await world.create_all()
        begun = asyncio.Event()

        async def slow(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
            begun.set()
            await asyncio.sleep(2)
            await world.sample.handle(connection, batch, outbox)

        await world.send(*(world.noted(n, f"k{n}") for n in range(10)))
        async with world.running(world.sample.service(slow), commit_ms=60_000):
            await begun.wait()
            async with world.running():
                await world.wait_for_numbers(*range(10))
                await caught_up(world, world.sample.inside.template, 10)
                await asyncio.sleep(1)
        assert metrics.CONSUMED.labels(world.sample.inside.template, "duplicate")._value.get() == 0

    async def test_a_batch_that_waits_for_the_database_is_given_up_when_its_partitions_move(
        self, world: World, free_port: int
    ) -> None:
        await world.create_all()
        blocked, open_again = asyncio.Event(), asyncio.Event()

        async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
            if not open_again.is_set():
                blocked.set()
                raise asyncpg.LockNotAvailableError
            await world.sample.handle(connection, batch, outbox)

        async def joined() -> bool:
            return (await get(free_port, "/readyz")).status_code == 200

        await world.send(world.noted(1))
        async with world.running(world.sample.service(handle)):
            await blocked.wait()
            async with world.running(http_port=free_port):
                await asyncio.sleep(0.5)
                await eventually(joined, "the second member to be given partitions", 15)
                open_again.set()
                await world.wait_for_numbers(1)


class TestDrain:
    async def until_some(self, world: World, count: int) -> None:
        async def some() -> bool:
            return len(await world.numbers()) >= count

        await eventually(some, f"{count} effects", 30)

    async def test_a_batch_in_flight_ends_and_is_committed_before_the_consumer_closes(self, world: World) -> None:
        await world.create_all()
        begun = asyncio.Event()

        async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
            begun.set()
            await asyncio.sleep(1)
            await world.sample.handle(connection, batch, outbox)

        topic = world.sample.second.template
        await world.send(world.noted(1, topic=topic))
        async with world.running(world.sample.service(handle)) as running:
            await begun.wait()
            assert await running.end() == 0
        assert await world.numbers() == [1]
        assert await world.committed(topic) == 1
        assert len(await world.read(world.sample.out.template)) == 1

    async def test_sigterm_under_load_loses_nothing_and_repeats_nothing(self, world: World, tmp_path: Path) -> None:
        await world.create_all()
        count = 4_000
        await world.flood([world.noted(n, f"k{n % 50}", action="slow" if n % 100 == 0 else "keep") for n in range(count)])
        log = tmp_path / "log"
        for least in (500, 1_500, count):
            with world.process(log, BATCH_MAX_RECORDS="100", DRAIN_SECONDS="10") as process:
                await self.until_some(world, least)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 20) == 0, log.read_text()
            assert not await world.sql("SELECT FROM outbox"), "the outbox is drained"
            committed = await world.committed(world.sample.inside.template)
            assert committed == len(await world.sql("SELECT FROM inbox")), "offsets and effects agree"
        assert sorted(await world.numbers()) == list(range(count))
        assert len(await world.read(world.sample.out.template)) == count

    async def test_kill_9_loses_nothing_and_has_no_second_effect(self, world: World, tmp_path: Path) -> None:
        await world.create_all()
        count = 4_000
        await world.flood([world.noted(n, f"k{n % 50}", action="slow" if n % 200 == 0 else "keep") for n in range(count)])
        log = tmp_path / "log"
        # The broker's least: the group waits that long for a member that was killed.
        settings = {"BATCH_MAX_RECORDS": "100", "SESSION_TIMEOUT_MS": "6000"}
        with world.process(log, **settings) as process:
            await self.until_some(world, 800)
            process.kill()
        with world.process(log, **settings) as process:
            await self.until_some(world, count)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 20) == 0
        assert sorted(await world.numbers()) == list(range(count))
        ids = [dict(each.headers)["ce_id"] for each in await world.read(world.sample.out.template)]
        assert len(set(ids)) == count


class TestStop:
    async def test_past_the_limit_the_service_exits_says_why_and_commits_nothing_more(
        self, world: World, tmp_path: Path
    ) -> None:
        await world.create_all()
        topic = world.sample.second.template
        await world.send(*(world.noted(n, str(n), topic=topic, action="fail") for n in range(30)))
        log = tmp_path / "log"
        with world.process(log, DEAD_LETTER_LIMIT="5") as process:
            assert await asyncio.to_thread(process.wait, 30) == 1
        assert "5 dead letters within the last 200 records" in log.read_text()
        assert await world.committed(topic) == 0
        assert len(await reasons(world)) == 5


class TestReplay:
    async def test_it_brings_a_key_back_in_its_order_over_several_topics(self, world: World) -> None:
        await world.create_all()
        inside, second = world.sample.inside.template, world.sample.second.template
        async with world.running():
            await world.send(world.noted(1, action="fail", topic=inside))
            await eventually(lambda: reasons(world), "the first dead letter")
            for number, topic in ((2, second), (3, inside), (4, inside), (5, second)):
                await world.send(world.noted(number, topic=topic))

                async def parked(so_many: int = number) -> bool:
                    return len(await reasons(world)) == so_many

                await eventually(parked, f"{number} dead letters")
            world.sample.mended = True
            connection = await asyncpg.connect(world.dsn)
            done = await replay.replay(world.settings(), world.sample.name, connection, actor="op", reason="mended")
            await world.send(world.noted(6))
            await world.wait_for_numbers(1, 2, 3, 4, 5, 6)
        assert await world.numbers() == [1, 2, 3, 4, 5, 6]
        assert done == replay.Replayed((1, 2, 3, 4, 5), ())
        actions = await connection.fetch("SELECT dead_letter_id, action, actor, reason FROM dead_letter_actions ORDER BY id")
        assert [tuple(row) for row in actions] == [(n, "replayed", "op", "mended") for n in range(1, 6)]
        await connection.close()

    async def test_one_that_fails_again_stays_and_says_so(self, world: World) -> None:
        await world.create_all()
        connection = await asyncpg.connect(world.dsn)
        async with world.running():
            await world.send(world.noted(1, action="fail"), world.noted(2))

            async def both() -> bool:
                return len(await reasons(world)) == 2

            await eventually(both, "two dead letters")
            done = await replay.replay(world.settings(), world.sample.name, connection, actor="op", reason="try")
            assert done == replay.Replayed((), (1, 2))
            assert await replay.discard(connection, [1], actor="op", reason="cannot be mended") == (1,)
            done = await replay.replay(world.settings(), world.sample.name, connection, actor="op", reason="the rest")
            assert done == replay.Replayed((2,), ())
        assert await world.numbers() == [2]
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute("DELETE FROM dead_letter_actions")
        await connection.close()

    async def test_a_record_with_null_header_and_without_value_comes_back_as_it_was(self, world: World) -> None:
        await world.create_all()
        topic = world.sample.second.template
        await world.send(raw_record(topic, "k", [("x", None), ("y", b"\xff")], None))
        connection = await asyncpg.connect(world.dsn)
        async with world.running():
            await eventually(lambda: reasons(world), "the dead letter")
            done = await replay.replay(
                world.settings(), world.sample.name, connection, actor="op", reason="look", patience=5
            )
        assert done == replay.Replayed((), (1,))
        (original,) = await world.read(topic)
        (letter,) = await replay.waiting(connection)
        (again,) = await dead_letters.restored(connection, [Replay(1, letter.digest, "op", "look")])
        assert (again.key, again.value, tuple(again.headers)) == (original.key, original.value, tuple(original.headers))
        await connection.close()

    async def test_one_whose_topic_is_gone_comes_back_from_the_store(self, world: World) -> None:
        await world.create_all()
        topic = world.sample.second.template
        connection = await asyncpg.connect(world.dsn)
        async with world.running():
            await world.send(world.noted(1, action="fail", topic=topic))
            await eventually(lambda: reasons(world), "the dead letter")
            await world.delete(topic)
            await world.delete(world.sample.dead_letters)
            world.sample.mended = True
            done = await replay.replay(world.settings(), world.sample.name, connection, actor="op", reason="mended")
        assert done == replay.Replayed((1,), ())
        assert await world.numbers() == [1]
        await connection.close()

    async def test_one_of_an_earlier_release_comes_back_from_the_dead_letter_topic(self, world: World) -> None:
        await world.create_all()
        connection = await asyncpg.connect(world.dsn)
        async with world.running():
            await world.send(world.noted(1, action="fail"), world.noted(2))

            async def both() -> bool:
                return len(await reasons(world)) == 2

            await eventually(both, "two dead letters")
            await eventually(lambda: world.read(world.sample.dead_letters), "their records")
            await connection.execute("UPDATE dead_letters SET headers = NULL, value = NULL, record_timestamp = NULL")
            world.sample.mended = True
            done = await replay.replay(world.settings(), world.sample.name, connection, actor="op", reason="mended")
        assert done == replay.Replayed((1, 2), ())
        assert await world.numbers() == [1, 2]
        await connection.close()

    @pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("op", " "), ("op", "\u200b")])
    async def test_nobody_replays_without_a_name_and_a_reason(self, world: World, actor: str, reason: str) -> None:
        with pytest.raises(ValueError, match="actor and a reason"):
            await replay.replay(world.settings(), world.sample.name, None, actor=actor, reason=reason)


class TestHealth:
    async def test_lag_without_progress_makes_it_not_ready_until_it_moves_again(self, world: World, free_port: int) -> None:
        await world.create_all()
        open_again = asyncio.Event()

        async def handle(connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
            await open_again.wait()
            await world.sample.handle(connection, batch, outbox)

        async with world.running(
            world.sample.service(handle), http_port=free_port, stall_seconds=1.0, statement_timeout_ms=0
        ):
            await eventually(lambda: answers(free_port, "/readyz"), "readiness")
            await world.flood([world.noted(1), world.noted(2)])
            await eventually(lambda: answers(free_port, "/readyz", 503), "a stall to be seen")
            assert "records wait without progress" in (await get(free_port, "/readyz")).text
            assert (await get(free_port, "/livez")).status_code == 200
            open_again.set()
            await eventually(lambda: answers(free_port, "/readyz"), "readiness again")

    async def test_how_long_no_fetch_was_answered_is_told_while_nobody_answers_and_when_a_broker_does(
        self, world: World, free_port: int
    ) -> None:
        await world.create_all()
        door = await Door.shut(world.bootstrap)
        late = World(f"127.0.0.1:{door.port}", world.dsn, world.sample)

        async def silent_for() -> float:
            lines = (await get(free_port, "/metrics")).text.splitlines()
            return next(float(each.split()[1]) for each in lines if each.startswith("conduit_fetch_silent_seconds "))

        async with late.running(http_port=free_port):
            await eventually(lambda: answers(free_port, "/readyz", 503), "a look for the broker")
            await asyncio.sleep(2)
            assert await silent_for() > 1.5
            await door.open()
            await eventually(lambda: answers(free_port, "/readyz"), "readiness", 40)
            since = monotonic()
            await asyncio.sleep(3)
            assert await silent_for() < monotonic() - since, "a broker that has nothing says so each second"
        await door.close()

    async def test_it_lives_but_is_not_ready_while_the_database_is_away(self, world: World, free_port: int) -> None:
        away = World(world.bootstrap, "postgresql://nobody@127.0.0.1:1/none", world.sample)
        async with away.running(http_port=free_port):
            await eventually(lambda: answers(free_port, "/livez"), "an answer")
            assert "starting: database" in (await get(free_port, "/readyz")).text

    async def test_one_that_starts_before_its_neighbour_is_ready_once_that_is_there(
        self, world: World, free_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.create_all()
        door = await Door.shut(world.bootstrap)
        late = World(f"127.0.0.1:{door.port}", world.dsn, world.sample)
        recovered: list[str] = []
        recover = Health.recovered

        def noted(self: Health, part: str) -> None:
            recovered.append(part)
            recover(self, part)

        monkeypatch.setattr(Health, "recovered", noted)
        async with late.running(http_port=free_port, stall_seconds=1.0):
            await eventually(lambda: answers(free_port, "/readyz", 503, text="failing: consumer"), "an attempt that failed")
            await door.open()
            await eventually(lambda: answers(free_port, "/readyz"), "readiness", 40)
            # Past the time after which a failure matters, each look must find it ready.
            until = monotonic() + 2.5
            while monotonic() < until:
                assert (await get(free_port, "/readyz")).text == "ok"
                await asyncio.sleep(0.1)
            assert "consumer" in recovered
        await door.close()

    async def test_the_document_names_every_topic(self, world: World, free_port: int) -> None:
        await world.create_all()
        async with world.running(http_port=free_port):
            await eventually(lambda: answers(free_port, "/metrics", text="conduit_ready 1.0"), "readiness in the metrics")
            document = json.loads((await get(free_port, "/asyncapi.json")).text)
            addresses = {channel["address"] for channel in document["channels"].values()}
            assert {world.sample.inside.template, world.sample.edge.template} <= addresses
            assert (await get(free_port, "/nothing")).status_code == 404


CANARY = "Mary-Canary-12-Nightingale-Row"


class TestCanaries:
    async def test_personal_data_in_every_place_of_bad_records_reaches_no_log_metric_or_dead_letter_header(
        self, world: World, tmp_path: Path, free_port: int
    ) -> None:
        await world.create_all()
        sample: Sample = world.sample
        text = CANARY.encode()
        inside, edge = sample.inside.template, sample.edge.name("one")
        good = world.noted(1)
        headers = [*good.headers, ("x-name", text), (CANARY, text), (CANARY, None)]
        quoted = json.dumps(CANARY).encode()
        bad = [
            world.noted(1, CANARY, action="fail", words=CANARY, topic=inside),
            world.noted(2, CANARY + "2", action="fail in the database", words=CANARY, topic=inside),
            raw_record(inside, CANARY + "3", headers, text),
            raw_record(inside, CANARY + "4", headers, b'{"number":' + quoted + b"," + quoted + b":" + quoted + b"}"),
            *(
                raw_record(inside, f"{CANARY}-{name}", [(name, text), *good.headers], good.value)
                for name in (
                    "ce_type",
                    "ce_time",
                    "ce_specversion",
                    "ce_subject",
                    "ce_source",
                    "traceparent",
                    "conduit-replay-of",
                )
            ),
        ]
        await world.send(*bad, *(each._replace(topic=edge) for each in bad))
        await TestHeaderNames().send_broken(world, world.noted(3, CANARY, topic=edge))
        await world.send(world.noted(7, "end", topic=inside), world.noted(8, "end", topic=edge))
        log = tmp_path / "log"

        async def done() -> bool:
            return {7, 8} <= set(await world.numbers()) and not await world.sql("SELECT FROM outbox")

        with world.process(log, LOG_LEVEL="DEBUG", HTTP_PORT=str(free_port)) as process:
            await eventually(done, "the good records", 30)
            shown = (await get(free_port, "/metrics")).text
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, 20)
        shown += log.read_text()
        letters = await world.read(sample.dead_letters)
        assert len(letters) > 5
        shown += repr([each.headers for each in letters])
        assert "handler_failed" in shown
        assert "Canary" not in shown
