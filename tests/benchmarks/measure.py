"""Measuring from outside: when each record was sent, and when its referral stood with every force concerned.

A referral has arrived when a consumer has really fetched it from the last of the topics it must reach. The moment that
counts is the one at which the broker appended it there: so the consumer may fetch seldom and much, and takes little of
the machine that it shares with what it measures. Both moments are whole milliseconds of the same clock.
"""

import re
import threading
import time
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from typing_extensions import override

from tests.benchmarks.load import Submission

REFERENCE = re.compile(rb'"partner_reference":"([^"]+)"')
CONNECTING_SECONDS, FLUSH_SECONDS = 1.0, 60.0
_LAZY = {"fetch.min.bytes": 1_000_000, "fetch.wait.max.ms": 500, "fetch.message.max.bytes": 4_000_000}


class Run:
    """What was sent and what arrived, by the number at the end of the reference; times in seconds since the epoch."""

    def __init__(self, prefix: str, count: int) -> None:
        self._prefix = prefix.encode()
        self._begin = len(prefix) + 1
        self._left = array("b", bytes(count))
        self.count = count
        self.sent = array("d", bytes(8 * count))
        self.arrived = array("d", bytes(8 * count))
        self.waiting = count

    def expect(self, number: int, parts: int, moment: float) -> None:
        """Note that a referral is sent now, and how many records of it must arrive."""
        self._left[number] = parts
        self.sent[number] = int(moment * 1000) / 1000

    def note(self, reference: bytes, moment: float) -> None:
        """Note a record at the far end; those of other runs are none of this one's."""
        if not reference.startswith(self._prefix):
            return
        number = int(reference[self._begin :])
        if self._left[number] > 0:
            self._left[number] -= 1
            self.arrived[number] = max(self.arrived[number], moment)
            self.waiting -= not self._left[number]

    @property
    def seconds(self) -> float:
        """From the first send to the last arrival."""
        return max(self.arrived) - min(self.sent)

    @property
    def rate(self) -> float:
        """Referrals a second, end to end."""
        return self.count / self.seconds

    def latencies(self) -> dict[str, float]:
        """Seconds from send to the last force, at these quantiles (nearest rank)."""
        waits = sorted(arrived - sent for sent, arrived in zip(self.sent, self.arrived, strict=True))
        ranks = {"p50_seconds": 0.5, "p99_seconds": 0.99, "p99_9_seconds": 0.999}
        return {name: round(waits[min(len(waits) - 1, int(q * len(waits)))], 4) for name, q in ranks.items()}


class Follower(ABC):
    """Follows topics from now on, in a thread of its own. It reads partitions without a group."""

    def __init__(self, kafka: Mapping[str, Any], topics: Sequence[str], fetching: Mapping[str, Any], most: int) -> None:
        """Read with these settings, so many records at a time."""
        self._most = most
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._consumer = Consumer({**kafka, **fetching, "group.id": "operator.bench", "enable.auto.commit": False})
        self._consumer.assign(from_the_end(self._consumer, topics))
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._consumer.close()

    def _wait(self, missing: Callable[[], int], what: str, patience: float, look: Callable[[], None], pause: float) -> None:
        """Return once nothing is missing; `look` raises when waiting has become pointless.

        Raises:
            TimeoutError: nothing more came for `patience` seconds; it names how many are missing.
        """
        end, waiting = time.monotonic() + patience, missing()
        while still := missing():
            look()
            if self._failure is not None:
                raise RuntimeError("the measuring consumer failed") from self._failure
            if still < waiting:
                end, waiting = time.monotonic() + patience, still
            elif time.monotonic() > end:
                raise TimeoutError(f"{still} {what} have not arrived, and nothing did for {patience:.0f} s")
            time.sleep(pause)

    def _follow(self) -> None:
        try:
            while not self._stopping.is_set():
                for record in self._consumer.consume(self._most, timeout=0.1):
                    if (moment := check(record)) is not None:
                        self._note(record, moment)
        except BaseException as error:  # raised again where it is waited for
            self._failure = error

    @abstractmethod
    def _note(self, record: Message, moment: float) -> None:
        """A record, and when the broker appended it."""


class Watch(Follower):
    """Follows the far end of a run."""

    def __init__(self, kafka: Mapping[str, Any], topics: Sequence[str], run: Run) -> None:
        super().__init__(kafka, topics, _LAZY, 5000)
        self._run = run

    def wait(self, timeout: float, check: Callable[[], None] = lambda: None) -> None:
        """Return once everything has arrived; `check` raises when waiting has become pointless.

        Raises:
            TimeoutError: nothing came for `timeout` seconds; it names how many are missing.
        """
        self._wait(lambda: self._run.waiting, f"of {self._run.count}", timeout, check, 0.05)

    @override
    def _note(self, record: Message, moment: float) -> None:
        if found := REFERENCE.search(record.value() or b""):
            self._run.note(found[1], moment)


def from_the_end(consumer: Consumer, topics: Sequence[str]) -> list[TopicPartition]:
    """Every partition of these topics, from where it ends now."""
    known = consumer.list_topics(timeout=30).topics
    places = [TopicPartition(name, number) for name in topics for number in known[name].partitions]
    for place in places:
        place.offset = _end(consumer, place)
    return places


def _end(consumer: Consumer, place: TopicPartition) -> int:
    """A topic just made may answer for a moment that nobody leads it."""
    for _ in range(50):
        try:
            return int(consumer.get_watermark_offsets(place, timeout=30)[1])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                raise
            time.sleep(0.1)
    raise TimeoutError(f"nobody leads {place.topic}")


def check(record: Message) -> float | None:
    """When the broker appended a record, in seconds since the epoch; None for what is no record.

    Raises:
        KafkaException: the consumer failed.
        ValueError: it bears another time than the broker's.
    """
    error = record.error()
    if error is not None:
        if error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        return None
    kind, milliseconds = record.timestamp()
    if kind != TIMESTAMP_LOG_APPEND_TIME:
        raise ValueError(f"{record.topic()} does not bear the broker's time")
    return milliseconds / 1000


def send(kafka: Mapping[str, Any], records: Iterable[Submission], run: Run, per_second: float | None = None) -> None:
    """Send all, as fast as the broker takes them, or at a fixed rate that does not wait for answers (open loop).

    At a fixed rate a record counts as sent when it was due: a sender that is late must not shorten the wait. And the sender
    is connected before the first is due: librdkafka takes half a second for that, of which no pipeline can know.
    """
    options = {"enable.idempotence": True, "linger.ms": 5 if per_second is None else 0, "log_level": 0}
    producer = Producer({**kafka, **options})
    if per_second is not None:
        records = list(records)
        connect(producer, {record.topic for record in records})
    begin, due = time.monotonic(), time.time()
    for number, record in enumerate(records):
        if per_second is not None:
            time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        run.expect(number, record.parts, time.time() if per_second is None else due + number / per_second)
        produce(producer, record)
    flush(producer)


def produce(producer: Producer, record: Submission) -> None:
    """Hand a record over, waiting while the sender is full."""
    while True:
        try:
            producer.produce(record.topic, record.value, record.key, headers=record.headers)
            break
        except BufferError:
            producer.poll(0.05)
    producer.poll(0)


def flush(producer: Producer) -> None:
    """Until the broker has everything.

    Raises:
        TimeoutError: it has not, within a minute.
    """
    if producer.flush(FLUSH_SECONDS):
        raise TimeoutError(f"the broker did not take every record within {FLUSH_SECONDS:.0f} s")


def connect(producer: Producer, names: Iterable[str]) -> None:
    """Until it knows the topics' brokers and has its id as an idempotent producer, which takes librdkafka half a second."""
    for name in names:
        producer.list_topics(name, timeout=30)
    time.sleep(CONNECTING_SECONDS)
