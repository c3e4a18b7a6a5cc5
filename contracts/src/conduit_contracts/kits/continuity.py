"""Whether a partition is still the one that was read: a broker that lost its end gives the same offsets again.

After a crash of its machine, or an unclean election, new records stand at offsets that a reader has behind it. It would
never see them, and nothing would look wrong. Kafka's own clients compare leader epochs (KIP-320); aiokafka does not. Here a
reader remembers whose epoch each batch was of: two batches of one epoch at one offset are the same, and so is all before
them. Where a partition may have been cut, the reader asks for the last batch that it read once more, and if it is of another
epoch it begins again: what it knows already comes twice, and nothing is missed.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from struct import Struct
from typing import NamedTuple, TypeAlias

from aiokafka import TopicPartition

_HEAD = Struct(">qiib")
"""Of a batch: first offset, length, leader epoch, format."""
_LAST = Struct(">i")
_LAST_AT = 23
_FORMAT = 2
_KEPT = 256
"""Batches that are remembered of a partition: more than are read between two commits."""

Asked: TypeAlias = Sequence[tuple[str, Sequence[tuple[int, int, int]]]]
"""Of a fetch: topics with partition, position and most bytes each."""


class Placed(NamedTuple):
    """A batch that holds the offsets from `first` up to `after`, which is not its own."""

    first: int
    after: int
    epoch: int
    """Of the leader that appended it."""


def placed(batch: bytes) -> Placed | None:
    """Where a batch stands; None of one in a format that has no epochs, or of a part of one."""
    if len(batch) < _LAST_AT + _LAST.size:
        return None
    first, _, epoch, form = _HEAD.unpack_from(batch)
    (last,) = _LAST.unpack_from(batch, _LAST_AT)
    return Placed(first, first + last + 1, epoch) if form == _FORMAT and last >= 0 else None


class Epochs:
    """The batches of one partition that were read last, in the order of their offsets."""

    def __init__(self) -> None:
        self._batches: deque[Placed] = deque(maxlen=_KEPT)

    def note(self, batch: Placed) -> None:
        """This was read. What stood at its place or after it is no more."""
        while self._batches and self._batches[-1].after > batch.first:
            self._batches.pop()
        self._batches.append(batch)

    def before(self, position: int) -> int | None:
        """The epoch at the offset before this one, if it is remembered."""
        at = bisect_left(self._batches, position, key=lambda batch: batch.after)
        if at == len(self._batches) or self._batches[at].first >= position:
            return None
        return self._batches[at].epoch


class Verdict(Enum):
    """What a broker's answer says of a partition."""

    SAME = "same"
    CUT = "cut"
    """Another batch stands where one was read, or none."""
    OPEN = "open"
    """It does not tell."""


class Continuity:
    """What is remembered of the partitions of one reader."""

    def __init__(self) -> None:
        self._read: dict[TopicPartition, Epochs] = {}
        self._doubtful: set[TopicPartition] = set()
        self._sure: dict[TopicPartition, int] = {}

    def epoch(self, partition: TopicPartition, position: int) -> int | None:
        """The epoch of what was read just before a position, if it is remembered."""
        read = self._read.get(partition)
        return read.before(position) if read is not None else None

    def recall(self, partition: TopicPartition, position: int, epoch: int) -> None:
        """An earlier reader ended at this position, behind a batch of this epoch: it is to be looked at again."""
        self._read.setdefault(partition, Epochs()).note(Placed(position - 1, position, epoch))
        self.doubt([partition])

    def doubt(self, partitions: Iterable[TopicPartition]) -> None:
        """Something happened that may have cut these."""
        for partition in partitions:
            self._sure.pop(partition, None)
            if partition in self._read:
                self._doubtful.add(partition)

    def to_check(self, asked: Asked) -> set[TopicPartition]:
        """Those of which the last batch that was read is to be asked for instead."""
        return {
            partition
            for topic, parts in (asked if self._doubtful else ())
            for number, position, _ in parts
            if (partition := TopicPartition(topic, number)) in self._doubtful and self.epoch(partition, position) is not None
        }

    def judge(self, partition: TopicPartition, position: int, end: int, batch: bytes | None) -> Verdict:
        """By the batch that the broker gave for the offset before `position`."""
        found = placed(batch) if batch else None
        if found is None and end >= position:
            return Verdict.OPEN  # it holds back what no transaction has ended, or the batch itself is damaged
        self._doubtful.discard(partition)
        # One that begins later stands there because compaction took out what was before it.
        if found is not None and (found.first >= position or found.epoch == self.epoch(partition, position)):
            self._sure[partition] = position
            return Verdict.SAME
        return Verdict.CUT

    def forget(self, partition: TopicPartition) -> None:
        """It is read from its beginning again."""
        self._read.pop(partition, None)
        self._sure.pop(partition, None)
        self._doubtful.discard(partition)

    def follows(self, partition: TopicPartition, position: int, batch: bytes) -> bool:
        """Whether a batch at `position` follows what was read for certain; what it does not follow for certain is doubtful.

        Whoever leads has an epoch of its own, and what it appends stands behind all that it had when it began.
        """
        known, found = self.epoch(partition, position), placed(batch)
        if known is None or found is None or self._sure.get(partition) == position or known == found.epoch:
            return True
        self._doubtful.add(partition)
        return False

    def ends(self, partition: TopicPartition) -> None:
        """Nothing stands behind what was read. What comes later may be of a log that was cut: it is looked at again."""
        self._sure.pop(partition, None)

    def note(self, partition: TopicPartition, batches: Iterable[bytes]) -> None:
        """These are being read."""
        read = self._read.setdefault(partition, Epochs())
        for batch in batches:
            if (found := placed(batch)) is not None:
                read.note(found)
