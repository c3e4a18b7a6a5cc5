"""The programme's registers as they stand on their compacted topics: the last record per partner or force holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from conduit_contracts import topics
from conduit_contracts.envelope import decode
from conduit_contracts.programme import ForceRegistered, PartnerRegistered
from conduit_contracts.registering import RegisterEntry
from conduit_contracts.topic import Topic
from conduit_operate.access import REGISTRAR
from conduit_operate.broker import Broker
from conduit_operate.health import must_answer
from conduit_operate.leaders import watermarks

SECONDS = 30.0

KINDS = {topic.name(): kind for kind, topic in topics.REGISTER_OF.items()}
"""Of what kind of organisation a topic is the register."""
_NOT_THERE = (KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_MADE_BY = "It is made by `conduit up`, or on servers that exist already by `python -m conduit_operate.setup`"
_MODELS: Mapping[str, type[RegisterEntry]] = {model.type: model for model in (PartnerRegistered, ForceRegistered)}


class RegisterError(RuntimeError):
    """A register cannot be read or changed."""


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
        return KINDS[self.topic]

    def __str__(self) -> str:
        whose = f", of {self.kind}.{self.key}," if self.key else ""
        mend = f"; `conduit {self.kind} onboard {self.key}` replaces it" if self.key else ""
        return f"the record at {self.topic}/{self.partition}/{self.offset}{whose} cannot be read and is passed over{mend}"


class ToWrite(NamedTuple):
    """A record to be written."""

    topic: Topic
    key: str
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Registers:
    """Both registers, by partner and by force."""

    partners: dict[str, PartnerRegistered] = field(default_factory=dict)
    forces: dict[str, ForceRegistered] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    def of(self, kind: str, identity: str) -> RegisterEntry | None:
        return self.partners.get(identity) if kind == topics.PARTNER else self.forces.get(identity)

    def put(self, entry: RegisterEntry) -> None:
        if isinstance(entry, PartnerRegistered):
            self.partners[entry.partner_id] = entry
        else:
            self.forces[entry.force_id] = entry

    def take(self, message: Message) -> None:
        """The next record. One that cannot be read is reported and skipped: others must still be changed."""
        key = key_of(message)
        self.unreadable[:] = [
            each for each in self.unreadable if not key or (each.topic, each.key) != (message.topic(), key)
        ]
        try:
            self.put(_entry(message))
        except Exception:  # whatever a decoder raises costs this record
            place = message.topic() or "", message.partition() or 0, message.offset() or 0
            self.unreadable.append(Unreadable(*place, key))


def read_registers(broker: Broker) -> Registers:
    """Both registers as they stand now.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
        TimeoutError: Kafka does not answer.
    """
    registers = Registers()
    read_from(broker, topics.REGISTER_OF.values(), registers.take)
    return registers


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


def read_from(broker: Broker, read: Iterable[Topic], take: Callable[[Message], None]) -> None:
    """Give each record of these topics to `take`, to their ends.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
        TimeoutError: Kafka does not answer.
    """
    consumer = register_consumer(broker)
    try:
        must_answer(consumer, broker)
        read_whole(consumer, read, take)
    finally:
        consumer.close()


def read_whole(consumer: Consumer, read: Iterable[Topic], take: Callable[[Message], None]) -> None:
    """As `read_from`, with a consumer that the caller closes."""
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


def write_records(broker: Broker, user: str, records: Iterable[ToWrite], otherwise: str) -> None:
    """Returns once all of these are on their topics, as this user of Kafka.

    Raises:
        RegisterError: one is not, and the text begins with `otherwise`; those before it may be.
    """
    records = list(records)
    if not records:
        return
    producer = Producer({**broker.librdkafka(user), "acks": "all", "linger.ms": 0, "log_level": 0})
    failures: list[KafkaError] = []
    for each in records:
        producer.produce(
            each.topic.name(),
            each.value,
            each.key,
            headers=list(each.headers),
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    if producer.flush(SECONDS) or failures:
        raise RegisterError(f"{otherwise}: {failures[0].str() if failures else 'the broker is silent'}")


def key_of(message: Message) -> str:
    """Whom a record is about, by its key; "" where it names nobody. Only a name can be shown, and can be replaced."""
    raw: Any = message.key()
    key = raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw or ""
    topic = topics.PARTNER_UPDATES if KINDS.get(message.topic() or "") == topics.PARTNER else topics.FORCE_CASES
    try:
        topic.name(key)
    except ValueError:
        return ""
    return key


def _entry(message: Message) -> RegisterEntry:
    headers = message.headers() or []
    # Its own records are read as tolerantly as services read them: a newer version may have added a field.
    _, entry = decode(headers, message.value(), _MODELS)  # type: ignore[arg-type]  # its headers are a list of pairs
    return entry  # type: ignore[return-value]  # one of _MODELS
