"""The registers of people as they stand on their topics with what was ordered of them, and changes to them.

The programme's service writes them, by orders. What is taken from somebody is written here as well, on a topic that gives
nothing to anybody: it holds while that service is down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Message

from conduit_chassis.people import REGISTERS, PeopleBook
from conduit_contracts import topics
from conduit_contracts.entry import entry_problems
from conduit_contracts.envelope import decode, encode
from conduit_contracts.programme import ACTOR_HEADER, OrderRefused, PersonRegistered, RightsRevoked
from conduit_contracts.registering_people import (
    ACCOUNT_TAKEN,
    PERSON_ORDERS,
    SIGN_IN_TAKEN,
    PersonOrder,
    claimed,
    organisation_of,
    person_after,
    person_of,
    with_rights_left,
)
from conduit_operate.access import REGISTRAR
from conduit_operate.broker import Broker
from conduit_operate.onboarding import MisuseError, UnknownError
from conduit_operate.orders import PlacedOrders, attributes_now, behind, order_in, refuse_wrong, send
from conduit_operate.register import ToWrite, read_from, write_records

_ANSWERED_ON = (*REGISTERS, topics.REGISTER_ANSWERS)
_READ = (topics.PEOPLE_COMMANDS, topics.REVOCATIONS, *_ANSWERED_ON)
_ORDERS = {order.type: order for order in PERSON_ORDERS}
_REFUSED = {OrderRefused.type: OrderRefused}


@dataclass(slots=True)
class OrderedPeople:
    """Both registers, what was revoked, and what was ordered."""

    book: PeopleBook = field(default_factory=PeopleBook)
    orders: list[tuple[str, PersonOrder]] = field(default_factory=list)
    """All that the topic still has, in the order in which they were given."""
    last: dict[str, str] = field(default_factory=dict)
    """By person, the last order that was carried out, as the register says."""
    refused: set[str] = field(default_factory=set)

    def take(self, message: Message) -> None:
        """The next record. An order that cannot be read is the programme's service's to put aside."""
        topic, key = message.topic() or "", _key(message)
        headers: Any = message.headers() or []
        value: Any = message.value()
        if topic in _BOOKS:
            self.book.take(topic, key.encode(), headers, value)
            if topic != topics.REVOCATIONS.name():
                self.last[key] = order_in(message)
            return
        try:
            attributes, found = decode(headers, value, {**_ORDERS, **_REFUSED})
        except Exception:  # whatever a decoder raises costs this record
            return
        if isinstance(found, OrderRefused):
            self.refused.add(found.order_id)
        elif isinstance(found, PERSON_ORDERS):
            self.orders.append((attributes.id, found))

    def entries(self) -> dict[str, PersonRegistered]:
        """Who will stand in the registers once what waits is carried out, by id, whatever was revoked."""
        people = {each.person_id: each for each in self.book.entries()}
        waiting = self._waiting()
        for order_id, order in self.orders:
            person_id = person_of(order)
            if order_id not in waiting:
                continue
            done = person_after(order, people.get(person_id), people.values())
            if done.entry is not None:
                people[person_id] = done.entry
            elif not done.problems:
                people.pop(person_id, None)
        return people

    def everybody(self) -> list[PersonRegistered]:
        """Who will stand in the registers then, with what is left to them."""
        people = ((each, self.book.revoked.get(each.person_id)) for each in self.entries().values())
        return [left for each, revoked in people if (left := with_rights_left(each, revoked)) is not None]

    def _waiting(self) -> set[str]:
        given: dict[str, list[tuple[str, PersonOrder]]] = {}
        for order_id, order in self.orders:
            given.setdefault(person_of(order), []).append((order_id, order))
        waiting = (behind(theirs, self.last.get(person_id, "")) for person_id, theirs in given.items())
        return {order_id for theirs in waiting for order_id, _ in theirs} - self.refused


_BOOKS = {topic.name() for topic in (*REGISTERS, topics.REVOCATIONS)}


def read_people(broker: Broker) -> OrderedPeople:
    """Everybody in the registers as they stand now, and what was ordered of them.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
        TimeoutError: Kafka does not answer.
    """
    found = OrderedPeople()
    read_from(broker, _READ, found.take)
    return found


def place_people(
    broker: Broker, orders: Iterable[PersonOrder], *, actor: str, revoked: Iterable[RightsRevoked] = ()
) -> PlacedOrders:
    """Have these on their topic, and before them what is revoked: that holds whether or not the orders are carried out.

    Raises:
        RegisterError: one is not; those before it may be. None is where an entry does not meet the rules of entry.
    """
    orders = list(orders)
    for order in orders:
        refuse_wrong(entry_problems(order))
    records = []
    for each in revoked:
        headers, value = encode(each, attributes_now(each.type))
        headers = [*headers, (ACTOR_HEADER, actor.encode())]
        records.append(ToWrite(topics.REVOCATIONS, each.person_id, value, headers))
    write_records(broker, REGISTRAR, records, "nothing was revoked, and nothing ordered")
    return send(broker, topics.PEOPLE_COMMANDS, _ANSWERED_ON, [(person_of(each), each) for each in orders])


def known(people: OrderedPeople, person_id: str) -> PersonRegistered:
    """The person of this id. Raises UnknownError where there is none."""
    found = people.entries().get(person_id)
    revoked = people.book.revoked.get(person_id)
    if found is None or (revoked is not None and revoked.removed):
        raise UnknownError(f"there is no {person_id} in the registers; `conduit person list` lists everybody")
    return found


def check_new(people: OrderedPeople, person: PersonRegistered) -> None:
    """Raises MisuseError where this person may not be added: the sign-in is taken, or the issuer is somebody else's."""
    for code, each in claimed(person, people.entries().values()):
        if code == SIGN_IN_TAKEN:
            raise MisuseError(f"{each.person_id} has this sign-in already; change it, or remove it first")
        if code == ACCOUNT_TAKEN:
            raise MisuseError(f"{each.person_id} has this officer id already")
        raise MisuseError(
            f"{person.issuer} vouches for people of {organisation_of(each)}, so it cannot vouch for those of "
            f"{organisation_of(person)}: an issuer has one organisation. Have the provider give each its own"
        )


def _key(message: Message) -> str:
    key: Any = message.key()
    return key.decode("ascii", "replace") if isinstance(key, bytes) else key or ""
