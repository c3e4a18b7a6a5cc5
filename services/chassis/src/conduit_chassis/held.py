"""Topics that events wait for. Each is tried by itself, by a producer of its own, so that no other topic waits for it.

A topic is held where the broker does not have it, does not let us write to it, does not answer for it, or refused a batch of
several rows, which are then sent one by one. It is given back once a row of it was confirmed.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import structlog
from aiokafka.errors import (
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    DuplicateSequenceNumber,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    OutOfOrderSequenceNumber,
    UnknownProducerId,
    UnknownTopicOrPartitionError,
)

from conduit_chassis import metrics
from conduit_chassis.backoff import jittered
from conduit_chassis.errors import class_name
from conduit_chassis.producer import REFUSALS, Pending, Producer, Sent

_OF_THE_PRODUCER = (
    ClusterAuthorizationFailedError,
    DuplicateSequenceNumber,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    OutOfOrderSequenceNumber,
    UnknownProducerId,
)
TRIALS = 8
TRIAL_SECONDS = 10.0
FIND_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass
class Hold:
    """Why and until when a topic is left alone."""

    tries: int = 0
    due: float = 0.0
    singly_to: int | None = None
    """Rows up to this id are tried one by one, as one of them was refused; else the first row alone."""


@dataclass
class Trial:
    """What came of trying a held topic."""

    topic: str
    confirmed: list[Sent] = field(default_factory=list)
    refused: list[tuple[Sent, BaseException]] = field(default_factory=list)
    refused_keys: set[bytes | None] = field(default_factory=set)
    """What comes after a refused row of its key is not tried: it waits for that one, until a person decides."""
    error: BaseException | None = None


async def find(producer: Producer, topic: str) -> bool:
    """Ask the broker for a topic, for a while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FIND_SECONDS):
            return await producer.find(topic)
    return False


_shown: set["Holds"] = set()
"""Those of this process's relays that hold topics."""


def _show() -> None:
    """A topic counts once, however many shards hold it."""
    metrics.MISSING_TOPICS.set(len({topic for holds in _shown for topic in holds.topics}))


class Holds:
    """The held topics of one relay, and the trials that are under way."""

    def __init__(self, new_producer: Callable[[], Producer], wake: Callable[[], None]) -> None:
        self._new_producer = new_producer
        self._wake = wake
        self._holds: dict[str, Hold] = {}
        self._trials: dict[str, asyncio.Task[Trial]] = {}

    @property
    def topics(self) -> Collection[str]:
        """What is held."""
        return self._holds.keys()

    def hold(self, topic: str, error: BaseException) -> None:
        """Leave a topic alone for a while, each time longer."""
        hold = self._holds.setdefault(topic, Hold())
        hold.tries += 1
        hold.due = monotonic() + jittered(hold.tries)
        _shown.add(self)
        _show()
        metrics.RELAY_ERRORS.labels(class_name(error)).inc()
        if hold.tries in (1, 5) or hold.tries % 30 == 0:
            _log.error("topic_held", topic=topic, attempt=hold.tries, error=class_name(error))

    def hold_singly(self, topic: str, last: int) -> None:
        """Have rows up to this one tried one by one, at once."""
        hold = self._holds.setdefault(topic, Hold())
        hold.singly_to = max(last, hold.singly_to or last)
        hold.due = 0.0
        _shown.add(self)
        _show()

    def due(self) -> list[tuple[str, int | None]]:
        """Topics to try now, with the last row to be tried singly."""
        free = TRIALS - len(self._trials)
        now = monotonic()
        ready = [
            (topic, hold.singly_to) for topic, hold in self._holds.items() if topic not in self._trials and hold.due <= now
        ]
        return ready[:free]

    def begin(self, topic: str, rows: Iterable[Pending]) -> None:
        """Try a held topic with these rows; without any, it is held no longer."""
        listed = list(rows)
        if not listed:
            self._release(topic)
            return
        task = asyncio.create_task(self._try(topic, listed))
        task.add_done_callback(lambda _: self._wake())
        self._trials[topic] = task

    def finished(self) -> list[Trial]:
        """The trials that ended since it was last asked. Those that failed hold their topics on."""
        ended = [task for task in self._trials.values() if task.done()]
        self._trials = {topic: task for topic, task in self._trials.items() if not task.done()}
        return [task.result() for task in ended]

    def settle(self, trial: Trial) -> None:
        """Give a topic back, or hold it on."""
        if trial.error is None:
            self._release(trial.topic)
        else:
            self.hold(trial.topic, trial.error)

    def _release(self, topic: str) -> None:
        del self._holds[topic]
        _show()

    async def _try(self, topic: str, rows: list[Pending]) -> Trial:
        trial = Trial(topic)
        try:
            async with asyncio.timeout(TRIAL_SECONDS):
                await self._send_singly(rows, trial)
        except Exception as error:  # whatever it was, the topic stays held, and the log says what it was
            trial.error = error
        return trial

    async def _send_singly(self, rows: list[Pending], trial: Trial) -> None:
        rest = iter(rows)
        while True:
            producer = self._new_producer()
            try:
                await producer.start()
                if not await find(producer, trial.topic):
                    raise UnknownTopicOrPartitionError(trial.topic)
                if not await self._until_refused(producer, rest, trial):
                    return
            finally:
                await producer.discard()

    async def _until_refused(self, producer: Producer, rows: Iterable[Pending], trial: Trial) -> bool:
        """After a refusal this producer's next number would be wrong, so that one is the last that it sends."""
        for row in rows:
            if row.key in trial.refused_keys:
                continue
            (sent,) = await producer.send([row])
            try:
                await sent.future
            except REFUSALS as error:
                trial.refused.append((sent, error))
                if row.key is not None:
                    trial.refused_keys.add(row.key)
                return True
            trial.confirmed.append(sent)
        return False

    async def end(self) -> None:
        """Cancel what is under way."""
        for task in self._trials.values():
            task.cancel()
        await asyncio.gather(*self._trials.values(), return_exceptions=True)
        self._trials.clear()

    def forget(self) -> None:
        """Hold nothing: another process leads the shard, and it is that one's to say what waits."""
        self._holds.clear()
        _shown.discard(self)
        _show()


def concerns_its_topic(error: BaseException) -> bool:
    """Whether the broker said this of one topic, rather than the connection or the producer failed."""
    return isinstance(error, BrokerResponseError) and not isinstance(error, _OF_THE_PRODUCER)
