"""What a record of a register, or an order for one, changes. Thin: the contract's rule says what stands afterwards."""

from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Record
from conduit_contracts import topics
from conduit_contracts.attributes import Attributes
from conduit_contracts.problems import Problem
from conduit_contracts.programme import ACTOR_HEADER, ORDER_HEADER, OrderRefused, PartnerRegistered
from conduit_contracts.registering import RegisterEntry, RegisterOrder, carried_out, subject_of
from conduit_programme.register.book import WrittenEntry
from conduit_programme.work import ProgrammeWork

_LONGEST = 200


def take_record(work: ProgrammeWork, delivery: Delivery[RegisterEntry]) -> None:
    """What stands on the topic; our own record, or one that is not known here."""
    order_id, ordered_by = ordered_in(delivery.record)
    found: WrittenEntry[RegisterEntry] = WrittenEntry(delivery.message, delivery.attributes.id, True, order_id, ordered_by)
    if work.register.read(subject_of(found.entry), found):
        _copy(work, found.entry)


def carry_out(work: ProgrammeWork, delivery: Delivery[RegisterOrder]) -> None:
    """Write the entry on its register, or say why not. What stands is then written again: whoever lacks it has it."""
    order, subject = delivery.message, subject_of(delivery.message)
    order_id, cause = header_line(delivery.attributes.id), delivery.attributes
    known = work.register.entries.get(subject)
    done = carried_out(order, known.entry if known else None)
    if done.problems:
        refuse(work, f"{subject.kind}_id", subject.identity, order_id, done.problems, cause)
        if known is not None:
            _publish(work, known.entry, known.order_id, known.ordered_by, cause)
    elif done.entry is not None:
        _publish(work, done.entry, order_id, header_line(order.ordered_by), cause)
        _copy(work, done.entry)


def _publish(work: ProgrammeWork, entry: RegisterEntry, order_id: str | None, by: str | None, cause: Attributes) -> None:
    subject = subject_of(entry)
    event_id = work.outbox.publish(topics.REGISTER_OF[subject.kind].name(), subject.identity, entry, cause=cause)
    mark_order(work.outbox, order_id, by)
    work.register.write(subject, WrittenEntry(entry, event_id, on_topic=False, order_id=order_id, ordered_by=by))


def refuse(
    work: ProgrammeWork, whose: str, identity: str, order_id: str, problems: tuple[Problem, ...], cause: Attributes
) -> None:
    """Say that an order changed nothing, and why. `whose` is the field that names whom it is about."""
    told = OrderRefused(order_id=order_id, problems=problems, **{whose: identity})
    work.outbox.publish(topics.REGISTER_ANSWERS.name(), identity, told, cause=cause)


def _copy(work: ProgrammeWork, entry: RegisterEntry) -> None:
    if isinstance(entry, PartnerRegistered):
        work.partners[entry.partner_id] = entry
    else:
        work.forces[entry.force_id] = entry


def mark_order(outbox: Outbox, order_id: str | None, by: str | None) -> None:
    """Say on the record that was published last whose order it was."""
    outbox.mark(*((name, value) for name, value in ((ORDER_HEADER, order_id), (ACTOR_HEADER, by)) if value))


def ordered_in(record: Record) -> tuple[str | None, str | None]:
    """The order that a register's record names, and by whom it was given."""
    said = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    return header_line(said.get(ORDER_HEADER, "")) or None, header_line(said.get(ACTOR_HEADER, "")) or None


def header_line(text: str) -> str:
    """As it can stand in a header."""
    return "".join(each for each in text if each.isprintable())[:_LONGEST]
