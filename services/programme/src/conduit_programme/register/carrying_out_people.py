"""What a record of a register of people, or an order for one, changes. The contract's rule says who stands afterwards."""

from conduit_chassis.records import Delivery, Record
from conduit_contracts.attributes import Attributes
from conduit_contracts.programme import HubPersonRegistered, PersonRegistered, RemovePerson
from conduit_contracts.registering_people import (
    PEOPLE_REGISTERS,
    PersonOrder,
    people_register_of,
    person_after,
    person_of,
)
from conduit_contracts.topic import Topic
from conduit_programme.register.book import WrittenEntry
from conduit_programme.register.carrying_out import header_line, mark_order, ordered_in, refuse
from conduit_programme.work import ProgrammeWork


def take_person(work: ProgrammeWork, delivery: Delivery[PersonRegistered]) -> None:
    """Who stands on the topic; by our own record, or by one that is not known here."""
    order_id, by = ordered_in(delivery.record)
    found: WrittenEntry[PersonRegistered | None] = WrittenEntry(delivery.message, delivery.attributes.id, True, order_id, by)
    work.people.read(delivery.message.person_id, found)


def take_absence(work: ProgrammeWork, record: Record) -> None:
    """Somebody's place on the topic is empty: they were removed. A place that never held anybody known here stays so."""
    person_id = (record.key or b"").decode("ascii", "replace")
    known = work.people.entries.get(person_id)
    # Somebody is removed from the register in which they stand, and may have an empty place in the other one.
    if known is None or (known.entry is not None and people_register_of(known.entry).name() != record.topic):
        return
    named = dict(record.headers).get("ce_id") or b""
    order_id, by = ordered_in(record)
    work.people.read(person_id, WrittenEntry(None, header_line(named.decode("ascii", "replace")), True, order_id, by))


def carry_out(work: ProgrammeWork, delivery: Delivery[PersonOrder]) -> None:
    """Write the entry on its register, or say why not. What stands is then written again: whoever lacks it has it."""
    order, person_id = delivery.message, person_of(delivery.message)
    order_id, cause = header_line(delivery.attributes.id), delivery.attributes
    known = work.people.entries.get(person_id)
    standing = known.entry if known else None
    others = [each.entry for each in work.people.entries.values() if each.entry is not None]
    done = person_after(order, standing, others, gone=known is not None and known.entry is None)
    by = header_line(order.ordered_by)
    if done.problems:
        refuse(work, "person_id", person_id, order_id, done.problems, cause)
        if known is not None and standing is not None:
            _publish(work, standing, known.order_id, known.ordered_by, cause)
    elif done.entry is not None:
        _publish(work, done.entry, order_id, by, cause)
    elif isinstance(order, RemovePerson):
        _remove(work, person_id, standing, order_id, by, cause)


def _publish(work: ProgrammeWork, person: PersonRegistered, order_id: str | None, by: str | None, cause: Attributes) -> None:
    event_id = work.outbox.publish(people_register_of(person).name(), person.person_id, person, cause=cause)
    mark_order(work.outbox, order_id, by)
    work.people.write(person.person_id, WrittenEntry(person, event_id, False, order_id, by))


def _remove(
    work: ProgrammeWork, person_id: str, standing: PersonRegistered | None, order_id: str, by: str, cause: Attributes
) -> None:
    # Of whom nothing is known here may stand in either.
    registers: tuple[Topic, ...] = (people_register_of(standing),) if standing is not None else PEOPLE_REGISTERS
    event_id = ""
    for register in registers:
        event_id = work.outbox.empty(register.name(), person_id, HubPersonRegistered, cause=cause)
        mark_order(work.outbox, order_id, by)
    work.people.write(person_id, WrittenEntry(None, event_id, False, order_id, by))
