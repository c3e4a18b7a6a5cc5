"""`conduit hub`: who the hub's alarms go to. One person proposes a change, another approves it with other credentials."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

import typer

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import Contact, HubContactsApproved, HubContactsProposed
from conduit_notification import hub
from conduit_notification.notices import HUB
from conduit_notification.queue import ladder_of
from conduit_operate import duty_contacts
from conduit_operate.audit import By, audited
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import with_connection
from conduit_operate.commands.shared import (
    Actor,
    Apply,
    AsJson,
    Reason,
    StateDir,
    explained,
    must_be_known,
    reach,
    typed,
)
from conduit_operate.onboarding import MisuseError, OnboardingError, UnknownError
from conduit_operate.reachable import contact

app = typer.Typer(no_args_is_help=True, help="Show the hub's duty contacts, propose a change or approve one.")
FEWEST = 2


@app.command(epilog=exits("shown", "they cannot be asked for; the text says why"))
def show(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """Show who alarms go to, in order, and the changes that are waiting for approval."""

    async def look(_: Settings, connection: Connection) -> tuple[Any, list[hub.PendingProposal]]:
        return await ladder_of(connection, HUB), await hub.waiting(connection)

    ladder, proposals = with_connection("notification", state_dir, look)
    if as_json:
        waiting = [
            {"proposal_id": str(each.proposal_id), "proposed_by": each.proposed_by, "contacts": _objects(each.contacts)}
            for each in proposals
        ]
        typer.echo(json.dumps({"contacts": _objects(ladder or ()), "waiting": waiting}, ensure_ascii=False))
        return
    for number, each in enumerate(ladder or (), 1):
        typer.echo(f"{number}. {_shown(each)}")
    if not ladder:
        typer.echo("no duty contacts: alarms go only to HUB_EMAIL. Name two or more with `conduit hub propose`")
    for each in proposals:
        typer.echo(f"waiting for approval: {each.proposal_id} by {each.proposed_by}: {', '.join(each.shown)}")


@app.command(epilog=exits())
def propose(
    state_dir: StateDir,
    contacts: Annotated[
        list[str],
        typer.Option(
            "--contact", help="EMAIL,TELEPHONE, in the order in which they are alerted. Add ,URL,SECRET-NAME for a webhook."
        ),
    ],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Propose who alarms go to. The present contacts are told about it."""
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        with typed():
            message = HubContactsProposed(
                proposal_id=uuid7(), contacts=_several(contacts), proposed_by=hub.name_of(actor) or "nobody yet"
            )
        if apply:
            broker = reach(state_dir)
            steps = [("propose", str(message.proposal_id))]
            with audited(broker.state_dir, By(actor, reason), "hub propose", "hub", steps):
                duty_contacts.propose(broker, message)
    proposal_id = str(message.proposal_id) if apply else None
    if as_json:
        shown = {"proposal_id": proposal_id, "applied": apply, "contacts": _objects(message.contacts)}
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    for number, each in enumerate(message.contacts, 1):
        typer.echo(f"{number}. {_shown(each)}")
    if apply:
        typer.echo(f"proposed: {proposal_id}; someone else must now run `conduit hub approve {proposal_id}`")
    else:
        typer.echo("nothing was changed. Add --apply to propose it")


def _objects(contacts: Iterable[Contact]) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json", exclude_none=True) for each in contacts]


def _shown(each: Contact) -> str:
    return "  ".join(filter(None, (each.email, each.telephone or "no telephone", each.webhook_url)))


def _several(typed: list[str]) -> tuple[Contact, ...]:
    """Raises MisuseError where one absence would leave nobody to call."""
    found = tuple(map(contact, typed))
    if len({(each.email or "").casefold() for each in found}) < max(FEWEST, len(found)):
        raise MisuseError("give --contact twice or more, each with an address of its own: one person may not be available")
    return found


@app.command(epilog=exits(unknown="there is no such proposal"))
def approve(
    state_dir: StateDir,
    proposal_id: Annotated[UUID, typer.Argument(metavar="PROPOSAL", help="The proposal's id, from `conduit hub show`.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Approve someone else's proposal, with the duty credentials."""
    must_be_known(apply=apply, actor=actor, reason=reason)

    async def look(_: Settings, connection: Connection) -> list[hub.PendingProposal]:
        return await hub.waiting(connection)

    found = [each for each in with_connection("notification", state_dir, look) if each.proposal_id == proposal_id]
    with explained():
        if not found:
            raise UnknownError("no such proposal is waiting; `conduit hub show` lists those that are")
        if apply and hub.same_person(found[0].proposed_by, actor):
            raise OnboardingError("the person who proposed it cannot approve it: ask someone else")
        if apply:
            message = HubContactsApproved(proposal_id=proposal_id, digest=found[0].digest, approved_by=hub.name_of(actor))
            broker = reach(state_dir)
            with audited(broker.state_dir, By(actor, reason), "hub approve", "hub", [("approve", str(proposal_id))]):
                duty_contacts.approve(broker, message)
    if as_json:
        shown = {"proposal_id": str(proposal_id), "applied": apply, "contacts": _objects(found[0].contacts)}
        typer.echo(json.dumps({**shown, "proposed_by": found[0].proposed_by}, ensure_ascii=False))
        return
    typer.echo(f"{proposal_id} by {found[0].proposed_by}: {', '.join(found[0].shown)}")
    if apply:
        typer.echo("approved: it takes effect within seconds, and the contacts before the change are told")
    else:
        typer.echo("nothing was changed. Add --apply to approve it")
