"""What may watch the consumer."""

from collections.abc import Collection, Mapping, Sequence

from aiokafka import TopicPartition

from conduit_chassis.records import Record


class ConsumerObserver:
    """Is told what the consumer does. This one does nothing with it."""

    def assigned(self, partitions: int) -> None:
        """So many partitions are read here now."""

    def handled(self, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """These are accounted for."""

    def not_committed(self, error: Exception) -> None:
        """Offsets could not be committed; the records come again."""

    def fetch_failed(self, error: Exception) -> None:
        """A poll failed."""

    def escaped(self, topic: str) -> None:
        """A batch of this topic has header names that are not UTF-8."""

    def jumped(self, partition: TopicPartition, ended: int, goes_on: int) -> None:
        """Reading goes on elsewhere than it ended: earlier, where the broker lost records that it had given, or later, where
        it deleted some before they were read."""

    def held(self, partitions: Collection[TopicPartition]) -> None:
        """Just now these partitions wait, as what stands next in them cannot be read."""
