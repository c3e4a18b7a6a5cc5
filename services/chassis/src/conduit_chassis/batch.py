"""One batch of records becomes one transaction: inbox, the handler's rows, outbox. All of it, or nothing.

When `process` returns, every record of the batch is accounted for in the database, and its offsets may be committed.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from math import inf
from time import monotonic
from typing import Any, TypeAlias

import structlog
from aiokafka import TopicPartition

from conduit_chassis import begun, dead_letters, inbox, orders, postgres, snapshots, unreadable
from conduit_chassis.backoff import jittered
from conduit_chassis.begun import Marks
from conduit_chassis.dead_letters import BEHIND, HANDLER_FAILED, KILLS, Cause
from conduit_chassis.errors import (
    DOUBTFUL_ATTEMPTS,
    DOUBTFUL_ATTEMPTS_TOGETHER,
    Abandoned,
    FailureCause,
    TooManyDeadLettersError,
    TooMuchAtOnceError,
    class_name,
    classify,
)
from conduit_chassis.limit import Limit
from conduit_chassis.observers import NO_BATCH_OBSERVER, BatchObserver
from conduit_chassis.outbox import Outbox
from conduit_chassis.plan import Plan, plan_fresh, plan_replay
from conduit_chassis.postgres import Connection
from conduit_chassis.records import (
    BATCH_UNREADABLE,
    Incoming,
    Item,
    Reader,
    Record,
    fingerprint,
    from_aiokafka,
)
from conduit_chassis.runtime import Runtime
from conduit_chassis.yielding import Yielding
from conduit_contracts.kits import batches
from conduit_contracts.kits.batches import UnreadableBatch

_log = structlog.get_logger()


Claim: TypeAlias = Callable[[Connection, Iterable[tuple[str, str]]], Awaitable[set[tuple[str, str]]]]


LATE = timedelta(hours=1)
CAREFUL_SECONDS = 60.0
BIG_BYTES = 1024 * 1024
MOST_WRITTEN = 16 * 1024 * 1024
"""Of events in one transaction of several records. What one record alone brings about may be more."""
_ROOM = 0.8
"""The part of it that is planned for: records of one kind differ."""


class Processor:
    """Takes batches through the transaction, whatever is in them."""

    _observer: BatchObserver = NO_BATCH_OBSERVER

    def __init__(self, runtime: Runtime, reader: Reader, marks: Marks | None = None) -> None:
        settings = runtime.settings
        self._service = runtime.service.name
        self._runtime = runtime
        self._reader = reader
        self._marks = marks or Marks()
        self._transactions = runtime.transaction
        self._pool = runtime.pool
        self._clock = runtime.clock
        self._health = runtime.health
        self._limit = Limit(settings.dead_letter_limit, settings.dead_letter_window)
        self._careful_until = -inf
        self._bytes_each = 0.0
        self._deliver_twice = settings.deliver_twice
        self._observer = runtime.observers.batches
        self.wait: Callable[[float], Awaitable[None]] = asyncio.sleep
        """Waits between attempts; raises Abandoned if the batch is to be abandoned."""

    async def remember(self) -> None:
        """Count the dead letters of late that nobody has dealt with, and take care with what may have ended the last run."""
        self._careful_until = monotonic() + CAREFUL_SECONDS
        since = self._clock.now() - LATE
        async with self._transactions() as (connection, _outbox):
            letters = await dead_letters.blamed_since(connection, since, self._limit.window)
        self._limit.remember([self._reader.writer(topic) if blamed is None else blamed for topic, blamed in letters])

    async def note_held(self, held: Mapping[TopicPartition, UnreadableBatch]) -> Mapping[TopicPartition, int]:
        """Note where reading waits; returns the last offset of each place that an operator leads past."""
        async with self._transactions() as (connection, _outbox):
            return await unreadable.note(connection, held)

    async def process(self, records: Sequence[Record]) -> None:
        """Account for every record of the batch.

        Raises:
            Abandoned: the wait between attempts was cut short; nothing that is missing was claimed.
            TooManyDeadLettersError: the service must stop.
        """
        started = monotonic()
        careful = started < self._careful_until or _bytes_of(records) >= BIG_BYTES
        try:
            await (self._process_carefully(records) if careful else self._process(records))
        except BaseException as error:
            self._observer.given_up(error)
            raise
        seconds = monotonic() - started
        self._observer.done(len(records), seconds)
        _log.debug("batch", records=len(records), seconds=round(seconds, 4))
        self._health.progressed()

    async def _process(self, records: Sequence[Record]) -> None:
        times = range(2 if self._deliver_twice else 1)
        # One by one, so that history can say of exactly what it led to who ordered it, and because many small orders may
        # bring back much: no more than one record of it is in memory.
        for order in (record for record in records if self._reader.orders(record.topic)):
            back = await self._restored(order)
            for _ in times if back else ():
                await self._settle(await self._read(back))
        items = await self._read([record for record in records if not self._reader.orders(record.topic)])
        for _ in times:
            await self._settle(items)

    async def _restored(self, record: Record) -> Sequence[Record]:
        """What an operator ordered back from the store; nothing where it does not wait there, or a snapshot was ordered."""
        if (wanted := orders.parse_snapshot(record.value)) is not None:
            await self._by_itself(lambda connection: snapshots.accept(connection, wanted))
            return []
        template, order = self._reader.template(record.topic), orders.parse(record.value)
        found = await self._until_done(lambda: self._restore([order] if order else []), inf)
        back = [each for each in found if self._reader.reads(each.topic)]
        self._observer.ordered(template, restored=bool(back))
        if not back:
            _log.warning("replay_refused", topic=record.topic, partition=record.partition, offset=record.offset)
        return back

    async def _restore(self, wanted: Sequence[orders.Replay]) -> list[Record]:
        async with self._transactions() as (connection, _outbox):
            return await dead_letters.restored(connection, wanted)

    async def _read(self, records: Sequence[Record]) -> list[Item]:
        items: list[Item] = []
        yielding = Yielding(self._runtime.haste)
        for record in records:
            items.append(self._reader.read(record))
            await yielding.pause()
        self._observer.read(items)
        return items

    async def _process_carefully(self, records: Sequence[Record]) -> None:
        """Leave a mark while records are handled; take apart those that were begun in a process that did not live."""
        left = await self._by_itself(lambda connection: self._marks.found(connection, (each.topic for each in records)))
        together: list[Record] = []
        for record in records:
            deaths = begun.deaths_of(record, left)
            if deaths is None:
                together.append(record)
                continue
            await self._process_marked(together)
            together = []
            if deaths < begun.MOST_DEATHS:
                await self._process_marked([record], alone=deaths + 1)
            elif self._reader.orders(record.topic):  # what it brings back waits on as the dead letter that it is
                _log.error("replay_kills_its_process", partition=record.partition, offset=record.offset)
            else:
                await self._put_aside_alone(self._reader.read(record), Cause(KILLS))
        await self._process_marked(together)
        if over := [mark for mark in left if any(mark.holds(each) for each in records)]:
            await self._by_itself(lambda connection: self._marks.clear(connection, over))

    async def _process_marked(self, records: Sequence[Record], alone: int = 0) -> None:
        if not records:
            return
        marks = [replace(mark, alone=alone) for mark in begun.marks_of(records)]
        await self._by_itself(lambda connection: self._marks.mark(connection, marks))
        try:
            await self._process(records)
        except Abandoned:
            with suppress(Exception):  # there may be no database, and no time to wait for it
                async with postgres.connection(self._pool) as connection:
                    await self._marks.clear(connection, marks)
            raise
        await self._by_itself(lambda connection: self._marks.clear(connection, marks))

    async def _by_itself(self, operation: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do what is one statement: a transaction around it would cost two more."""

        async def once() -> Any:
            async with postgres.connection(self._pool) as connection:
                return await operation(connection)

        return await self._until_done(once, inf)

    async def _settle(self, items: Sequence[Item]) -> None:
        """Account for all of them: together, unless that would write too much, and then as many at a time as may be."""
        rest = items
        while rest:
            piece = rest[: self._most_at_once()]
            if await self._settle_together(piece):
                rest = rest[len(piece) :]
        self._observer.settled(items)

    def _most_at_once(self) -> int:
        """How many records may be tried together, by what the last ones wrote. A guess: what is to come may be otherwise."""
        return max(1, int(MOST_WRITTEN * _ROOM / self._bytes_each)) if self._bytes_each else sys.maxsize

    async def _settle_together(self, items: Sequence[Item]) -> bool:
        """Returns False where they write too much together."""
        try:
            most = DOUBTFUL_ATTEMPTS if len(items) == 1 else DOUBTFUL_ATTEMPTS_TOGETHER
            plan = await self._until_done(lambda: self._attempt(items), most)
        except (Abandoned, TooManyDeadLettersError):
            raise
        except TooMuchAtOnceError:
            self._bytes_each = 2 * MOST_WRITTEN * _ROOM / len(items)  # half as many next time
            return False
        except Exception as error:  # whatever a handler raises is its record's fault or ours
            await self._isolate(items, error)
        else:
            self._bytes_each = plan.written / len(items)
            self._count(plan)
        return True

    async def _isolate(self, items: Sequence[Item], error: Exception) -> None:
        """Halve the batch until the record that fails stands alone, and put that one aside."""
        if len(items) > 1:
            middle = len(items) // 2
            await self._settle(items[:middle])
            await self._settle(items[middle:])
            return
        item = items[0]
        _log.error("handler_failed", exc_info=error, **_place(item))
        await self._put_aside_alone(item, Cause(HANDLER_FAILED, class_name(error)))

    async def _put_aside_alone(self, item: Item, cause: Cause) -> None:
        await self._until_done(lambda: self._bury(item, cause), inf)
        self._observer.put_aside(item, cause)
        self._limit.failed(item.blamed)

    async def _until_done(self, operation: Callable[[], Awaitable[Any]], doubtful_attempts: float) -> Any:
        """Try again while the surroundings fail."""
        attempt = doubtful = 0
        while True:
            try:
                result = await operation()
            except Exception as error:
                attempt += 1
                verdict = classify(error)
                if verdict is FailureCause.DOUBTFUL and await postgres.answers(self._pool):
                    doubtful += 1
                if verdict is FailureCause.POISON or doubtful >= doubtful_attempts:
                    raise
                self._note_retry(error, attempt)
                await self._pause(attempt)
            else:
                self._health.recovered("batch")
                return result

    async def _pause(self, attempt: int) -> None:
        try:
            await self.wait(jittered(attempt))
        except Abandoned:
            # Whoever gets the records now tries them. Here no batch may come that would say that all is well again.
            self._health.recovered("batch")
            raise

    def _note_retry(self, error: Exception, attempt: int) -> None:
        self._observer.retried(error, attempt)
        self._health.failing("batch", class_name(error))
        if attempt in (1, 3) or attempt % 10 == 0:
            _log.warning("batch_retried", attempt=attempt, exc_info=error)

    async def _attempt(self, items: Sequence[Item]) -> Plan:
        try:
            return await self._transact(items, inbox.claim_new)
        except inbox.ClaimedBeforeError:  # records came again, as after a restart
            return await self._transact(items, inbox.claim)

    async def _transact(self, items: Sequence[Item], claim: Claim) -> Plan:
        async with self._transactions() as (connection, outbox):
            if items[0].record.replay is not None:
                await dead_letters.say_who_replays(connection, items[0].record.replay)
            outbox.most_bytes = MOST_WRITTEN if len(items) > 1 else inf
            plan = await self._plan(connection, items, claim)
            incoming: list[Incoming] = [item.content for item in plan.deliver]
            if incoming:
                await self._runtime.service.handle(self._runtime, connection, incoming, outbox)
            self._heed_handler(plan, outbox)
            now = self._clock.now()
            for item, cause in plan.aside:
                number = await dead_letters.put_aside(connection, outbox, self._service, item, cause, now)
                plan.superseded += [number] if id(item) in plan.overtaken else []
            for number, cause in plan.failed_again:
                await dead_letters.fail_again(connection, number, cause)
            await dead_letters.resolve(connection, plan.resolved, now)
            await dead_letters.supersede(connection, plan.superseded, self._service, now)
            await dead_letters.note_replays(connection, plan.orders(items))
            plan.written = outbox.written
        return plan

    async def _plan(self, connection: Connection, items: Sequence[Item], claim: Claim) -> Plan:
        replays = await self._valid_replays(connection, items)
        plan = Plan()
        items = [each for item in items for each in self._unpack(plan, item, replays.get(id(item)))]
        originals = {(item.record.topic, item.inbox_id) for item in items}
        claimed = await claim(connection, originals)
        lanes = {item.lane for item in items if item.lane is not None}
        blocked = await dead_letters.waiting(connection, lanes)
        for item in items:
            mark = (item.record.topic, item.inbox_id)
            if id(item) in replays:
                claimed.discard(mark)
                plan_replay(plan, item, blocked)
            elif mark in claimed and not item.accounted_for:
                claimed.discard(mark)
                plan_fresh(plan, item, blocked)
            else:
                plan.note(item, "duplicate")
        return plan

    def _unpack(self, plan: Plan, item: Item, letter: dead_letters.WaitingLetter | None) -> list[Item]:
        """The item itself; where it brings back a batch that could not be read, the records of that."""
        if letter is None or letter.reason != BATCH_UNREADABLE or item.replay_of is None:
            return [item]
        records = list(batches.read(TopicPartition(letter.topic, letter.partition), item.record.value or b"", 0))
        unreadable = next((record.value for record in records if isinstance(record.value, UnreadableBatch)), None)
        if unreadable is not None or not records:
            plan.failed_again.append((item.replay_of, Cause(BATCH_UNREADABLE, unreadable.why if unreadable else None)))
            plan.note(item, "dead_letter")
            return []
        plan.resolved.append(item.replay_of)
        # What stood before the damage was handled when the batch came, and is claimed.
        return [self._reader.read(from_aiokafka(record)) for record in records]

    async def _valid_replays(self, connection: Connection, items: Sequence[Item]) -> dict[int, dead_letters.WaitingLetter]:
        """The items, by their identity, that are replays of dead letters which still wait; each dead letter once."""
        wanted = [item for item in items if item.replay_of is not None]
        found = await dead_letters.replayed(connection, [item.replay_of for item in wanted if item.replay_of is not None])
        valid: dict[int, dead_letters.WaitingLetter] = {}
        for item in wanted:
            letter = found.get(item.replay_of or 0)
            if letter and letter.topic == item.record.topic and letter.digest == fingerprint(item.record):
                valid[id(item)] = found.pop(item.replay_of or 0)
        return valid

    def _heed_handler(self, plan: Plan, outbox: Outbox) -> None:
        """Make dead letters of what the handler put aside itself."""
        items = {id(item.content): item for item in plan.deliver}
        for request in outbox.put_aside:
            plan.put_aside(items[id(request.incoming)], Cause(request.problem.code))
        outbox.put_aside.clear()

    async def _bury(self, item: Item, cause: Cause) -> None:
        async with self._transactions() as (connection, outbox):
            if await self._valid_replays(connection, [item]):
                await dead_letters.fail_again(connection, item.replay_of or 0, cause)
                await dead_letters.note_replays(connection, [item.record.replay] if item.record.replay else [])
            elif await inbox.claim(connection, [(item.record.topic, item.inbox_id)]):
                await dead_letters.put_aside(connection, outbox, self._service, item, cause, self._clock.now())

    def _count(self, plan: Plan) -> None:
        self._observer.accounted(plan)
        self._limit.passed(len(plan.deliver))
        for item, cause in plan.aside:
            if cause.reason != BEHIND:
                _log.error("dead_letter", reason=cause.reason, **_place(item))
                self._limit.failed(item.blamed)


def _bytes_of(records: Sequence[Record]) -> int:
    return sum(len(each.value or b"") for each in records)


def _place(item: Item) -> dict[str, Any]:
    record = item.record
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
