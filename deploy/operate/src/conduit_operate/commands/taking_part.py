"""What `conduit partner` and `conduit force` share: a change is planned, shown, and carried out where that is wanted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer

from conduit_contracts.programme import Contact, ForceRegistered, PartnerRegistered
from conduit_notification.notices import channels_of
from conduit_operate import onboarding, reachable
from conduit_operate.audit import By
from conduit_operate.carry_out import alone, carry_out, contacts_of, look
from conduit_operate.clients import folder
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
    surroundings,
    well_formed,
)
from conduit_operate.http_clients import AwayError, HttpClients
from conduit_operate.orders import PATIENCE, suspends
from conduit_operate.paths import webhook_secrets
from conduit_operate.plans import Plan, Standing
from conduit_operate.register import Registers, read_registers

EXITS = exits(unknown="there is no such partner, force or MoU")
LIST_EXITS = exits("shown, even if there are none", "the register cannot be read; the text says why")
Identity = Annotated[str, typer.Argument(metavar="ID", help="Which one, as it was onboarded.", callback=well_formed)]
SecretName = Annotated[str | None, typer.Option(help="The name of the file with the signing secret. By default, the ID.")]
PlanOf = Callable[[Standing], Plan]
EntryT = TypeVar("EntryT", PartnerRegistered, ForceRegistered)


class Order(NamedTuple):
    """What somebody typed beside what is to be changed."""

    apply: bool
    actor: str
    reason: str
    as_json: bool
    state_dir: Path


def change(command: str, subject: tuple[str, str], plan_of: PlanOf, order: Order) -> None:
    """Plan what the command asks for, carry it out where that is wanted, and show it."""
    with explained():
        plan, written = _perform(command, subject, plan_of, order)
        notes = () if written else (_later(plan),)
        show(plan, applied=order.apply, as_json=order.as_json, state_dir=order.state_dir, notes=notes)


def add_rotate(app: typer.Typer, kind: str) -> None:
    """The same command for partners and for forces."""

    @app.command("rotate", epilog=EXITS)
    def rotate(
        state_dir: StateDir,
        identity: Identity,
        *,
        finish: Annotated[bool, typer.Option("--finish", help="End the old credentials.")] = False,
        apply: Apply = False,
        actor: Actor = "",
        reason: Reason = "",
        as_json: AsJson = False,
    ) -> None:
        """Create new credentials beside the old ones. With --finish, end the old ones."""
        plan_of = onboarding.finish_rotation if finish else onboarding.rotate
        change(f"{kind} rotate", (kind, identity), plan_of, Order(apply, actor, reason, as_json, state_dir))


def show_register(
    state_dir: Path,
    as_json: bool,
    chosen: Callable[[Registers], Mapping[str, EntryT]],
    line: Callable[[EntryT], str],
    more: Callable[[EntryT], dict[str, object]] = lambda _: {},
) -> None:
    """One line for each of those who are registered; with `as_json`, an array with an object for each, and `more` in it."""
    with explained():
        registers = read_registers(reach(state_dir))
        entries = [entry for _, entry in sorted(chosen(registers).items())]
        if as_json:
            typer.echo(json.dumps([entry.model_dump(mode="json", exclude_none=True) | more(entry) for entry in entries]))
        else:
            typer.echo("\n".join(map(line, entries)) or "nobody is registered")
        for each in registers.unreadable:
            typer.echo(str(each), err=True)


def contact_of(before: Contact, given: Mapping[str, str | None], secret_name: str) -> Contact:
    """The contact with what is given; an empty text takes away, a webhook without a secret's name gets `secret_name`."""
    looked_at = {
        name: reachable.checked(f"--{name.replace('_', '-')}", value, reachable.LOOKS[name]) for name, value in given.items()
    }
    values = {**before.model_dump(), **{name: value for name, value in looked_at.items() if value is not None}}
    if values["webhook_url"]:
        values["webhook_secret"] = values["webhook_secret"] or secret_name
    else:
        values["webhook_secret"] = None
    return Contact.model_validate({name: value or None for name, value in values.items()})


def reach_intake(state_dir: Path, environ: Mapping[str, str] = os.environ) -> HttpClients | None:
    """Where intake keeps the HTTP API's clients; None where the surroundings do not say it."""
    env = surroundings(state_dir, environ)
    dsn = env.get("INTAKE_POSTGRES_DSN")
    return HttpClients(dsn, env.get("INTAKE_URL", ""), folder(state_dir.absolute()) / "http") if dsn else None


def _later(plan: Plan) -> str:
    """What is so while the programme's service is down."""
    heeded = "; intake refuses already what is suspended" if plan.entry and suspends(plan.entry, plan.stood) else ""
    return (
        "the register's entry is ordered, and not written yet: the programme's service has not answered for "
        f"{PATIENCE:.0f} s. The order stands, and takes effect when that service runs (`conduit status`){heeded}"
    )


def _perform(command: str, subject: tuple[str, str], plan_of: PlanOf, order: Order) -> tuple[Plan, bool]:
    must_be_known(apply=order.apply, actor=order.actor, reason=order.reason)
    broker = reach(order.state_dir)
    http = reach_intake(order.state_dir)
    with alone(broker.state_dir):
        standing = look(broker, *subject, http)
        if standing.unreadable:
            typer.echo(f"the last record of {standing.name} in the register cannot be read; it is ignored", err=True)
        plan = plan_of(standing)
        if not order.apply:
            return plan, True
        return plan, carry_out(plan, broker, By(order.actor, order.reason), command, http)


def show(plan: Plan, *, applied: bool, as_json: bool, state_dir: Path, notes: tuple[str, ...] = ()) -> None:
    """What was done, or what would be, and what comes after it.

    Raises:
        Exit: with 1 where something is left that could not be looked at.
    """
    notes = (*notes, *_notes(plan, state_dir.absolute(), planned=not applied))
    files = [str(folder(state_dir.absolute()) / f"{user}.env") for user in plan.users if applied]
    files += [str(folder(state_dir.absolute()) / "http" / f"{client_id}.env") for client_id in plan.http_made if applied]
    if as_json:
        steps = [step._asdict() for step in plan.steps]
        shown = {"subject": plan.subject, "applied": applied, "steps": steps, "notes": notes, "files": files}
        typer.echo(json.dumps(shown, ensure_ascii=False))
        _all_was_seen(plan)
        return
    for step in plan.steps:
        typer.echo(f"  {step.do} {step.what} {step.name}")
    if not plan.steps:
        typer.echo(f"{plan.subject}: nothing to do: everything is already in place")
    elif not applied:
        typer.echo(f"{plan.subject}: to do: {len(plan.steps)}; nothing was changed. Add --apply to carry it out")
    else:
        typer.echo(f"{plan.subject}: done: {len(plan.steps)}")
        for file in files:
            typer.echo(f"credentials: {file}; hand them over on a channel that only the receiver reads")
    for note in notes:
        typer.echo(f"note: {note}")
    _all_was_seen(plan)


def _all_was_seen(plan: Plan) -> None:
    if plan.http_unknown:
        typer.echo(f"{AwayError()}: {plan.subject} may still have some. Do the same again once it is back", err=True)
        raise typer.Exit(1)


def _notes(plan: Plan, state_dir: Path, *, planned: bool) -> Iterator[str]:
    """What comes of it; as what would be, where it is only planned."""
    kind, _, identity = plan.subject.partition(".")
    if plan.overlaps:
        yield (
            f"the old credentials {'would work' if planned else 'work'} beside the new ones until "
            f"`conduit {kind} rotate {identity} --finish`; run it once the new ones are in use"
        )
    are = "would be" if planned and plan.changes else "are"
    for contact in contacts_of(plan.entry) if plan.entry else ():
        named = f"webhook_secret: (none) → {contact.webhook_secret}"
        if contact.webhook_secret and any(change.endswith(named) for change in plan.changes):
            secret = webhook_secrets(state_dir) / contact.webhook_secret
            yield f"webhooks to {contact.webhook_url} {are} signed with the secret in {secret}; the receiver needs it too"
    if isinstance(plan.entry, PartnerRegistered) and _refuses_all(plan.entry):
        be = "would be" if are == "would be" else "is"
        yield f"no MoU of {identity} {be} in force, so new referrals {are} refused" + (
            "" if plan.removed_users else f"; `conduit partner resume {identity}` lifts a suspension"
        )
    if isinstance(plan.entry, ForceRegistered) and not channels_of(plan.entry.contact):
        has = "would have" if are == "would be" else "has"
        yield (
            f"{identity} {has} neither an e-mail address nor a webhook: of every case with a child in danger a duty officer "
            f"of the hub {has} to tell it by telephone; `conduit force onboard {identity} --email ADDRESS` gives it one"
        )
    if plan.shut_out:
        yield f"{identity} has no credentials and cannot come in; `conduit partner onboard {identity}` makes new ones"


def _refuses_all(entry: PartnerRegistered) -> bool:
    return entry.suspended or all(mou.suspended for mou in entry.mous)
