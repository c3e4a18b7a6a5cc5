"""`conduit dead-letters`: the records that a service put aside, and how to replay or discard them; and the places
at which it waits because it cannot read its topic.

The content of a record is never shown, only its shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, NamedTuple

import typer

from conduit_chassis import dead_letters, unreadable
from conduit_chassis import replay as replaying
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Record
from conduit_chassis.settings import Settings
from conduit_operate import masked
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import (
    MOST_SHOWN,
    Chosen,
    Ids,
    carry_out,
    first_of,
    with_connection,
    with_each,
)
from conduit_operate.commands.shared import (
    NOTHING_FOUND,
    Actor,
    AnyService,
    Apply,
    AsJson,
    Reason,
    Service,
    StateDir,
    spelt,
)
from conduit_operate.onboarding import OnboardingError
from conduit_operate.wording import counted

app = typer.Typer(no_args_is_help=True, help="Show records that were put aside, replay them or discard them.")


class Found(NamedTuple):
    """What a service has put aside, and where it waits."""

    letters: list[replaying.DeadLetter]
    in_all: int
    places: list[unreadable.StuckPlace]


@app.command(
    "list", epilog=exits("shown, whether there are any or none", "a service could not be asked; the others are shown")
)
def show_all(service: AnyService = None, *, state_dir: StateDir, as_json: AsJson = False) -> None:
    """Show the dead letters that wait, oldest first, and where a service cannot read its topic."""

    async def look(_: Settings, connection: Connection) -> Found:
        shown = await replaying.waiting(connection, most=None if as_json else MOST_SHOWN)
        return Found(shown, await replaying.count(connection), await unreadable.waiting(connection))

    found, away = with_each(service, state_dir, look)
    if as_json:
        letters = [{"service": name, **_about(letter)} for name, each in found.items() for letter in each.letters]
        typer.echo(json.dumps(letters, default=spelt))
    else:
        for name, each in found.items():
            for line in _lines(name, each):
                typer.echo(line)
    if away:
        raise typer.Exit(1)


def _lines(service: str, found: Found) -> Iterator[str]:
    for place in found.places:
        yield f"{service} waits since {place.since:%Y-%m-%dT%H:%M:%SZ} at {_where(place)}: {place.reason}. Place {place.id}"
    for letter in found.letters:
        where = f"{letter.topic} partition {letter.partition} offset {letter.offset}"
        yield f"{service} {letter.id}  {letter.at:%Y-%m-%dT%H:%M:%SZ}  {where}  {letter.reason} {letter.error_class or ''}"
    waiting = counted(found.in_all, "dead letter", "waits", rest_of_many="wait")
    yield f"{service}: {waiting}{first_of(len(found.letters), found.in_all)}"


@app.command("show", epilog=exits("shown", "it cannot be asked for; the text says why", "no such dead letter waits"))
def show_one(
    service: Service,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As `list` has it.")],
    *,
    state_dir: StateDir,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: where it came from, why it waits, and the shape of the record, without what anybody wrote."""

    async def look(_: Settings, connection: Connection) -> tuple[list[replaying.DeadLetter], Record | None]:
        return await replaying.waiting(connection, [number]), await dead_letters.record_of(connection, number)

    letters, record = with_connection(service, state_dir, look)
    if not letters:
        typer.echo(f"{service}: no dead letter {number} waits", err=True)
        raise typer.Exit(NOTHING_FOUND)
    typer.echo(
        json.dumps(_shown(service, letters[0], record), default=spelt, indent=None if as_json else 2, ensure_ascii=False)
    )


def _about(letter: replaying.DeadLetter) -> dict[str, Any]:
    """Without its key, which its sender wrote, and what is made of that or of the record."""
    return {name: held for name, held in asdict(letter).items() if name not in ("key", "lane", "digest", "whole")}


def _shown(service: str, letter: replaying.DeadLetter, record: Record | None) -> dict[str, Any]:
    about = _about(letter)
    if record is None:
        return {"service": service, **about, "record": "on the dead-letter topic alone: an earlier release put it aside"}
    shape = {"headers": masked.headers(list(record.headers)), "value": masked.value(record.value)}
    return {"service": service, **about, "written_at": record.timestamp, "bytes": len(record.value or b""), **shape}


@app.command(
    epilog=exits("done, or shown what would be", "something still waits, or it cannot be done", "no such dead letter waits")
)
def replay(
    service: Service,
    state_dir: StateDir,
    *,
    ids: Ids = None,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Have the service handle dead letters again, in order. It must run; fix the cause first.

    History and the audit say by whose order it was.
    """

    async def act(settings: Settings, connection: Connection) -> replaying.Replayed:
        return await replaying.replay(settings, service, connection, actor=actor, reason=reason, ids=ids)

    chosen = Chosen("dead-letters replay", service, state_dir, replaying.waiting, ids, as_json=as_json)
    done = carry_out(chosen, "would be handled again", act, apply=apply, actor=actor, reason=reason)
    if done is None:
        return
    said = f"{len(done.resolved)} took effect, {len(done.waiting)} still waiting, {len(done.unfound)} not found"
    chosen.say(said, applied=True, numbers=done.resolved, waiting=done.waiting, not_found=done.unfound)
    if done.waiting or done.unfound:
        raise typer.Exit(1)


@app.command("lead-past", epilog=exits(unknown="it waits at no such place"))
def lead_past(  # noqa: PLR0913  one parameter per option
    service: Service,
    state_dir: StateDir,
    place: Annotated[int, typer.Option("--place", help="Which, as `list` numbers it.")],
    *,
    last_offset: Annotated[
        int | None, typer.Option("--to", help="The last offset that cannot be read, where the broker does not give it.")
    ] = None,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Have a service put aside what it cannot read at a place, and go on behind it. What is put aside is kept."""

    async def here(connection: Connection, ids: list[int] | None) -> list[unreadable.StuckPlace]:
        return [each for each in await unreadable.waiting(connection) if each.id in (ids or ())]

    async def act(_: Settings, connection: Connection) -> bool:
        if not await unreadable.lead_past(connection, place, actor=actor, reason=reason, last_offset=last_offset):
            raise OnboardingError(f"{service}: somebody has led past it already, or --to is before it")
        return True

    def named(each: unreadable.StuckPlace) -> str:
        return f"{each.id}: {_where(each, last_offset)}"

    chosen = Chosen("dead-letters lead-past", service, state_dir, here, [place], named, as_json)
    if carry_out(chosen, "place would be passed", act, apply=apply, actor=actor, reason=reason):
        said = "continues after it within seconds; what was put aside is then a dead letter"
        chosen.say(said, applied=True, numbers=[place])


def _where(place: unreadable.StuckPlace, last_offset: int | None = None) -> str:
    last = place.last_offset if last_offset is None else last_offset
    return f"{place.topic} partition {place.partition}, offsets {place.offset} to {last}"


@app.command(epilog=exits(unknown="no such dead letter waits"))
def discard(
    service: Service,
    state_dir: StateDir,
    ids: Annotated[list[int], typer.Option("--id", help="Which; may be given several times.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Discard dead letters for ever, so that the records waiting behind them can be replayed."""

    async def act(_: Settings, connection: Connection) -> tuple[int, ...]:
        return await replaying.discard(connection, ids, actor=actor, reason=reason)

    chosen = Chosen("dead-letters discard", service, state_dir, replaying.waiting, ids, as_json=as_json)
    given_up = carry_out(chosen, "would be discarded", act, apply=apply, actor=actor, reason=reason)
    if given_up is not None:
        chosen.say(f"{len(given_up)} discarded", applied=True, numbers=given_up)
