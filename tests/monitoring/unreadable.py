"""Batches that nobody can read, on a running stack's own disk: what waits for them, what does not, and the way past them."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from conduit_chassis.partitioner import partition_of
from conduit_contracts.topics import INTAKE_REFERRALS, PARTNER_UPDATES
from conduit_local.demo.records import Wire
from conduit_local.observability.api import until
from conduit_operate.secured import ADMIN
from tests.monitoring.operating import OPERATOR, dead_letters, give_up, waiting
from tests.monitoring.sending import PARTNER, assessed, produce, referral, referral_id, send
from tests.monitoring.watched import Watched
from tests.support.damage import DAMAGES, Damage, broken_sum, damage, unknown_codec

OTHERS = ("002", "005", "075")
"""Samples of other partners, with cases for several forces, which answer."""
READERS = INTAKE_REFERRALS.consumers
"""Of what intake publishes."""
SEEN_SECONDS = 60.0
AT_REST_SECONDS = 2.5
"""More than a broker keeps a fetch waiting."""


@contextmanager
def on_a_partners_topic(watched: Watched) -> Iterator[None]:
    """Batches of one partner in every way that cannot be read; the next is zstd, which can. All others go on."""
    run = f"UNREADABLE-{time.monotonic_ns()}"
    wires = [referral(f"{run}-{number}") for number in range(len(DAMAGES))]
    _spoil(watched, wires)
    try:
        send(watched, referral(f"{run}-ZSTD"), compression="zstd")
        until(lambda: assessed(watched, f"{run}-ZSTD"), "what was packed by zstd is not read", SEEN_SECONDS)
        assert not any(assessed(watched, f"{run}-{number}") for number in range(len(wires)))
        watched.load(f"{run}-OTHERS", OTHERS)
        _nothing_is_late(watched, "partner.{partner_id}.referrals.v1")
        _is_told(watched, len(wires))
        listed = dead_letters(watched, "list", "intake")
        assert {name for name in DAMAGES if name in listed} == DAMAGES.keys(), listed
        yield
        # As the runbook of dead letters says: the partner sends again what it was told of, and then they are given up.
        for wire in wires:
            send(watched, wire)
        until(
            lambda: all(assessed(watched, f"{run}-{number}") for number in range(len(wires))),
            "what was sent again is not read",
            SEEN_SECONDS,
        )
    finally:
        give_up(watched, "intake")


@contextmanager
def on_one_of_ours(watched: Watched) -> Iterator[None]:
    """An event of intake's is damaged on the only disk that has it; then its bytes come back."""
    with _damaged(watched, unknown_codec) as (reference, mend):
        yield
        mend()
        until(lambda: assessed(watched, reference), "it is not read although it can be", SEEN_SECONDS)


@contextmanager
def for_ever_on_one_of_ours(watched: Watched) -> Iterator[None]:
    """The same, and nothing gives the bytes back: an operator leads both of its readers past them."""
    with _damaged(watched, broken_sum) as (reference, _):
        yield
        try:
            _lead_past(watched, reference)
        finally:
            give_up(watched, *READERS)


def _lead_past(watched: Watched, reference: str) -> None:
    for service in READERS:
        (place,) = re.findall(r"BrokenChecksumError\. Place (\d+)", dead_letters(watched, "list", service))
        dead_letters(watched, "lead-past", service, "--place", place, *OPERATOR)
    until(lambda: all(waiting(watched, service) for service in READERS), "it is not kept", SEEN_SECONDS)
    # Intake has the referral; the same again would be a repeat, which goes no further.
    assert not assessed(watched, reference)
    send(watched, referral(f"{reference}-AGAIN"))
    until(lambda: assessed(watched, f"{reference}-AGAIN"), "what was sent again is not read", SEEN_SECONDS)


@contextmanager
def _damaged(watched: Watched, how: Damage) -> Iterator[tuple[str, Callable[[], None]]]:
    """One event on one partition of intake's topic cannot be read. The others' are; readiness and lag tell the truth."""
    reference = f"OURS-{time.monotonic_ns()}"
    readers = [watched.stack.service(name).pid for name in READERS]
    for reader in readers:
        os.kill(reader, signal.SIGSTOP)
    try:
        time.sleep(AT_REST_SECONDS)  # the fetches that were under way come back empty
        send(watched, referral(reference))
        partition, offset = _published(watched, reference)
        mend = damage(_data(watched), INTAKE_REFERRALS.name(), partition, offset, how)
    finally:
        for reader in readers:
            os.kill(reader, signal.SIGCONT)
    try:
        behind, beside = _send_until_both(watched, reference, partition)
        until(lambda: all(assessed(watched, each) for each in beside), "other partitions wait, too", SEEN_SECONDS)
        late = 'max(conduit_lag_seconds{service="triage",topic="intake.referrals.v1"}) > 5'
        watched.watch.prometheus.wait(late, SEEN_SECONDS)
        ready = 'min(conduit_ready{service=~"triage|notification"}) == 1'
        assert watched.watch.query(ready), "the others go on, so both are ready"
        assert not any(assessed(watched, each) for each in (reference, *behind))
        yield reference, mend
        until(lambda: all(assessed(watched, each) for each in behind), "what stands behind it is not read", SEEN_SECONDS)
        _nothing_is_late(watched, "intake.referrals.v1")
    finally:
        mend()


def _send_until_both(watched: Watched, run: str, partition: int) -> tuple[list[str], list[str]]:
    """Referrals whose events come to that partition, and such as come to others."""
    behind: list[str] = []
    beside: list[str] = []
    while not (behind and beside):
        number = len(behind) + len(beside)
        assert number < 60, "a partition gets nothing"
        reference = f"{run}-{number}"
        send(watched, referral(reference))
        key = referral_id(watched, reference).encode()
        (behind if partition_of(key, INTAKE_REFERRALS.partitions) == partition else beside).append(reference)
    return behind, beside


def _nothing_is_late(watched: Watched, topic: str) -> None:
    """Every service is ready, and says what its lag on the topic is; nothing waits there, once each has asked again."""
    watched.seen()
    watched.watch.prometheus.wait(f'max(conduit_lag_seconds{{topic="{topic}"}}) < 5', SEEN_SECONDS)
    watched.watch.prometheus.wait("min(conduit_ready) == 1", SEEN_SECONDS)


def _spoil(watched: Watched, wires: list[Wire]) -> None:
    """Each in a batch of its own, damaged while its transaction hides it from readers: there it is never seen whole."""
    options = {**watched.stack.broker.librdkafka(ADMIN), "transactional.id": "tests.spoiler", "log_level": 0}
    producer = Producer(options)
    producer.init_transactions(SEEN_SECONDS)
    producer.begin_transaction()
    for wire, how in zip(wires, DAMAGES.values(), strict=True):
        sent = produce(producer, wire)
        partition, offset = sent.partition(), sent.offset()
        assert partition is not None
        assert offset is not None
        damage(_data(watched), wire.topic, partition, offset, how)
    producer.commit_transaction(SEEN_SECONDS)


def _data(watched: Watched) -> Path:
    return watched.stack.state_dir / "kafka" / "data"


def _published(watched: Watched, reference: str) -> tuple[int, int]:
    """Where intake's event of a referral stands."""
    key = referral_id(watched, reference).encode()
    place = TopicPartition(INTAKE_REFERRALS.name(), partition_of(key, INTAKE_REFERRALS.partitions))
    options = {"group.id": "operator.tests", "enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0}
    consumer = Consumer({**watched.stack.broker.librdkafka(ADMIN), **options})
    try:
        low, high = consumer.get_watermark_offsets(place, SEEN_SECONDS)
        consumer.assign([TopicPartition(place.topic, place.partition, max(low, high - 1))])
        deadline = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and message.error() is None and message.key() == key:
                offset = message.offset()
                assert offset is not None
                return place.partition, offset
        raise AssertionError(f"intake says nothing of {reference}")
    finally:
        consumer.close()


def _is_told(watched: Watched, count: int) -> None:
    """The partner has an update for each of its batches that could not be read."""
    who = f"partner.{PARTNER}"
    options = {"group.id": f"{who}.desk", "enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0}
    consumer = Consumer({**watched.stack.broker.librdkafka(who), **options})
    told = 0
    deadline = time.monotonic() + SEEN_SECONDS
    try:
        consumer.subscribe([PARTNER_UPDATES.name(PARTNER)])
        while told < count:
            assert time.monotonic() < deadline, f"the partner heard of {told} batches"
            message = consumer.poll(1)
            if message is not None and message.error() is None and b"batch_unreadable" in (message.value() or b""):
                told += 1
    finally:
        consumer.close()
