"""`conduit handoffs`, `reviews` and `notices`: what waits for somebody, where an alert counts it and names nobody.

No content is shown. Exit codes: 0 shown, whether anything waits or not; 1 a service cannot be asked; 2 misuse.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from conduit_chassis.outstanding import Outstanding
from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_notification import outstanding as of_notification
from conduit_operate.commands.service_database import MOST_SHOWN, with_connection
from conduit_operate.commands.shared import AsJson, StateDir, show_table, spelt, table
from conduit_operate.wording import counted
from conduit_routing import outstanding as of_routing
from conduit_triage import outstanding as of_triage

ALL = 1_000_000
Late = Annotated[bool, typer.Option("--late", help="Only those past their deadline.")]
Look = Callable[[Connection, int], Awaitable[list[Outstanding]]]


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

    _show("hand-off", [("routing", look)], state_dir, as_json)


def reviews(state_dir: StateDir, *, late: Late = False, as_json: AsJson = False) -> None:
    """Show what waits for the hub's officers, in triage and in routing, and the cases that no force has; danger first.

    Routing's questions have no deadline: --late leaves them out.
    """

    async def look(connection: Connection, most: int) -> list[Outstanding]:
        return await of_triage.reviews(connection, most, late=late)

    asked: list[tuple[str, Look]] = [("triage", look)]
    _show("review", asked if late else [*asked, ("routing", of_routing.questions)], state_dir, as_json)


def notices(
    state_dir: StateDir,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Show notices that the hub gave up on in the last --days days instead.")
    ] = False,
    days: Annotated[float, typer.Option(min=0.01, help="How far back --failed looks.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show the notices that have not been sent, to whom and since when; urgent ones first."""

    async def look(connection: Connection, most: int) -> list[Outstanding]:
        return await of_notification.failed(connection, most, timedelta(days=days))

    _show("notice", [("notification", look if failed else of_notification.queued)], state_dir, as_json)


def _show(name: str, asked: Sequence[tuple[str, Look]], state_dir: Path, as_json: bool) -> None:
    most = ALL if as_json else MOST_SHOWN + 1
    found = [(service, each) for service, look in asked for each in _ask(service, look, state_dir, most)]
    if as_json:
        typer.echo(json.dumps([{"service": service, **asdict(each)} for service, each in found], default=spelt))
        return
    shown = table("service", "priority", "waits for", "who", "referral", "since", "due", "about", wrap=True)
    for service, each in found[:MOST_SHOWN]:
        referral = str(each.referral_id or "")
        shown.add_row(service, each.priority, each.what, each.who, referral, _time(each.since), _time(each.due), each.about)
    if found:
        show_table(shown)
    more = len(found) > MOST_SHOWN
    typer.echo(f"more than {MOST_SHOWN} {name}s; all with --json" if more else counted(len(found), name))


def _ask(service: str, look: Look, state_dir: Path, most: int) -> list[Outstanding]:
    async def act(_: Settings, connection: Connection) -> list[Outstanding]:
        return await look(connection, most)

    return with_connection(service, state_dir, act)


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
