"""`conduit console`: the officers' console, whose copy of all cases can be rebuilt from what the services keep."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

import typer

from conduit_chassis.orders import SnapshotOrder
from conduit_chassis.postgres import Connection
from conduit_chassis.replay import order_snapshots
from conduit_chassis.settings import Settings
from conduit_contracts.ids import uuid7
from conduit_contracts.topics import CONSOLE, keepers
from conduit_operate import rebuilding
from conduit_operate.audit import By, audited
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import ACTING_SECONDS, say_away, with_all, with_connection
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, explained, must_be_known, reach, spelt
from conduit_operate.rebuilding import ConsoleCopy, KeptFacts, RebuildProgress
from conduit_operate.wording import counted

app = typer.Typer(no_args_is_help=True, help="Rebuild the console's copy of all cases.")

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
"""So long nothing may happen before the command says so and ends. The rebuild goes on by itself."""
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show how far it is until it has ended.")]


@app.callback()
def _console() -> None:
    """Rebuild the console's copy of all cases."""


@dataclass(frozen=True, slots=True)
class _Rebuilding:
    """What the command knows before it begins."""

    state_dir: Path
    as_json: bool
    copy: ConsoleCopy
    kept: dict[str, KeptFacts]

    @property
    def spared(self) -> bool:
        """Whether the console holds cases that the services told of before they kept facts."""
        return self.copy.first is not None and self.copy.first < self.since

    @property
    def since(self) -> Any:
        """Since when every service keeps its facts."""
        return max(each.since for each in self.kept.values())

    def plan(self) -> None:
        """Say what would be done."""
        facts = {service: each.facts for service, each in self.kept.items()}
        under_way = self.copy.under_way
        if self.as_json:
            shown = {"applied": False, "cases": self.copy.cases, "facts": facts, "kept_since": self.since}
            typer.echo(json.dumps({**shown, "under_way": under_way and under_way.rebuild_id}, default=spelt))
            return
        for service, number in facts.items():
            typer.echo(f"{service} keeps {counted(number, 'fact')}")
        if under_way:
            typer.echo(f"A rebuild by {under_way.actor} is under way; with --apply it is ordered again and shown")
            return
        if self.spared:
            typer.echo(f"Cases from before {self.since:%Y-%m-%dT%H:%M:%SZ} stay as they are: nobody kept their facts")
        cases = counted(self.copy.cases, "case")
        typer.echo(f"The console holds {cases}. Its copy would be emptied and rebuilt; nothing was changed. Add --apply")


@app.command(
    epilog=exits("it has ended, or it was shown what would be done", "it cannot be done, or has not gone on for two minutes")
)
def rebuild(
    state_dir: StateDir,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Empty the console's copy of all cases, and have every service publish what it keeps. All of them must run.

    What officers did, wrote and claimed stays. Until it has ended every list says that it is incomplete. Given again, the
    command goes on with the rebuild that is under way.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        known = _known(state_dir, as_json=as_json)
    if not apply:
        known.plan()
        return
    with explained(), audited(reach(state_dir).state_dir, By(actor, reason), "console rebuild", CONSOLE, ()):
        rebuild_id = with_connection(CONSOLE, state_dir, _begin(known, actor, reason), patience=ACTING_SECONDS)
    found = _watch(known, rebuild_id) if wait else _look(state_dir, rebuild_id)
    _say(found, as_json=as_json)
    if wait and found.ended_at is None:
        typer.echo("It has not gone on for two minutes. Look whether all services run, and give the command again", err=True)
        raise typer.Exit(1)


def _known(state_dir: Path, *, as_json: bool) -> _Rebuilding:
    async def stock(_: Settings, connection: Connection) -> KeptFacts:
        return await rebuilding.kept(connection)

    async def copy(_: Settings, connection: Connection) -> ConsoleCopy:
        return await rebuilding.copy_of(connection)

    kept, away = with_all(dict.fromkeys(keepers(), stock), state_dir)
    if away:
        say_away(away)
        raise typer.Exit(1)
    return _Rebuilding(state_dir, as_json, with_connection(CONSOLE, state_dir, copy, patience=ACTING_SECONDS), kept)


def _begin(known: _Rebuilding, actor: str, reason: str) -> Any:
    async def act(settings: Settings, connection: Connection) -> UUID:
        under_way = known.copy.under_way
        rebuild_id = under_way.rebuild_id if under_way else uuid7()
        if under_way is None:
            about = {"actor": actor, "reason": reason, "services": keepers(), "since": known.since}
            await rebuilding.begin(connection, rebuild_id, **about)
        # Cut short here, the next call finds it under way, and orders it again.
        await order_snapshots(settings, keepers(), SnapshotOrder(rebuild_id, actor, reason))
        return rebuild_id

    return act


def _look(state_dir: Path, rebuild_id: UUID) -> RebuildProgress:
    async def act(_: Settings, connection: Connection) -> RebuildProgress:
        return await rebuilding.progress(connection, rebuild_id)

    return with_connection(CONSOLE, state_dir, act)


def _watch(known: _Rebuilding, rebuild_id: UUID) -> RebuildProgress:
    """Show how far it is, on the error output, until it has ended or nothing happens any more."""

    async def act(_: Settings, connection: Connection) -> RebuildProgress:
        found, until = await rebuilding.progress(connection, rebuild_id), monotonic() + PATIENCE_SECONDS
        while found.ended_at is None and monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            before, found = found, await rebuilding.progress(connection, rebuild_id)
            if found != before:
                until = monotonic() + PATIENCE_SECONDS
                typer.echo(_how_far(known, found), err=True)
        return found

    return with_connection(CONSOLE, known.state_dir, act)


def _how_far(known: _Rebuilding, found: RebuildProgress) -> str:
    parts = (f"{service} {found.taken[service]} of {known.kept[service].facts}" for service in found.lacking)
    return (
        f"Facts that are back: {', '.join(parts)}"
        if found.lacking
        else f"All are back; {found.held} that came meanwhile wait"
    )


def _say(found: RebuildProgress, *, as_json: bool) -> None:
    if as_json:
        shown = {"applied": True, "rebuild_id": found.rebuild_id, "ended": found.ended_at is not None}
        typer.echo(json.dumps({**shown, "taken": found.taken, "lacking": found.lacking, "held": found.held}, default=spelt))
    elif found.ended_at is None:
        typer.echo(f"The rebuild {found.rebuild_id} is under way")
    else:
        facts = counted(sum(found.taken.values()), "fact", "is", rest_of_many="are")
        seconds = (found.ended_at - found.begun_at).total_seconds()
        typer.echo(f"The console is rebuilt: {facts} back after {seconds:.0f} s")
