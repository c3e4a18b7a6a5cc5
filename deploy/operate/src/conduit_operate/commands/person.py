"""`conduit person`: who belongs to the hub, to a partner or to a force, and what they do there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from conduit_contracts.ids import new_person_id
from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
    RemovePerson,
    RightsRevoked,
)
from conduit_contracts.registering_people import PersonOrder, organisation_of, registering, revoked_by
from conduit_operate import people
from conduit_operate.audit import By, audited
from conduit_operate.broker import Broker
from conduit_operate.carry_out import alone
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import (
    Actor,
    Apply,
    AsJson,
    Reason,
    StateDir,
    explained,
    must_be_known,
    reach,
    steps_of,
    typed,
)
from conduit_operate.commands.tables import show_table, table
from conduit_operate.commands.taking_part import Order
from conduit_operate.onboarding import MisuseError
from conduit_operate.orders import PATIENCE, unanswered
from conduit_operate.wording import counted

app = typer.Typer(no_args_is_help=True, help="Add, list and remove people, change what they may do, or end their sessions.")

EXITS = exits(unknown="there is no such person")
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id, from `conduit person list`.")]
Issuer = Annotated[str, typer.Option(help="The identity provider's name, as its tokens have it in iss.")]
Subject = Annotated[str, typer.Option(help="The person there, as tokens have it in sub.")]
Roles = Annotated[
    list[str], typer.Option("--role", help=f"One or more of {', '.join((*HubRole, *PartnerRole, *ForceRole))}.")
]
PartnerId = Annotated[str | None, typer.Option("--partner", help="A partner's id, for its own people.")]
ForceId = Annotated[str | None, typer.Option("--force", help="A force's id, for its own people.")]
ShownAs = Annotated[str | None, typer.Option(help="What pages call them, by what they do. Never a name.")]
OfficerId = Annotated[str | None, typer.Option(help="The account under which they decided before they were registered.")]
ValidTo = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which they can no longer come in.")]


@app.command("add", epilog=exits())
def add(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    issuer: Issuer,
    subject: Subject,
    roles: Roles,
    *,
    partner: PartnerId = None,
    force: ForceId = None,
    shown_as: ShownAs = None,
    officer_id: OfficerId = None,
    valid_to: ValidTo = None,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let somebody in whom an identity provider knows. Without --partner or --force they belong to the hub."""
    order = Order(apply, actor, reason, as_json, state_dir)
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        with typed():
            about = {
                "person_id": new_person_id(),
                "issuer": issuer,
                "subject": subject,
                "shown_as": shown_as,
                "valid_from": datetime.now(UTC),
                "valid_to": valid_to.replace(tzinfo=UTC) if valid_to else None,
            }
            person = _made(about, roles, partner, force, officer_id)
        broker = reach(state_dir)
        with alone(broker.state_dir):
            people.check_new(people.read_people(broker), person)
            steps = [("publish", "person", f"{organisation_of(person)}: {', '.join(person.roles)}")]
            change = PersonChange("person add", person.person_id, tuple(steps), registering(person, None, *_said(order)))
            _do(change, broker, order)


@app.command("roles", epilog=EXITS)
def change_roles(
    state_dir: StateDir,
    person_id: PersonId,
    roles: Roles,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Give a person these roles and no others. It takes effect within seconds, and within five minutes whatever fails."""

    def changed(person: PersonRegistered) -> PersonRegistered:
        with typed():
            return type(person).model_validate({**person.model_dump(), "roles": _roles(type(person), roles)})

    change("person roles", person_id, changed, Order(apply, actor, reason, as_json, state_dir))


@app.command("revoke-sessions", epilog=EXITS)
def revoke_sessions(
    state_dir: StateDir,
    person_id: PersonId,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """End every session of a person, at every desk. They may sign in again: to keep them out, remove them."""

    def changed(person: PersonRegistered) -> PersonRegistered:
        return person.model_copy(update={"sessions_from": datetime.now(UTC)})

    change("person revoke-sessions", person_id, changed, Order(apply, actor, reason, as_json, state_dir))


@app.command("remove", epilog=EXITS)
def remove(
    state_dir: StateDir,
    person_id: PersonId,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Keep a person out from now on. What they did stays under their id, which nobody else is given."""
    order = Order(apply, actor, reason, as_json, state_dir)
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        broker = reach(state_dir)
        with alone(broker.state_dir):
            found = people.read_people(broker)
            broken = [topic for topic, key in found.book.unreadable if key == person_id]
            if not broken:
                people.known(found, person_id)
            steps = (("remove", "person", person_id),)
            by, reason = _said(order)
            gone = RemovePerson(person_id=person_id, ordered_by=by, reason=reason)
            revoked = (RightsRevoked(person_id=person_id, removed=True),)
            _do(PersonChange("person remove", person_id, steps, gone, revoked), broker, order)


@app.command("list", epilog=exits("shown, even if there are none", "they cannot be read; the text says why"))
def list_people(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """Show who belongs to what. Their names are with their identity providers alone."""
    with explained():
        known = people.read_people(reach(state_dir))
    found = sorted(known.everybody(), key=lambda each: (organisation_of(each), each.person_id))
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json", exclude_none=True) for each in found]))
    elif not found:
        typer.echo("nobody is registered")
    else:
        shown = table("person", "of", "roles", "shown as", "until", "sign-in")
        for each in found:
            until = f"{each.valid_to:%Y-%m-%d}" if each.valid_to else ""
            sign_in = f"{each.subject} at {each.issuer}"
            of, roles = organisation_of(each), ", ".join(each.roles)
            shown.add_row(each.person_id, of, roles, each.shown_as or "", until, sign_in)
        show_table(shown)
    for topic, key in sorted(known.book.unreadable):
        typer.echo(f"the last record of {key} on {topic} cannot be read, so they cannot come in; remove them", err=True)


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is to be done about one person."""

    command: str
    person_id: str
    steps: tuple[tuple[str, str, str], ...]
    order: PersonOrder
    revoked: tuple[RightsRevoked, ...] = ()
    """What is taken from them, whether or not the programme's service runs."""


def change(command: str, person_id: str, changed: Callable[[PersonRegistered], PersonRegistered], order: Order) -> None:
    """Have the person as `changed` makes them, or show what that would change.

    `changed` may raise what `explained` explains.
    """
    must_be_known(apply=order.apply, actor=order.actor, reason=order.reason)
    with explained():
        broker = reach(order.state_dir)
        with alone(broker.state_dir):
            found = people.read_people(broker)
            before = people.known(found, person_id)
            after = changed(before)
            steps = tuple(("publish", "person", each) for each in _differences(before, after))
            taken = revoked_by(after, before, found.book.revoked.get(person_id))
            revoked = () if taken is None else (taken,)
            wanted = registering(after, before, *_said(order))
            _do(PersonChange(command, person_id, steps, wanted, revoked), broker, order)


def _said(order: Order) -> tuple[str, str]:
    """By whom and why. Of what is only shown nobody has to say it."""
    return order.actor or "nobody yet", order.reason or "not said yet"


def _do(made: PersonChange, broker: Broker, order: Order) -> None:
    notes: list[str] = []
    if order.apply and made.steps:
        with audited(broker.state_dir, By(order.actor, order.reason), made.command, f"person.{made.person_id}", made.steps):
            placed = people.place_people(broker, [made.order], actor=order.actor, revoked=made.revoked)
            if unanswered(broker, placed).ids:
                notes.append(_later(made))
    _show(made, order, notes)


def _later(made: PersonChange) -> str:
    """What is so while the programme's service is down."""
    heeded = ". What it takes away holds already" if made.revoked else ""
    return (
        "it is ordered, and not in the register yet: the programme's service has not answered for "
        f"{PATIENCE:.0f} s. The order stands, and takes effect when that service runs (`conduit status`){heeded}"
    )


def _show(made: PersonChange, order: Order, notes: Sequence[str]) -> None:
    # Before it is carried out a new person has no id that will be kept.
    named = made.person_id if order.apply or made.command != "person add" else None
    if order.as_json:
        shown = {"subject": named, "applied": order.apply, "steps": steps_of(made.steps), "notes": notes}
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    for step in made.steps:
        typer.echo(f"  {' '.join(step)}")
    subject = named or "a new person"
    if not made.steps:
        typer.echo(f"{subject}: nothing to do: it is so already")
    elif not order.apply:
        typer.echo(
            f"{subject}: {counted(len(made.steps), 'change')} to make; nothing was changed. Add --apply to carry it out"
        )
    elif not notes:
        typer.echo(f"{subject}: done: it takes effect within seconds")
    for note in notes:
        typer.echo(f"note: {note}")


def _made(
    about: dict[str, Any], roles: list[str], partner: str | None, force: str | None, officer_id: str | None
) -> PersonRegistered:
    if partner and force:
        raise MisuseError("a person belongs to one organisation: give --partner or --force, not both")
    if officer_id and (partner or force):
        raise MisuseError("--officer-id is for the hub's people")
    if partner:
        return PartnerPersonRegistered.model_validate(
            {**about, "partner_id": partner, "roles": _roles(PartnerPersonRegistered, roles)}
        )
    if force:
        return ForcePersonRegistered.model_validate(
            {**about, "force_id": force, "roles": _roles(ForcePersonRegistered, roles)}
        )
    return HubPersonRegistered.model_validate(
        {**about, "officer_id": officer_id, "roles": _roles(HubPersonRegistered, roles)}
    )


def _roles(kind: type[PersonRegistered], given: list[str]) -> Any:
    """The roles, each once. Raises MisuseError where people of this kind cannot have one."""
    known: Any = {HubPersonRegistered: HubRole, PartnerPersonRegistered: PartnerRole, ForcePersonRegistered: ForceRole}[kind]
    if strange := [each for each in given if each not in list(known)]:
        raise MisuseError(f"they cannot be {strange[0]}; their roles are {', '.join(known)}")
    return tuple(known(each) for each in sorted(set(given)))


def _differences(before: PersonRegistered, after: PersonRegistered) -> list[str]:
    old, new = _by_field(before), _by_field(after)
    return [f"{name}: {_spelt(old[name])} → {_spelt(new[name])}" for name in new if old[name] != new[name]]


def _by_field(person: PersonRegistered) -> dict[str, Any]:
    found = person.model_dump(mode="json")
    if isinstance(person, HubPersonRegistered):
        found["passkeys"] = [each.fingerprint(person.person_id) for each in person.passkeys]
    return found


def _spelt(value: object) -> str:
    return str((", ".join(value) if isinstance(value, list) else value) or "(none)")
