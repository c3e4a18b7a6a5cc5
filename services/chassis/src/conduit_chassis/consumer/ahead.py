"""Which records may be handled early: those that say danger, and one sender's few while another's many wait. Pure.

Order per referral holds, because a record is left in its place as long as an earlier one of its key is not accounted for.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from aiokafka import TopicPartition

from conduit_chassis.consumer.waiting import SenderOf, Waiting, cost, costs, with_few
from conduit_chassis.records import Record, fingerprint

MOST_KEYS = 100_000
"""So many keys may wait before reading ahead pauses."""
NO_KEY = b""
"""What has none may be about anything, so it keeps its order among all that have none."""


class Reached(NamedTuple):
    """How far a partition is read in its turn."""

    handled: int
    """All before this offset is accounted for."""
    taken: int
    """What stands at this offset or later is not being handled."""


class Chosen(NamedTuple):
    """What may be handled before its turn, each in the order of its partition."""

    danger: list[Record]
    few: list[Record]
    """One sender's few while another's many wait."""


class Ahead:
    """What was read before its turn."""

    def __init__(self, danger: Callable[[Record], bool], sender: SenderOf) -> None:
        """`sender` says whose a record is; nobody's wait for their turn unless they say danger."""
        self._danger = danger
        self._sender = sender
        self._waiting = Waiting()
        self._handled: dict[TopicPartition, dict[int, bytes]] = {}
        """Fingerprints of records that are accounted for already, by offset: a broker that lost data may use one twice."""
        self._under_way: set[tuple[str, int, int]] = set()

    @property
    def full(self) -> bool:
        """Whether no more should be read ahead."""
        return self._waiting.count >= MOST_KEYS

    @property
    def partitions(self) -> set[TopicPartition]:
        """Those of which anything is remembered."""
        return self._waiting.partitions | self._handled.keys()

    def choose(self, partition: TopicPartition, records: Sequence[Record], place: Reached) -> Chosen:
        """Those of the partition's next records that may be handled now."""
        self._waiting.passed(partition, place.handled)
        senders = [self._sender(each) for each in records]
        few = with_few(self._waiting.costs + costs(zip(records, senders, strict=True)))
        chosen = Chosen([], [])
        for record, sender in zip(records, senders, strict=True):
            key = record.key or NO_KEY
            free = record.offset >= place.taken and self._waiting.last(partition, key) < place.handled
            if free and self._danger(record):
                chosen.danger.append(record)
                continue
            if free and sender in few:
                chosen.few.append(record)
            if record.offset >= place.handled:
                self._waiting.add(partition, key, record.offset, sender, cost(record))
        return chosen

    @contextmanager
    def handling(self, records: Sequence[Record]) -> Iterator[None]:
        """These are being handled before their turn; whether they were is said by `handled`."""
        places = {_place(each) for each in records}
        self._under_way |= places
        try:
            yield
        finally:
            self._under_way -= places

    def under_way(self, records: Sequence[Record]) -> bool:
        """Whether any of them is being handled before its turn. With it in a batch, the whole batch would be tried twice."""
        return bool(self._under_way) and any(_place(each) in self._under_way for each in records)

    def handled(self, records: Sequence[Record]) -> None:
        """These are accounted for, before their turn."""
        for record in records:
            done = self._handled.setdefault(TopicPartition(record.topic, record.partition), {})
            done[record.offset] = fingerprint(record)
            self._waiting.done(TopicPartition(record.topic, record.partition), record.key or NO_KEY, record.offset)

    def left(self, records: Sequence[Record]) -> list[Record]:
        """Of records whose turn has come, those that are still to be handled."""
        return [each for each in records if not self._is_handled(each)] if self._handled else list(records)

    def _is_handled(self, record: Record) -> bool:
        found = self._handled.get(TopicPartition(record.topic, record.partition), {}).get(record.offset)
        return found is not None and found == fingerprint(record)

    def passed(self, partition: TopicPartition, place: Reached) -> None:
        """Forget what is before a place."""
        self._waiting.passed(partition, place.handled)
        left = {at: done for at, done in self._handled.get(partition, {}).items() if at >= place.handled}
        if left:
            self._handled[partition] = left
        else:
            self._handled.pop(partition, None)

    def forget(self, partition: TopicPartition) -> None:
        """It is read elsewhere now."""
        self._waiting.forget(partition)
        self._handled.pop(partition, None)

    def begin_again(self) -> None:
        """Reading ahead begins again where the loop is."""
        self._waiting = Waiting()


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset
