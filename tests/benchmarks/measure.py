"""Measuring from outside: when each record was sent, and when its referral first stood on the topic at the far end.

Only records that a consumer has really fetched count. Sending and fetching use librdkafka, so that the measurer takes as
little as possible of the machine it shares with what it measures.
"""

import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from tests.benchmarks.load import Submission

_REFERENCE = re.compile(rb'"partner_reference":"([^"]+)"')


@dataclass
class Run:
    """What was sent and what arrived, in seconds of one monotonic clock, by partner reference."""

    sent: dict[str, float] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the first send to the last arrival."""
        return max(self.arrived.values()) - min(self.sent.values())

    @property
    def rate(self) -> float:
        """Referrals a second, end to end."""
        return len(self.arrived) / self.seconds

    def latency(self, quantile: float) -> float:
        """Seconds from send to arrival at this quantile (nearest rank)."""
        waits = sorted(self.arrived[reference] - self.sent[reference] for reference in self.arrived)
        return waits[min(len(waits) - 1, int(quantile * len(waits)))]


class Watch:
    """Follows the far end from now on, in a thread of its own."""

    def __init__(self, bootstrap: str, topics: Sequence[str], run: Run) -> None:
        self._run = run
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"bench-{time.time_ns()}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 5,
            }
        )
        self._consumer.subscribe(list(topics), on_assign=lambda *_: self._ready.set())
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        if not self._ready.wait(60):
            raise TimeoutError("the measuring consumer got no partitions within 60 s")
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._consumer.close()

    def wait_for(self, references: Iterable[str], timeout: float) -> None:
        """Return once every reference has arrived.

        Raises:
            TimeoutError: naming how many are missing.
        """
        wanted = set(references)
        end = time.monotonic() + timeout
        while not wanted <= self._run.arrived.keys():
            if time.monotonic() > end:
                raise TimeoutError(
                    f"{len(wanted - self._run.arrived.keys())} of {len(wanted)} did not arrive in {timeout} s"
                )
            time.sleep(0.05)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            for record in self._consumer.consume(1000, timeout=0.05):
                self._note(record)

    def _note(self, record: Message) -> None:
        error = record.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            return
        found = _REFERENCE.search(record.value() or b"")
        if found:
            self._run.arrived.setdefault(found[1].decode(), time.monotonic())


def send(bootstrap: str, records: Sequence[Submission], run: Run, *, per_second: float | None = None) -> None:
    """Send all, as fast as the broker takes them or at a fixed rate that does not wait for answers (open loop)."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5 if per_second is None else 0}
    )
    begin = time.monotonic()
    for number, record in enumerate(records):
        if per_second is not None:
            time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
        run.sent[record.reference] = time.monotonic()
        while True:
            try:
                producer.produce(record.topic, record.value, record.key, headers=record.headers)
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)
    if producer.flush(60):
        raise TimeoutError("the broker did not take every record within 60 s")
