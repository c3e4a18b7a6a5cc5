"""The registers of people as they stand on their topics, and changes to them.

An issuer vouches for the people of one organisation: no provider of a partner can be given the hub's people, by mistake or
otherwise, since whoever holds that provider could then come in as them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Message

from conduit_chassis.people import REGISTERS, PeopleBook
from conduit_contracts import topics
from conduit_contracts.entry import entry_problems
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import ACTOR_HEADER, ForcePersonRegistered, HubPersonRegistered, PersonRegistered
from conduit_operate.access import REGISTRAR
from conduit_operate.broker import Broker
from conduit_operate.onboarding import MisuseError, UnknownError
from conduit_operate.register import RegisterError, ToWrite, read_from, write_records

HUB = "hub"
_NOT_WRITTEN = "the register was not written"


def read_people(broker: Broker) -> PeopleBook:
    """Everybody in the registers as they stand now.

    Raises:
        RegisterError: the topics are not there, or cannot be read to their end.
        TimeoutError: Kafka does not answer.
    """
    book = PeopleBook()
    read_from(broker, REGISTERS, lambda message: _take(book, message))
    return book


def publish_people(broker: Broker, people: Iterable[PersonRegistered], *, actor: str) -> None:
    """Returns once all of them are on their topics.

    Raises:
        RegisterError: one is not; those before it may be. None is where one does not meet the rules of entry.
    """
    people = list(people)
    if wrong := [f"{each.field}: {each.message}" for person in people for each in entry_problems(person)]:
        raise RegisterError(f"{_NOT_WRITTEN}: {' '.join(wrong)}")
    records = []
    for person in people:
        headers, value = encode(person, Attributes(str(uuid7()), "/programme", person.type, datetime.now(UTC)))
        records.append(ToWrite(topic_of(person), person.person_id, value, [*headers, _by(actor)]))
    write_records(broker, REGISTRAR, records, _NOT_WRITTEN)


def delete_person(broker: Broker, topic: topics.Topic, person_id: str, *, actor: str) -> None:
    """Returns once their place in this register is empty. Raises RegisterError where it may not be."""
    write_records(broker, REGISTRAR, [ToWrite(topic, person_id, None, [_by(actor)])], _NOT_WRITTEN)


def topic_of(person: PersonRegistered) -> topics.Topic:
    """The register in which somebody stands."""
    return topics.OFFICERS if isinstance(person, HubPersonRegistered) else topics.PEOPLE


def organisation_of(person: PersonRegistered) -> str:
    """`hub`, `partner.ID` or `force.ID`."""
    if isinstance(person, HubPersonRegistered):
        return HUB
    if isinstance(person, ForcePersonRegistered):
        return f"{topics.FORCE}.{person.force_id}"
    return f"{topics.PARTNER}.{person.partner_id}"


def known(book: PeopleBook, person_id: str) -> PersonRegistered:
    """The person of this id. Raises UnknownError where there is none."""
    found = [each for each in book.everybody() if each.person_id == person_id]
    if not found:
        raise UnknownError(f"there is no {person_id} in the registers; `conduit person list` lists everybody")
    return found[0]


def check_new(book: PeopleBook, person: PersonRegistered) -> None:
    """Raises MisuseError where this person may not be added: the sign-in is taken, or the issuer is somebody else's."""
    for each in book.everybody():
        if each.issuer != person.issuer:
            continue
        if each.subject == person.subject:
            raise MisuseError(f"{each.person_id} has this sign-in already; change it, or remove it first")
        if organisation_of(each) != organisation_of(person):
            raise MisuseError(
                f"{person.issuer} vouches for people of {organisation_of(each)}, so it cannot vouch for those of "
                f"{organisation_of(person)}: an issuer has one organisation. Have the provider give each its own"
            )
        if _account(each) is not None and _account(each) == _account(person):
            raise MisuseError(f"{each.person_id} has this officer id already")


def _account(person: PersonRegistered) -> str | None:
    return person.officer_id if isinstance(person, HubPersonRegistered) else None


def _by(actor: str) -> tuple[str, bytes]:
    return ACTOR_HEADER, actor.encode()


def _take(book: PeopleBook, message: Message) -> None:
    key: Any = message.key()
    value: Any = message.value()
    headers: Any = message.headers() or []
    book.take(message.topic() or "", key.encode() if isinstance(key, str) else key, headers, value)
