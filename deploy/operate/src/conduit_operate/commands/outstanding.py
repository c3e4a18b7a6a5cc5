"""`conduit handoffs`, `reviews` and `notices`: what waits for somebody, where an alert counts it and names nobody.

No content is shown.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from conduit_chassis.outstanding import Outstanding
from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_notification import outstanding as of_notification
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import MOST_SHOWN, Act, say_away, with_all
from conduit_operate.commands.shared import MOST_DAYS, AsJson, StateDir, a_number, explained, spelt, surroundings
from conduit_operate.commands.tables import show_table, table
from conduit_operate.wording import counted
from conduit_routing import outstanding as of_routing
from conduit_triage import outstanding as of_triage

ALL = 1_000_000
Late = Annotated[bool, typer.Option("--late", help="Only those past their deadline.")]
Look = Callable[[Connection, int], Awaitable[list[Outstanding]]]


EXITS = exits("shown, whether anything waits or not", "a service cannot be asked; what the others say is shown")


def handoffs(
    state_dir: StateDir,
    *,
    late: Late = False,
    silent: Annotated[bool, typer.Option("--silent", help="Only those for which the hub has no step left.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which forces have not answered for which referrals, and since when; danger first."""

    async def look(connection: Connection, most: int) -> list[Outstanding]:
        return await of_routing.handoffs(connection, most, late=late, exhausted=silent)

    _show("hand-off", {"routing": look}, state_dir, as_json)


def reviews(state_dir: StateDir, *, late: Late = False, as_json: AsJson = False) -> None:
    """Show what waits for the hub's officers, in triage and in routing, and the cases that no force has; danger first.

    Routing's questions have no deadline: --late leaves them out.
    """

    async def look(connection: Connection, most: int) -> list[Outstanding]:
        return await of_triage.reviews(connection, most, late=late)

    _show("review", {"triage": look} | ({} if late else {"routing": of_routing.questions}), state_dir, as_json)


def notices(
    state_dir: StateDir,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Show notices that the hub gave up on in the last --days days instead.")
    ] = False,
    days: Annotated[
        float, typer.Option(min=0.01, max=MOST_DAYS, callback=a_number, help="How far back --failed looks.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show the notices that have not been sent, to whom and since when; urgent ones first."""

    async def look(connection: Connection, most: int) -> list[Outstanding]:
        return await of_notification.failed(connection, most, timedelta(days=days))

    _show("notice", {"notification": look if failed else of_notification.queued}, state_dir, as_json)


def _show(name: str, asked: Mapping[str, Look], state_dir: Path, as_json: bool) -> None:
    with explained():
        surroundings(state_dir)
    most = ALL if as_json else MOST_SHOWN + 1
    answers, away = with_all({service: _limited(look, most) for service, look in asked.items()}, state_dir)
    found = [(service, each) for service in asked for each in answers.get(service, ())]
    say_away(away)
    if as_json:
        typer.echo(json.dumps([{"service": service, **asdict(each)} for service, each in found], default=spelt))
    else:
        _show_some(name, found, whole=not away)
    if away:
        raise typer.Exit(1)


def _show_some(name: str, found: Sequence[tuple[str, Outstanding]], *, whole: bool) -> None:
    shown = table("service", "priority", "waits for", "who", "referral", "since", "due", "about")
    for service, each in found[:MOST_SHOWN]:
        referral = str(each.referral_id or "")
        shown.add_row(service, each.priority, each.what, each.who, referral, _time(each.since), _time(each.due), each.about)
    if found:
        show_table(shown)
    more = len(found) > MOST_SHOWN
    said = f"more than {MOST_SHOWN} {name}s; all with --json" if more else counted(len(found), name)
    typer.echo(said if whole else f"{said} in the services that were asked")


def _limited(look: Look, most: int) -> Act[list[Outstanding]]:
    async def act(_: Settings, connection: Connection) -> list[Outstanding]:
        return await look(connection, most)

    return act


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
