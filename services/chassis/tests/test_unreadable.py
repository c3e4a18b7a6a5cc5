"""Batches that cannot be read, on a real broker: each costs itself alone, is seen, is kept, and has a way past."""

import asyncio
from time import monotonic
from typing import Any

import cramjam
import pytest

from conduit_chassis import metrics, replay, unreadable
from conduit_contracts.kits import fetching
from conduit_contracts.kits.batches import LARGEST_UNPACKED
from services.chassis.tests.test_consume import answers, caught_up, reasons
from services.chassis.tests.world import World, eventually
from tests.support.batches import HEAD, batch, packed, produce, rubbish_behind


class TestCodecs:
    async def test_every_codec_of_kafka_is_read(self, world: World) -> None:
        await world.create_all()
        edge = world.sample.edge.name("one")
        async with world.running():
            for codec in range(5):
                for topic in (edge, world.sample.second.template):
                    first = 10 * codec + (5 if topic == edge else 0)
                    await produce(
                        world.bootstrap, topic, bytes(batch([world.noted(first + n, topic=topic) for n in range(3)], codec))
                    )
            numbers = [10 * codec + start + n for codec in range(5) for start in (0, 5) for n in range(3)]
            await world.wait_for_numbers(*numbers)
        assert await reasons(world) == []


class TestAnOutsidersBatch:
    async def test_it_is_put_aside_whole_its_sender_is_told_and_nobody_else_waits(self, world: World) -> None:
        await world.create_all()
        one, two = world.sample.edge.name("one"), world.sample.edge.name("two")
        data = rubbish_behind([world.noted(n, topic=one) for n in range(90, 93)])
        await world.send(world.noted(1, topic=one))
        await produce(world.bootstrap, one, data)
        await world.send(world.noted(2, topic=one), world.noted(3, topic=two), world.noted(4))
        for _ in range(2):  # also after a restart
            async with world.running():
                await world.wait_for_numbers(1, 2, 3, 4)
                await caught_up(world, one, 5)
        assert [row["principal"] for row in await world.effects("refused")] == ["one"]
        (row,) = await world.sql("SELECT reason, error_class, record_offset, blamed FROM dead_letters")
        assert (row["reason"], row["record_offset"], row["blamed"]) == ("batch_unreadable", 3, "one")
        (letter,) = await world.read(world.sample.dead_letters)
        assert letter.value.endswith(data[HEAD:]), "its bytes are kept"

    async def test_one_that_unpacks_to_more_than_anybody_may_send_is_put_aside_packed(self, world: World) -> None:
        await world.create_all()
        one, two = world.sample.edge.name("one"), world.sample.edge.name("two")
        huge = world.noted(90, topic=one)._replace(value=bytes(2 * LARGEST_UNPACKED))
        await produce(world.bootstrap, one, packed([huge], 4, lambda data: bytes(cramjam.zstd.compress(data))))
        await world.send(world.noted(2, topic=one), world.noted(3, topic=two))
        async with world.running():
            await world.wait_for_numbers(2, 3)
        assert await reasons(world) == ["batch_unreadable"]

    async def test_it_comes_back_once_it_can_be_read(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        await world.create_all()
        one = world.sample.edge.name("one")
        await produce(world.bootstrap, one, rubbish_behind([world.noted(n, topic=one) for n in range(3)]))
        await world.send(world.noted(7, topic=one))
        async with world.running():
            await world.wait_for_numbers(7)
            assert await self.replayed(world) == ((), (1,))
            monkeypatch.setitem(fetching.batches._UNPACK, 3, tolerant_lz4)
            assert await self.replayed(world) == ((1,), ())
            await world.wait_for_numbers(7, 0, 1, 2)
            assert await self.replayed(world) == ((), ())

    async def replayed(self, world: World) -> tuple[tuple[int, ...], tuple[int, ...]]:
        await world.sql("SELECT 1")
        done = await replay.replay(
            world.settings(), world.sample.name, world._connection, actor="Ada", reason="it can be read now"
        )
        return done.resolved, done.waiting

    async def test_aiokafka_alone_ends_every_poll_there(self, world: World) -> None:
        """If this fails, aiokafka has learnt to read such batches."""
        await world.create_all()
        topic = world.sample.second.template
        await produce(world.bootstrap, topic, rubbish_behind([world.noted(1, topic=topic)]))
        with pytest.raises(cramjam.DecompressionError):
            await world.read(topic)


def tolerant_lz4(data: bytes, _largest: int) -> bytes:
    return bytes(cramjam.lz4.decompress(data.removesuffix(b"rubbish")))


async def said_to_wait(topic: str, count: int) -> bool:
    return bool(metrics.HELD.labels(topic)._value.get() == count)


class TestOneOfOurs:
    """A batch of the hub's own is part of many referrals: its partition waits until a person leads past it."""

    async def place(self, world: World) -> unreadable.StuckPlace | None:
        await world.sql("SELECT 1")
        return next(iter(await unreadable.waiting(world._connection)), None)

    async def test_its_partition_waits_alone_until_a_person_leads_past_it(
        self, world: World, free_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.5)
        monkeypatch.setattr("conduit_chassis.consumer.rescue.LOOK_SECONDS", 0.5)
        await world.create_all()
        sample = world.sample
        held = metrics.HELD.labels(sample.second.template)
        await world.send(world.noted(1, topic=sample.second.template))
        await produce(world.bootstrap, sample.second.template, rubbish_behind([world.noted(n) for n in (90, 91)]))
        await world.send(world.noted(2, topic=sample.second.template), world.noted(3))
        for number in (4, 5):  # also after a restart
            async with world.running(http_port=free_port, stall_seconds=2.0):
                await world.send(world.noted(number))
                await world.wait_for_numbers(1, 3, *range(4, number + 1))
                place = await eventually(lambda: self.place(world), "the place to be noted")
                assert (place.topic, place.offset, place.last_offset) == (sample.second.template, 1, 2)
                assert held._value.get() == 1
                assert await answers(free_port, "/readyz"), "the others go on"
                await eventually(lambda: self.late(world), "its lag to be seen")
                assert await answers(free_port, "/readyz"), "the others go on"
        async with world.running():
            place = await eventually(lambda: self.place(world), "the place to be noted")
            assert await unreadable.lead_past(world._connection, place.id, actor="Ada", reason="it is lost")
            await world.wait_for_numbers(1, 3, 4, 5, 2)
            await caught_up(world, sample.second.template, 4)
        assert await reasons(world) == ["batch_unreadable"]
        assert held._value.get() == 0
        assert await self.place(world) is None

    async def test_one_that_can_be_read_again_is_read_and_no_longer_said_to_wait(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.5)
        await world.create_all()
        topic = world.sample.second.template
        await produce(world.bootstrap, topic, rubbish_behind([world.noted(n, topic=topic) for n in (1, 2)]))
        async with world.running():
            await eventually(lambda: said_to_wait(topic, 1), "the partition to be held")
            monkeypatch.setitem(fetching.batches._UNPACK, 3, tolerant_lz4)
            await world.wait_for_numbers(1, 2)
            await eventually(lambda: said_to_wait(topic, 0), "it to be let go")
        assert await reasons(world) == []

    async def late(self, world: World) -> bool:
        return bool(metrics.LAG_RECORDS.labels(world.sample.second.template)._value.get() == 3)

    @pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("Ada", " ")])
    async def test_nobody_leads_past_one_without_a_name_and_a_reason(self, actor: str, reason: str) -> None:
        with pytest.raises(ValueError, match="an actor and a reason"):
            await unreadable.lead_past(None, 1, actor=actor, reason=reason)


class Refusing:
    """A consumer's way to its broker, on which some partitions are answered with an error, as by a broker that cannot read
    its own disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, topic: str | None, code: int) -> None:
        """Of this topic, or of all."""
        self.topic, self.code = topic, code
        look_through = fetching.Fetching._look_through
        refusing = self

        def refuse(self: Any, request: Any, response: Any, checked: Any) -> None:
            response.topics = [
                (name, [refusing.answer(part) if refusing.topic in (None, name) else part for part in parts])
                for name, parts in response.topics
            ]
            look_through(self, request, response, checked)

        monkeypatch.setattr(fetching.Fetching, "_look_through", refuse)

    def answer(self, part: Any) -> Any:
        return (part[0], self.code, -1, *part[3:-1], b"") if self.code else part


class TestWhatTheBrokerRefuses:
    CORRUPT, NOT_ALLOWED = 2, 29

    @pytest.mark.parametrize("code", [CORRUPT, NOT_ALLOWED])
    async def test_a_partition_that_comes_right_again_is_read_on(
        self, world: World, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.5)
        await world.create_all()
        broker = Refusing(monkeypatch, world.sample.second.template, code)
        await world.send(world.noted(1, topic=world.sample.second.template), world.noted(2))
        async with world.running():
            await world.wait_for_numbers(2)
            await eventually(lambda: self.held(world), "the partition to be held")
            broker.code = 0
            await world.wait_for_numbers(2, 1)
            await eventually(lambda: self.held(world, 0), "it to be let go")
        assert await reasons(world) == []

    async def held(self, world: World, count: int = 1) -> bool:
        return bool(metrics.HELD.labels(world.sample.second.template)._value.get() == count)

    async def test_a_person_leads_past_what_the_broker_never_gives(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.5)
        monkeypatch.setattr("conduit_chassis.consumer.rescue.LOOK_SECONDS", 0.5)
        await world.create_all()
        topic = world.sample.second.template
        broker = Refusing(monkeypatch, topic, self.CORRUPT)
        await world.send(*(world.noted(n, topic=topic) for n in (1, 2, 3)))
        async with world.running():
            place = await eventually(lambda: TestOneOfOurs().place(world), "the place to be noted")
            assert await unreadable.lead_past(
                world._connection, place.id, actor="Ada", reason="the disk is broken", last_offset=1
            )
            await caught_up(world, topic, 2)
            broker.code = 0
            await world.wait_for_numbers(3)
        assert await reasons(world) == ["batch_unreadable"]
        (letter,) = await world.read(world.sample.dead_letters)
        assert dict(letter.headers)["conduit-offset"] == b"1"


class TestWhatItSaysOfItself:
    CORRUPT = 2

    async def test_one_that_cannot_read_at_all_is_never_ready_and_is_once_it_can(
        self, world: World, free_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From its start on, at every look; and again when the fault comes later."""
        monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.5)
        monkeypatch.setattr("conduit_chassis.consumer.readiness.SILENT_SECONDS", 2.0)
        monkeypatch.setattr("conduit_chassis.consumer.readiness.SETTLED_SECONDS", 1.0)
        await world.create_all()
        broker = Refusing(monkeypatch, None, self.CORRUPT)
        await world.send(world.noted(1), world.noted(2, topic=world.sample.second.template))
        async with world.running(http_port=free_port, stall_seconds=1.0):
            await eventually(lambda: answers(free_port, "/readyz", 503, text="starting: consumer"), "an answer")
            await self.stays_unready(free_port)
            broker.code = 0
            await world.wait_for_numbers(1, 2)
            await eventually(lambda: answers(free_port, "/readyz"), "readiness")
            broker.code = self.CORRUPT
            await eventually(lambda: answers(free_port, "/readyz", 503, text="failing: fetch"), "the fault to be told", 40)
            await self.stays_unready(free_port)
            broker.code = 0
            await eventually(lambda: answers(free_port, "/readyz"), "readiness again", 40)

    async def stays_unready(self, port: int) -> None:
        until = monotonic() + 4.0
        while monotonic() < until:
            assert await answers(port, "/readyz", 503)
            await asyncio.sleep(0.05)
