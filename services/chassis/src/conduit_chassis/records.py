"""What a handler receives, and how a record becomes it. Nothing here waits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel

from conduit_chassis import orders
from conduit_chassis.signed import Signed, Verifier, trusting_nobody
from conduit_contracts import danger
from conduit_contracts.envelope import Attributes, Message, Undecodable, decode
from conduit_contracts.kits.batches import UnreadableBatch
from conduit_contracts.problems import Origin, Problem, sender_problem
from conduit_contracts.signature import SignatureRefusedError
from conduit_contracts.topic import DUTY, REFERRAL, REGISTRAR
from conduit_contracts.topics import Topic, replay_topic

M = TypeVar("M", bound=BaseModel)
Headers: TypeAlias = Sequence[tuple[str, bytes | None]]

REPLAY_HEADER = "conduit-replay-of"
"""Marks what releases before 0.2 sent again to the topic that it came from: on ours, such a record is accounted for."""
BATCH_UNREADABLE = "batch_unreadable"
_PARTNER = re.compile(rb'"partner_id"\s*:\s*"([a-z0-9-]{1,63})"')
_OTHERS = tuple(re.compile(rb'"%s"\s*:\s*"([A-Za-z0-9._-]{1,100})"' % name) for name in (b"force_id", b"officer_id"))
_AUDIENCE = re.compile(rb'"audience"\s*:\s*"(?:partner|force):([a-z0-9-]{1,63})"')
_BY_HAND = {REGISTRAR, DUTY}
"""Writers who are people with the `conduit` command."""
_UNREADABLE = Problem(
    code="unreadable", field="value", message="The record cannot be read.", origin=Origin.SENDER, retryable=False
)


class Record(NamedTuple):
    """A record as it lies on the topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers
    value: bytes | None
    """An `UnreadableBatch` where this stands for all records of a batch that cannot be read, at the offset of the last."""
    timestamp_ms: int
    replay: orders.Replay | None = None
    """The order that brought it back, where it was a dead letter."""

    @property
    def timestamp(self) -> datetime:
        """When it was written, by the broker's clock: every topic of the registry is stamped so."""
        return datetime.fromtimestamp(self.timestamp_ms / 1000, UTC)

    @property
    def first_offset(self) -> int:
        """Its own offset, or that of the first record for which it stands."""
        return self.value.first if isinstance(self.value, UnreadableBatch) else self.offset


def says_danger(record: Record) -> bool:
    """Whether it plainly says that a child is in danger now. What cannot be read says nothing plainly."""
    return not isinstance(record.value, UnreadableBatch) and danger.plainly(record.value)


def named_partner(record: Record) -> str | None:
    """The partner that one of our own services' events is about, where it plainly says so. Good enough to take turns by."""
    if record.value is None or isinstance(record.value, UnreadableBatch):
        return None
    found = _PARTNER.search(record.value)
    return found[1].decode("ascii") if found else None


def named_in(record: Record) -> str:
    """Who stands in one of our own services' events: the partner that it is about, wherever in it that stands, otherwise the
    force or the officer. "" where it names nobody.

    Text cannot name anybody: the quotes in it are escaped.
    """
    if record.value is None or isinstance(record.value, UnreadableBatch):
        return ""
    for pattern in (_PARTNER, *_OTHERS, _AUDIENCE):
        if found := pattern.search(record.value):
            return found[1].decode("ascii")
    return ""


def from_aiokafka(raw: Any) -> Record:
    """One of aiokafka's records."""
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.headers, raw.value, raw.timestamp)


@dataclass(slots=True)
class Delivery(Generic[M]):
    """A record that could be read. `principal` is the partner or force that wrote it, "" within the hub."""

    message: M
    attributes: Attributes
    record: Record
    principal: str
    topic: Topic
    signed: Signed | None = None
    """Who stands for it, on a topic that asks for a signature."""


@dataclass(slots=True)
class Refusal:
    """A record from an edge topic that cannot be read; its sender is to be told. The problems hold no value from it."""

    problems: tuple[Problem, ...]
    record: Record
    principal: str
    topic: Topic
    attributes: Attributes | None = None


Incoming: TypeAlias = Delivery[Any] | Refusal


@dataclass(slots=True)
class Item:
    """A record on its way through the chassis."""

    content: Incoming
    inbox_id: str
    lane: bytes | None
    """What orders it: records of a lane wait behind that lane's dead letters. None waits behind nothing."""

    @property
    def record(self) -> Record:
        """The record itself."""
        return self.content.record

    @property
    def batch(self) -> UnreadableBatch | None:
        """The batch that cannot be read and that this stands for."""
        value = self.record.value
        return value if isinstance(value, UnreadableBatch) else None

    @property
    def replay_of(self) -> int | None:
        """The dead letter that this brings back."""
        replay = self.record.replay
        return replay.number if replay is not None else None

    @property
    def blamed(self) -> str:
        """Whose doing it is where it fails: the partner or force that wrote it, the topic where many write, or whom one of
        our own services' events names. "" where nobody else's record leads here."""
        content = self.content
        if is_others(content.topic) or self.batch is not None:
            return content.principal or content.topic.template
        return named_in(content.record)

    @property
    def accounted_for(self) -> bool:
        """Whether its original came before it, so that it matters only to a dead letter that waits.

        At the edges anybody can write the header, so there it proves nothing.
        """
        return self.replay_of is not None or (not self.content.topic.edge and _sent_again(self.record))

    @property
    def unreadable(self) -> bool:
        """Whether nobody can be told but the operator: it came from within the hub and cannot be read."""
        return isinstance(self.content, Refusal) and not self.content.topic.edge and not self.empties

    @property
    def empties(self) -> bool:
        """Whether it says that nothing stands any more under its key of a register. The service takes it as a Refusal."""
        return self.content.topic.compacted and self.record.value is None


def is_others(topic: Topic) -> bool:
    """Whether somebody else than our services writes there: partners, forces, officers, or whoever keeps a register."""
    return topic.edge or not _BY_HAND.isdisjoint(topic.producers)


def _batch_problem(batch: UnreadableBatch) -> Problem:
    return sender_problem(
        BATCH_UNREADABLE,
        "value",
        f"The records at the offsets {batch.first} to {batch.last} cannot be read, so they have no effect: their batch "
        "is damaged, or too large once unpacked. If one of them says that a child is in danger, call 999 now. Send each of "
        "them again with a new ce_id, in smaller batches, either uncompressed or compressed with gzip, snappy, lz4 or zstd.",
    )


class _Source(NamedTuple):
    topic: Topic
    principal: str
    accept: Mapping[str, type[BaseModel]]


class Reader:
    """Turns records into items, by what the registry says of their topics."""

    def __init__(
        self,
        service: str,
        topics: Sequence[Topic],
        readers: Mapping[str, type[BaseModel]],
        verifier: Verifier | None = None,
    ) -> None:
        self._verifier = verifier or trusting_nobody()
        self._replays = replay_topic(service)
        self._topics = topics
        self._readers = readers
        self._sources: dict[str, _Source] = {}

    @property
    def pattern(self) -> str:
        """One anchored regular expression over all the topics."""
        return "|".join(topic.pattern for topic in (*self._topics, self._replays))

    @property
    def templates(self) -> list[str]:
        """The registry's names of all the topics."""
        return [topic.template for topic in (*self._topics, self._replays)]

    def template(self, name: str) -> str:
        """The registry's name for a topic, which is what metrics may show."""
        return name if self.orders(name) else self._source(name).topic.template

    def orders(self, name: str) -> bool:
        """Whether it is where operators order replays."""
        return name == self._replays.template

    def reads(self, name: str) -> bool:
        """Whether it is a topic of this service's. One of an earlier release may be no more."""
        return any(topic.match(name) is not None for topic in self._topics)

    def edge(self, name: str) -> bool:
        """Whether outsiders write on this topic."""
        return self._source(name).topic.edge

    def sender(self, record: Record) -> str | None:
        """Whose a record is, to take turns by: its topic where it is one sender's, or the partner that it plainly names."""
        if self.orders(record.topic):
            return None
        return record.topic if self._source(record.topic).topic.parameter else named_partner(record)

    def writer(self, name: str) -> str:
        """Who writes on a topic from outside: a partner, a force, or many under the topic's own name; "" for one of ours."""
        for topic in self._topics:
            if is_others(topic) and (principal := topic.match(name)) is not None:
                return principal or topic.template
        return ""

    def read(self, record: Record) -> Item:
        """Decode one record. Whatever it holds, this returns."""
        topic, principal, accept = self._source(record.topic)
        if isinstance(record.value, UnreadableBatch):
            return self._item(Refusal((_batch_problem(record.value),), record, principal, topic))
        try:
            again = record.replay is not None
            attributes, message = decode(
                record.headers, record.value, accept, closed=topic.edge, again=again, recorded_at=record.timestamp
            )
        except Undecodable as error:
            return self._item(Refusal(error.problems, record, principal, topic, error.attributes))
        except Exception:  # a decoder's fault must cost one record, not the partition
            return self._item(Refusal((_UNREADABLE,), record, principal, topic))
        if topic.signed:
            return self._item(self._signed(Delivery(message, attributes, record, principal, topic)))
        return self._item(Delivery(message, attributes, record, principal, topic))

    def _signed(self, delivery: Delivery[Any]) -> Incoming:
        record = delivery.record
        try:
            delivery.signed = self._verifier.verify(delivery.message, delivery.attributes, record)
        except SignatureRefusedError as error:
            return Refusal((error.problem(),), record, delivery.principal, delivery.topic, delivery.attributes)
        return delivery

    def _item(self, content: Incoming) -> Item:
        return Item(content, _inbox_id(content), _lane(content))

    def _source(self, name: str) -> _Source:
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = self._resolve(name)
        return source

    def _resolve(self, name: str) -> _Source:
        for topic in self._topics:
            principal = topic.match(name)
            if principal is not None:
                return _Source(topic, principal, {m.type: self._readers.get(m.type, m) for m in topic.messages})
        raise LookupError(f"no topic of this service is named {name}")


def _sent_again(record: Record) -> bool:
    return any(name == REPLAY_HEADER for name, _ in record.headers)


_LONGEST_LANE = 200


def _lane(content: Incoming) -> bytes | None:
    lane = _full_lane(content)
    # A sender chooses how long a key is, and an index takes no more than 2,704 bytes.
    return lane if lane is None or len(lane) <= _LONGEST_LANE else sha256(lane).digest()


def _full_lane(content: Incoming) -> bytes | None:
    key, topic = content.record.key, content.topic
    if key is None:
        return None
    # A partner or force chooses its keys: without its name in the lane it could park another's referral.
    if topic.parameter is not None:
        # A sender's bad record is answered, so nothing waits for it.
        return None if isinstance(content, Refusal) else content.principal.encode() + b"/" + key
    # What an officer's tool got wrong must not hold up the referral that it names.
    if topic.edge or not topic.ordered:
        return None
    # Whoever writes a register chooses its keys: it holds up itself alone, and no case that happens to have such a key.
    return key if topic.key == REFERRAL else topic.template.encode() + b"/" + key


def _inbox_id(content: Incoming) -> str:
    """The event's id between our own services, whose relay may send an event twice.

    At the edges it is the record's place: a sender that sends again wants an answer, whatever id it gives, and the service
    knows by the content what it holds already. What is signed takes effect once, wherever somebody has put a copy of it.
    """
    if isinstance(content, Delivery) and content.signed is not None:
        said = content.signed.claims
        return "signed:" + sha256("\0".join((said.topic, said.ce_id, said.value_sha256)).encode()).hexdigest()
    if isinstance(content, Refusal) or content.topic.edge:
        return _position_id(content.record)
    given = content.attributes.id
    # Our own services' ids always fit a table; a record that somebody else wrote might hold anything.
    return given if len(given) <= 100 and given.isascii() else _position_id(content.record)


def _position_id(record: Record) -> str:
    """An id for records that have none one could trust: where it lies, and what it is."""
    return f"{record.partition}:{record.offset}:{fingerprint(record).hex()[:32]}"


def fingerprint(record: Record) -> bytes:
    """SHA-256 of the record's key and value: the same for a replay of it."""
    digest = sha256()
    for part in (record.key, record.value):
        digest.update(b"-" if part is None else b"+" + len(part).to_bytes(8, "big"))
        digest.update(part or b"")
    return digest.digest()


__all__ = [
    "REPLAY_HEADER",
    "Delivery",
    "Headers",
    "Incoming",
    "Item",
    "Message",
    "Reader",
    "Record",
    "Refusal",
    "fingerprint",
]
