"""Every change to how aiokafka reads, in one place: all codecs, no partition that stops another, and none cut unnoticed.

A partition that cannot be read is *held*: it is asked again now and then, alone, while the others go on. That is so where
its broker refuses it, and at a batch that cannot be read and that the reader is not to pass.
"""

import asyncio
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.consumer.fetcher import UNKNOWN_OFFSET, FetchResult, OffsetResetStrategy
from aiokafka.errors import for_code
from aiokafka.protocol.fetch import FetchRequest

from conduit_contracts.kits import batches
from conduit_contracts.kits.batches import UnreadableBatch, UnreadableError
from conduit_contracts.kits.continuity import Continuity, Verdict

__all__ = ["Consumer", "Fetching", "Held", "UnreadableBatch"]

MADE_FOR = "0.14"
"""The release of aiokafka whose private parts these are. `tests/kits/test_aiokafka_patches.py` holds each of them."""
RETRY_SECONDS = 10.0
ASSIGNMENT_SECONDS = 5.0
"""How long one poll waits while partitions move, before its caller looks whether they still do."""

EPOCH = "epoch "
"""Begins what is kept beside a committed position."""

_COMES_RIGHT = frozenset({0, 1, 3, 5, 6, 9, 56, 74, 75, 76, 78})
"""What a broker says of a partition while leaders change, or where records are gone: aiokafka deals with it."""
_OUT_OF_RANGE = 1
_LEADER_MOVED = frozenset({3, 5, 6, 74, 75, 76})

Jumped = Callable[[TopicPartition, int, int], None]
"""Is told that reading goes on elsewhere than where it ended: earlier, where the broker lost records that it had given, or
later, where it deleted some before they were read."""


@dataclass(slots=True)
class Held:
    """A partition that waits."""

    batch: UnreadableBatch
    """What cannot be read. Empty where the broker does not give it."""
    asked: float
    """When it was last asked for."""


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """aiokafka's consumer, which reads through a `Fetching` from its first fetch on."""

    def __init__(
        self,
        *topics: str,
        passes: Callable[[TopicPartition, UnreadableBatch], bool] = lambda _partition, _batch: True,
        escaped: Callable[[TopicPartition], None] = lambda _: None,
        jumped: Jumped = lambda _partition, _ended, _goes_on: None,
        most_bytes: int | None = None,
        **more: Any,
    ) -> None:
        """`passes` says whether to go on past a batch, `escaped` is told of partitions with header names that are not UTF-8,
        `jumped` where reading goes on elsewhere than it ended, and `most_bytes` limits what one poll returns, beside its
        first record."""
        self._made: Any = None
        self.fetching = Fetching(self, passes, escaped, jumped, most_bytes)
        super().__init__(*topics, **more)

    @property
    def _fetcher(self) -> Any:
        return self._made

    @_fetcher.setter
    def _fetcher(self, fetcher: Any) -> None:
        self._made = fetcher
        if fetcher is not None:
            self.fetching.attend(fetcher)


class Fetching:
    """Stands between a consumer and its fetches."""

    def __init__(
        self,
        consumer: Any,
        passes: Callable[[TopicPartition, UnreadableBatch], bool],
        escaped: Callable[[TopicPartition], None],
        jumped: Jumped,
        most_bytes: int | None,
    ) -> None:
        self._consumer, self._passes, self._escaped, self._jumped = consumer, passes, escaped, jumped
        self._continuity = Continuity()
        self._connections: dict[Any, Any] = {}
        self._out: dict[TopicPartition, int] = {}
        self._most, self._room = most_bytes, most_bytes
        self._fetcher: Any = None
        self._fetched: dict[TopicPartition, _Part] = {}
        self.held: dict[TopicPartition, Held] = {}
        self.answered_at: float | None = None
        """When a broker last gave what was asked of it, be it nothing."""

    def attend(self, fetcher: Any) -> None:
        """Take over a fetcher that has not fetched yet."""
        self._fetcher = fetcher
        fetcher._client = _Client(fetcher._client, self._fetch)
        fetch = fetcher._proc_fetch_request

        async def fetch_and_take_over(*arguments: Any) -> bool:
            found: bool = await fetch(*arguments)
            self._take_over()
            return found

        fetcher._proc_fetch_request = fetch_and_take_over
        find = fetcher._update_fetch_positions

        async def find_all_at_once(assignment: Any, node: int, partitions: Collection[TopicPartition]) -> bool:
            try:
                states = {each: assignment.state_value(each) for each in partitions}
                await _begin_where_committed(fetcher, states, self._recall)
            except asyncio.CancelledError:
                return False  # as aiokafka's own does: its routine would end by it
            found: bool = await find(assignment, node, partitions)
            return found

        fetcher._update_fetch_positions = find_all_at_once

    async def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        """As getmany. A value may be an `UnreadableBatch`."""
        self._room = self._most
        self._ask_again()
        found: dict[TopicPartition, list[Any]] = {}
        # While partitions move it waits for the assignment, for ever where the task that was to bring it has died.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_ms / 1000 + ASSIGNMENT_SECONDS):
                found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=max_records)
        return found

    def forget(self) -> None:
        """The assigned partitions have changed."""
        self.held.clear()

    def let_go(self, partition: TopicPartition) -> None:
        """Stop holding the partition; ask for it at once."""
        if self.held.pop(partition, None) is not None and partition in self._consumer.assignment():
            self._consumer.resume(partition)

    def _ask_again(self) -> None:
        assigned = self._consumer.assignment()
        for partition, held in self.held.items():
            if monotonic() - held.asked >= RETRY_SECONDS and partition in assigned:
                held.asked = monotonic()
                self._consumer.resume(partition)

    def _hold(self, partition: TopicPartition, batch: UnreadableBatch) -> None:
        self.held[partition] = Held(batch, monotonic())
        if partition in self._consumer.assignment():
            self._consumer.pause(partition)

    def epoch(self, partition: TopicPartition, position: int) -> str:
        """What to keep beside a committed position, so that whoever reads on from there knows whether it is the same log; ""
        where nothing is known."""
        found = self._continuity.epoch(partition, position)
        return "" if found is None else f"{EPOCH}{found}"

    async def _fetch(self, client: Any, node: Any, request: Any) -> Any:
        """Send a fetch, ask for what was read last where that is in doubt, and look through the answer."""
        asked = [TopicPartition(topic, part[0]) for topic, parts in request.topics for part in parts]
        await client.ready(node)
        connection = client._conns.get((node, ConnectionGroup.DEFAULT))
        if connection is not self._connections.get(node, connection):
            self._continuity.doubt(asked)  # the broker may have been started again
        self._connections[node] = connection
        self._tell_of_jumps(request)
        checked = self._continuity.to_check(request.topics)
        try:
            response = await client.send(node, _step_back(request, checked) if checked else request)
        except BaseException as error:
            self._continuity.doubt(asked)
            if isinstance(error, asyncio.CancelledError):
                _hang_up(client, node)
            raise
        self._look_through(request, response, checked)
        return response

    def _recall(self, partition: TopicPartition, committed: Any) -> None:
        """Learn of which epoch it was where an earlier reader ended."""
        epoch = committed.metadata.removeprefix(EPOCH)
        if committed.offset > 0 and committed.metadata != epoch and epoch.isascii() and epoch.isdigit():
            self._continuity.recall(partition, committed.offset, int(epoch))

    def _tell_of_jumps(self, request: Any) -> None:
        for topic, parts in request.topics if self._out else ():
            for number, position, _ in parts:
                ended = self._out.pop(TopicPartition(topic, number), position)
                if ended != position:
                    self._jumped(TopicPartition(topic, number), ended, position)

    def _look_through(self, request: Any, response: Any, checked: Collection[TopicPartition]) -> None:
        """Take out what aiokafka would raise an error for or skip, and keep the bytes of the rest."""
        self._fetched = {}
        asked = {(topic, part[0]): part[1] for topic, parts in request.topics for part in parts}
        response.topics = [
            (topic, [found for part in parts if (found := self._for_aiokafka(topic, part, asked, checked, response))])
            for topic, parts in response.topics
        ]

    def _for_aiokafka(
        self,
        topic: str,
        part: Any,
        asked: dict[tuple[str, int], int],
        checked: Collection[TopicPartition],
        response: Any,
    ) -> Any:
        """The part of the answer as aiokafka is to see it; None where it is not to."""
        number, code, end, *rest = part
        partition, position, data = TopicPartition(topic, number), asked[topic, number], rest[-1] or b""
        if code in _LEADER_MOVED:
            self._continuity.doubt([partition])
        if code == 0 and partition in checked:
            verdict = self._continuity.judge(partition, position, end, next(batches.split(data), None))
            # Where it is the same, the next fetch is an ordinary one.
            return self._out_of_range(partition, position, part) if verdict is Verdict.CUT else None
        if code == _OUT_OF_RANGE:
            return self._out_of_range(partition, position, part)
        return part if self._is_read(partition, position, part, response.API_VERSION) else None

    def _out_of_range(self, partition: TopicPartition, position: int, part: Any) -> Any:
        """As a broker says it, and aiokafka begins again where the partition begins."""
        self._continuity.forget(partition)
        self._out[partition] = position
        number, _code, *rest = part
        return (number, _OUT_OF_RANGE, *rest[:-1], b"")

    def _is_read(self, partition: TopicPartition, position: int, part: Any, version: int) -> bool:
        """Whether aiokafka is to see it; keeps its bytes, or holds the partition."""
        _, code, end, *rest = part
        data = rest[-1] or b""
        why, first = None, next(batches.split(data), None)
        if code not in _COMES_RIGHT:
            why = for_code(code).__name__
        elif code == 0 and data and first is None:
            why = batches.UnknownFormatError.__name__
        if why is not None:
            self._hold(partition, UnreadableBatch(b"", position, position, why))
            return False
        if code == 0:
            self.answered_at = monotonic()
            # The broker gives it: where it was held, the batch itself will tell whether it still must be.
            if (held := self.held.get(partition)) and not held.batch:
                del self.held[partition]
            if first is None:
                self._continuity.ends(partition)
            elif not self._continuity.follows(partition, position, first):
                return False
            self._continuity.note(partition, batches.split(data))
            self._fetched[partition] = _Part(bytes(data), position, end, rest[2] if version >= 11 else rest[-2])
        return True

    def _take_over(self) -> None:
        """Give aiokafka's results an iterator that knows of no batch that it cannot read."""
        fetched, self._fetched = self._fetched, {}
        for partition, part in fetched.items():
            result = self._fetcher._records.get(partition)
            if type(result) is FetchResult and result._partition_records.next_fetch_offset == part.position:
                theirs, result._partition_records = result._partition_records, self._records(partition, part)
                # It and its iterator hold each other, and with them all that was fetched: it would lie in memory until
                # Python's collector comes, which services have told to come seldom.
                theirs._records_iterator.close()
                result.getall = _GetAll(self, partition, result)

    def _records(self, partition: TopicPartition, part: "_Part") -> Any:
        return batches.read(
            partition,
            part.data,
            part.position,
            part.end,
            part.aborted,
            passes=lambda batch: self._passes(partition, batch),
            escaped=lambda: self._escaped(partition),
        )

    def take(self, partition: TopicPartition, records: Iterator[Any], most: int | None) -> tuple[list[Any], bool]:
        """As many as there is room for, and whether those were all."""
        taken: list[Any] = []
        whole = False
        try:
            while len(taken) != most and (self._room is None or self._room > 0):
                record = next(records, None)
                if record is None:
                    whole = True
                    break
                taken.append(record)
                if self._room is not None:
                    self._room -= len(record.value or b"") + len(record.key or b"")
        except UnreadableError as error:
            self._hold(partition, error.batch)
            return taken, True
        if taken:
            self.held.pop(partition, None)
        return taken, whole


def _hang_up(client: Any, node: Any) -> None:
    """Close the connection of a fetch that nobody waits for any more, as when partitions move.

    A broker answers what comes on a connection in its order, and keeps a fetch that finds nothing until it has waited its
    time: the first fetch of the new partitions would wait behind it for as long. The client still has the connection: the
    next request opens another in its place, and whoever stops waits until it is closed, which with TLS takes a moment.
    """
    connection = client._conns.get((node, ConnectionGroup.DEFAULT))
    if connection is not None:
        connection.close(reason=CloseReason.SHUTDOWN)


async def _begin_where_committed(
    fetcher: Any, states: Mapping[TopicPartition, Any], recall: Callable[[TopicPartition, Any], None]
) -> None:
    """Have partitions read from where their group has committed, or from where one begins that has read nothing of them.
    `recall` is told what was committed where reading goes on.

    aiokafka asks of one partition where the group has read, waits for the answer, and asks of the next: with 3,000
    partitions nothing is read for some seconds after each rebalance. Asked of all before it waits, it sends one request.
    """
    waiting = {each: state for each, state in states.items() if not (state.has_valid_position or state.awaiting_reset)}
    committed = await asyncio.gather(*(state.fetch_committed() for state in waiting.values()))
    for (partition, state), found in zip(waiting.items(), committed, strict=True):
        if state.has_valid_position or state.awaiting_reset:
            continue  # somebody has said meanwhile where to read on
        if found.offset != UNKNOWN_OFFSET:
            recall(partition, found)
            state.reset_to(found.offset)
        elif fetcher._default_reset_strategy != OffsetResetStrategy.NONE:
            state.await_reset(fetcher._default_reset_strategy)


@dataclass(slots=True)
class _Part:
    """What a fetch brought of one partition."""

    data: bytes
    position: int
    end: int
    aborted: Any


class _GetAll:
    """In place of FetchResult.getall, which takes by number only and ends the poll where a batch cannot be read."""

    def __init__(self, fetching: Fetching, partition: TopicPartition, result: Any) -> None:
        self._fetching, self._partition = fetching, partition
        self._result = weakref.ref(result)  # which has this one

    def __call__(self, max_records: int | None = None) -> list[Any]:
        result: Any = self._result()
        if not result.check_assignment(self._partition) or not result.has_more():
            return []
        taken, all_of_it = self._fetching.take(self._partition, result._partition_records, max_records)
        result._update_position()
        if all_of_it:
            result._partition_records = None
        return taken


def _step_back(request: Any, checked: Collection[TopicPartition]) -> Any:
    """The same fetch, of these partitions from one offset earlier."""
    made = copy(request)
    made._topics = [
        (topic, [(n, at - (TopicPartition(topic, n) in checked), most) for n, at, most in parts])
        for topic, parts in request.topics
    ]
    return made


class _Client:
    """The consumer's client, whose fetches go through somebody else's hands."""

    def __init__(self, client: Any, fetch: Callable[[Any, Any, Any], Any]) -> None:
        self._client, self._fetch = client, fetch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node: Any, request: Any, **more: Any) -> Any:
        if isinstance(request, FetchRequest):
            return await self._fetch(self._client, node, request)
        return await self._client.send(node, request, **more)
