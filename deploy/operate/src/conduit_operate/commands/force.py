"""`conduit force`: a force's safeguarding team and its connector. No force is ever offboarded: cases must reach it."""

from __future__ import annotations

from typing import Annotated

import typer

from conduit_contracts.programme import Contact, ForceRegistered
from conduit_contracts.topics import FORCE
from conduit_notification import addresses
from conduit_notification.notices import channels_of
from conduit_operate import onboarding, reachable
from conduit_operate.commands.partner import SecretName, contact_of
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, explained, perform, show
from conduit_operate.http_clients import FORCES
from conduit_operate.plans import Plan, Standing
from conduit_operate.reachable import checked

app = typer.Typer(no_args_is_help=True, help="Forces: onboard, rotate credentials.")

ForceId = Annotated[str, typer.Argument(metavar="ID", help="As in conduit_contracts/reference/forces.csv.")]


@app.command("onboard")
def onboard(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    force_id: ForceId,
    *,
    email: Annotated[str | None, typer.Option(help="The safeguarding team's; an empty one takes it away.")] = None,
    webhook_url: Annotated[str | None, typer.Option(help="For notices; an empty one takes it away.")] = None,
    webhook_secret_name: SecretName = None,
    escalation_email: Annotated[
        list[str] | None, typer.Option(help="The next levels', in order; replaces them all.")
    ] = None,
    telephone: Annotated[str | None, typer.Option(help="The safeguarding team's; an empty one takes it away.")] = None,
    control_room: Annotated[
        str | None, typer.Option(help="The control room's, which answers at any hour; an empty one takes it away.")
    ] = None,
    professional_standards: Annotated[
        str | None,
        typer.Option(
            help="Of the professional standards department, as EMAIL or EMAIL,TELEPHONE: told of cases in which a suspect "
            "may belong to the force. An empty one takes it away."
        ),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="A client of the HTTP API, which fetches attachments.")] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Topics, permissions, credentials and the register's entry. Again with other values, it changes those."""
    given = {"email": email, "webhook_url": webhook_url, "webhook_secret": webhook_secret_name, "telephone": telephone}

    def plan_of(standing: Standing) -> Plan:
        before = standing.entry if isinstance(standing.entry, ForceRegistered) else ForceRegistered(force_id=force_id)
        levels = before.escalation if escalation_email is None else _levels(escalation_email)
        room = before.control_room if control_room is None else checked("--control-room", control_room, addresses.telephone)
        standards = before.professional_standards
        if professional_standards is not None:
            standards = _department(professional_standards)
        contact = contact_of(before.contact, given, force_id)
        # What is not given here stays as it stands.
        changed = {"contact": contact, "escalation": levels, "control_room": room or None}
        entry = before.model_copy(update={**changed, "professional_standards": standards})
        return onboarding.onboard(standing, entry, http=(force_id + FORCES,) if http else ())

    with explained():
        plan = perform("force onboard", (FORCE, force_id), plan_of, (apply, actor, reason), state_dir)
        show(plan, applied=apply, as_json=as_json, state_dir=state_dir)


def _levels(typed: list[str]) -> tuple[Contact, ...]:
    return tuple(reachable.contact(each, "--escalation-email") for each in typed)


def _department(typed: str) -> Contact | None:
    """It must be told by e-mail or webhook: a telephone alone rings nobody by itself."""
    if not typed.strip():
        return None
    found = reachable.contact(typed, "--professional-standards")
    if not channels_of(found):
        raise onboarding.OnboardingError("--professional-standards needs an e-mail address: EMAIL or EMAIL,TELEPHONE")
    return found


@app.command("rotate")
def rotate(
    state_dir: StateDir,
    force_id: ForceId,
    *,
    finish: Annotated[bool, typer.Option("--finish", help="Shut the old credentials out.")] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """New credentials beside the old ones; with --finish the old ones end."""
    with explained():
        plan_of = onboarding.finish_rotation if finish else onboarding.rotate
        plan = perform("force rotate", (FORCE, force_id), plan_of, (apply, actor, reason), state_dir)
        show(plan, applied=apply, as_json=as_json, state_dir=state_dir)
