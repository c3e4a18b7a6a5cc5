"""`conduit trace`: one referral's way through the services, what it waits for, and since when. No content is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_chassis.trail import Station, Trail, Trails, uuid_in
from conduit_intake import trail as of_intake
from conduit_notification import trail as of_notification
from conduit_operate import ce_ids
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import Act, say_away, with_all
from conduit_operate.commands.shared import (
    MOST_DAYS,
    NOTHING_FOUND,
    AsJson,
    StateDir,
    a_number,
    explained,
    reach,
    spelt,
    surroundings,
    well_formed,
)
from conduit_operate.commands.tables import show_table, table
from conduit_routing import trail as of_routing
from conduit_triage import trail as of_triage

TRAILS: Mapping[str, Trails] = {
    "intake": of_intake,
    "triage": of_triage,
    "routing": of_routing,
    "notification": of_notification,
}


EXITS = exits("found", "a service could not be asked; what the others know is shown", "nobody knows this id")


IDS = (
    "A referral's id; a partner's reference; the ce_id of a record that the conduit wrote on intake.referrals.v1, "
    "routing.cases.v1 or for a force; the id of an HTTP submission; or the place of a record that a partner or a force "
    "wrote, as partner.<id>.referrals.v1/<partition>/<offset>."
)
WHOSE = (
    "partner.<id> or force.<id>: look for the ce_id on this one's own topics, and trace the referral of that record. Only "
    "headers are looked at."
)
INSTEAD = """
No service keeps a ce_id that a partner or a force gave, or that was written to a partner: say whose it is, for example
--of partner.northlight. Or give the referral's id, the partner's reference, or the record's place:
partner.<id>.referrals.v1/<partition>/<offset>, force.<id>.responses.v1/<partition>/<offset>. What was put aside is shown by
`conduit dead-letters list`."""


@dataclass(frozen=True, slots=True)
class Traced:
    """One referral's way, by service; a service that could not be asked is not among them."""

    referral_id: UUID
    trails: Mapping[str, Trail]

    def stations(self) -> list[tuple[str, Station]]:
        """In the order of time; at the same time, in the order of the services."""
        found = [(service, station) for service, trail in self.trails.items() for station in trail.stations]
        return sorted(found, key=lambda each: each[1].at)


def trace(
    text: Annotated[str, typer.Argument(metavar="ID", help=IDS)],
    state_dir: StateDir,
    *,
    of: Annotated[str, typer.Option("--of", metavar="WHOM", help=WHOSE)] = "",
    days: Annotated[float, typer.Option(min=0.01, max=MOST_DAYS, callback=a_number, help="How far back --of looks.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Show every station of a referral: when, which service, who and what; and what it waits for.

    No service keeps a ce_id that a partner or a force gave, or that was written to a partner: say whose with --of.
    """
    if not text.strip():
        raise typer.BadParameter("give an id")
    kind, identity = _party(of)
    with explained():
        surroundings(state_dir)
        known = text
        if of:
            since = datetime.now(UTC) - timedelta(days=days)
            known = ce_ids.look_up(reach(state_dir), kind, identity, text, since) or text
    away: dict[str, str] = {}
    named, refused = _named(known, state_dir, away)
    found = _traced(named, state_dir, away)
    say_away(away)
    if as_json:
        shown = [_object(each) for each in found], [asdict(each) for each in refused], sorted(away)
        typer.echo(json.dumps(dict(zip(("referrals", "refused", "not_asked"), shown, strict=True)), default=spelt))
    else:
        _show(found, refused, whole=not away)
    if away:
        typer.echo(f"could not be asked: {', '.join(sorted(away))}", err=True)
        raise typer.Exit(1)
    if not found and not refused:
        elsewhere = f", nor did {of} write or get it in the last {days:g} days" if known == text and of else ""
        typer.echo(f"no service knows {known}{elsewhere}{INSTEAD if uuid_in(text) and not of else ''}", err=True)
        raise typer.Exit(NOTHING_FOUND)


def _party(of: str) -> tuple[str, str]:
    """A partner or force, by kind and id. Raises BadParameter where it can be none."""
    kind, _, identity = of.partition(".")
    if not of:
        return "", ""
    if kind not in ce_ids.WRITTEN_BY:
        raise typer.BadParameter("--of is partner.<id> or force.<id>, for example partner.northlight")
    return kind, well_formed(identity)


def _named(text: str, state_dir: Path, away: dict[str, str]) -> tuple[list[UUID], list[Station]]:
    """The referrals that any service knows by this id, in the services' order; and what intake refused under it."""

    def look(service: str) -> Act[tuple[list[UUID], list[Station]]]:
        async def named(_: Settings, connection: Connection) -> tuple[list[UUID], list[Station]]:
            refused = await of_intake.refused(connection, text) if service == "intake" else []
            return await TRAILS[service].named(connection, text), refused

        return named

    answers, silent = with_all({service: look(service) for service in TRAILS}, state_dir)
    away |= silent
    found = {referral_id: None for ids, _ in answers.values() for referral_id in ids}
    return list(found), [each for _, refused in answers.values() for each in refused]


def _traced(ids: Sequence[UUID], state_dir: Path, away: dict[str, str]) -> list[Traced]:
    """Each referral's way through the services that answered a moment ago."""

    def look(service: str) -> Act[dict[UUID, Trail]]:
        async def trails(_: Settings, connection: Connection) -> dict[UUID, Trail]:
            return {each: await TRAILS[service].trail(connection, each) for each in ids}

        return trails

    answers, silent = with_all({service: look(service) for service in TRAILS if ids and service not in away}, state_dir)
    away |= silent
    return [Traced(each, {service: trails[each] for service, trails in answers.items()}) for each in ids]


def _object(traced: Traced) -> dict[str, Any]:
    return {
        "referral_id": traced.referral_id,
        "states": {service: trail.state for service, trail in traced.trails.items() if trail.state},
        "stations": [{"service": service, **asdict(station)} for service, station in traced.stations()],
        "waits": [{"service": service, **asdict(wait)} for service, trail in traced.trails.items() for wait in trail.waits],
    }


def _show(found: Iterable[Traced], refused: Iterable[Station], *, whole: bool) -> None:
    """`whole` says that every service was asked: only then is what nobody names not waited for."""
    for each in found:
        typer.echo(f"referral {each.referral_id}")
        show_table(_stations(each.stations()))
        for service, trail in each.trails.items():
            typer.echo(f"{service}: {trail.state or 'does not know it'}")
        waits = [(service, wait) for service, trail in each.trails.items() for wait in trail.waits]
        for service, wait in waits:
            due = f", due {_time(wait.due)}" if wait.due else ""
            about = f" ({wait.about})" if wait.about else ""
            typer.echo(f"waits in {service} for {wait.what}{about} since {_time(wait.since)}{due}")
        if not waits:
            typer.echo("waits for nothing" if whole else "waits for nothing in the services that were asked")
    if rows := [("intake", station) for station in refused]:
        typer.echo("sent under this id, and no referral:")
        show_table(_stations(rows))


def _stations(rows: Iterable[tuple[str, Station]]) -> Table:
    shown = table("time", "service", "who", "what", "why", "about")
    for service, station in rows:
        shown.add_row(_time(station.at), service, station.actor, station.what, station.why, station.about)
    return shown


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
