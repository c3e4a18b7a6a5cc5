"""The programme's registers as they stand on their compacted topics: the last record per partner or force holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from conduit_contracts import topics
from conduit_contracts.entry import entry_problems
from conduit_contracts.envelope import Attributes, decode, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import ForceRegistered, PartnerRegistered
from conduit_contracts.topic import Topic
from conduit_operate.access import REGISTRAR
from conduit_operate.broker import Broker
from conduit_operate.health import must_answer
from conduit_operate.leaders import watermarks

Entry: TypeAlias = PartnerRegistered | ForceRegistered
SECONDS = 30.0
ACTOR_HEADER = "conduit-actor"
"""Who had it published; why, the audit says."""

_TOPICS = (topics.PARTNERS, topics.FORCES)
_NOT_THERE = (KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_MADE_BY = "It is made by `conduit up`, or on servers that exist already by `python -m conduit_operate.setup`"
_MODELS: Mapping[str, type[Entry]] = {model.type: model for model in (PartnerRegistered, ForceRegistered)}


class RegisterError(RuntimeError):
    """A register cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of a register that cannot be read, and that no later one of its key has replaced."""

    topic: str
    partition: int
    offset: int
    key: str
    """Whom it would be about; "" where the key names nobody."""

    @property
    def kind(self) -> str:
        return topics.PARTNER if self.topic == topics.PARTNERS.name() else topics.FORCE

    def __str__(self) -> str:
        whose = f", of {self.kind}.{self.key}," if self.key else ""
        mend = f"; `conduit {self.kind} onboard {self.key}` replaces it" if self.key else ""
        return f"the record at {self.topic}/{self.partition}/{self.offset}{whose} cannot be read and is passed over{mend}"


@dataclass(frozen=True, slots=True)
class Registers:
    """Both registers, by partner and by force."""

    partners: dict[str, PartnerRegistered] = field(default_factory=dict)
    forces: dict[str, ForceRegistered] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    def of(self, kind: str, identity: str) -> Entry | None:
        return self.partners.get(identity) if kind == topics.PARTNER else self.forces.get(identity)

    def put(self, entry: Entry) -> None:
        if isinstance(entry, PartnerRegistered):
            self.partners[entry.partner_id] = entry
        else:
            self.forces[entry.force_id] = entry

    def take(self, message: Message) -> None:
        """The next record. One that cannot be read is reported and skipped: others must still be changed."""
        key = _key(message)
        self.unreadable[:] = [
            each for each in self.unreadable if not key or (each.topic, each.key) != (message.topic(), key)
        ]
        try:
            self.put(_entry(message))
        except Exception:  # whatever a decoder raises costs this record
            place = message.topic() or "", message.partition() or 0, message.offset() or 0
            self.unreadable.append(Unreadable(*place, key))


def key_of(entry: Entry) -> str:
    """Whom the entry is about."""
    return entry.partner_id if isinstance(entry, PartnerRegistered) else entry.force_id


def read_registers(broker: Broker) -> Registers:
    """Both registers as they stand now.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
        TimeoutError: Kafka does not answer.
    """
    consumer = register_consumer(broker)
    try:
        must_answer(consumer, broker)
        return _read(consumer)
    finally:
        consumer.close()


def register_consumer(broker: Broker) -> Consumer:
    """One that reads registers as the programme does, and belongs to no group. Close it."""
    return Consumer(
        {
            **broker.librdkafka(REGISTRAR),
            "group.id": f"{REGISTRAR}.register",  # never joined, but a consumer is not made without one
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "log_level": 0,
        }
    )


def publish(broker: Broker, entries: Iterable[Entry], *, actor: str, stood: Iterable[Entry] = ()) -> list[str]:
    """Ids of the events, once all of them are on their topics. `stood` are entries that they take the place of.

    Raises:
        RegisterError: one is not; those before it may be. None is where one does not meet the rules of entry.
    """
    entries = list(entries)
    if wrong := _wrong(entries, stood):
        raise RegisterError(f"the register was not written: {' '.join(wrong)}")
    producer = Producer({**broker.librdkafka(REGISTRAR), "acks": "all", "linger.ms": 0, "log_level": 0})
    failures: list[KafkaError] = []
    ids = [_send(producer, entry, actor, failures) for entry in entries]
    if producer.flush(SECONDS) or failures:
        raise RegisterError(f"the register was not written: {failures[0].str() if failures else 'the broker is silent'}")
    return ids


def _wrong(entries: Iterable[Entry], stood: Iterable[Entry]) -> list[str]:
    """What does not meet the rules of entry, but for what the register has already: whoever was taken before a rule
    existed must still be suspended."""
    known = {(type(entry), key_of(entry)): entry_problems(entry) for entry in stood}
    return [
        f"{problem.field}: {problem.message}"
        for entry in entries
        for problem in entry_problems(entry)
        if problem not in known.get((type(entry), key_of(entry)), ())
    ]


def _read(consumer: Consumer) -> Registers:
    registers = Registers()
    read_whole(consumer, _TOPICS, registers.take)
    return registers


def read_whole(consumer: Consumer, read: Iterable[Topic], take: Callable[[Message], None]) -> None:
    """Give each record of these topics to `take`, to their ends.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
    """
    # Where each begins is asked first: a consumer that has to find out by itself waits half a second for it.
    partitions = [_begin(consumer, topic.name(), number) for topic in read for number in range(topic.partitions)]
    consumer.assign(partitions)
    ended = set[tuple[str | None, int | None]]()  # one that grows meanwhile ends again and again
    while len(ended) < len(partitions):
        message = consumer.poll(SECONDS)
        if message is None:
            raise RegisterError("the registers cannot be read: the broker is silent")
        error = message.error()
        if error is None:
            take(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add((message.topic(), message.partition()))
        else:
            raise RegisterError(f"the registers cannot be read: {error.str()}")


def _begin(consumer: Consumer, topic: str, number: int) -> TopicPartition:
    try:
        return TopicPartition(topic, number, watermarks(consumer, topic, number)[0])
    except KafkaException as error:
        found = error.args[0]
        mend = _MADE_BY if found.code() in _NOT_THERE else "See that its brokers run, and come again"
        raise RegisterError(f"{topic} cannot be read ({found.str()}). {mend}") from None


def _key(message: Message) -> str:
    """Whom a record is about, by its key. Only a name can be shown, and can be replaced."""
    raw: Any = message.key()
    key = raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw or ""
    topic = topics.PARTNER_UPDATES if message.topic() == topics.PARTNERS.name() else topics.FORCE_CASES
    try:
        topic.name(key)
    except ValueError:
        return ""
    return key


def _entry(message: Message) -> Entry:
    headers = message.headers() or []
    # Its own records are read as tolerantly as services read them: a newer version may have added a field.
    _, entry = decode(headers, message.value(), _MODELS)  # type: ignore[arg-type]  # its headers are a list of pairs
    return entry  # type: ignore[return-value]  # one of _MODELS


def _send(producer: Producer, entry: Entry, actor: str, failures: list[KafkaError]) -> str:
    attributes = Attributes(str(uuid7()), "/programme", entry.type, datetime.now(UTC))
    headers, value = encode(entry, attributes)
    topic = topics.PARTNERS if isinstance(entry, PartnerRegistered) else topics.FORCES
    producer.produce(
        topic.name(),
        value,
        key_of(entry),
        headers=[*headers, (ACTOR_HEADER, actor.encode())],
        on_delivery=lambda error, _: failures.append(error) if error else None,
    )
    return attributes.id
