"""What waits for its turn, and whose it is. Pure.

A sender is a partner or force: whose topic a record came on or, on the topics between the services, whom it plainly names.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from aiokafka import TopicPartition

from conduit_chassis.records import Record

COST_OF_ANY = 2 * 1024
"""What a record costs however small it is, counted in bytes: an ordinary one costs about twice that with its own."""
CROWD = 768 * 1024
"""Records that cost so much are a crowd: two hundred ordinary ones, or four of the largest."""
FEW = 192 * 1024
"""Whose records cost so much at most does not wait for another's crowd: fifty ordinary ones, and none of the largest."""
FEW_AT_MOST, PART_OF_CROWD = 384 * 1024, 8
"""An eighth of a large crowd is few as well, up to this: who fell behind because of it does not have many for that."""

SenderOf: TypeAlias = Callable[[Record], str | None]


def cost(record: Record) -> int:
    """What handling it takes, roughly and in bytes."""
    return COST_OF_ANY + len(record.value or b"")


def costs(records: Iterable[tuple[Record, str | None]]) -> Counter[str]:
    """What each sender's records cost together. Those without a sender count for nobody."""
    found: Counter[str] = Counter()
    for record, sender in records:
        if sender is not None:
            found[sender] += cost(record)
    return found


def with_few(found: Mapping[str, int]) -> set[str]:
    """Of senders by what theirs costs, those that have few while another has a crowd."""
    crowd = max(found.values(), default=0)
    if crowd < CROWD:
        return set()
    most = max(FEW, min(crowd // PART_OF_CROWD, FEW_AT_MOST))
    return {whose for whose, costs_so in found.items() if costs_so <= most}


def few_first(records: Sequence[Record], sender: SenderOf) -> list[Sequence[Record]]:
    """A batch in at most two parts: who has few is not to wait for the crowd of another. Each key's records are in one part,
    in their order."""
    if sum(map(cost, records)) < CROWD:
        return [records]
    owned = [(each, sender(each)) for each in records]
    few = with_few(costs(owned))
    if not few:
        return [records]
    others = {each.key for each, whose in owned if whose not in few}
    first = [each for each in records if each.key not in others]
    return [first, [each for each in records if each.key in others]] if first else [records]


class _Key(NamedTuple):
    last: int
    """The last offset of the key."""
    sender: str | None
    cost: int


class Waiting:
    """The keys of which a record has its turn to come, by partition; and what they cost, by sender."""

    def __init__(self) -> None:
        self._keys: dict[TopicPartition, dict[bytes, _Key]] = {}
        """Of each partition in the order of their last offsets."""
        self.costs: Counter[str] = Counter()
        self.count = 0

    @property
    def partitions(self) -> set[TopicPartition]:
        """Those in which anything waits."""
        return set(self._keys)

    def last(self, partition: TopicPartition, key: bytes) -> int:
        """The last offset of a key of which something waits, or -1."""
        found = self._keys.get(partition, {}).get(key)
        return -1 if found is None else found.last

    def add(self, partition: TopicPartition, key: bytes, offset: int, sender: str | None, costs_so: int) -> None:
        """One more waits, later than all before it."""
        keys = self._keys.setdefault(partition, {})
        before = keys.pop(key, None)
        keys[key] = _Key(offset, before.sender if before else sender, costs_so + (before.cost if before else 0))
        self.count += before is None
        self._owe(keys[key].sender, costs_so)

    def done(self, partition: TopicPartition, key: bytes, offset: int) -> None:
        """It waits no longer. Where it is the key's last, nothing of the key does."""
        if self.last(partition, key) == offset:
            self._remove(partition, key)

    def passed(self, partition: TopicPartition, handled: int) -> None:
        """Nothing before this offset waits."""
        for key in [*_before(self._keys.get(partition, {}), handled)]:
            self._remove(partition, key)

    def forget(self, partition: TopicPartition) -> None:
        """Nothing of this partition waits here."""
        for key in [*self._keys.get(partition, {})]:
            self._remove(partition, key)

    def _remove(self, partition: TopicPartition, key: bytes) -> None:
        keys = self._keys[partition]
        gone = keys.pop(key)
        self.count -= 1
        self._owe(gone.sender, -gone.cost)
        if not keys:
            del self._keys[partition]

    def _owe(self, sender: str | None, costs_so: int) -> None:
        if sender is not None:
            self.costs[sender] += costs_so
            if not self.costs[sender]:
                del self.costs[sender]


def _before(keys: Mapping[bytes, _Key], offset: int) -> Iterable[bytes]:
    for key, waits in keys.items():
        if waits.last >= offset:
            return
        yield key
