"""Steady senders that go on until they are told to stop, and what became of each record they sent.

An open loop: a record counts as sent when it was due, so that a sender that is late does not shorten the wait.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from confluent_kafka import Message, Producer
from typing_extensions import override

from tests.benchmarks.load import Submission
from tests.benchmarks.measure import FLUSH_SECONDS, REFERENCE, Follower, connect, flush, produce

_FETCH = {"fetch.wait.max.ms": 100, "fetch.message.max.bytes": 4_000_000, "queued.max.messages.kbytes": 64_000}


class Heard(Follower):
    """When each referral first came to each topic; a referral has arrived once as many topics have it as are to."""

    def __init__(self, kafka: Mapping[str, Any], names: Sequence[str]) -> None:
        super().__init__(kafka, names, _FETCH, 1000)
        self._seen: dict[str, dict[str, float]] = {}

    @override
    def _note(self, record: Message, moment: float) -> None:
        if found := REFERENCE.search(record.value() or b""):
            self._seen.setdefault(found[1].decode(), {}).setdefault(str(record.topic()), moment)

    def at(self, sent: Submission) -> float:
        """When it had come to the last topic."""
        return max(self._seen[sent.reference].values())

    def has(self, sent: Submission) -> bool:
        """Whether it has arrived."""
        return len(self._seen.get(sent.reference, ())) >= sent.parts

    def wait(self, sent: Sequence[Submission], patience: float, look: Callable[[], None]) -> None:
        """Return once all have arrived; `look` raises when waiting has become pointless.

        Raises:
            TimeoutError: nothing more of them came for `patience` seconds.
        """
        left = list(sent)

        def missing() -> int:
            left[:] = [each for each in left if not self.has(each)]
            return len(left)

        self._wait(missing, f"of {len(sent)}", patience, look, 0.05)


class Stream:
    """Sends what `make` makes of the numbers from 0, so many a second, from entering to leaving or up to `count` of them."""

    def __init__(
        self, kafka: Mapping[str, Any], per_second: float, make: Callable[[int], Submission], count: int = 10**9
    ) -> None:
        self._per_second, self._make, self._count = per_second, make, count
        self._producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 0, "log_level": 0})
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._send, daemon=True)
        self.sent: list[tuple[Submission, float]] = []

    def __enter__(self) -> Self:
        connect(self._producer, {self._make(number).topic for number in range(min(64, self._count))})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(FLUSH_SECONDS)
        if self._failure is not None:
            raise RuntimeError("a sender failed") from self._failure

    def between(self, begin: float, end: float) -> list[tuple[Submission, float]]:
        """What was due then, with when it was."""
        return [(each, due) for each, due in list(self.sent) if begin <= due <= end]

    def _send(self) -> None:
        begin, began = time.monotonic(), time.time()
        try:
            for number in range(self._count):
                ahead = number / self._per_second
                if self._stopping.wait(max(0.0, begin + ahead - time.monotonic())):
                    break
                record = self._make(number)
                produce(self._producer, record)
                self.sent.append((record, began + ahead))
            flush(self._producer)
        except BaseException as error:  # raised again when it is left
            self._failure = error


def at_once(kafka: Mapping[str, Any], records: Iterable[Submission]) -> None:
    """Send all as fast as the broker takes them."""
    producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 5, "log_level": 0})
    for record in records:
        produce(producer, record)
    flush(producer)


def quantile(values: Iterable[float], of: float) -> float:
    """The nearest rank; the largest for 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(of * len(ordered)))]
