"""`conduit force`: a force's safeguarding team and its connector. No force is ever offboarded: cases must reach it."""

from __future__ import annotations

from typing import Annotated

import typer

from conduit_contracts.programme import Contact, ForceRegistered
from conduit_contracts.topics import FORCE
from conduit_notification import addresses
from conduit_notification.notices import channels_of
from conduit_operate import onboarding, reachable
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, typed, well_formed
from conduit_operate.commands.taking_part import (
    EXITS,
    LIST_EXITS,
    Order,
    SecretName,
    add_rotate,
    change,
    contact_of,
    show_register,
)
from conduit_operate.http_clients import FORCES
from conduit_operate.plans import Plan, Standing
from conduit_operate.reachable import checked

app = typer.Typer(no_args_is_help=True, help="Onboard forces, rotate their credentials and list them.")

ForceId = Annotated[
    str, typer.Argument(metavar="ID", help="The id in conduit_contracts/reference/forces.csv.", callback=well_formed)
]

Levels = Annotated[
    list[str] | None, typer.Option(help="The addresses of the next levels, in order. They replace all earlier ones.")
]
ControlRoom = Annotated[
    str | None, typer.Option(help="The number of the control room, which answers at any hour. An empty value removes it.")
]
Department = Annotated[
    str | None,
    typer.Option(
        help="The professional standards department, as EMAIL or EMAIL,TELEPHONE. It is told about cases in which a "
        "suspect may belong to the force. An empty value removes it."
    ),
]
Fetches = Annotated[bool, typer.Option("--http", help="Create a client of the HTTP API, which fetches attachments.")]


@app.command("onboard", epilog=EXITS)
def onboard(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    force_id: ForceId,
    *,
    email: Annotated[str | None, typer.Option(help="The safeguarding team's address. An empty value removes it.")] = None,
    webhook_url: Annotated[str | None, typer.Option(help="For notices. An empty value removes it.")] = None,
    webhook_secret_name: SecretName = None,
    escalation_email: Levels = None,
    telephone: Annotated[str | None, typer.Option(help="The safeguarding team's number. An empty value removes it.")] = None,
    control_room: ControlRoom = None,
    professional_standards: Department = None,
    http: Fetches = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Create a force's topics, permissions, credentials and register entry, or change them by new values."""
    given = {"email": email, "webhook_url": webhook_url, "webhook_secret": webhook_secret_name, "telephone": telephone}

    def plan_of(standing: Standing) -> Plan:
        with typed():
            entry = entry_with(standing)
        return onboarding.onboard(standing, entry, http=(force_id + FORCES,) if http else ())

    def entry_with(standing: Standing) -> ForceRegistered:
        before = standing.entry if isinstance(standing.entry, ForceRegistered) else ForceRegistered(force_id=force_id)
        levels = before.escalation if escalation_email is None else _levels(escalation_email)
        room = before.control_room if control_room is None else checked("--control-room", control_room, addresses.telephone)
        standards = before.professional_standards
        if professional_standards is not None:
            standards = _department(professional_standards)
        contact = contact_of(before.contact, given, force_id)
        # What is not given here stays as it stands.
        changed = {"contact": contact, "escalation": levels, "control_room": room or None}
        return before.model_copy(update={**changed, "professional_standards": standards})

    change("force onboard", (FORCE, force_id), plan_of, Order(apply, actor, reason, as_json, state_dir))


def _levels(typed: list[str]) -> tuple[Contact, ...]:
    return tuple(reachable.contact(each, "--escalation-email") for each in typed)


def _department(typed: str) -> Contact | None:
    """The department needs an e-mail address or webhook: no machine calls a telephone."""
    if not typed.strip():
        return None
    found = reachable.contact(typed, "--professional-standards")
    if not channels_of(found):
        raise onboarding.MisuseError("--professional-standards needs an e-mail address: EMAIL or EMAIL,TELEPHONE")
    return found


add_rotate(app, FORCE)


@app.command("list", epilog=LIST_EXITS)
def list_forces(state_dir: StateDir, as_json: AsJson = False) -> None:
    """Show the register of forces, and how each of them is told."""
    show_register(state_dir, as_json, lambda registers: registers.forces, _line)


def _line(force: ForceRegistered) -> str:
    ways = {
        "team": force.contact,
        **{f"level {level}": contact for level, contact in enumerate(force.escalation, 1)},
        "professional standards": force.professional_standards,
    }
    told = {name: channels_of(contact) for name, contact in ways.items() if contact is not None}
    said = [f"{name} by {' and '.join(channels)}" for name, channels in told.items() if channels]
    said += ["control room by telephone"] if force.control_room else []
    return f"{force.force_id}: {', '.join(said) or 'nobody is told of anything'}"
