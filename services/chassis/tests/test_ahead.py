"""What is handled before its turn, and that nothing of a key changes places by it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.consumer import ahead, waiting
from conduit_chassis.consumer.ahead import Ahead, Chosen, Reached
from conduit_chassis.consumer.lookout import InTurn, Lookout
from conduit_chassis.records import Record, says_danger
from conduit_chassis.testing import raw_record
from conduit_chassis.yielding import Haste
from conduit_contracts.kits.batches import UnreadableBatch
from conduit_contracts.topics import Topic
from services.chassis.tests.sample import Sample
from services.chassis.tests.world import World, eventually

PLACE = TopicPartition("t", 0)
ORDINARY = "x" * 2_000


def sender(record: Record) -> str | None:
    """The partition's."""
    return f"{record.topic}/{record.partition}"


def crowd(reader: Ahead, place: TopicPartition = PLACE) -> list[Record]:
    """As many of one sender's as are one."""
    records = [made(n, f"k{n}") for n in range(waiting.CROWD // waiting.COST_OF_ANY)]
    reader.choose(place, records, Reached(0, 0))
    return records


def made(offset: int, key: str | None, *, danger: bool = False, words: bytes = b"") -> Record:
    value = b'{"number":%d,"words":"%s","immediate_danger":%s}' % (offset, words, b"true" if danger else b"false")
    return raw_record("t", key, [], value)._replace(offset=offset)


def offsets(records: Sequence[Record] | Chosen) -> list[int]:
    every = records.danger + records.few if isinstance(records, Chosen) else records
    return [each.offset for each in every]


class TestChoice:
    def test_danger_is_chosen_unless_something_of_its_key_waits(self) -> None:
        records = [
            made(0, "a"),
            made(1, "b", danger=True),
            made(2, "a", danger=True),
            made(3, "b", danger=True),
            made(4, "b"),
        ]
        assert offsets(Ahead(says_danger, sender).choose(PLACE, records, Reached(0, 0))) == [1, 3]

    def test_what_waited_and_is_handled_by_now_holds_nothing_up(self) -> None:
        reader = Ahead(says_danger, sender)
        reader.choose(PLACE, [made(0, "a")], Reached(0, 0))
        assert offsets(reader.choose(PLACE, [made(1, "a", danger=True)], Reached(0, 1))) == []
        assert offsets(reader.choose(PLACE, [made(2, "a", danger=True)], Reached(1, 1))) == []
        assert offsets(reader.choose(PLACE, [made(3, "a", danger=True)], Reached(3, 3))) == [3]

    def test_what_is_being_handled_in_its_turn_is_left_there(self) -> None:
        records = [made(0, "a", danger=True), made(1, "a", danger=True), made(2, "b", danger=True)]
        assert offsets(Ahead(says_danger, sender).choose(PLACE, records, Reached(0, 1))) == [2]

    def test_what_has_no_key_keeps_its_order_among_all_that_have_none(self) -> None:
        """Two may be about one referral, and only what is in them tells."""
        records = [made(0, None, danger=True), made(1, None), made(2, "a", danger=True), made(3, None, danger=True)]
        assert offsets(Ahead(says_danger, sender).choose(PLACE, records, Reached(0, 0))) == [0, 2]

    def test_an_unreadable_batch_says_nothing(self) -> None:
        assert not says_danger(made(0, "a")._replace(value=UnreadableBatch(b'{"immediate_danger":true}', 0, 0, "x")))

    def test_what_was_handled_is_left_out_in_its_turn_unless_the_broker_used_its_offset_again(self) -> None:
        reader = Ahead(says_danger, sender)
        reader.handled([made(3, "a", danger=True)])
        assert offsets(reader.left([made(2, "a"), made(3, "a", danger=True), made(4, "a")])) == [2, 4]
        assert offsets(reader.left([made(3, "a", danger=True, words=b"another")])) == [3]
        reader.passed(PLACE, Reached(4, 4))
        assert reader.partitions == set()

    def test_while_another_senders_many_wait_the_few_of_one_are_chosen_unless_they_are_behind_one_of_their_key(self) -> None:
        reader, other = Ahead(says_danger, sender), TopicPartition("t", 1)
        few = [made(n, key)._replace(partition=1) for n, key in enumerate("aba")]
        assert offsets(reader.choose(other, few[:1], Reached(0, 0))) == []
        crowd(reader)
        assert offsets(reader.choose(other, few[1:], Reached(0, 0))) == [1]
        assert offsets(reader.choose(PLACE, [made(9_000, "k")], Reached(0, 0))) == []

    def test_who_has_many_as_well_has_no_few(self) -> None:
        reader, other = Ahead(says_danger, sender), TopicPartition("t", 1)
        crowd(reader)
        many = [made(n, f"x{n}")._replace(partition=1) for n in range(waiting.FEW // waiting.COST_OF_ANY + 1)]
        assert offsets(reader.choose(other, many, Reached(0, 0))) == []
        one = made(len(many), "y")._replace(partition=1)
        assert offsets(reader.choose(other, [one], Reached(len(many), len(many)))) == [len(many)]

    def test_a_few_large_ones_are_a_crowd(self) -> None:
        reader, other = Ahead(says_danger, sender), TopicPartition("t", 1)
        reader.choose(PLACE, [made(n, f"k{n}", words=b"x" * 226_000) for n in range(4)], Reached(0, 0))
        assert offsets(reader.choose(other, [made(0, "a")._replace(partition=1)], Reached(0, 0))) == [0]
        assert offsets(reader.choose(other, [made(1, "b", words=b"x" * 226_000)._replace(partition=1)], Reached(0, 0))) == []

    def test_a_crowd_that_was_handled_is_none(self) -> None:
        reader, other = Ahead(says_danger, sender), TopicPartition("t", 1)
        many = len(crowd(reader))
        reader.passed(PLACE, Reached(many - 1, many))
        assert offsets(reader.choose(other, [made(0, "a")._replace(partition=1)], Reached(0, 0))) == []

    def test_danger_behind_one_of_the_few_waits_until_that_is_handled(self) -> None:
        reader, other = Ahead(says_danger, sender), TopicPartition("t", 1)
        crowd(reader)
        few = [made(0, "a")._replace(partition=1)]
        dangers = [made(n, key, danger=True)._replace(partition=1) for n, key in ((1, "a"), (2, "b"), (3, "a"))]
        found = reader.choose(other, [*few, *dangers[:2]], Reached(0, 0))
        assert (offsets(found.danger), offsets(found.few)) == ([2], [0])
        reader.handled(few)
        assert offsets(reader.choose(other, dangers[2:], Reached(0, 0)).danger) == []
        fresh = Ahead(says_danger, sender)
        crowd(fresh)
        fresh.choose(other, few, Reached(0, 0))
        fresh.handled(few)
        assert offsets(fresh.choose(other, dangers[2:], Reached(0, 0)).danger) == [3]

    def test_what_is_nobodys_waits_for_its_turn(self) -> None:
        reader = Ahead(says_danger, lambda record: sender(record) if record.partition == 0 else None)
        crowd(reader)
        assert offsets(reader.choose(TopicPartition("t", 1), [made(0, "a")._replace(partition=1)], Reached(0, 0))) == []

    def test_what_is_being_handled_early_is_told_until_it_is_over_however_it_ends(self) -> None:
        reader, danger = Ahead(says_danger, sender), made(3, "a", danger=True)
        assert not reader.under_way([danger])
        with suppress(ConnectionError), reader.handling([danger]):
            assert reader.under_way([made(2, "a"), danger])
            assert not reader.under_way([made(2, "a"), danger._replace(partition=1)])
            raise ConnectionError
        assert not reader.under_way([danger])
        assert offsets(reader.left([danger])) == [3]

    def test_reading_ahead_pauses_where_much_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ahead, "MOST_KEYS", 3)
        reader = Ahead(says_danger, sender)
        reader.choose(PLACE, [made(n, f"k{n}") for n in range(3)], Reached(0, 0))
        assert reader.full
        reader.passed(PLACE, Reached(1, 1))
        assert not reader.full


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.booleans()), max_size=30),
    st.lists(st.tuples(st.sampled_from(["take", "finish", "look", "forget"]), st.integers(1, 6)), max_size=60),
)
def test_each_record_is_handled_once_and_those_of_a_key_in_their_order(
    kinds: list[tuple[str | None, bool]], steps: list[tuple[str, int]]
) -> None:
    log = [made(number, key, danger=danger) for number, (key, danger) in enumerate(kinds)]
    reader, done = Ahead(says_danger, lambda record: str(record.key)), list[Record]()
    looked, under_way = 0, list[Record]()
    handled = taken = 0
    for what, count in [*steps, *[("take", 6), ("finish", 1)] * len(log)]:
        if what == "take" and handled == taken:
            under_way, taken = reader.left(log[taken : taken + count]), min(len(log), taken + count)
        elif what == "finish":
            done += under_way
            under_way, handled = [], taken
        elif what == "look":
            chosen = reader.choose(PLACE, log[looked : looked + count], Reached(handled, taken))
            looked = min(len(log), looked + count)
            done += chosen.danger
            reader.handled(chosen.danger)
        else:
            reader.passed(PLACE, Reached(handled, taken))
    assert sorted(offsets(done)) == list(range(len(log)))
    for key in (b"a", b"b", None):
        assert (found := [each.offset for each in done if each.key == key]) == sorted(found)


class TestOnABroker:
    """300 records that take 15 s in their turn, and then danger."""

    def said(self, world: World, number: int, key: str, **more: Any) -> Record:
        record = world.noted(number, key, **more)
        return record._replace(value=(record.value or b"")[:-1] + b',"immediate_danger":true}')

    async def order(self, world: World, sample: Sample, *last: Record) -> list[int]:
        """The numbers in the order in which they had their effect, until the last one has."""
        await world.create_all()
        await world.flood([world.noted(n, f"k{n}", topic=sample.second.template, action="slow") for n in range(300)])
        await world.send(*last)
        async with world.running(sample.service(ahead=(sample.second,)), batch_max_records=20):
            await eventually(lambda: self.count(world, 300 + len(last)), "all is handled", 60)
        return await world.numbers()

    @pytest.mark.long
    async def test_one_senders_few_do_not_wait_for_another_senders_many(self, world: World) -> None:
        one, two = world.sample.edge.name("one"), world.sample.edge.name("two")
        await self.few_come_early(
            world,
            (world.sample.edge,),
            [world.noted(n, f"k{n}", topic=one, action="slow", words=ORDINARY) for n in range(300)],
            [world.noted(300, "a", topic=two), world.noted(301, "b", topic=two)],
        )

    @pytest.mark.long
    async def test_nor_where_all_senders_mix(self, world: World) -> None:
        topic = world.sample.second.template
        await self.few_come_early(
            world,
            (world.sample.second,),
            [world.noted(n, f"k{n}", topic=topic, action="slow", words=ORDINARY, partner_id="one") for n in range(300)],
            [world.noted(300 + n, key, topic=topic, partner_id="two") for n, key in enumerate("ab")],
        )

    async def few_come_early(self, world: World, ahead: tuple[Topic, ...], many: list[Record], few: list[Record]) -> None:
        await world.create_all()
        await world.flood(many)
        async with world.running(world.sample.service(ahead=ahead), batch_max_records=20):
            await eventually(lambda: self.count(world, 1), "it has begun")
            await world.send(*few)
            await eventually(lambda: self.count(world, 302), "all is handled", 60)
        found = await world.numbers()
        assert sorted(found) == list(range(302))
        assert found.index(300) < found.index(301) < 200

    async def count(self, world: World, wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    async def test_danger_is_handled_long_before_its_turn_and_once(self, world: World) -> None:
        danger = self.said(world, 300, "d", topic=world.sample.second.template)
        found = await self.order(world, world.sample, danger)
        assert sorted(found) == list(range(301))
        assert found.index(300) < 100
        assert await world.sql("SELECT FROM begun") == []

    @pytest.mark.long
    async def test_danger_behind_another_record_of_its_key_comes_after_it(self, world: World) -> None:
        topic = world.sample.second.template
        found = await self.order(
            world, world.sample, world.noted(300, "d", topic=topic), self.said(world, 301, "d", topic=topic)
        )
        assert found[-2:] == [300, 301]


class Unreachable:
    """A consumer whose broker is away."""

    def __init__(self) -> None:
        self.stopped = False

    async def start(self) -> None:
        raise KafkaConnectionError

    async def stop(self) -> None:
        self.stopped = True


async def test_one_that_reaches_no_broker_is_let_go_of_and_tried_again() -> None:
    made: list[Unreachable] = []

    def build() -> Unreachable:
        made.append(Unreachable())
        return made[-1]

    async def unused(*_: Any) -> Any:
        raise AssertionError

    lookout = Lookout(build, unused, unused, cast("InTurn", None), Ahead(says_danger, sender), Haste(), lambda _: True)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.6):
            await lookout.run()
    assert len(made) > 1
    assert all(each.stopped for each in made)
