"""Creates a partner's topic again with one partition, where an earlier release made it with more.

Nothing is lost: nobody writes to it while intake reads what is left. No place is used twice: the inbox, history and the
partner's own records know a record by its topic, partition and offset, so the new topic begins where the old one's first
partition ended. An intake that runs meanwhile finds its old position gone, and goes on at the new beginning.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Any

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, ResourceType

from conduit_contracts.topics import PARTNER, PARTNER_REFERRALS, TopicSpec, specs
from conduit_operate.access import Operation, Rule, rules_of, users_of
from conduit_operate.audit import By, audited, read_audit
from conduit_operate.broker import Broker
from conduit_operate.copies import wanted_here
from conduit_operate.grants import grant, granted, revoke, users
from conduit_operate.groups import group_of
from conduit_operate.health import answering
from conduit_operate.leaders import watermarks
from conduit_operate.onboarding import OnboardingError, UnknownError
from conduit_operate.secured import ADMIN
from conduit_operate.topics import create_topics

COMMAND = "topics narrow"
GROUP = group_of("intake")
TIMEOUT = 30.0
QUIET_SECONDS = 3.0
"""A record that was let in just before permissions changed is there by then."""
_BEGIN, _DRAIN = "begin topic ", "drain topic "


@dataclass(frozen=True, slots=True)
class Place:
    """Where one partition begins and ends, and up to where intake has read it."""

    low: int
    end: int
    read: int

    @property
    def drained(self) -> bool:
        return self.low == self.end or self.read >= self.end


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is to be done to one partner's topic. `start` is where an earlier attempt meant the new one to begin."""

    topic: str
    partitions: int
    writers: tuple[Rule, ...]
    missing: tuple[Rule, ...]
    start: int | None

    @property
    def subject(self) -> str:
        return f"{PARTNER}.{PARTNER_REFERRALS.match(self.topic)}"

    @property
    def needed(self) -> bool:
        """Whether the topic has more than one partition, or an earlier attempt was cut short."""
        return self.partitions > 1 or self.start is not None

    @property
    def closing(self) -> list[tuple[str, ...]]:
        return [*(("revoke", "permission", _spell(rule)) for rule in self.writers), ("drain", "topic", self.topic)]

    def making(self, start: int | None) -> list[tuple[str, ...]]:
        place = "where its first partition ended" if start is None else f"at offset {start}"
        return [
            ("remove", "topic", self.topic),
            ("make", "topic", f"{self.topic} with one partition"),
            ("begin", "topic", f"{self.topic} {place}"),
            *(("grant", "permission", _spell(rule)) for rule in (*self.writers, *self.missing)),
        ]


def plan(broker: Broker, partner_id: str) -> Narrowing:
    """What stands, and what is to be done about it.

    Raises:
        UnknownError: the partner has no topics here.
        OnboardingError: they are declared elsewhere.
    """
    admin = answering(broker)
    found = admin.list_topics(timeout=TIMEOUT).topics
    topic = PARTNER_REFERRALS.name(partner_id)
    start = _cut_short(broker, partner_id)
    if topic not in found and start is None:
        raise UnknownError(f"there is no topic {topic}; `conduit partner onboard {partner_id}` makes it")
    wanted = _writers(broker, admin, partner_id, topic)
    held = granted(admin) if broker.secured else set()
    return Narrowing(
        topic,
        len(found[topic].partitions) if topic in found else 0,
        tuple(rule for rule in wanted if rule in held),
        tuple(rule for rule in wanted if rule not in held),
        start,
    )


def narrow(broker: Broker, narrowing: Narrowing, by: By, patience: float, tell: Callable[[str], None]) -> int:
    """Carry it out; returns the offset at which the new topic begins.

    Raises:
        OnboardingError: intake has not read all that is there within `patience` seconds; the partner may write again.
    """
    if broker.declared:
        raise OnboardingError(
            f"{narrowing.topic} is declared on this cluster: pause the reconciliation of its KafkaTopic and of its "
            "partner's KafkaUsers, run this with KAFKA_DECLARED unset, apply the new manifests, and end the pause"
        )
    admin = broker.admin()
    if _finished(broker, narrowing):
        with audited(broker.state_dir, by, COMMAND, narrowing.subject, narrowing.making(narrowing.start)[3:]):
            grant(admin, narrowing.missing)
        return narrowing.start or 0
    with audited(broker.state_dir, by, COMMAND, narrowing.subject, narrowing.closing):
        revoke(admin, narrowing.writers)
        tell(f"waiting until intake has read all of {narrowing.topic}")
        try:
            start = max(narrowing.start or 0, _drained(broker, narrowing, patience))
        except BaseException:
            grant(admin, narrowing.writers)
            raise
    with audited(broker.state_dir, by, COMMAND, narrowing.subject, narrowing.making(start)):
        _make_anew(broker, admin, narrowing.topic, start)
        grant(admin, (*narrowing.writers, *narrowing.missing))
    return start


def _writers(broker: Broker, admin: AdminClient, partner_id: str, topic: str) -> list[Rule]:
    if not broker.secured:
        return []
    own = users_of(PARTNER, partner_id, users(admin))
    rules = rules_of(PARTNER, partner_id, own)
    return [rule for rule in rules if rule.name == topic and rule.operation is Operation.WRITE and rule.principal in own]


def _spell(rule: Rule) -> str:
    return f"{rule.principal} may {rule.operation} {rule.resource} {rule.name}"


def _cut_short(broker: Broker, partner_id: str) -> int | None:
    """Where an attempt that did not come to its end meant the new topic to begin."""
    start, closing = None, False
    for entry in read_audit(broker.state_dir):
        if (entry["command"], entry["subject"]) != (COMMAND, f"{PARTNER}.{partner_id}"):
            continue
        if entry["outcome"] == "begun":
            closing = any(step.startswith(_DRAIN) for step in entry["steps"])
            begin = [step for step in entry["steps"] if step.startswith(_BEGIN)]
            start = int(begin[0].rpartition(" ")[2]) if begin else start
        elif entry["outcome"] == "done" and not closing:
            start = None
    return start


def _finished(broker: Broker, narrowing: Narrowing) -> bool:
    """Whether an earlier attempt got as far as the new topic's beginning, so that only permissions are missing."""
    if narrowing.start is None or narrowing.partitions != 1:
        return False
    consumer = _consumer(broker)
    try:
        return watermarks(consumer, narrowing.topic, 0)[0] >= narrowing.start
    finally:
        consumer.close()


def _drained(broker: Broker, narrowing: Narrowing, patience: float) -> int:
    """Wait until intake has committed all that is there and nothing more comes; returns where the first partition ended."""
    if not narrowing.partitions:
        return 0
    consumer = _consumer(broker)
    until, quiet_since, before = monotonic() + patience, monotonic(), None
    try:
        while monotonic() < until:
            places = _places(consumer, narrowing)
            if places != before or not all(place.drained for place in places):
                quiet_since, before = monotonic(), places
            elif monotonic() - quiet_since >= QUIET_SECONDS:
                return places[0].end
            sleep(0.2)
    finally:
        consumer.close()
    left = sum(place.end - max(place.low, place.read) for place in before or () if not place.drained)
    raise OnboardingError(
        f"intake has not read all of {narrowing.topic} within {patience:.0f} s ({left} records are left), so nothing was "
        "changed; see that intake runs and keeps up, and come again"
    )


def _places(consumer: Consumer, narrowing: Narrowing) -> list[Place]:
    numbers = range(narrowing.partitions)
    found = consumer.committed([TopicPartition(narrowing.topic, number) for number in numbers], timeout=TIMEOUT)
    read = {each.partition: each.offset for each in found}
    return [Place(*watermarks(consumer, narrowing.topic, number), max(0, read.get(number, 0))) for number in numbers]


def _consumer(broker: Broker) -> Consumer:
    options = {"group.id": GROUP, "enable.auto.commit": False, "log_level": 0}  # its group is asked about, and never joined
    return Consumer({**broker.librdkafka(ADMIN), **options})


def _make_anew(broker: Broker, admin: AdminClient, topic: str, start: int) -> None:
    spec = next(each for each in specs((str(PARTNER_REFERRALS.match(topic)),)) if each.name == topic)
    copies = None
    there = admin.list_topics(timeout=TIMEOUT)
    standing = there.topics.get(topic)
    if standing is not None:
        wanted_here(there, os.environ)  # settings that nothing can be made with are found before anything is removed
        copies = len(standing.partitions[0].replicas)
        spec = replace(spec, config={**_set_by_hand(admin, topic), **spec.config})
        admin.delete_topics([topic], operation_timeout=TIMEOUT)[topic].result(TIMEOUT)
        _until_gone(admin, topic)
    create_topics(broker.bootstrap_servers, [_strictly(spec)], client=broker.librdkafka(ADMIN), copies=copies)
    _begin_at(broker, admin, topic, start)


def _strictly(spec: TopicSpec) -> TopicSpec:
    return replace(spec, made_with=())


def _set_by_hand(admin: AdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    found: dict[str, Any] = admin.describe_configs([resource])[resource].result(TIMEOUT)
    set_here = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return {name: each.value for name, each in found.items() if each.source == set_here and each.value is not None}


def _until_gone(admin: AdminClient, topic: str) -> None:
    until = monotonic() + TIMEOUT
    while topic in admin.list_topics(timeout=TIMEOUT).topics:
        if monotonic() > until:
            raise OnboardingError(f"{topic} was to be removed, and is still there; come again")
        sleep(0.1)


def _begin_at(broker: Broker, admin: AdminClient, topic: str, start: int) -> None:
    """Use up the offsets before `start`, by a transaction that is aborted: no reader is shown any of it."""
    if start == 0:
        return
    options = {"transactional.id": f"conduit.narrow.{topic}", "linger.ms": 5, "log_level": 0}
    producer = Producer({**broker.librdkafka(ADMIN), **options})
    producer.init_transactions(TIMEOUT)
    producer.begin_transaction()
    failures: list[KafkaError] = []
    for _ in range(start):
        _put(producer, topic, failures)
    left = producer.flush(TIMEOUT + start / 1000)
    producer.abort_transaction(TIMEOUT)
    if left or failures:
        raise OnboardingError(f"{topic} could not be made to begin at offset {start}; come again")
    everything = -1
    for future in admin.delete_records([TopicPartition(topic, 0, everything)]).values():
        future.result(TIMEOUT)


def _put(producer: Producer, topic: str, failures: list[KafkaError]) -> None:
    while True:
        try:
            producer.produce(topic, partition=0, on_delivery=lambda error, _: failures.append(error) if error else None)
        except BufferError:
            producer.poll(0.5)
        else:
            producer.poll(0)
            return


__all__ = ["COMMAND", "GROUP", "Narrowing", "narrow", "plan"]
