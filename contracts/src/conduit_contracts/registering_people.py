"""What the registers of people hold once an order is carried out, and what is left to somebody of whom rights were revoked.
Pure.

The programme's service writes by it, and the `conduit` command plans by it what orders that still wait will have changed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeAlias

from conduit_contracts.entry import entry_problems
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.programme import (
    ForcePersonRegistered,
    HubPersonRegistered,
    PartnerPersonRegistered,
    PersonRegistered,
    RegisterForcePerson,
    RegisterHubPerson,
    RegisterPartnerPerson,
    RemovePerson,
    RightsRevoked,
)
from conduit_contracts.register_topics import OFFICERS, PEOPLE
from conduit_contracts.topic import FORCE, HUB, PARTNER, Topic

RegisterPerson: TypeAlias = RegisterHubPerson | RegisterPartnerPerson | RegisterForcePerson
PersonOrder: TypeAlias = RegisterPerson | RemovePerson
PERSON_ORDERS: tuple[type[PersonOrder], ...] = (
    RegisterHubPerson,
    RegisterPartnerPerson,
    RegisterForcePerson,
    RemovePerson,
)
PEOPLE_REGISTERS = (OFFICERS, PEOPLE)

SIGN_IN_TAKEN, ISSUER_TAKEN, ACCOUNT_TAKEN = "sign_in_taken", "issuer_taken", "officer_id_taken"
_TAKEN = {
    SIGN_IN_TAKEN: "Somebody else has this sign-in. Remove them first.",
    ISSUER_TAKEN: "This issuer vouches for another organisation's people. Have the provider give each organisation its own.",
    ACCOUNT_TAKEN: "Somebody else has this officer id.",
}
_FIELD = {SIGN_IN_TAKEN: "subject", ISSUER_TAKEN: "issuer", ACCOUNT_TAKEN: "officer_id"}
_CHANGED = "This has changed in the register since the order was decided on. Look at the entry, and order it again."
_GONE = "This person was removed. Add them again: they get a new id."


class Claimed(NamedTuple):
    """What of an entry belongs to somebody else."""

    code: str
    by: PersonRegistered


class PersonCarriedOut(NamedTuple):
    """What stands after an order, or why it changes nothing."""

    entry: PersonRegistered | None
    problems: tuple[Problem, ...] = ()


def person_of(order: PersonOrder) -> str:
    """The id of whom it is about."""
    return order.person_id if isinstance(order, RemovePerson) else order.entry.person_id


def organisation_of(person: PersonRegistered) -> str:
    """`hub`, `partner.ID` or `force.ID`."""
    if isinstance(person, HubPersonRegistered):
        return HUB
    if isinstance(person, ForcePersonRegistered):
        return f"{FORCE}.{person.force_id}"
    return f"{PARTNER}.{person.partner_id}"


def people_register_of(person: PersonRegistered) -> Topic:
    """The register in which somebody stands."""
    return OFFICERS if isinstance(person, HubPersonRegistered) else PEOPLE


def registering(entry: PersonRegistered, stood: PersonRegistered | None, by: str, reason: str) -> RegisterPerson:
    """The order by which this entry takes the place of that one, which is of the same kind or is not sent along."""
    if isinstance(entry, HubPersonRegistered):
        held = stood if isinstance(stood, HubPersonRegistered) else None
        return RegisterHubPerson(ordered_by=by, reason=reason, entry=entry, stood=held)
    if isinstance(entry, PartnerPersonRegistered):
        theirs = stood if isinstance(stood, PartnerPersonRegistered) else None
        return RegisterPartnerPerson(ordered_by=by, reason=reason, entry=entry, stood=theirs)
    force = stood if isinstance(stood, ForcePersonRegistered) else None
    return RegisterForcePerson(ordered_by=by, reason=reason, entry=entry, stood=force)


def claimed(entry: PersonRegistered, others: Iterable[PersonRegistered]) -> Iterator[Claimed]:
    """What of this entry belongs to one of these: an issuer vouches for one organisation's people, and for each once."""
    for each in others:
        if each.person_id == entry.person_id:
            continue
        if each.issuer == entry.issuer:
            if each.subject == entry.subject:
                yield Claimed(SIGN_IN_TAKEN, each)
            if organisation_of(each) != organisation_of(entry):
                yield Claimed(ISSUER_TAKEN, each)
        if _account(each) is not None and _account(each) == _account(entry):
            yield Claimed(ACCOUNT_TAKEN, each)


def person_after(
    order: PersonOrder,
    standing: PersonRegistered | None,
    others: Iterable[PersonRegistered],
    *,
    gone: bool = False,
) -> PersonCarriedOut:
    """The person after this order, where `standing` is the entry before it; `gone` says that they were removed.

    `others` are all who stand in either register.
    """
    if isinstance(order, RemovePerson):
        return PersonCarriedOut(None)
    if gone:
        return PersonCarriedOut(None, (sender_problem("person_removed", "entry.person_id", _GONE),))
    # What stood is sent along for the case that the order is read first: no order holds between topics.
    before = order.stood if standing is None else standing
    problems = (*_outdated(order, before), *_wrong(order.entry, before), *_taken(order.entry, before, others))
    if problems:
        return PersonCarriedOut(standing, problems)
    ended = latest(order.entry.sessions_from, before.sessions_from if before else None)
    return PersonCarriedOut(order.entry.model_copy(update={"sessions_from": ended}))


def with_rights_left(person: PersonRegistered, revoked: RightsRevoked | None) -> PersonRegistered | None:
    """The person with what was not revoked; None where nothing is left."""
    if revoked is None:
        return person
    left = revoked.roles_left
    roles = tuple(each for each in person.roles if left is None or each in left)
    if revoked.removed or not roles:
        return None
    ended = latest(person.sessions_from, revoked.sessions_from)
    return person.model_copy(update={"roles": roles, "sessions_from": ended})


def revoked_by(entry: PersonRegistered, stood: PersonRegistered, revoked: RightsRevoked | None) -> RightsRevoked | None:
    """What has to be revoked, or given back, so that `entry` holds in place of `stood`; None where that is nothing."""
    known = revoked or RightsRevoked(person_id=entry.person_id)
    narrowed = known.roles_left is not None or not set(stood.roles) <= set(entry.roles)
    wanted = known.model_copy(
        update={
            "roles_left": entry.roles if narrowed else None,
            "sessions_from": latest(entry.sessions_from, known.sessions_from),
        }
    )
    return None if wanted in (revoked, RightsRevoked(person_id=entry.person_id)) else wanted


def latest(*moments: datetime | None) -> datetime | None:
    """The last of these; None where there is none. Sessions that have ended stay so."""
    return max((each for each in moments if each is not None), default=None)


def _outdated(order: RegisterPerson, standing: PersonRegistered | None) -> tuple[Problem, ...]:
    """What differs from the entry on which it was decided; nothing where the new one stands already."""
    if standing is None:
        return ()
    new, old, now = (_terms_of(each) if each is not None else None for each in (order.entry, order.stood, standing))
    if now in (new, old):
        return ()
    names = type(standing).model_fields
    changed = [name for name in names if getattr(old, name, None) != getattr(now, name)]
    return tuple(sender_problem("entry_changed", f"entry.{name}", _CHANGED) for name in changed)


def _terms_of(person: PersonRegistered) -> PersonRegistered:
    """The entry without what only grows, whoever ordered what."""
    return person.model_copy(update={"sessions_from": None})


def _wrong(entry: PersonRegistered, before: PersonRegistered | None) -> tuple[Problem, ...]:
    """What may not stand in a register, but for what stood before there was a rule."""
    known = entry_problems(before, "entry") if before is not None else ()
    found = (each for each in entry_problems(entry, "entry") if each not in known)
    return tuple(
        each.model_copy(update={"field": f"entry.{each.field}"}) if each.field != "entry" else each for each in found
    )


def _taken(
    entry: PersonRegistered, before: PersonRegistered | None, others: Iterable[PersonRegistered]
) -> tuple[Problem, ...]:
    """What belongs to somebody else. Whoever has it already must still be changed in other respects."""
    if before is not None and _held(before) == _held(entry):
        return ()
    codes = dict.fromkeys(each.code for each in claimed(entry, others))
    return tuple(sender_problem(code, f"entry.{_FIELD[code]}", _TAKEN[code]) for code in codes)


def _held(person: PersonRegistered) -> tuple[str, str, str, str | None]:
    return person.issuer, person.subject, organisation_of(person), _account(person)


def _account(person: PersonRegistered) -> str | None:
    return person.officer_id if isinstance(person, HubPersonRegistered) else None
