"""What a register holds once an order is carried out. Pure.

The programme's service writes by it, and the `conduit` command plans by it what an order that still waits will have changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from conduit_contracts.entry import entry_problems
from conduit_contracts.geography import forces
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.programme import (
    ForceRegistered,
    Mou,
    PartnerRegistered,
    RegisterForce,
    RegisterPartner,
    ResumePartner,
    SuspendPartner,
)
from conduit_contracts.topic import FORCE, PARTNER

RegisterEntry: TypeAlias = PartnerRegistered | ForceRegistered
RegisterOrder: TypeAlias = RegisterPartner | RegisterForce | SuspendPartner | ResumePartner
ORDERS: tuple[type[RegisterOrder], ...] = (RegisterPartner, RegisterForce, SuspendPartner, ResumePartner)

_CHANGED = "This has changed in the register since the order was decided on. Look at the entry, and order it again."
_UNKNOWN_PARTNER = "The register has no such partner. Register it first."
_UNKNOWN_FORCE = "There is no such force."

_Entry = TypeVar("_Entry", PartnerRegistered, ForceRegistered)


class RegisterSubject(NamedTuple):
    """Whom an entry or an order is about."""

    kind: str
    """`partner` or `force`."""
    identity: str


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What stands after an order, or why it changes nothing."""

    entry: RegisterEntry | None
    problems: tuple[Problem, ...] = ()


def subject_of(message: RegisterEntry | RegisterOrder) -> RegisterSubject:
    """Whom it is about."""
    if isinstance(message, RegisterPartner | RegisterForce):
        return subject_of(message.entry)
    if isinstance(message, ForceRegistered):
        return RegisterSubject(FORCE, message.force_id)
    return RegisterSubject(PARTNER, message.partner_id)


def generation_in(order: RegisterOrder) -> int | None:
    """The number of a Kafka user that the order writes down, if it does."""
    return order.entry.generation if isinstance(order, RegisterPartner | RegisterForce) else order.generation


def carried_out(order: RegisterOrder, standing: RegisterEntry | None) -> CarriedOut:
    """The entry after this order, where `standing` is the one before it; None is for an organisation without one."""
    before = order.stood if standing is None else standing
    if isinstance(order, RegisterPartner) and not isinstance(before, ForceRegistered):
        entry = _suspended_as(order.entry, before)
        return _registered(entry, before, _outdated(order.entry, order.stood, before), standing)
    if isinstance(order, RegisterForce) and not isinstance(before, PartnerRegistered):
        return _registered(order.entry, before, _outdated(order.entry, order.stood, before), standing)
    if isinstance(order, SuspendPartner) and not isinstance(before, ForceRegistered):
        return _suspended(order, before)
    if isinstance(order, ResumePartner) and isinstance(before, PartnerRegistered):
        return CarriedOut(_marked(before, order))
    return CarriedOut(standing, (sender_problem("partner_unknown", "partner_id", _UNKNOWN_PARTNER),))


def _registered(
    entry: _Entry, before: _Entry | None, outdated: tuple[Problem, ...], standing: RegisterEntry | None
) -> CarriedOut:
    if found := (*outdated, *_wrong(entry, before)):
        return CarriedOut(standing, found)
    return CarriedOut(_numbered(entry, [entry.generation, before.generation if before else None]))


def _wrong(entry: RegisterEntry, before: RegisterEntry | None) -> tuple[Problem, ...]:
    """What may not stand in a register. Whoever was taken before a rule existed must still be changed in other respects."""
    if isinstance(entry, ForceRegistered) and entry.force_id not in forces():
        return (sender_problem("value_not_allowed", "entry.force_id", _UNKNOWN_FORCE),)
    known = entry_problems(before, "entry") if before is not None else ()
    return tuple(_in_entry(problem) for problem in entry_problems(entry, "entry") if problem not in known)


def _in_entry(problem: Problem) -> Problem:
    inside = problem.field == "entry"
    return problem if inside else problem.model_copy(update={"field": f"entry.{problem.field}"})


def _outdated(entry: _Entry, stood: _Entry | None, standing: _Entry | None) -> tuple[Problem, ...]:
    """What differs from the entry on which it was decided; nothing where the new one stands already."""
    if standing is None:
        return ()
    new, old, now = (terms_of(each) if each is not None else None for each in (entry, stood, standing))
    if now in (new, old):
        return ()
    changed = [name for name in type(standing).model_fields if getattr(old, name, None) != getattr(now, name)]
    return tuple(sender_problem("entry_changed", f"entry.{name}", _CHANGED) for name in changed)


def terms_of(entry: _Entry) -> _Entry:
    """The entry without what changes beside it: suspensions, and the number of its newest user."""
    changes: dict[str, object] = {"generation": None}
    if isinstance(entry, PartnerRegistered):
        changes |= {"suspended": False, "mous": _with(entry.mous, {mou.reference for mou in entry.mous}, suspended=False)}
    return entry.model_copy(update=changes)


def _suspended(order: SuspendPartner, before: PartnerRegistered | None) -> CarriedOut:
    if before is not None:
        return CarriedOut(_marked(before, order))
    if not order.wholly:
        return CarriedOut(None, (sender_problem("partner_unknown", "partner_id", _UNKNOWN_PARTNER),))
    # Of somebody whose entry cannot be read nothing more is known, and they must be shut out anyway.
    shut_out = PartnerRegistered(partner_id=order.partner_id, name=order.partner_id, suspended=True)
    return CarriedOut(_numbered(shut_out, [order.generation]))


def _marked(entry: PartnerRegistered, order: SuspendPartner | ResumePartner) -> PartnerRegistered:
    suspended = isinstance(order, SuspendPartner)
    changes: dict[str, object] = {"mous": _with(entry.mous, order.mous, suspended=suspended)}
    if order.wholly:
        changes["suspended"] = suspended
    return _numbered(entry.model_copy(update=changes), [entry.generation, order.generation])


def _suspended_as(entry: PartnerRegistered, before: PartnerRegistered | None) -> PartnerRegistered:
    """The entry, and what is suspended stays so."""
    if before is None:
        return entry
    held = {mou.reference for mou in before.mous if mou.suspended}
    changes = {"suspended": entry.suspended or before.suspended, "mous": _with(entry.mous, held, suspended=True)}
    return entry.model_copy(update=changes)


def _with(mous: Iterable[Mou], references: Iterable[str], *, suspended: bool) -> tuple[Mou, ...]:
    chosen = set(references)
    return tuple(mou.model_copy(update={"suspended": suspended}) if mou.reference in chosen else mou for mou in mous)


def _numbered(entry: _Entry, numbers: Iterable[int | None]) -> _Entry:
    """The number of the newest user only grows: none is ever used twice."""
    newest = max((number for number in numbers if number is not None), default=None)
    return entry.model_copy(update={"generation": newest})
