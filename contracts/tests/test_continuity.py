"""However a log is cut and goes on, whoever reads it misses nothing that stands in it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conduit_contracts.kits import batches
from conduit_contracts.kits.continuity import Epochs, Placed
from conduit_contracts.kits.fetching import Fetching

TOPIC, PLACE, NODE = "log", TopicPartition("log", 0), 1
EPOCH_AT = 12


def batch(first: int, values: list[int], epoch: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    for number, value in enumerate(values):
        builder.append(number, 0, b"", str(value).encode(), [])
    made = bytearray(builder.build())
    made[0:8] = first.to_bytes(8, "big")
    made[EPOCH_AT : EPOCH_AT + 4] = epoch.to_bytes(4, "big")
    return bytes(made)


class Broker:
    """One partition, and the connection to its leader."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int, bytes]] = []
        self.epoch = self._value = 0
        self.committed = (-1, "")
        self._conns = {(NODE, 0): object()}

    @property
    def end(self) -> int:
        return self.batches[-1][1] if self.batches else 0

    def append(self, count: int) -> None:
        values = list(range(self._value, self._value + count))
        self._value += count
        self.batches.append((self.end, self.end + count, batch(self.end, values, self.epoch)))

    def cut(self, lost: int) -> None:
        """It comes back without its last batches, as the leader of a new epoch."""
        self.lose(lost)
        self._conns = {(NODE, 0): object()}

    def lose(self, lost: int) -> None:
        """The same, and the connection does not tell."""
        del self.batches[max(0, len(self.batches) - lost) :]
        self.epoch += 1

    def move(self) -> None:
        """Another one leads, who has it all."""
        self.epoch += 1

    async def ready(self, _node: int) -> bool:
        return True

    async def send(self, _node: int, request: FetchRequest) -> Any:
        (_, ((_, position, _),)) = request.topics[0]
        code = 1 if position > self.end else 0
        data = b"" if code else b"".join(raw for _, after, raw in self.batches if after > position)
        part = (0, code, -1 if code else self.end, self.end, 0, [], -1, data)
        return SimpleNamespace(API_VERSION=11, topics=[(TOPIC, [part])])

    @property
    def values(self) -> set[int]:
        return {int(record.value) for _, _, raw in self.batches for record in batches.read(PLACE, raw, 0)}


class Reader:
    """Does with an answer what aiokafka does."""

    def __init__(self, broker: Broker) -> None:
        consumer = SimpleNamespace(assignment=lambda: {PLACE})
        self.jumps: list[tuple[TopicPartition, int, int]] = []
        self._fetching = Fetching(consumer, lambda _p, _b: True, lambda _: None, lambda *jump: self.jumps.append(jump), None)
        self._broker = broker
        offset, metadata = broker.committed
        self._fetching._recall(PLACE, SimpleNamespace(offset=offset, metadata=metadata))
        self.position = max(0, offset)
        self.read: set[int] = set()

    async def fetch(self) -> None:
        request = FetchRequest(0, 1, 1 << 20, 1, [(TOPIC, [(0, self.position, 1 << 20)])])
        response = await self._fetching._fetch(self._broker, NODE, request)
        ((_, parts),) = response.topics
        for _, code, end, *rest in parts:
            if code:
                self.position = 0
                continue
            for record in batches.read(PLACE, rest[-1], self.position, end):
                self.read.add(int(record.value))
                self.position = record.offset + 1

    async def fetch_all(self) -> None:
        for _ in range(6):
            await self.fetch()

    def commit(self) -> None:
        self._broker.committed = (self.position, self._fetching.epoch(PLACE, self.position))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["cut", "lose"]), st.integers(0, 4)),
        st.tuples(st.sampled_from(["move", "fetch", "commit", "restart"]), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=600)
@example([("append", 1), ("commit", 0), ("restart", 0), ("fetch", 0), ("lose", 1)])
@given(STEPS)
def test_everything_that_stands_in_the_log_is_read_in_the_end(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_read_in_the_end(steps))


async def _read_in_the_end(steps: list[tuple[str, int]]) -> None:
    broker = Broker()
    reader = Reader(broker)
    read: set[int] = set()
    for what, count in steps:
        if what in ("append", "cut", "lose"):
            getattr(broker, what)(count)
        elif what == "move":
            broker.move()
        elif what == "fetch":
            await reader.fetch_all()
        elif what == "commit":
            await reader.fetch_all()
            reader.commit()
        else:
            read |= reader.read
            reader = Reader(broker)
    for _ in range(2):  # where just as many come as were lost, the next one tells
        broker.append(1)
        await reader.fetch_all()
    assert broker.values <= reader.read | read
    calm = not any(what in ("cut", "lose") and count for what, count in steps)
    assert not (calm and reader.jumps), "nothing was lost, and yet it begins again"


async def test_what_was_read_at_one_leader_comes_once_from_the_next() -> None:
    broker = Broker()
    broker.append(3)
    reader = Reader(broker)
    await reader.fetch_all()
    broker.move()
    broker.append(2)
    await reader.fetch_all()
    assert (reader.position, reader.jumps) == (5, [])


async def test_a_partition_that_was_cut_is_told_of_with_both_places() -> None:
    broker = Broker()
    for _ in range(3):
        broker.append(2)
    reader = Reader(broker)
    await reader.fetch_all()
    broker.cut(1)
    broker.append(2)
    await reader.fetch_all()
    assert reader.jumps == [(PLACE, 6, 0)]
    assert reader.read == broker.values | {4, 5}


@pytest.mark.parametrize("metadata", ["", "epoch", "epoch x", "epoch -1", "7", "epoch ²"])
async def test_what_others_keep_beside_a_position_is_not_taken_for_an_epoch(metadata: str) -> None:
    broker = Broker()
    broker.append(3)
    broker.committed = (3, metadata)
    reader = Reader(broker)
    broker.append(1)
    await reader.fetch_all()
    assert (reader.position, reader.jumps) == (4, [])


def test_the_epoch_before_a_place_is_that_of_the_batch_which_holds_it() -> None:
    epochs = Epochs()
    for each in (Placed(0, 3, 0), Placed(3, 5, 0), Placed(8, 9, 4)):
        epochs.note(each)
    assert [epochs.before(position) for position in range(11)] == [None, 0, 0, 0, 0, 0, None, None, None, 4, None]
    epochs.note(Placed(4, 6, 7))
    assert [epochs.before(position) for position in range(8)] == [None, 0, 0, 0, None, 7, 7, None]
