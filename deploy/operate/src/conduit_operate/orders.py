"""Orders for the registers of partners and forces: the programme's service carries them out, and writes the registers alone.
Those for people are in `people`, and are waited for here.

An order waits on its topic while that service is down. A suspension does not: intake heeds the order itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, decode, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import (
    ORDER_HEADER,
    ForceRegistered,
    OrderRefused,
    PartnerRegistered,
    RegisterForce,
    RegisterPartner,
    ResumePartner,
    SuspendPartner,
)
from conduit_contracts.registering import (
    ORDERS,
    RegisterEntry,
    RegisterOrder,
    RegisterSubject,
    carried_out,
    generation_in,
    subject_of,
    terms_of,
)
from conduit_contracts.registering_people import PersonOrder
from conduit_contracts.topic import Topic
from conduit_operate.access import REGISTRAR
from conduit_operate.audit import By
from conduit_operate.broker import Broker
from conduit_operate.health import must_answer
from conduit_operate.leaders import watermarks
from conduit_operate.register import (
    KINDS,
    RegisterError,
    Registers,
    ToWrite,
    key_of,
    read_from,
    register_consumer,
    write_records,
)

PATIENCE = 20.0
"""How long a command waits until it reads its own change on the register."""
_ANSWERED_ON = (*topics.REGISTER_OF.values(), topics.REGISTER_ANSWERS)
_ORDERS = {order.type: order for order in ORDERS}
_REFUSED = {OrderRefused.type: OrderRefused}

OrderT = TypeVar("OrderT")


@dataclass(frozen=True, slots=True)
class PlacedOrders:
    """Orders that are on their topic, and where the answers to them begin."""

    ids: tuple[str, ...] = ()
    begins: tuple[TopicPartition, ...] = ()


@dataclass(slots=True)
class OrderBook:
    """All orders that the topic still has, and what is known of what became of them."""

    orders: dict[RegisterSubject, list[tuple[str, RegisterOrder]]] = field(default_factory=dict)
    last: dict[RegisterSubject, str] = field(default_factory=dict)
    """The last one of each that was carried out, as its register says."""
    refused: set[str] = field(default_factory=set)

    def take(self, message: Message) -> None:
        """The next record. One that cannot be read is the programme's service's to put aside."""
        kind = KINDS.get(message.topic() or "")
        if kind is not None:
            self.last[RegisterSubject(kind, key_of(message))] = order_in(message)
            return
        try:
            headers: Any = message.headers() or []
            attributes, found = decode(headers, message.value(), {**_ORDERS, **_REFUSED})
        except Exception:  # whatever a decoder raises costs this record
            return
        if isinstance(found, OrderRefused):
            self.refused.add(found.order_id)
        elif isinstance(found, ORDERS):
            self.orders.setdefault(subject_of(found), []).append((attributes.id, found))

    def after(self, subject: RegisterSubject, standing: RegisterEntry | None) -> RegisterEntry | None:
        """What will stand once what waits is carried out."""
        entry = standing
        for order_id, order in behind(self.orders.get(subject, []), self.last.get(subject, "")):
            if order_id not in self.refused:
                entry = carried_out(order, entry).entry
        return entry

    def newest(self, subject: RegisterSubject) -> int:
        """The highest number of a user that any order wrote down, whatever became of it; 0 where none did."""
        return max((generation_in(order) or 0 for _, order in self.orders.get(subject, [])), default=0)


def behind(given: Sequence[tuple[str, OrderT]], order_id: str) -> Sequence[tuple[str, OrderT]]:
    """Those after this one; all of them where it is not among them any more, so that they came later."""
    places = [place for place, (each, _) in enumerate(given) if each == order_id]
    return given[places[-1] + 1 :] if places else given


def read_with_orders(broker: Broker) -> tuple[Registers, OrderBook]:
    """Both registers as they stand now, and what was ordered of them.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
        TimeoutError: Kafka does not answer.
    """
    registers, book = Registers(), OrderBook()

    def take(message: Message) -> None:
        if message.topic() in KINDS:
            registers.take(message)
        book.take(message)

    read_from(broker, (topics.REGISTER_COMMANDS, *_ANSWERED_ON), take)
    return registers, book


def orders_for(entry: RegisterEntry, stood: RegisterEntry | None, by: By) -> Iterator[RegisterOrder]:
    """What has to be ordered so that this entry takes the place of that one. Suspensions come first, and on their own."""
    said: dict[str, Any] = {"ordered_by": by.actor, "reason": by.reason}
    if isinstance(entry, ForceRegistered):
        yield RegisterForce(entry=entry, stood=stood if isinstance(stood, ForceRegistered) else None, **said)
        return
    before = stood if isinstance(stood, PartnerRegistered) else None
    if before is None and not _is_shut_out(entry):
        yield RegisterPartner(entry=entry, **said)
        return
    about: dict[str, Any] = {"partner_id": entry.partner_id, "generation": entry.generation, "stood": before, **said}
    stops, lifts = _suspended_in(entry, before), _suspended_in(before, entry)
    if stops:
        yield SuspendPartner(**about, **stops)
    if lifts:
        yield ResumePartner(**about, **lifts)
    if before is not None and (terms_of(entry) != terms_of(before) or not (stops or lifts)):
        yield RegisterPartner(entry=entry, stood=before, **said)


def _is_shut_out(entry: PartnerRegistered) -> bool:
    """Whether it says no more than that nothing is accepted, as of somebody whose entry cannot be read."""
    return entry.suspended and entry.name == entry.partner_id and not entry.mous


def suspends(entry: RegisterEntry, stood: RegisterEntry | None) -> bool:
    """Whether something is suspended in this entry that is not in that one."""
    before = stood if isinstance(stood, PartnerRegistered) else None
    return isinstance(entry, PartnerRegistered) and bool(_suspended_in(entry, before))


def _suspended_in(entry: PartnerRegistered | None, other: PartnerRegistered | None) -> dict[str, Any]:
    """What is suspended in one and not in the other; empty where nothing is."""
    if entry is None:
        return {}
    known = {mou.reference for mou in other.mous if mou.suspended} if other else set()
    mous = tuple(mou.reference for mou in entry.mous if mou.suspended and mou.reference not in known)
    wholly = entry.suspended and not (other and other.suspended)
    return {"wholly": wholly, "mous": mous} if wholly or mous else {}


def place(broker: Broker, orders: Iterable[RegisterOrder]) -> PlacedOrders:
    """Have these on the topic, in this order. None is where one would be refused for what its entry holds.

    Raises:
        RegisterError: they are not there; those before one that is not may be.
    """
    orders = list(orders)
    for order in orders:
        if isinstance(order, RegisterPartner | RegisterForce):
            refuse_wrong(carried_out(order, order.stood).problems)
    return send(broker, topics.REGISTER_COMMANDS, _ANSWERED_ON, [(subject_of(each).identity, each) for each in orders])


def send(
    broker: Broker, topic: Topic, answered_on: Collection[Topic], orders: Iterable[tuple[str, RegisterOrder | PersonOrder]]
) -> PlacedOrders:
    """Have these on their topic, each with its key, to be waited for on the others."""
    begins = ends(broker, answered_on)
    ids, records = [], []
    for key, order in orders:
        attributes = attributes_now(order.type)
        headers, value = encode(order, attributes)
        ids.append(attributes.id)
        records.append(ToWrite(topic, key, value, headers))
    write_records(broker, REGISTRAR, records, "it was not ordered")
    return PlacedOrders(tuple(ids), begins)


def attributes_now(kind: str) -> Attributes:
    """Those of a record of this type that is written at this moment."""
    return Attributes(str(uuid7()), "/programme", kind, datetime.now(UTC))


def refuse_wrong(problems: Iterable[Any]) -> None:
    """Raises RegisterError with each field and what is wrong with it, where anything is."""
    if said := [f"{problem.field}: {problem.message}" for problem in problems]:
        raise RegisterError(f"the register was not changed: {' '.join(said)}")


def unanswered(broker: Broker, placed: PlacedOrders, patience: float | None = None) -> PlacedOrders:
    """Those that neither stand on a register nor were refused after so many seconds. They stand, and are carried out later.

    Raises:
        RegisterError: one was refused; the text names the fields. Or the registers cannot be read.
    """
    if not placed.ids:
        return placed
    until = monotonic() + (PATIENCE if patience is None else patience)
    consumer, waiting = register_consumer(broker), set(placed.ids)
    try:
        consumer.assign(list(placed.begins))
        while waiting and (left := until - monotonic()) > 0:
            message = consumer.poll(min(left, 1.0))
            if message is None:
                continue
            error = message.error()
            if error is None:
                waiting.discard(_answers(message, waiting))
            elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise RegisterError(f"it is ordered, but the registers cannot be read: {error.str()}")
            # Whatever else is wrong with a broker passes, or the patience does.
    finally:
        consumer.close()
    return replace(placed, ids=tuple(each for each in placed.ids if each in waiting))


def _answers(message: Message, waiting: Iterable[str]) -> str:
    """Which order a record answers."""
    if message.topic() != topics.REGISTER_ANSWERS.name():
        return order_in(message)
    headers: Any = message.headers() or []
    _, told = decode(headers, message.value(), _REFUSED)
    if isinstance(told, OrderRefused) and told.order_id in waiting:
        refuse_wrong(told.problems)
    return ""


def ends(broker: Broker, answered_on: Collection[Topic]) -> tuple[TopicPartition, ...]:
    """Where registers, and the answers to orders, end now."""
    consumer: Consumer = register_consumer(broker)
    try:
        must_answer(consumer, broker)
        places = [(topic.name(), number) for topic in answered_on for number in range(topic.partitions)]
        return tuple(TopicPartition(name, number, watermarks(consumer, name, number)[1]) for name, number in places)
    finally:
        consumer.close()


def order_in(message: Message) -> str:
    """The order that a register's record names; "" where it names none."""
    headers: Any = message.headers() or []
    found = [value for each, value in headers if each == ORDER_HEADER]
    return found[-1].decode("utf-8", "replace") if found and isinstance(found[-1], bytes) else ""
