"""What a record of a register, or an order for one, changes. Thin: the contract's rule says what stands afterwards."""

from conduit_chassis.records import Delivery
from conduit_contracts import topics
from conduit_contracts.attributes import Attributes
from conduit_contracts.problems import Problem
from conduit_contracts.programme import ACTOR_HEADER, ORDER_HEADER, OrderRefused, PartnerRegistered
from conduit_contracts.registering import RegisterEntry, RegisterOrder, RegisterSubject, carried_out, subject_of
from conduit_programme.register.book import WrittenEntry
from conduit_programme.work import ProgrammeWork

_LONGEST = 200


def take_record(work: ProgrammeWork, delivery: Delivery[RegisterEntry]) -> None:
    """What stands on the topic; our own record, or one that is not known here."""
    said = {name: value.decode("utf-8", "replace") for name, value in delivery.record.headers if value is not None}
    found = WrittenEntry(
        delivery.message,
        delivery.attributes.id,
        on_topic=True,
        order_id=_line(said.get(ORDER_HEADER, "")) or None,
        ordered_by=_line(said.get(ACTOR_HEADER, "")) or None,
    )
    if work.register.read(found):
        _copy(work, found.entry)


def carry_out(work: ProgrammeWork, delivery: Delivery[RegisterOrder]) -> None:
    """Write the entry on its register, or say why not. What stands is then written again: whoever lacks it has it."""
    order, subject = delivery.message, subject_of(delivery.message)
    order_id, cause = _line(delivery.attributes.id), delivery.attributes
    known = work.register.entries.get(subject)
    done = carried_out(order, known.entry if known else None)
    if done.problems:
        _refuse(work, subject, order_id, done.problems, cause)
        if known is not None:
            _publish(work, known.entry, known.order_id, known.ordered_by, cause)
    elif done.entry is not None:
        _publish(work, done.entry, order_id, _line(order.ordered_by), cause)
        _copy(work, done.entry)


def _publish(work: ProgrammeWork, entry: RegisterEntry, order_id: str | None, by: str | None, cause: Attributes) -> None:
    subject = subject_of(entry)
    event_id = work.outbox.publish(topics.REGISTER_OF[subject.kind].name(), subject.identity, entry, cause=cause)
    work.outbox.mark(*((name, value) for name, value in ((ORDER_HEADER, order_id), (ACTOR_HEADER, by)) if value))
    work.register.write(WrittenEntry(entry, event_id, on_topic=False, order_id=order_id, ordered_by=by))


def _refuse(
    work: ProgrammeWork, subject: RegisterSubject, order_id: str, problems: tuple[Problem, ...], cause: Attributes
) -> None:
    told = OrderRefused(order_id=order_id, problems=problems, **{f"{subject.kind}_id": subject.identity})
    work.outbox.publish(topics.REGISTER_ANSWERS.name(), subject.identity, told, cause=cause)


def _copy(work: ProgrammeWork, entry: RegisterEntry) -> None:
    if isinstance(entry, PartnerRegistered):
        work.partners[entry.partner_id] = entry
    else:
        work.forces[entry.force_id] = entry


def _line(text: str) -> str:
    """As it can stand in a header."""
    return "".join(each for each in text if each.isprintable())[:_LONGEST]
