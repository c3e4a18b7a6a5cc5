"""Which of the records that are waited for have come to forces' topics, and when. Told apart by what they say."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, Message

from tests.benchmarks.measure import check, from_the_end

_REFERENCE = re.compile(rb'"partner_reference":"([^"]+)"')
_TEXT = re.compile(rb'"text":"([^ "]+) ')
_FETCH = {"fetch.message.max.bytes": 4_000_000, "queued.max.messages.kbytes": 32_000}

Place = tuple[str, str]
"""A topic, and a referral's reference or the word with which an addition begins."""


class Arrivals:
    """Follows topics from now on, in a thread of its own."""

    def __init__(self, kafka: Mapping[str, Any], names: Sequence[str]) -> None:
        self._seen: dict[Place, float] = {}
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._consumer = Consumer({**kafka, **_FETCH, "group.id": "operator.bench", "enable.auto.commit": False})
        self._consumer.assign(from_the_end(self._consumer, names))
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "Arrivals":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._consumer.close()

    def at(self, place: Place) -> float:
        """When the broker appended it, in seconds since the epoch."""
        return self._seen[place]

    def wait(self, places: Iterable[Place], patience: float, look: Callable[[], None], pause: float = 0.05) -> None:
        """Return once all of these have come; `look` raises when waiting has become pointless.

        Raises:
            TimeoutError: nothing more of them came for `patience` seconds.
        """
        missing = set(places)
        end = time.monotonic() + patience
        while still := missing - self._seen.keys():
            look()
            if self._failure is not None:
                raise RuntimeError("the measuring consumer failed") from self._failure
            if len(still) < len(missing):
                missing, end = still, time.monotonic() + patience
            elif time.monotonic() > end:
                raise TimeoutError(f"{len(still)} have not arrived, and nothing did for {patience:.0f} s")
            time.sleep(pause)

    def _follow(self) -> None:
        try:
            while not self._stopping.is_set():
                for record in self._consumer.consume(100, timeout=0.1):
                    self._note(record)
        except BaseException as error:  # raised again where it is waited for
            self._failure = error

    def _note(self, record: Message) -> None:
        if (moment := check(record)) is None:
            return
        value, topic = record.value() or b"", str(record.topic())
        for found in (_TEXT.search(value), _REFERENCE.search(value)):
            if found is not None:
                self._seen.setdefault((topic, found[1].decode()), moment)
