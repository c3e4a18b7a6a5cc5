"""All that services do with aiokafka's private parts, the consumer's and the producer's: no other module touches them.

Each function says what aiokafka does without it. They are made for `MADE_FOR`; every other release must be looked at first,
so the project pins it, and `test_aiokafka_patches.py` has a test for each that fails where aiokafka is no longer as the
function needs it. What the kits change for outsiders as well, they change themselves (`conduit_contracts.kits.fetching`).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from math import inf
from time import monotonic
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import KafkaError

MADE_FOR = "0.14"
NEVER = 86_400.0


def fetch_only_when_empty(consumer: Any) -> None:
    """Let no fetch go out while records that came before it wait to be taken.

    aiokafka asks one broker at a time for all partitions that it holds no records of. One that still holds some is left out,
    and is not asked about again until that fetch is answered, which without traffic elsewhere takes the whole of
    `fetch_max_wait_ms`. It does so after 0.1 s, which a batch takes easily. Waiting instead, a fetch always covers every
    partition, so that it may wait long and needs to be sent seldom.
    """
    consumer._fetcher._prefetch_backoff = NEVER


def gather(consumer: Any, seconds: Callable[[], float]) -> None:
    """Let records gather after a fetch that brought some, for as long as `seconds` says when the next one is due.

    The broker answers a waiting fetch with the first record that comes, and what comes next waits for another fetch. So at a
    steady rate each record has a batch, a transaction and a commit of its own, and a rate that is a small part of what
    batches carry would use up the machine. What comes after a pause is fetched at once.
    """
    fetcher = consumer._fetcher
    fetch, last = fetcher._proc_fetch_request, -inf

    async def unhurried(*arguments: Any) -> bool:
        nonlocal last
        try:
            await asyncio.sleep(last + seconds() - monotonic())
        except asyncio.CancelledError:
            return False  # as the fetch itself does: aiokafka's routine would end by it
        found: bool = await fetch(*arguments)
        if found:
            last = monotonic()
        return found

    fetcher._proc_fetch_request = unhurried


def revive_group_task(consumer: Any) -> bool:
    """Start aiokafka's group task again where it has ended: the consumer would never join a group again. Whether it had.

    It ends by an assertion of its own when a broker that has just restarted names fewer topics than before, which changes
    what a pattern subscribes to while the group task looks (aiokafka's issue 796).
    """
    coordinator = consumer._coordinator
    task = getattr(coordinator, "_coordination_task", None)
    if task is None or not task.done() or task.cancelled() or task.exception() is None:
        return False
    coordinator._coordination_task = asyncio.create_task(coordinator._coordination_routine())
    return True


def is_led(consumer: Any, partition: TopicPartition) -> bool:
    """Whether some broker leads the partition. aiokafka waits for one where it is asked for the end of any other."""
    return consumer._client.cluster.leader_for_partition(partition) not in (None, -1)


async def written_to(consumer: Any, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Where the partitions end. `end_offsets` of a consumer that reads what is committed ends at the first open transaction.

    Raises:
        KafkaError: a broker did not answer, or not for all of them.
    """
    fetcher = copy(consumer._fetcher)
    fetcher._isolation_level = READ_UNCOMMITTED
    found: dict[TopicPartition, int] = await fetcher.end_offsets(partitions, consumer._request_timeout_ms)
    return found


async def partitions_of(consumer: Any, topic: str) -> set[int]:
    """The topic's partitions, asked of the broker. aiokafka's own call knows only topics that it reads already."""
    found: set[int] = await consumer._client._wait_on_metadata(topic)
    return found


def send_nothing_behind(
    producer: Any,
    place: TopicPartition,
    refusals: tuple[type[Exception], ...],
    refused: Callable[[TopicPartition], None],
    error: Callable[[], Exception],
) -> None:
    """Send nothing behind the batch last given to a partition if it fails with one of `refusals`: what waits there fails
    with `error`, and `refused` is told.

    A broker that knows nothing of this producer yet would take it, and aiokafka goes on with what waits as soon as it has
    told of the failure.
    """
    accumulator = producer._message_accumulator
    batch = accumulator._batches[place][-1]
    # Who gives up waiting leaves a future behind that nobody asks.
    batch.future.add_done_callback(retrieve)
    fail = batch.failure

    def failure(exception: Exception) -> None:
        fail(exception)
        if isinstance(exception, refusals):
            refused(place)
            for waiting in accumulator._batches.pop(place, ()):
                waiting.failure(error())
                retrieve(waiting._drain_waiter)

    batch.failure = failure
    # It holds the batch, and the batch holds it: what was sent would lie in memory until the collector comes, which is
    # seldom.
    batch.future.add_done_callback(lambda _: vars(batch).pop("failure"))


async def discard(producer: Any) -> None:
    """Let go of a producer's connection, whatever it is at. An idempotent one never gives up by itself, so its waits are
    ended for it."""
    _fail_all(producer._message_accumulator)
    sender = producer._sender.sender_task
    if sender is not None:
        # Where a sender fails, aiokafka fails the transaction as well, and stumbles where there is none.
        sender.remove_done_callback(producer._sender._fail_all)
    # Ended so, a batch that aiokafka is just about to try again makes its sender fail with a KeyError. Whatever one step
    # comes to, the next ones are still needed.
    with suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(2):
            await producer.stop()
    if sender is not None:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    with suppress(Exception):
        await producer.client.close()


def _fail_all(accumulator: Any) -> None:
    queued = [batch for batches in accumulator._batches.values() for batch in batches]
    # Each batch that fails takes itself out of these; one that waits for its next try would not find itself there.
    accumulator._pending_batches.update(queued)
    accumulator.fail_all(KafkaError("discarded"))
    for batch in queued:
        retrieve(batch._drain_waiter)


def retrieve(future: Any) -> None:
    """Look at what became of a future, so that nobody warns that it was never looked at."""
    if future.done() and not future.cancelled():
        future.exception()
