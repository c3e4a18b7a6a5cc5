"""Writes entries on the registers of partners, forces and people as the programme's service would, before it runs.

For samples on a machine of one's own: what refers at once needs partners that are known at once. The service takes over what
it finds there, as it does what an earlier release wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import ACTOR_HEADER, PersonRegistered
from conduit_contracts.registering import RegisterEntry, subject_of
from conduit_contracts.registering_people import people_register_of
from conduit_operate.access import REGISTRAR, service_principal
from conduit_operate.broker import Broker
from conduit_operate.register import ToWrite, write_records

_NOT_WRITTEN = "the register was not written"


def seed(broker: Broker, entries: Iterable[RegisterEntry], *, actor: str) -> None:
    """Returns once all of them are on their topics. Raises RegisterError where one is not."""
    records = []
    for entry in entries:
        subject = subject_of(entry)
        headers, value = encode(entry, Attributes(str(uuid7()), "/programme", entry.type, datetime.now(UTC)))
        headers = [*headers, (ACTOR_HEADER, actor.encode())]
        records.append(ToWrite(topics.REGISTER_OF[subject.kind], subject.identity, value, headers))
    write_records(broker, service_principal(topics.PROGRAMME), records, _NOT_WRITTEN)


def seed_people(broker: Broker, people: Iterable[PersonRegistered], *, actor: str) -> None:
    """The same for people, in place of their earlier records. What was revoked of them is given back: they are made up."""
    records, given_back = [], []
    for person in people:
        headers, value = encode(person, Attributes(str(uuid7()), "/programme", person.type, datetime.now(UTC)))
        headers = [*headers, (ACTOR_HEADER, actor.encode())]
        records.append(ToWrite(people_register_of(person), person.person_id, value, headers))
        given_back.append(ToWrite(topics.REVOCATIONS, person.person_id, None, [(ACTOR_HEADER, actor.encode())]))
    write_records(broker, REGISTRAR, given_back, _NOT_WRITTEN)
    write_records(broker, service_principal(topics.PROGRAMME), records, _NOT_WRITTEN)
