"""`conduit outbox`: the events of a service that Kafka refused, and how to send them again or discard them.

The content of an event is never shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from conduit_chassis import rejected
from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import MOST_SHOWN, Chosen, Ids, carry_out, first_of, with_each
from conduit_operate.commands.shared import Actor, AnyService, Apply, AsJson, Reason, Service, StateDir, spelt
from conduit_operate.wording import counted

app = typer.Typer(no_args_is_help=True, help="Show events that Kafka refused, send them again or discard them.")


@app.command("list", epilog=exits("shown, even if there are none", "a service could not be asked; the others are shown"))
def show(service: AnyService = None, *, state_dir: StateDir, as_json: AsJson = False) -> None:
    """Show the events that Kafka refused, oldest first."""

    async def look(_: Settings, connection: Connection) -> tuple[list[rejected.Rejected], int]:
        shown = await rejected.waiting(connection, most=None if as_json else MOST_SHOWN)
        return shown, await rejected.count(connection)

    by_service, away = with_each(service, state_dir, look)
    if as_json:
        events = [{"service": name, **asdict(each)} for name, (found, _) in by_service.items() for each in found]
        typer.echo(json.dumps(events, default=spelt))
    else:
        for name, (found, in_all) in by_service.items():
            for each in found:
                what = f"{each.topic}  key {each.key}  {each.size} bytes"
                typer.echo(f"{name} {each.id}  {each.at:%Y-%m-%dT%H:%M:%SZ}  {what}  {each.reason}")
            typer.echo(f"{name}: Kafka refused {counted(in_all, 'event')}{first_of(len(found), in_all)}")
    if away:
        raise typer.Exit(1)


@app.command("return", epilog=exits(unknown="there is no such event"))
def bring_back(
    service: Service,
    state_dir: StateDir,
    *,
    ids: Ids = None,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Have the service send events again, within seconds. Fix the cause first, or they come back here."""

    async def act(_: Settings, connection: Connection) -> Sequence[int]:
        return await rejected.bring_back(connection, actor=actor, reason=reason, ids=ids)

    chosen = Chosen("outbox return", service, state_dir, rejected.waiting, ids, as_json=as_json)
    done = carry_out(chosen, "would be sent again", act, apply=apply, actor=actor, reason=reason)
    if done is not None:
        sent = counted(len(done), "event", "is", rest_of_many="are")
        said = f"{sent} being sent again. Those that Kafka still refuses will be listed again"
        chosen.say(said, applied=True, numbers=done)


@app.command(epilog=exits(unknown="there is no such event"))
def discard(
    service: Service,
    state_dir: StateDir,
    ids: Annotated[list[int], typer.Option("--id", help="The id of an event. You can give this several times.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Discard events for good. Nobody receives them, so tell their readers in another way."""

    async def act(_: Settings, connection: Connection) -> Sequence[int]:
        return await rejected.discard(connection, ids, actor=actor, reason=reason)

    chosen = Chosen("outbox discard", service, state_dir, rejected.waiting, ids, as_json=as_json)
    done = carry_out(chosen, "would be discarded", act, apply=apply, actor=actor, reason=reason)
    if done is not None:
        chosen.say(f"{len(done)} discarded", applied=True, numbers=done)
