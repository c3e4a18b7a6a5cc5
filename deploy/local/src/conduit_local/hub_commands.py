"""`conduit hub`: whom the hub's alarms call. One person proposes a change, another approves it with other credentials.

Exit codes: 0 done or shown, 1 it cannot be done (the text says what to do), 2 misuse.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from confluent_kafka import KafkaError, Producer

from conduit_chassis.settings import Settings
from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubContactsApproved, HubContactsProposed
from conduit_local.audit import By, audited
from conduit_local.broker import Broker
from conduit_local.commands import Actor, Apply, Reason, StateDir, explained, must_be_known, reach
from conduit_local.dead_letter_commands import with_connection
from conduit_local.onboarding import OnboardingError
from conduit_local.reachable import contact
from conduit_local.register import RegisterError
from conduit_notification import hub
from conduit_notification.notices import HUB
from conduit_notification.queue import ladder_of

app = typer.Typer(no_args_is_help=True, help="The hub's duty contacts: show, propose a change, approve it.")
SECONDS = 30.0


@app.command()
def show(state_dir: StateDir) -> None:
    """Whom alarms call, in order, and the changes that wait for somebody else's approval."""

    async def look(_: Settings, connection: Any) -> tuple[Any, list[hub.Waiting]]:
        return await ladder_of(connection, HUB), await hub.waiting(connection)

    ladder, proposals = with_connection("notification", state_dir, look)
    for number, each in enumerate(ladder or (), 1):
        typer.echo(f"{number}. {each.email or each.webhook_url}  {each.telephone or 'no telephone'}")
    if not ladder:
        typer.echo("no duty contacts: alarms go to HUB_EMAIL alone; `conduit hub propose` names two or more")
    for each in proposals:
        typer.echo(f"waits for approval: {each.proposal_id} by {each.proposed_by}: {', '.join(each.shown)}")


@app.command()
def propose(
    state_dir: StateDir,
    contacts: Annotated[list[str], typer.Option("--contact", help="EMAIL or EMAIL,TELEPHONE, in the order of calls.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
) -> None:
    """Propose whom alarms call. Those who are called now are told of it."""
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        message = HubContactsProposed(
            proposal_id=uuid7(), contacts=tuple(map(contact, contacts)), proposed_by=actor or "nobody yet"
        )
        for number, each in enumerate(message.contacts, 1):
            typer.echo(f"{number}. {each.email}  {each.telephone or 'no telephone'}")
        if not apply:
            typer.echo("nothing was changed. Add --apply to propose it")
            return
        broker = reach(state_dir)
        with audited(broker.state_dir, By(actor, reason), "hub propose", "hub", [("propose", str(message.proposal_id))]):
            _publish(broker, topics.PROGRAMME, topics.HUB_CONTACTS, message)
        typer.echo(f"proposed: {message.proposal_id}; somebody else runs `conduit hub approve {message.proposal_id}`")


@app.command()
def approve(
    state_dir: StateDir,
    proposal_id: Annotated[UUID, typer.Argument(metavar="PROPOSAL", help="As `conduit hub show` has it.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
) -> None:
    """Approve a proposal of somebody else's, with the duty credentials."""
    must_be_known(apply=apply, actor=actor, reason=reason)

    async def look(_: Settings, connection: Any) -> list[hub.Waiting]:
        return await hub.waiting(connection)

    found = [each for each in with_connection("notification", state_dir, look) if each.proposal_id == proposal_id]
    with explained():
        if not found:
            raise OnboardingError("no such proposal waits; `conduit hub show` lists those that do")
        if found[0].proposed_by == actor.strip():
            raise OnboardingError("whoever proposed it cannot approve it: ask somebody else")
        typer.echo(f"{proposal_id} by {found[0].proposed_by}: {', '.join(found[0].shown)}")
        if not apply:
            typer.echo("nothing was changed. Add --apply to approve it")
            return
        message = HubContactsApproved(proposal_id=proposal_id, digest=found[0].digest, approved_by=actor)
        broker = reach(state_dir)
        with audited(broker.state_dir, By(actor, reason), "hub approve", "hub", [("approve", str(proposal_id))]):
            _publish(broker, topics.DUTY, topics.HUB_APPROVALS, message)
        typer.echo("approved: it takes effect within seconds, and those who were called before are told")


def _publish(broker: Broker, user: str, topic: topics.Topic, message: HubContactsProposed | HubContactsApproved) -> None:
    """Raises RegisterError where the broker does not take it."""
    producer = Producer({**broker.librdkafka(user), "acks": "all", "linger.ms": 0, "log_level": 0})
    failures: list[KafkaError] = []
    headers, value = encode(message, Attributes(str(uuid7()), "/programme", message.type, datetime.now(UTC)))
    producer.produce(
        topic.name(),
        value,
        str(message.proposal_id),
        headers=list(headers),
        on_delivery=lambda error, _: failures.append(error) if error else None,
    )
    if producer.flush(SECONDS) or failures:
        raise RegisterError(f"it was not written: {failures[0].str() if failures else 'the broker is silent'}")
