"""Which of the records that are waited for have come to forces' topics, and when. Told apart by what they say."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Message
from typing_extensions import override

from tests.benchmarks.measure import REFERENCE, Follower

_TEXT = re.compile(rb'"text":"([^ "]+) ')
_FETCH = {"fetch.message.max.bytes": 4_000_000, "queued.max.messages.kbytes": 32_000}

Place = tuple[str, str]
"""A topic, and a referral's reference or the word with which an addition begins."""


class Arrivals(Follower):
    """Follows topics from now on, in a thread of its own."""

    def __init__(self, kafka: Mapping[str, Any], names: Sequence[str]) -> None:
        super().__init__(kafka, names, _FETCH, 100)
        self._seen: dict[Place, float] = {}

    def at(self, place: Place) -> float:
        """When the broker appended it, in seconds since the epoch."""
        return self._seen[place]

    def wait(self, places: Iterable[Place], patience: float, look: Callable[[], None], pause: float = 0.05) -> None:
        """Return once all of these have come; `look` raises when waiting has become pointless.

        Raises:
            TimeoutError: nothing more of them came for `patience` seconds.
        """
        wanted = set(places)
        self._wait(lambda: len(wanted - self._seen.keys()), "of them", patience, look, pause)

    @override
    def _note(self, record: Message, moment: float) -> None:
        value, topic = record.value() or b"", str(record.topic())
        for found in (_TEXT.search(value), REFERENCE.search(value)):
            if found is not None:
                self._seen.setdefault((topic, found[1].decode()), moment)
