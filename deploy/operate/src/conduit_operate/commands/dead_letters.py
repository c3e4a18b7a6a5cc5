"""`conduit dead-letters`: the records that a service put aside, and how to replay or discard them; and the places
at which it waits because it cannot read its topic.

What a record holds is never shown. Exit codes: 0 done or shown, 1 something still waits or it cannot be done, 2 misuse.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import asyncpg
import typer
from aiokafka.errors import KafkaError

from conduit_chassis import preflight, unreadable
from conduit_chassis import replay as replaying
from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_contracts.topics import OPERATOR, SERVICES
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, explained, must_be_known, reach
from conduit_operate.env_file import read_env_file
from conduit_operate.onboarding import OnboardingError

T = TypeVar("T")
Act: TypeAlias = Callable[[Settings, Any], Awaitable[T]]
Waiting: TypeAlias = Callable[[Any, list[int] | None], Awaitable[Sequence[Any]]]
Service = Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")]
Ids = Annotated[list[int] | None, typer.Option("--id", help="Only this one; may be given several times. All by default.")]

MOST_SHOWN = 500
"""Lines of a list for people; with --json it is whole."""


def first_of(shown: int, in_all: int) -> str:
    """What a list adds to how many there are."""
    return f"; the first {shown} are shown, all with --json" if in_all > shown else ""


app = typer.Typer(no_args_is_help=True, help="Records that were put aside: look, have them handled again, give up.")


@app.command("list")
def show(service: Service, state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """Show the dead letters that wait, oldest first; the exit code is 0 whether there are any or none."""

    async def look(_: Settings, connection: Connection) -> tuple[list[replaying.DeadLetter], int, list[unreadable.Place]]:
        shown = await replaying.waiting(connection, most=None if as_json else MOST_SHOWN)
        return shown, await replaying.count(connection), await unreadable.waiting(connection)

    letters, in_all, places = with_connection(service, state_dir, look)
    if as_json:
        typer.echo(json.dumps([asdict(letter) for letter in letters], default=_text))
        return
    for place in places:
        where = f"{place.topic} partition {place.partition}, offsets {place.offset} to {place.last_offset}"
        typer.echo(f"{service} waits since {place.since:%Y-%m-%dT%H:%M:%SZ} at {where}: {place.reason}. Place {place.id}")
    for letter in letters:
        where = f"{letter.topic} partition {letter.partition} offset {letter.offset}"
        typer.echo(f"{letter.id}  {letter.at:%Y-%m-%dT%H:%M:%SZ}  {where}  {letter.reason} {letter.error_class or ''}")
    typer.echo(f"{service}: {in_all} dead letters wait{first_of(len(letters), in_all)}")


@app.command()
def replay(
    service: Service,
    state_dir: StateDir,
    *,
    ids: Ids = None,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
) -> None:
    """Have the service handle dead letters again, in order. It must run; fix the cause first.

    History says by whose order it was.
    """

    async def act(settings: Settings, connection: Connection) -> replaying.Replayed:
        return await replaying.replay(settings, service, connection, actor=actor, reason=reason, ids=ids)

    chosen = Chosen(service, state_dir, replaying.waiting, ids)
    done = carry_out(chosen, "would be handled again", act, apply=apply, actor=actor, reason=reason)
    if done is None:
        return
    typer.echo(f"{service}: {len(done.resolved)} took effect, {len(done.waiting)} wait, {len(done.unfound)} were not found")
    if done.waiting or done.unfound:
        raise typer.Exit(1)


@app.command("lead-past")
def lead_past(
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
) -> None:
    """Have a service put aside what it cannot read at a place, and go on behind it. What is put aside is kept."""
    must_be_known(apply=apply, actor=actor, reason=reason)
    if not apply:
        places = with_connection(service, state_dir, lambda _, connection: unreadable.waiting(connection))
        found = sum(each.id == place for each in places)
        typer.echo(f"{service}: {found} place would be passed; nothing was changed. Add --apply to carry it out")
        return

    async def act(_: Settings, connection: Connection) -> bool:
        return await unreadable.lead_past(connection, place, actor=actor, reason=reason, last_offset=last_offset)

    if not with_connection(service, state_dir, act):
        typer.echo(f"{service}: there is no such place, somebody has led past it already, or --to is before it")
        raise typer.Exit(1)
    typer.echo(f"{service}: continues after it within seconds; what was put aside is then a dead letter")


@app.command()
def discard(
    service: Service,
    state_dir: StateDir,
    ids: Annotated[list[int], typer.Option("--id", help="Which; may be given several times.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
) -> None:
    """Give dead letters up for ever, so that what waits behind them can be sent back."""

    async def act(_: Settings, connection: Connection) -> tuple[int, ...]:
        return await replaying.discard(connection, ids, actor=actor, reason=reason)

    chosen = Chosen(service, state_dir, replaying.waiting, ids)
    given_up = carry_out(chosen, "would be discarded", act, apply=apply, actor=actor, reason=reason)
    if given_up is not None:
        typer.echo(f"{service}: {len(given_up)} discarded")


def _text(value: object) -> str:
    """Keys and lanes are bytes; times are times."""
    return value.hex() if isinstance(value, bytes) else str(value)


class Chosen(NamedTuple):
    """Of one service, what a command is about: these, or all that wait."""

    service: str
    state_dir: Path
    waiting: Waiting
    ids: list[int] | None


def carry_out(chosen: Chosen, would: str, act: Act[T], *, apply: bool, actor: str, reason: str) -> T | None:
    """Do it where `apply` is given and it is known by whom and why; otherwise say of how many it would be."""
    must_be_known(apply=apply, actor=actor, reason=reason)
    if apply:
        return with_connection(chosen.service, chosen.state_dir, act)
    found = with_connection(chosen.service, chosen.state_dir, lambda _, connection: chosen.waiting(connection, chosen.ids))
    typer.echo(f"{chosen.service}: {len(found)} {would}; nothing was changed. Add --apply to carry it out")
    return None


def with_connection(service: str, state_dir: Path, act: Act[T]) -> T:
    """Do something in the service's own database."""
    with explained():
        settings = _settings(service, state_dir)
        return asyncio.run(_connected(settings, act))


async def _connected(settings: Settings, act: Act[T]) -> T:
    try:
        connection = await asyncpg.connect(**settings.postgres_arguments())
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise OnboardingError(f"the service's database cannot be reached: {preflight.why(error)}") from None
    try:
        return await act(settings, connection)
    except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
        raise OnboardingError(
            "the service is of a release before 0.2, which this command cannot serve; upgrade it"
        ) from None
    except (asyncpg.DataError, asyncpg.InterfaceError, UnicodeError):
        raise OnboardingError("a number or a text is none that the database can take") from None
    except asyncpg.PostgresError as error:
        raise OnboardingError(f"it was not done: {preflight.why(error)}") from None
    except KafkaError as error:
        raise OnboardingError(f"Kafka cannot be reached, or refuses the order ({type(error).__name__})") from None
    except ValueError as error:  # who does it, or why, is not what can be kept
        raise OnboardingError(str(error)) from None
    finally:
        await connection.close()


def _settings(service: str, state_dir: Path) -> Settings:
    """The service's database, and Kafka as the operator.

    Raises:
        OnboardingError: there is no such service, or nothing says where its database is.
    """
    if service not in SERVICES:
        raise OnboardingError(f"there is no service {service}; there are {', '.join(SERVICES)}")
    broker = reach(state_dir)
    env = os.environ if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") else read_env_file(state_dir)
    variable = f"{service.upper()}_POSTGRES_DSN"
    if not env.get(variable):
        raise OnboardingError(f"set {variable}: what a service put aside is noted in its own database")
    given: dict[str, Any] = {name.lower(): value for name, value in broker.environment(OPERATOR).items()}
    return Settings(**given, postgres_dsn=env[variable])
